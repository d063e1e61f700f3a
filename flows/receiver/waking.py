"""What a hint does: the order counts as due, and its parked run starts now. Nothing of the hint itself is believed."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flows.receiver.desk import Due
from tasks.step import ledger
from tasks.wake import wake

MESSAGE = "The provider announced news by its webhook"


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
            book.record(one.reference, look_after=book.now())
    wake.fn([UUID(one.flow_run_id) for one in orders], MESSAGE)
