"""What a hint does: the order counts as due, and its parked run starts now. Nothing of the hint itself is believed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from flows.receiver.wake_queue import Due
from tasking.ledger import Filter
from tasks.step import ledger
from tasks.wake import wake

logger = logging.getLogger(__name__)

MESSAGE = "The provider announced news by its webhook"
ALL = 100_000


def find_orders(provider: str, ids: frozenset[str]) -> list[Due]:
    """The provider's open orders that have a request with one of these ids."""
    with ledger() as book:
        which = Filter(provider=provider, open_only=True, limit=ALL)
        records = book.orders(which, unreadable=lambda _run, why: logger.warning("%s", why))
    return [
        Due(one.reference, one.flow_run_id)
        for one in records
        if any(request.last.id in ids or request.last.id.lower() in ids for request in one.requests)
    ]


def wake_orders(orders: Sequence[Due]) -> None:
    """Mark orders as due and start their runs, as far as they are parked.

    A run that is at work just now may have asked the provider a moment too early: because the order is marked as due,
    the next sweep asks again without waiting for the poll interval.
    """
    with ledger() as book:
        for one in orders:
            book.record(one.reference, look_after=book.now())
    wake.fn([UUID(one.flow_run_id) for one in orders], MESSAGE)
