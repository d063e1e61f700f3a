"""What requests cost: counted against the limits, and for the report.

=============================================  ====================================================================
announced, and its outcome is not known        reserved: it may have been made
made, and not at its end                       reserved
rejected, and it may be accepted again         reserved, until the order's window ends (by our clock)
something of it can be fetched, or could be    spent, all of it. ICEYE's own demo of its budget says so; else ours
completed                                      spent
cancelled by the customer                      the fee is spent, as its steps told last (ICEYE publishes them); the
                                               rest is refunded. Without published steps all of it: ours
failed, expired, cancelled by the provider     refunded. ICEYE holds and does not charge such tasks; else ours
rejected for good                              refunded, as before
refused, or never arrived                      it was never made, so nothing counts
=============================================  ====================================================================

A request that was made twice, because an answer came late, counts twice. A request counts in the month in which it was
announced, by our clock (UTC), whenever it is paid.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    Text,
    and_,
    cast,
    null,
    or_,
    select,
    text,
    union_all,
)
from sqlalchemy.orm import Session

from tasking.budget import Counted, Payer, Scope, Tally, month_of
from tasking.ledger.records import ChargeRecord, ChargeState
from tasking.ledger.tables import CreateAttemptRow, OrderRow, RequestRow, UtcTime
from tasking.money import currency_word, tidy
from tasking.provider import TaskingRequest
from tasking.status import StatusCode

_OVER = (StatusCode.FAILED, StatusCode.EXPIRED, StatusCode.CANCELLED)


def due_percent(last: TaskingRequest, came: bool, cancel_fee_percent: float | None) -> float | None:
    """Share of a request's price that is due, 0..100; ``None`` while that is open, so that all of it is reserved.

    Args:
        last: What the provider said last.
        came: Whether anything of it could ever be fetched.
        cancel_fee_percent: What its cancel cost.
    """
    if came or last.capture_ids or last.status is StatusCode.COMPLETED:
        return 100.0
    if last.status is StatusCode.USER_CANCELLED:
        return cancel_fee_percent or 0.0
    if last.status in _OVER or (last.status is StatusCode.REJECTED and last.final):
        return 0.0
    return None


def lapses_at(last: TaskingRequest, order: dict[str, Any]) -> datetime | None:
    """From when on a rejection that was not taken back is one for good: the end of the order's window."""
    if last.status is not StatusCode.REJECTED or last.final:
        return None
    end = (order.get("window") or {}).get("end")
    return None if end is None else datetime.fromisoformat(end).astimezone(UTC)


def charge_new(row: OrderRow, before: int, attempt: CreateAttemptRow) -> None:
    """A request that an announcement led to costs what was announced, and counts since then.

    Args:
        row: The order.
        before: How many requests it had before.
        attempt: The announcement; older code noted no price in it.
    """
    for made in row.requests[before:]:
        if attempt.charged_at is not None:
            made.charged_at = attempt.charged_at
        if attempt.price is not None:
            made.price, made.currency = attempt.price, attempt.currency


def one_at_a_time(session: Session, account: str) -> None:
    """From here to the end of the transaction nobody else announces a request of this account.

    SQLite has one writer at a time as it is. Postgres gets a lock of its own for each account.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"budget of {account}".encode()).digest()[:8], signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def counted(session: Session, payer: Payer, at: datetime) -> Counted:
    """What counts against each limit of a payer at a time of ours: one query, so one moment."""
    start, after = month_of(at)

    def of(rows: type[RequestRow] | type[CreateAttemptRow]) -> ColumnElement[bool]:
        in_month = and_(rows.account == payer.account, rows.charged_at >= start, rows.charged_at < after)
        return or_(rows.reference == payer.reference, in_month)

    found = read(session, at, of(RequestRow), of(CreateAttemptRow))
    this_month = [
        one
        for one in found
        if one.account == payer.account and one.charged_at is not None and start <= one.charged_at < after
    ]
    scopes: dict[Scope, Iterable[ChargeRecord]] = {
        "order": (one for one in found if one.reference == payer.reference),
        "site": (one for one in this_month if one.site == payer.site),
        "account": this_month,
    }
    return {scope: tally(charges) for scope, charges in scopes.items()}


def tally(charges: Iterable[ChargeRecord]) -> Tally:
    """The sums of charges."""
    reserved: defaultdict[str, Decimal] = defaultdict(Decimal)
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    unpriced = 0
    for one in charges:
        if one.price is None or one.currency is None:
            unpriced += one.state is not ChargeState.REFUNDED
            continue
        reserved[one.currency] += one.reserved
        spent[one.currency] += one.spent
    return Tally(reserved=dict(reserved), spent=dict(spent), unpriced=unpriced)


def read(
    session: Session, at: datetime, requests: ColumnElement[bool] | None, attempts: ColumnElement[bool] | None
) -> list[ChargeRecord]:
    """What was announced or made, and what is due of it at a time of ours; in one query.

    In one, because an announcement becomes a request in one moment: two queries could count it twice, or not at all.
    """
    made = _of_requests() if requests is None else _of_requests().where(requests)
    open_ones = _of_attempts() if attempts is None else _of_attempts().where(attempts)
    return [_record(row, at) for row in session.execute(union_all(made, open_ones))]


def _of_requests() -> Select[Any]:
    r, o = RequestRow, OrderRow
    return _selected(
        r.reference, r.account, r.price, r.currency, r.charged_at, r.due_percent, r.lapses_at,
        cast(r.provider_request_id, Text), r.candidate,
    ).join(o, o.reference == r.reference)  # fmt: skip


def _of_attempts() -> Select[Any]:
    a, o = CreateAttemptRow, OrderRow
    joined = _selected(
        a.reference, a.account, a.price, a.currency, a.charged_at, cast(null(), Float), cast(null(), UtcTime),
        cast(null(), Text), o.candidate,
    ).join(o, o.reference == a.reference)  # fmt: skip
    return joined.where(a.verb == "request", a.outcome.is_(None))


def _selected(*columns: Any) -> Select[Any]:
    names = ("reference", "account", "price", "currency", "charged_at", "due", "lapses_at", "request_id", "candidate")
    labelled = [column.label(name) for name, column in zip(names, columns, strict=True)]
    o = OrderRow
    return select(*labelled, o.provider, o.site, o.status, o.ended)


def _record(row: Any, at: datetime) -> ChargeRecord:
    lapsed = row.due is None and row.lapses_at is not None and row.lapses_at <= at
    return ChargeRecord(
        reference=row.reference,
        provider=row.provider,
        account=row.account,
        site=row.site,
        request_id=row.request_id,
        contract_id=((row.candidate or {}).get("quoted") or {}).get("contract_id"),
        charged_at=row.charged_at,
        price=tidy(row.price) if row.price is not None else None,
        currency=currency_word(row.currency) if row.currency else None,
        due_percent=0.0 if lapsed else row.due,
        delivered=row.ended is not None and row.status == StatusCode.COMPLETED,
    )
