"""What a create carries so that it can be found again, and whether one is in doubt."""

from __future__ import annotations

from tasking.ledger import Ledger, OrderRecord


def label(record: OrderRecord) -> str:
    """What the next request carries: the reference, with a number from the second on."""
    return record.reference if record.attempt == 1 else f"{record.reference}#{record.attempt}"


def plan_label(record: OrderRecord) -> str:
    """What the next plan carries: the reference, with a number once the provider has forgotten one."""
    return record.reference if not record.plans_forgotten else f"{record.reference}~{record.plans_forgotten + 1}"


def in_doubt(ledger: Ledger, record: OrderRecord) -> bool:
    """Whether a request was announced and its outcome is not known: then the order may be bought already."""
    return bool(ledger.open_requests(record.reference))
