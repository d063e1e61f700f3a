"""Have a plan at the provider, or its quote."""

from __future__ import annotations

from tasking import order_steps
from tasking.order import Order
from tasking.waiting import Wait
from tasks.step import BLOCKS, step


@step("prepare")
def prepare(order: Order, reference: str) -> Wait | None:
    """See `tasking.lifecycle.prepare`."""
    return order_steps.prepare(BLOCKS, order, reference)
