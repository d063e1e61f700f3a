"""Order the chosen candidate: the step that costs money."""

from __future__ import annotations

from tasking import lifecycle
from tasking.order import Order
from tasking.provider import Request
from tasking.waiting import Wait
from tasks.step import ledger_and_provider, step


@step("request")
def request(order: Order, reference: str) -> Request | Wait | None:
    """What was ordered, exactly once; ``None`` when the candidate was lost. See `tasking.lifecycle.request`."""
    with ledger_and_provider(order.account) as (ledger, provider):
        return lifecycle.request(ledger, provider, order, reference)
