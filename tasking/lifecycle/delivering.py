"""The imagery comes home, and the order to its end."""

from __future__ import annotations

from pathlib import Path

from tasking.delivery import catalog
from tasking.delivery.catalog import Delivery
from tasking.errors import DeliveryFailed, OrderEnded
from tasking.ledger import Ledger, OrderRecord
from tasking.order import Order
from tasking.provider import Provider, Request
from tasking.status import StatusCode
from tasking.waiting import Wait, wait_until


def deliver(
    ledger: Ledger, provider: Provider, order: Order, reference: str, request: Request, root: Path
) -> Delivery | Wait:
    """Bring the imagery home, verified, and complete the order.

    Args:
        request: One whose ``capture_ids`` say what to fetch.
        root: The archive's folder.

    Raises:
        DeliveryFailed: A file could not be brought home whole; nothing damaged stands under a final name.
    """
    items = list(provider.products(request))
    if not items:
        if provider.clock.now() >= request.give_up_at:
            raise OrderEnded(
                StatusCode.FAILED,
                f"The provider says the imagery of request {request.id} is there, but its catalog lists none of "
                f"{', '.join(request.capture_ids)}. Ask the provider about it; Retry on this run looks again.",
            )
        again = provider.clock.in_seconds(provider.poll_interval_seconds / 3)
        return wait_until(
            provider.clock, again, "products", "The imagery is announced; the provider's catalog does not list it yet"
        )
    ledger.record(reference, "delivering", f"{len(items)} items to bring home", failures=0)
    delivery = catalog.deliver(
        reference,
        items,
        root,
        provider.open_asset,
        title=order.name,
        description=f"Order {reference}, collected by {provider.name}",
        order_facts={"order:id": request.id, "order:status": "succeeded"},
    )
    if problems := catalog.verify(delivery.folder):
        raise DeliveryFailed(f"{delivery.folder}: not whole: {'; '.join(problems[:5])}")
    ledger.record(reference, delivered=list(delivery.items))
    end(
        ledger,
        reference,
        StatusCode.COMPLETED,
        f"Delivered {len(delivery.files)} files ({delivery.bytes_total / 1e6:.1f} MB), verified, to {delivery.folder}",
    )
    return delivery


def end(ledger: Ledger, reference: str, status: str, message: str) -> OrderRecord:
    """Write down that the order came to its end."""
    return ledger.record(
        reference,
        "completed" if status == StatusCode.COMPLETED else "ended",
        message,
        status=status,
        ended=ledger.now(),
        outcome=message,
        waits_for=None,
        waits_message=None,
        wake_at=None,
        changed_at=None,
    )
