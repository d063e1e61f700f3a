"""Have a plan at the provider."""

from __future__ import annotations

from tasking import lifecycle
from tasking.order import Order
from tasking.waiting import Wait
from tasks.step import ledger_and_provider, step


@step("plan")
def plan(order: Order, reference: str) -> str | Wait:
    """The plan's id; see `tasking.lifecycle.plan`."""
    with ledger_and_provider(order.account) as (ledger, provider):
        return lifecycle.plan(ledger, provider, order, reference)
