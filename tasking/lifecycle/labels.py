"""What a create carries so that it can be found again."""

from __future__ import annotations

from tasking.ledger import OrderRecord


def label(record: OrderRecord) -> str:
    """What the next request carries: the reference, with a number from the second on."""
    return record.reference if record.attempt == 1 else f"{record.reference}#{record.attempt}"
