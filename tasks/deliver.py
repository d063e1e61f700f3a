"""Bring the imagery home."""

from __future__ import annotations

from blocks.image_archive import load_archive
from tasking import lifecycle
from tasking.delivery.catalog import Delivery
from tasking.ledger import archives
from tasking.order import Order
from tasking.provider import Request
from tasking.waiting import Wait
from tasks.show import show_delivery
from tasks.step import ledger_and_provider, step


@step("deliver")
def deliver(order: Order, reference: str, request: Request) -> Delivery | Wait | None:
    """The verified catalog; see `tasking.lifecycle.deliver`."""
    archive = load_archive(order.archive)
    with ledger_and_provider(order.account) as (ledger, provider):
        root = archive.folder(used_before=archives.known(ledger, archive.address))
        archives.remember(ledger, reference, archive.address)
        delivery = lifecycle.deliver(ledger, provider, order, reference, request, root)
    if isinstance(delivery, Delivery):
        show_delivery(reference, delivery)
    return delivery
