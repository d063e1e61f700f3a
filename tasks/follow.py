"""Read how the request stands."""

from __future__ import annotations

from tasking import order_steps
from tasking.order import Order
from tasking.provider import Request
from tasking.waiting import Wait
from tasks.step import BLOCKS, step


@step("follow")
def follow(order: Order, reference: str) -> Request | Wait | None:
    """The request whose imagery is there; ``None`` when the next candidate is to be taken."""
    return order_steps.follow(BLOCKS, order, reference)
