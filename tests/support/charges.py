"""Orders in a ledger whose requests cost something."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tasking.budget import AccountBudget, Charge
from tasking.candidate import Candidate
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


def claim(
    ledger: Ledger,
    reference: str = "bay",
    site: str | None = None,
    account: str = ACCOUNT,
    part_of: str | None = None,
) -> None:
    """An order."""
    window = {"start": NOON.isoformat(), "end": WINDOW_END.isoformat()}
    order = {"name": "Bay", "account": account, "site": site, "reference": reference, "window": window}
    ledger.claim(
        reference,
        order,
        provider="axelglobe",
        flow_run_id=reference,
        owner_is_gone=lambda _run: False,
        part_of=part_of,
    )


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


def chooses(ledger: Ledger, reference: str, *prices: float) -> None:
    """The order takes a set of captures that cost this many euros, the first of them to be requested now."""
    first, *others = [
        Candidate(id=f"C-{reference}-{number}", start=NOON, end=WINDOW_END, price=Decimal(str(price)), currency="EUR")
        for number, price in enumerate(prices, 1)
    ]
    ledger.record(reference, candidate=first, next_candidates=others, coverage_aim_percent=90.0)


def buys_next(ledger: Ledger, reference: str, **limits: Any) -> None:
    """The order requests what is chosen, and goes on to the next capture of its set."""
    record = ledger.read(reference)
    assert record.candidate is not None
    rest = tuple(eur(str(one.price)) for one in record.next_candidates)
    what = charge(float(record.candidate.price or 0), **limits).model_copy(update={"after": rest})
    intent = announce(ledger, reference, what, record.label)
    one = requested(reference, request_id=f"R-{record.label}").model_copy(update={"candidate": record.candidate})
    assert ledger.close_intent(reference, intent, "made", "made", requests=[one])
    if record.next_candidates:
        ledger.record(reference, candidate=record.next_candidates[0], next_candidates=record.next_candidates[1:])


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
