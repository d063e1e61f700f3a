"""``python -m chaos points|random|table``: see `chaos`."""

from __future__ import annotations

import argparse
import random
import re
import time
from pathlib import Path

from chaos import generators, recording
from chaos.action_plan import with_people
from chaos.campaign import progress
from chaos.disturbances import Disturbances
from chaos.orders import KINDS, TestOrder
from chaos.outcome import Outcome
from chaos.table import LEAST, problems, table
from chaos.user_actions import Pair

SECONDS_AN_ORDER = 20.0
"""Patience for a batch, for each of its orders; and no less than ten minutes."""

STORM_SECONDS_AN_ORDER = 1.5
LONGEST_STORM_SECONDS = 240.0
DISTURBED_EVERY_SECONDS = 25.0
"""In the random mode: how long a storm lasts, and how often it kills something."""

ACTED_ON = 0.35
"""Share of the orders of the random mode that people do something to."""


def main() -> int:
    """Run one of the modes and print its table; 0 only when all is as it should be."""
    parser = argparse.ArgumentParser("python -m chaos", description="Fault orders, then count what became of them.")
    parser.add_argument("mode", choices=("points", "random", "table"))
    parser.add_argument("--orders", type=int, help="random: how many (60); points: at most so many, drawn")
    parser.add_argument("--seed", type=int, default=1, help="decides what is drawn (1)")
    parser.add_argument("--batch", type=int, default=120, help="orders in one stack at a time (120)")
    parser.add_argument("--slots", type=int, default=12, help="runs carried out at once (12)")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only these kinds of orders")
    parser.add_argument("--only", type=re.compile, default="", help="points: only those that this pattern is found in")
    parser.add_argument("--faults", type=int, nargs=2, default=(3, 5), help="random: faults of an order (3 5)")
    parser.add_argument("--points-file", type=Path, help="keep the recorded points here, and use them when they are")
    parser.add_argument("--reports", type=Path, default=Path("chaos-reports"), help="stories of what went wrong")
    parser.add_argument("--database-url", help="of the Prefect server, instead of SQLite; what it holds is wiped")
    parser.add_argument(
        "--outcomes", type=Path, help="keep each batch's outcome here; orders that it holds are not struck again"
    )
    given = parser.parse_args()
    if given.mode == "table":
        return _print(_kept(given.outcomes))
    recorded = _recorded(given)
    chance = random.Random(given.seed)  # noqa: S311 # repeatable on purpose
    if given.mode == "points":
        subjects = generators.every_fault(recorded, given.only)
        if given.orders is not None and given.orders < len(subjects):
            subjects = sorted(chance.sample(subjects, given.orders), key=lambda one: one.reference)
    else:
        drawn = generators.at_random(recorded, given.orders or 60, chance, tuple(given.faults))
        subjects = [with_people(subject, chance, ACTED_ON) for subject in drawn]
    outcomes = _batches(subjects, recorded, given, chance)
    if given.mode == "points":
        detours = generators.every_detour([one for outcome in outcomes for one in outcome.detours])
        progress(f"{len(detours)} more, where only struck orders come to")
        outcomes += _batches(detours, recorded, given, chance)
    return _print(outcomes)


def _batches(
    subjects: list[TestOrder], recorded: recording.Recorded, given: argparse.Namespace, chance: random.Random
) -> list[Outcome]:
    outcomes, left = [], list(subjects)
    for one in _kept(given.outcomes):
        struck = _subjects(one)
        if struck.intersection(left):
            outcomes.append(one)
            left = [each for each in left if each not in struck]
    for number, batch in enumerate(generators.batches(left, given.batch)):
        luck = random.Random(chance.random())  # noqa: S311
        progress(f"batch {number + 1}: {len(batch)} orders")
        outcomes.append(_batch(batch, recorded, given, luck))
        if given.outcomes is not None:
            with given.outcomes.open("a") as file:
                file.write(outcomes[-1].model_dump_json() + "\n")
        for line in problems(outcomes[-1:]):
            progress(f"WRONG {line}")
    return outcomes


def _kept(file: Path | None) -> list[Outcome]:
    if file is None or not file.exists():
        return []
    return [Outcome.model_validate_json(line) for line in file.read_text().splitlines()]


def _subjects(outcome: Outcome) -> frozenset[TestOrder]:
    return frozenset(verdict.subject for verdict in outcome.verdicts)


def _print(outcomes: list[Outcome]) -> int:
    progress("done\n\n" + table(outcomes))
    faults = [hits for outcome in outcomes for hits in outcome.faults.values()]
    seldom = sum(len(hits) < LEAST for hits in faults)
    progress(f"{seldom} of {len(faults)} orders were struck fewer than {LEAST} times")
    unhurt = [
        verdict.subject.reference
        for outcome in outcomes
        for verdict in outcome.verdicts
        if verdict.subject.own_home  # of the points mode: each fault is meant to hit
        and len(outcome.faults[verdict.subject.reference]) < len(verdict.subject.plan.faults)
    ]
    if unhurt:
        progress(f"{len(unhurt)} never reached a point they were to be struck at: {', '.join(unhurt)}")
    for line in problems(outcomes):
        progress(f"WRONG {line}")
    return 1 if problems(outcomes) else 0


def _recorded(given: argparse.Namespace) -> recording.Recorded:
    file: Path | None = given.points_file
    if file is not None and file.exists():
        recorded = recording.load(file)
    else:
        progress("recording an undisturbed order of each kind")
        recorded = recording.record(KINDS, progress, given.database_url)
        if file is not None:
            recording.save(recorded, file)
    return {one: points for one, points in recorded.items() if one in (given.kind or KINDS)}


def _batch(
    batch: list[TestOrder], recorded: recording.Recorded, given: argparse.Namespace, chance: random.Random
) -> Outcome:
    begin = time.monotonic()
    patience = max(600.0, SECONDS_AN_ORDER * len(batch))
    with Pair(progress, slots=given.slots, reports=given.reports, database_url=given.database_url) as campaign:
        campaign.place(batch)
        progress("all placed")
        if given.mode == "points":
            campaign.follow(patience)
            happened = {}
        else:
            storm = min(LONGEST_STORM_SECONDS, max(60.0, STORM_SECONDS_AN_ORDER * len(batch)))
            disturbances = Disturbances(campaign, chance, storm, DISTURBED_EVERY_SECONDS, progress)
            disturbances.user_actions.want(batch, storm)
            disturbances.follow(patience)
            happened = disturbances.tally()
        outcome = campaign.judge()
        went = {subject.reference: campaign.points(subject.reference) for subject in batch}
    outcome.seconds = time.monotonic() - begin
    outcome.disturbances = happened
    outcome.detours = generators.beyond(recorded, went, batch)
    return outcome


if __name__ == "__main__":
    raise SystemExit(main())
