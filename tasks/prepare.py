"""Have a plan at the provider, or its quote."""

from __future__ import annotations

from tasking import lifecycle
from tasking.order import Order
from tasking.waiting import Wait
from tasks.step import ledger_and_provider, step


@step("prepare")
def prepare(order: Order, reference: str) -> Wait | None:
    """See `tasking.lifecycle.prepare`."""
    with ledger_and_provider(order.account) as (ledger, provider):
        return lifecycle.prepare(ledger, provider, order, reference)
