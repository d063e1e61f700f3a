"""One campaign: a stack of real processes, many orders at once, each struck by its plan; then the judge."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

from chaos import fork_client
from chaos.cancels import ENDS
from chaos.checker import Checker, Verdict
from chaos.config import ACCOUNT, MOST_CRASHES, RATE, set_up
from chaos.fail_point import FailPoint
from chaos.failure_report import story
from chaos.orders import PROVIDERS, TestOrder, order
from chaos.outcome import Outcome
from chaos.stuck_runs import StuckRuns, orders_asleep, runs_asleep
from chaos.trace import FOLDER, ORDER, Trace
from devstack.stack import Stack
from tasking.errors import LedgerUnavailable
from tasking.ledger import Filter, OrderRecord, open_ledger

__all__ = ["Campaign", "Outcome", "progress"]

LATER = timedelta(days=20)
"""What a provider publishes by then has to be in the archive, too: longer than any window, and whatever follows it."""

LOOK_AT_RUNS_EVERY_SECONDS = 20.0
PAGE = 200
"""Runs that Prefect lists at once."""


class Campaign:
    """A stack, and the orders put to the test in it, while the ``with`` block lasts.

    Args:
        say: Told what happens.
        slots: How many runs are carried out at once.
        watch_seconds: How often the watcher looks.
        reports: Where the story of each order goes that did not end well.
        database_url: The Prefect server's database, instead of a SQLite file; it is wiped.

    Attributes:
        runs: Ids of the runs of each order, by reference.
        cancels: Ids of the runs of cancel-order for each order, by reference.
        ended: Programs of the stack that ended by themselves, and how often.
        jumps: How often the provider's time jumped.
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
        self.cancels: dict[str, list[str]] = {}
        self.ended: Counter[str] = Counter()
        self.jumps = 0
        self._stuck, self._next_look_at_runs = StuckRuns(), time.monotonic()
        self._gave_up: list[str] = []
        self._placed: dict[str, dict[str, Any]] = {}
        self.subjects: list[TestOrder] = []
        socket = Path("forks.socket")
        self.stack = Stack(
            PROVIDERS[0],
            others=PROVIDERS[1:],
            rate=RATE,
            room=True,
            watch_seconds=watch_seconds,
            watch_parameters={"lost_after_seconds": 25, "most_crashes": MOST_CRASHES},
            order_slots=slots,
            account=ACCOUNT,
            engine=("-I", "-S", str(Path(fork_client.__file__)), "{folder}/forks.socket"),
            database_url=database_url,
        )
        self.folder = self.stack.folder / "chaos"
        self.folder.mkdir()
        self._fork_server = self.stack.program("forks", ["-m", "chaos.fork_server", str(self.stack.folder / socket)])

    def __enter__(self) -> Campaign:
        try:
            self._fork_server.start()
            self.stack.__enter__()
            set_up(self.stack.sim)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stack.close()

    def place(self, subjects: list[TestOrder]) -> None:
        """Place their orders, one after the other without a pause."""
        self.subjects += subjects
        for number, subject in enumerate(subjects):
            Trace(self.folder, subject.reference).prepare(subject.plan)
            self._placed[subject.reference] = order(subject, number, self.stack.provider_now())
            self.start(subject, subject.reference)

    def start(self, subject: TestOrder, key: str) -> None:
        """Start a run for a placed order, and keep its id; the same key gives the same run."""
        env = {FOLDER: str(self.folder), ORDER: subject.reference}
        if subject.own_home:
            env["TASKING_FLOWS_HOME"] = str(self.stack.folder / "homes" / subject.reference)
        run_id = self.stack.order(self._placed[subject.reference], subject.provider, key=key, env=env)
        known = self.runs.setdefault(subject.reference, [])
        known += [run_id] if run_id not in known else []

    def follow(self, timeout_seconds: float, tick: Callable[[], None] = lambda: None) -> None:
        """Until all runs have ended or the time is over; the provider's time jumps when all wait for imagery.

        When it is over before they have, that is a problem of the outcome.
        """
        give_up = time.monotonic() + timeout_seconds
        while time.monotonic() < give_up:
            tick()
            self._keep_running()
            try:
                if self._all_ended():
                    return
            except httpx.TransportError as away:  # started again at the next look
                self._say(f"no answer: {away!r}")
            time.sleep(1.0)
        self._gave_up.append(f"the time for this batch is over: {timeout_seconds:g} s")
        self._say(self._gave_up[-1])

    def _keep_running(self) -> None:
        """Start again what ended by itself, as a service manager does."""
        for program in (*self.stack.workers.values(), self.stack.server, self.stack.simulator, self.stack.receiver):
            if program.pid is None:
                self._say(f"{program.name} ended by itself and is started again. {program.last_words(5)}")
                self.ended[program.name] += 1
                self.stack.start(program)
        self._fork_server.check()

    def judge(self) -> Outcome:
        """Count at the providers and in the archive; once all orders have ended, also what is published later."""
        unfinished = [*self._gave_up, *self._open_orders()]
        if not unfinished:
            self._turn_clock(self.stack.provider_now() + LATER)
        judge = Checker(self.stack, self._placed)
        outcome = Outcome(ended=dict(self.ended), unfinished=unfinished, asleep=sorted(self._stuck.found))
        for subject in self.subjects:
            trace = Trace(self.folder, subject.reference)
            ids = self.runs[subject.reference], self.cancels.get(subject.reference, [])
            verdict = judge.verdict(subject, *ids)
            outcome.verdicts.append(verdict)
            outcome.faults[subject.reference] = trace.hits()
            if not verdict.fine:
                self._tell_story(verdict, trace, [*ids[0], *ids[1]])
        outcome.strangers = judge.strangers(self.subjects)
        outcome.spending = judge.spending(self.subjects)
        return outcome

    def _open_orders(self) -> list[str]:
        """Orders that the ledger does not have at their end."""
        records = self.records()
        if records is None:
            return ["the ledger could not be read at the end"]
        known = {one.reference for one in records}
        return [
            *(f"{one.reference}: open, waits for {one.waits_for}" for one in records if one.ended is None),
            *(f"{one}: the ledger does not know it" for one in self.runs if one not in known),
        ]

    def points(self, reference: str) -> list[FailPoint]:
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
        self._stuck.look("ledger", orders_asleep(left))
        self._look_at_runs()
        if left or len(records) < len(self.runs):
            if len(records) == len(self.runs) and all(one.waits_for == "imagery" for one in left):
                self._perhaps_jump(left)
            return False
        ids = self._run_ids()
        ended = {"flow_runs": {"id": {"any_": ids}, "state": {"type": {"any_": ENDS}}}}
        return not ids or self.stack.api.ask("POST", "/flow_runs/count", json=ended) == len(ids)

    def _run_ids(self) -> list[str]:
        return sorted({one for some in (*self.runs.values(), *self.cancels.values()) for one in some})

    def _look_at_runs(self) -> None:
        """Look for runs that Prefect would never start, now and then."""
        if time.monotonic() < self._next_look_at_runs:
            return
        self._next_look_at_runs = time.monotonic() + LOOK_AT_RUNS_EVERY_SECONDS
        ids = self._run_ids()
        parked: list[dict[str, Any]] = []
        for first in range(0, len(ids), PAGE):
            wanted = {"id": {"any_": ids[first : first + PAGE]}, "state": {"type": {"any_": ["SCHEDULED"]}}}
            parked += self.stack.api.ask("POST", "/flow_runs/filter", json={"flow_runs": wanted, "limit": PAGE})
        self._stuck.look("Prefect", runs_asleep(parked))

    def _perhaps_jump(self, left: list[OrderRecord]) -> None:
        now = self.stack.provider_now()
        due = [self.stack.kits[one.provider].products_due(one) for one in left]
        later = [one for one in due if one is not None and one > now]
        if len(later) < len(due):
            return
        self._say(f"{len(left)} orders wait for imagery: the provider's time jumps to {max(later):%Y-%m-%d %H:%M}")
        self._turn_clock(max(later))
        self.jumps += 1

    def _turn_clock(self, now: datetime) -> None:
        self.stack.sim.post("/_sim/clock", json={"now": now.isoformat()}).raise_for_status()

    def _tell_story(self, verdict: Verdict, trace: Trace, run_ids: list[str]) -> None:
        if self._reports is not None:
            self._reports.mkdir(parents=True, exist_ok=True)
            told = story(self.stack, verdict, trace, run_ids)
            (self._reports / f"{verdict.subject.reference}.txt").write_text(told)


def progress(line: str) -> None:
    """Say a line with the time."""
    sys.stdout.write(f"{time.strftime('%H:%M:%S')} {line}\n")
    sys.stdout.flush()
