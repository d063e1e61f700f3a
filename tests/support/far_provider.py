"""A provider whose answers are lost on the way, in each way there is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tasking.clock import ProviderClock
from tasking.errors import (
    Uncertain,
)

SETTLE = 180.0


class Killed(BaseException):
    """The process dies here."""


class Far:
    """A provider far away: it makes what arrives, shows it in its list after a lag, and answers if it can."""

    name = "far"
    settle_seconds = SETTLE

    def __init__(self, lag: float = 0.0) -> None:
        self.time = datetime(2026, 12, 1, tzinfo=UTC)
        self.clock = ProviderClock(lambda: self.time)
        self.clock.observe({"Date": "Tue, 01 Dec 2026 00:00:00 GMT"})
        self.made: list[datetime] = []
        self.lag = timedelta(seconds=lag)
        self.faults: list[Callable[[], None]] = []
        self.looks = 0

    def learn_time(self) -> None:
        if not self.clock.known:
            self.clock.observe({"Date": f"{self.time:%a, %d %b %Y %H:%M:%S} GMT"})

    def find(self) -> str | None:
        self.looks += 1
        shown = [at for at in self.made if at + self.lag <= self.time]
        return "thing" if shown else None

    def create(self) -> str:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            fault()
        self.made.append(self.time)
        return "thing"

    def loses_the_answer(self) -> None:
        self.made.append(self.time)
        raise Uncertain("reset")

    def gets_nothing(self) -> None:
        raise Uncertain("reset")

    def dies_before_sending(self) -> None:
        raise Killed

    def dies_after_sending(self) -> None:
        self.made.append(self.time)
        raise Killed
