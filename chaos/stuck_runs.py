"""Orders and runs that wait for nothing: without a time at which they wake, for longer than an outage explains."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from tasking.ledger import OrderRecord

LEAST_SECONDS = 90.0
"""A run that could not reach the ledger comes back after a minute; what is seen for longer stays."""


class StuckRuns:
    """Who was seen asleep in looks that are at least `LEAST_SECONDS` apart, and never awake in between.

    Args:
        clock: Seconds.

    Attributes:
        found: Their names.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: dict[str, dict[str, float]] = {}
        self.found: set[str] = set()

    def look(self, where: str, asleep: Iterable[str]) -> None:
        """Note who is asleep now, in one of the places that are looked at."""
        now, before = self._clock(), self._since.get(where, {})
        self._since[where] = {one: before.get(one, now) for one in asleep}
        self.found |= {one for one, since in self._since[where].items() if now - since >= LEAST_SECONDS}


def orders_asleep(records: Iterable[OrderRecord]) -> list[str]:
    """Open orders that the ledger has waiting without a time at which they wake."""
    return [one.reference for one in records if one.ended is None and one.waits_for is not None and one.wake_at is None]


def runs_asleep(runs: Sequence[dict[str, Any]]) -> list[str]:
    """Runs that Prefect has parked without a time at which they start."""
    parked = [run for run in runs if run["state_type"] == "SCHEDULED"]
    return [f"run {run['id']}" for run in parked if run.get("next_scheduled_start_time") is None]
