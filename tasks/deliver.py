"""Bring the imagery home."""

from __future__ import annotations

from tasking import order_steps
from tasking.delivery.outcome import Delivery
from tasking.order import Order
from tasking.provider import Request
from tasking.waiting import Wait
from tasks.show import show_delivery
from tasks.step import BLOCKS, step


@step("deliver")
def deliver(order: Order, reference: str, request: Request) -> Delivery | Wait | None:
    """The verified catalog, shown on the run's page; see `tasking.lifecycle.deliver`."""
    delivery = order_steps.deliver(BLOCKS, order, reference, request)
    if isinstance(delivery, Delivery):
        show_delivery(reference, delivery)
    return delivery
