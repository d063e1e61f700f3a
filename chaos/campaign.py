"""One campaign: a stack of real processes, many orders at once, each struck by its plan; then the judge."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

from pydantic import BaseModel, Field

from chaos import run as thin
from chaos.judge import ENDS, Judge, Verdict
from chaos.order import PROVIDERS, Subject, order
from chaos.plan import Strike
from chaos.point import Point
from chaos.trace import FOLDER, ORDER, Trace
from demo.stack import Stack
from tasking.errors import LedgerUnavailable
from tasking.ledger import Filter, OrderRecord, open_ledger

RATE = 60.0
"""Seconds of the provider's time per second of ours."""

HTTP = {
    **{"connect_seconds": 3, "read_seconds": 6, "write_seconds": 3, "pool_seconds": 5, "create_start_seconds": 8},
    **{"attempts": 3, "wait_initial_seconds": 0.1, "wait_jitter_seconds": 0.1, "wait_max_seconds": 2},
    **{"requests_per_second": 500, "retry_after_max_seconds": 5},
}

LIST_LAG_SECONDS = 60
"""Provider's time for which lists do not show what was made."""

SETTLE_SECONDS = 20 * RATE + 2 * LIST_LAG_SECONDS
"""Provider's time: our time-outs of a create are 20 s together, and the lists lag."""

SPEND_LIMIT = 10**10
"""Of each ICEYE contract, minor units."""

MOST_CRASHES = 15
"""An order is killed more often in a row here than the five times after which a run rests for an hour."""

ACCOUNT = {"http": HTTP, "settle_seconds": SETTLE_SECONDS, "poll_interval_seconds": 300, "ask_again_seconds": 5.0}


class Outcome(BaseModel):
    """What a campaign brought.

    Attributes:
        verdicts: One for each order.
        strikes: What hit each order from inside its processes, by reference.
        unrest: What happened to the stack meanwhile, and how often.
        ended: Programs of the stack that ended by themselves, and how often.
        asleep: Orders seen waiting without a time at which they wake.
        strangers: What the providers made for nobody.
        seconds: Wall time.
    """

    verdicts: list[Verdict] = Field(default_factory=list)
    strikes: dict[str, list[Strike]] = Field(default_factory=dict)
    unrest: dict[str, int] = Field(default_factory=dict)
    ended: dict[str, int] = Field(default_factory=dict)
    asleep: list[str] = Field(default_factory=list)
    strangers: list[str] = Field(default_factory=list)
    seconds: float = 0.0


class Campaign:
    """A stack, and the orders put to the test in it, while the ``with`` block lasts.

    Args:
        say: Told what happens.
        slots: How many runs are carried out at once.
        watch_seconds: How often the watcher looks.
        reports: Where the story of each order goes that did not end well.
        database_url: The Prefect server's database, instead of a SQLite file; it is wiped.
    """

    def __init__(
        self,
        say: Callable[[str], object],
        *,
        slots: int = 10,
        watch_seconds: float = 15.0,
        reports: Path | None = None,
        database_url: str | None = None,
    ) -> None:
        self._say, self._reports = say, reports
        self.runs: dict[str, list[str]] = {}
        self.ended: Counter[str] = Counter()
        self.jumps = 0
        self._asleep: set[str] = set()
        self._placed: dict[str, dict[str, Any]] = {}
        self.subjects: list[Subject] = []
        socket = Path("forks.socket")
        self.stack = Stack(
            "iceye",  # the one that sends notifications
            others=[one for one in PROVIDERS if one != "iceye"],
            rate=RATE,
            credits=100_000,
            watch_seconds=watch_seconds,
            watch_parameters={"lost_after_seconds": 25, "most_crashes": MOST_CRASHES},
            order_slots=slots,
            account=ACCOUNT,
            engine=("-I", "-S", str(Path(thin.__file__)), "{folder}/forks.socket"),
            database_url=database_url,
        )
        self.folder = self.stack.folder / "chaos"
        self.folder.mkdir()
        self._forks = self.stack.program("forks", ["-m", "chaos.forks", str(self.stack.folder / socket)])

    def __enter__(self) -> Campaign:
        try:
            self._forks.start()
            self.stack.__enter__()
            self.stack.sim.patch("/_sim/switches", json={"list_lag_seconds": LIST_LAG_SECONDS}).raise_for_status()
            self.stack.sim.patch("/_sim/satellogic/switches", json={"demand": 0}).raise_for_status()
            self._fill_the_purse()
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stack.close()

    def _fill_the_purse(self) -> None:
        """ICEYE's contracts pay for as many orders as there may be."""
        for contract in self.stack.sim.get("/_sim/iceye/contracts").raise_for_status().json():
            if contract["pricing"] is not None:
                url = f"/_sim/iceye/contracts/{contract['id']}"
                self.stack.sim.patch(url, json={"spend_limit": SPEND_LIMIT}).raise_for_status()

    def place(self, subjects: list[Subject]) -> None:
        """Place their orders, one after the other without a pause."""
        self.subjects += subjects
        for number, subject in enumerate(subjects):
            Trace(self.folder, subject.reference).prepare(subject.plan)
            self._placed[subject.reference] = order(subject, number, self.stack.provider_now())
            self.start(subject, subject.reference)

    def start(self, subject: Subject, key: str) -> None:
        """Start a run for a placed order, and keep its id; the same key gives the same run."""
        env = {FOLDER: str(self.folder), ORDER: subject.reference}
        if subject.own_home:
            env["TASKING_FLOWS_HOME"] = str(self.stack.folder / "homes" / subject.reference)
        run_id = self.stack.order(self._placed[subject.reference], subject.provider, key=key, env=env)
        known = self.runs.setdefault(subject.reference, [])
        known += [run_id] if run_id not in known else []

    def follow(self, timeout_seconds: float, tick: Callable[[], None] = lambda: None) -> None:
        """Until all runs have ended or the time is over; the provider's time jumps when all wait for imagery."""
        give_up = time.monotonic() + timeout_seconds
        while time.monotonic() < give_up:
            tick()
            self._keep_running()
            if self._all_ended():
                return
            time.sleep(1.0)
        self._say(f"the time for this batch is over: {timeout_seconds:g} s")

    def _keep_running(self) -> None:
        """Start again what ended by itself, as a service manager does."""
        for program in (*self.stack.workers.values(), self.stack.server, self.stack.simulator, self.stack.receiver):
            if program.pid is None:
                self._say(f"{program.name} ended by itself and is started again. {program.last_words(5)}")
                self.ended[program.name] += 1
                self.stack.start(program)
        self._forks.check()

    def judge(self) -> Outcome:
        """Count at the providers and in the archive."""
        judge = Judge(self.stack)
        outcome = Outcome(ended=dict(self.ended), asleep=sorted(self._asleep))
        for subject in self.subjects:
            trace = Trace(self.folder, subject.reference)
            verdict = judge.verdict(subject, self.runs[subject.reference])
            outcome.verdicts.append(verdict)
            outcome.strikes[subject.reference] = trace.hits()
            if not verdict.fine:
                self._tell_story(verdict, trace)
        outcome.strangers = judge.strangers(self.subjects)
        return outcome

    def points(self, reference: str) -> list[Point]:
        """The points an order went through."""
        return Trace(self.folder, reference).points()

    def records(self) -> list[OrderRecord] | None:
        """All orders in the ledger; ``None`` while it is away."""
        try:
            with closing(open_ledger(self.stack.ledger_url)) as ledger:
                return ledger.orders(Filter(limit=100_000))
        except LedgerUnavailable:
            return None

    def _all_ended(self) -> bool:
        records = self.records()
        if records is None:
            return False
        left = [one for one in records if one.ended is None]
        self._asleep |= {one.reference for one in left if one.waits_for is not None and one.wake_at is None}
        if left or len(records) < len(self.runs):
            if len(records) == len(self.runs) and all(one.waits_for == "imagery" for one in left):
                self._perhaps_jump(left)
            return False
        return all(self.stack.api.run(one)["state_type"] in ENDS for ids in self.runs.values() for one in ids)

    def _perhaps_jump(self, left: list[OrderRecord]) -> None:
        now = self.stack.provider_now()
        due = [self.stack.providers[one.provider].products_due(one) for one in left]
        later = [one for one in due if one is not None and one > now]
        if len(later) < len(due):
            return
        self._say(f"{len(left)} orders wait for imagery: the provider's time jumps to {max(later):%Y-%m-%d %H:%M}")
        self.stack.sim.post("/_sim/clock", json={"now": max(later).isoformat()}).raise_for_status()
        self.jumps += 1

    def _tell_story(self, verdict: Verdict, trace: Trace) -> None:
        """Everything about an order that did not end well, into a file."""
        if self._reports is None:
            return
        self._reports.mkdir(parents=True, exist_ok=True)
        lines = [verdict.model_dump_json(indent=1), "", "Points:", *map(str, trace.points())]
        lines += ["", "Hits:", *map(str, trace.hits())]
        reference = verdict.subject.reference
        for run_id in self.runs[reference]:
            lines += ["", f"States of {run_id}:"]
            lines += [f"{one['timestamp']} {one['name']}: {one['message']}" for one in self.stack.api.states(run_id)]
            asked = {"logs": {"flow_run_id": {"any_": [run_id]}}, "limit": 200}
            said = self.stack.api.ask("POST", "/logs/filter", json=asked)
            lines += ["", "Logs:", *(f"{one['timestamp']} {one['message']}" for one in said)]
        with closing(open_ledger(self.stack.ledger_url)) as ledger:
            lines += ["", f"Ledger: {ledger.find(reference)}", ""]
            lines += [f"{one.at} {one.event}: {one.message}" for one in ledger.journal(reference)]
        (self._reports / f"{reference}.txt").write_text("\n".join(lines))


def progress(line: str) -> None:
    """Say a line with the time."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()
