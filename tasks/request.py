"""Order the chosen candidate: the step that costs money."""

from __future__ import annotations

from tasking import order_steps
from tasking.order import Order
from tasking.provider import Request
from tasking.waiting import Wait
from tasks.step import BLOCKS, step


@step("request")
def request(order: Order, reference: str) -> Request | Wait | None:
    """What was ordered, exactly once; ``None`` when the candidate was lost. See `tasking.lifecycle.request`."""
    return order_steps.request(BLOCKS, order, reference)
