"""Where hints are gathered: many at once cost one look into the ledger, and no order is woken again and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

logger = logging.getLogger("tasking_flows.receiver")

SPACING_SECONDS = 10.0
"""An order that was woken just now is woken again by the next hint only after so long; the hint is not lost."""

MOST_WAITING = 500
"""Notifications that wait for the ledger; further ones are turned away (429)."""

PATIENCE_SECONDS = 10.0
"""How long a notification waits for ledger and Prefect; then they count as away (503)."""


class Due(NamedTuple):
    """An open order and the flow run that carries it out."""

    reference: str
    flow_run_id: str


class QueueFull(Exception):
    """Too many notifications wait already."""


class BackendUnavailable(Exception):
    """Ledger or Prefect did not answer."""


Find = Callable[[str, frozenset[str]], Sequence[Due]]
Wake = Callable[[Sequence[Due]], None]


class WakeQueue:
    """Takes hints and wakes the orders they are about.

    Args:
        find: Tells for a provider and ids which open orders have them; blocking.
        wake: Marks orders as due and starts their runs; blocking.
        clock: Seconds that only grow.
    """

    def __init__(self, find: Find, wake: Wake, clock: Callable[[], float] = time.monotonic) -> None:
        self._find, self._wake, self._clock = find, wake, clock
        self._hints: dict[str, set[str]] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._woken: dict[str, float] = {}
        self._later: dict[str, Due] = {}
        self._news = asyncio.Event()

    async def take(self, provider: str, ids: frozenset[str]) -> None:
        """Return once the orders with these ids are woken, or will be.

        Raises:
            QueueFull: Too many wait already; nothing was done.
            BackendUnavailable: Ledger or Prefect did not answer; nothing is lost, the watcher looks by itself.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise QueueFull
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hints.setdefault(provider, set()).update(ids)
        self._waiting.append(done)
        self._news.set()
        try:
            await asyncio.wait_for(done, PATIENCE_SECONDS)
        except TimeoutError:
            raise BackendUnavailable from None

    async def work(self) -> None:
        """Do what is asked, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._until_next())
            self._news.clear()
            begun = self._clock()
            await self.once()
            # at most a third of the time is spent on hints, however many come
            await asyncio.sleep(min(2 * max(self._clock() - begun, 0.0), 5.0))

    async def once(self) -> None:
        """Work off everything that lies here now."""
        hints, self._hints = self._hints, {}
        waiting, self._waiting = self._waiting, []
        try:
            found: list[Due] = []
            for provider, ids in hints.items():
                found += await asyncio.to_thread(self._find, provider, frozenset(ids))
            await self._wake_some(found)
        except Exception as error:
            logger.warning("Ledger or Prefect is away, the sweep follows: %s: %s", type(error).__name__, error)
            _tell(waiting, BackendUnavailable())
        else:
            _tell(waiting, None)

    async def _wake_some(self, found: Sequence[Due]) -> None:
        now = self._clock()
        self._woken = {name: at for name, at in self._woken.items() if now - at < SPACING_SECONDS}
        asked = {**self._later, **{due.reference: due for due in found}}
        ready = {name: due for name, due in asked.items() if name not in self._woken}
        self._later = {name: due for name, due in asked.items() if name in self._woken}
        if not ready:
            return
        self._woken |= dict.fromkeys(ready, now)
        try:
            await asyncio.to_thread(self._wake, list(ready.values()))
        except Exception:
            self._later |= ready  # and again after the spacing, so that somebody who is away is not hammered
            raise

    def _until_next(self) -> float | None:
        if not self._later:
            return None
        return max(min(self._woken.get(name, 0.0) for name in self._later) + SPACING_SECONDS - self._clock(), 0.05)


def _tell(waiting: Sequence[asyncio.Future[None]], problem: Exception | None) -> None:
    for one in waiting:
        if one.done():  # it has given up waiting
            continue
        if problem is None:
            one.set_result(None)
        else:
            one.set_exception(problem)
