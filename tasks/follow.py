"""Read how the request stands."""

from __future__ import annotations

from tasking import lifecycle
from tasking.order import Order
from tasking.provider import Request
from tasking.waiting import Wait
from tasks.step import ledger_and_provider, step


@step("follow")
def follow(order: Order, reference: str) -> Request | Wait | None:
    """The request whose imagery is there; ``None`` when the next candidate is to be taken."""
    with ledger_and_provider(order.account) as (ledger, provider):
        return lifecycle.follow(ledger, provider, order, reference)
