"""Orders in a ledger whose requests cost something."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tasking.budget import AccountBudget, Charge
from tasking.ledger import Intent, Ledger, RequestRecord
from tasking.money import Budget, Money
from tasking.provider import TaskingRequest
from tasking.status import StatusCode

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
WINDOW_END = datetime(2026, 12, 20, tzinfo=UTC)
ACCOUNT = "axelglobe-tasking/default"


def eur(amount: float | str) -> Money:
    """An amount of euros."""
    return Money(Decimal(str(amount)), "EUR")


def charge(price: float = 100, *, per_month: float | None = None, **more: Any) -> Charge:
    """A request for this many euros, under these limits."""
    of_order = Budget.model_validate(more.pop("of_order")) if "of_order" in more else None
    limits = AccountBudget.model_validate({"per_month": per_month, "currency": "EUR", **more})
    return Charge(price=eur(price), of_order=of_order, of_account=limits)


def claim(ledger: Ledger, reference: str = "bay", site: str | None = None, account: str = ACCOUNT) -> None:
    """An order."""
    window = {"start": NOON.isoformat(), "end": WINDOW_END.isoformat()}
    order = {"name": "Bay", "account": account, "site": site, "reference": reference, "window": window}
    ledger.claim(reference, order, provider="axelglobe", flow_run_id=reference, owner_is_gone=lambda _run: False)


def requested(
    reference: str, status: StatusCode = StatusCode.ACCEPTED, *captures: str, request_id: str | None = None, **more: Any
) -> RequestRecord:
    """A request as the provider has it."""
    last = TaskingRequest(
        id=request_id or f"R-{reference}",
        status=status,
        provider_status=status.upper(),
        capture_ids=captures,
        next_look_at=NOON,
        give_up_at=NOON,
        **more,
    )
    return RequestRecord(attempt=1, label=reference, candidate=None, last=last)


def announce(ledger: Ledger, reference: str, what: Charge, label: str | None = None) -> Intent:
    """Announce the order's request."""
    intent = ledger.record_intent(reference, "request", label or reference, NOON, NOON, charge=what)
    assert intent is not None
    return intent


def buy(ledger: Ledger, reference: str, what: Charge, **more: Any) -> None:
    """Announce the order's request, and have it made."""
    intent = announce(ledger, reference, what)
    assert ledger.close_intent(reference, intent, "made", "made", requests=[requested(reference, **more)])


def becomes(ledger: Ledger, reference: str, status: StatusCode, *captures: str, **more: Any) -> None:
    """The provider says this of the order's request."""
    ledger.record(reference, requests=[requested(reference, status, *captures, **more)])
