"""The order is checked, and its reference owned."""

from __future__ import annotations

from collections.abc import Callable

from tasking.ledger import Ledger, OrderRecord
from tasking.order import Order
from tasking.provider import Provider


def accept(
    ledger: Ledger,
    provider: Provider,
    order: Order,
    reference: str,
    flow_run_id: str,
    owner_is_gone: Callable[[str], bool],
) -> OrderRecord:
    """Check the order and own its reference.

    Raises:
        InvalidOrder: The provider would refuse it; nothing was claimed.
        ReferenceTaken: Another run, or another order, has this reference.
    """
    if ledger.find(reference) is None:
        provider.check(order)
    return ledger.claim(
        reference,
        order.model_dump(mode="json"),
        provider=provider.name,
        flow_run_id=flow_run_id,
        owner_is_gone=owner_is_gone,
    )
