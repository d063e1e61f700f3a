"""From notifications to orders: many at once cost one look into the ledger, and no order is woken again and again."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from tasks.step import ledger
from tasks.wake import wake

logger = logging.getLogger("tasking_flows.receiver")

SPACING_SECONDS = 10.0
"""An order that was woken just now is woken again by the next notification only after so long; it is not lost."""

MOST_WAITING = 500
"""Notifications that wait for ledger and Prefect; further ones are turned away."""

PATIENCE_SECONDS = 10.0
"""How long a notification waits for ledger and Prefect; then they count as unavailable."""


class Due(NamedTuple):
    """An open order and the flow run that carries it out."""

    reference: str
    flow_run_id: str


class QueueFull(Exception):
    """Too many notifications wait already; nothing was done."""


class BackendUnavailable(Exception):
    """Ledger or Prefect did not answer. Nothing is lost: the watcher looks by itself."""


def find_orders(provider: str, ids: frozenset[str]) -> list[Due]:
    """The provider's open orders that have a request with one of these ids."""
    with ledger() as book:
        found = book.references_of_requests(provider, ids)
    return [Due(reference, run) for reference, run in found.items()]


def wake_orders(orders: Sequence[Due]) -> None:
    """Mark orders as due and start their runs, as far as they are parked.

    A run that is at work just now may have asked the provider a moment too early: because the order is marked as due,
    the next sweep asks again without waiting for the poll interval.
    """
    with ledger() as book:
        for one in orders:
            book.record(one.reference, next_poll_at=book.now())
    wake.fn([UUID(one.flow_run_id) for one in orders], "The provider announced news by its webhook")


class WakeQueue:
    """Gathers notifications and wakes the orders they are about.

    Args:
        find: Tells for a provider and ids which open orders have them; blocking.
        wake: Marks orders as due and starts their runs; blocking.
        clock: Seconds that only grow.
    """

    def __init__(
        self,
        find: Callable[[str, frozenset[str]], Sequence[Due]] = find_orders,
        wake: Callable[[Sequence[Due]], None] = wake_orders,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find, self._wake, self.clock = find, wake, clock
        self._ids: defaultdict[str, set[str]] = defaultdict(set)
        self._answer: asyncio.Future[bool] | None = None
        self._news = asyncio.Event()
        self._gathered = 0
        self._woken: dict[str, float] = {}
        self._later: dict[str, Due] = {}

    async def put(self, provider: str, ids: frozenset[str]) -> None:
        """Return once the orders with these ids are woken, or will be.

        Raises:
            QueueFull: Too many wait already.
            BackendUnavailable: Ledger or Prefect did not answer.
        """
        if self._gathered >= MOST_WAITING:
            raise QueueFull
        answer = self._answer = self._answer or asyncio.get_running_loop().create_future()
        self._ids[provider] |= ids
        self._news.set()
        self._gathered += 1  # until they are worked off: who gives up waiting leaves its ids behind
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                woken = await asyncio.shield(answer)
        except TimeoutError:
            woken = False
        if not woken:
            raise BackendUnavailable

    async def work(self) -> None:
        """Work off what comes, until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._seconds_to_the_next())
            self._news.clear()
            begun = self.clock()
            ids, self._ids = self._ids, defaultdict(set)
            answer, self._answer = self._answer, None
            taken = self._gathered
            woken = await self._find_and_wake({provider: frozenset(some) for provider, some in ids.items()})
            self._gathered -= taken
            if answer is not None:
                answer.set_result(woken)
            # at most a third of the time is spent on notifications, however many come
            await asyncio.sleep(min(2 * max(self.clock() - begun, 0.0), 5.0))

    async def _find_and_wake(self, ids: dict[str, frozenset[str]]) -> bool:
        try:
            found = [one for of in ids.items() for one in await asyncio.to_thread(self._find, *of)]
            now = self.clock()
            self._woken = {name: at for name, at in self._woken.items() if now - at < SPACING_SECONDS}
            asked = self._later | {due.reference: due for due in found}
            ready = {name: due for name, due in asked.items() if name not in self._woken}
            self._later = asked  # and again after the spacing when it fails: who is away is not hammered
            self._woken |= dict.fromkeys(ready, now)
            if ready:
                await asyncio.to_thread(self._wake, list(ready.values()))
                self._later = {name: due for name, due in asked.items() if name not in ready}
        except Exception as error:
            logger.warning("Ledger or Prefect is away, the sweep follows: %s: %s", type(error).__name__, error)
            return False
        return True

    def _seconds_to_the_next(self) -> float | None:
        if not self._later:
            return None
        return max(min(self._woken.get(name, 0.0) for name in self._later) + SPACING_SECONDS - self.clock(), 0.05)
