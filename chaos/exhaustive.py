"""Every point of a recorded order, struck in every way, each in an order of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from chaos.campaign import Campaign
from chaos.order import Subject
from chaos.plan import ANY, EXHAUSTIVE, Plan, Strike, Way
from chaos.point import Kind, Point

Recorded = dict[str, list[Point]]
"""The points of one undisturbed order of each provider."""


class NotRecorded(RuntimeError):
    """An order that nothing was done to did not end well."""


def record(
    providers: Sequence[str],
    say: Callable[[str], object],
    database_url: str | None = None,
    timeout_seconds: float = 420.0,
) -> Recorded:
    """Carry out an undisturbed order of each provider and write down its points.

    Raises:
        NotRecorded: One of them did not end well.
    """
    with Campaign(say, database_url=database_url) as campaign:
        campaign.place([Subject(reference=f"clean-{one}", provider=one, own_home=True) for one in providers])
        campaign.follow(timeout_seconds)
        for verdict in campaign.judge().verdicts:
            if not verdict.fine:
                raise NotRecorded(verdict.model_dump_json())
        return {one: campaign.points(f"clean-{one}") for one in providers}


def every_strike(recorded: Recorded) -> list[Subject]:
    """One order for each point and each way."""
    found = []
    for provider, points in recorded.items():
        strikes = [Strike(at=point, way=way) for point in points for way in EXHAUSTIVE[point.kind]]
        found += [
            Subject(reference=f"{provider}-{number:03}", provider=provider, plan=Plan(strikes=(strike,)), own_home=True)
            for number, strike in enumerate(strikes)
        ]
    return found


def at_random(recorded: Recorded, count: int, chance: random.Random, faults: tuple[int, int]) -> list[Subject]:
    """``count`` orders over all providers, each with between so many faults, drawn from the recorded points."""
    providers, found = list(recorded), []
    for number in range(count):
        provider = providers[number % len(providers)]
        points = recorded[provider]
        wanted = chance.sample(range(len(points)), chance.randint(*faults))
        strikes = tuple(Strike(at=points[one], way=_way(points[one].kind, chance)) for one in sorted(wanted))
        found.append(Subject(reference=f"{provider}-{number:04}", provider=provider, plan=Plan(strikes=strikes)))
    return found


def _way(kind: Kind, chance: random.Random) -> Way:
    return chance.choice(ANY[kind])


def batches(subjects: Sequence[Subject], size: int) -> list[list[Subject]]:
    """The orders in batches that each hold some of every provider."""
    count = max(1, -(-len(subjects) // size))
    return [list(subjects[start::count]) for start in range(count)]


def save(recorded: Recorded, file: Path) -> None:
    """Keep recorded points for a later run."""
    lines = [f"{provider}\t{point.model_dump_json()}\n" for provider, points in recorded.items() for point in points]
    file.write_text("".join(lines))


def load(file: Path) -> Recorded:
    """Points kept by `save`."""
    recorded: Recorded = {}
    for line in file.read_text().splitlines():
        provider, _, point = line.partition("\t")
        recorded.setdefault(provider, []).append(Point.model_validate_json(point))
    return recorded
