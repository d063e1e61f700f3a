"""What requests cost: counted against the limits, and for the report.

=============================================  ====================================================================
announced, and its outcome is not known        reserved: it may have been made
made, and not at its end                       reserved
rejected, and it may be accepted again         reserved, until the order's window ends (by our clock)
something of it can be fetched, or could be    spent, all of it. ICEYE's own demo of its budget says so; else ours
completed                                      spent
cancelled by the customer                      the fee is spent, as its steps told last (ICEYE publishes them); the
                                               rest is refunded. No step known of a provider that publishes fees:
                                               all of it is spent. Of one that does not: it is refunded. Both ours
failed, expired, cancelled by the provider     refunded. ICEYE holds and does not charge such tasks; else ours
rejected for good                              refunded, as before
refused, or never arrived                      it was never made, so nothing counts
chosen with one of these, and requested after  reserved, in the month of now, while its order may go on to request it:
it (several captures)                          what was begun is not to stay incomplete because others bought meanwhile
=============================================  ====================================================================

A request that was made twice, because an answer came late, counts twice. A request counts in the month in which it was
announced, by our clock (UTC), whenever it is paid.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    Float,
    Select,
    Text,
    and_,
    cast,
    func,
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
from tasking.money import Money, currency_word, money, tidy
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
        made.charged_at = attempt.charged_at or attempt.announced_ours or attempt.announced_at
        if attempt.price is not None:
            made.price, made.currency = attempt.price, attempt.currency


def one_at_a_time(session: Session, account: str) -> None:
    """From here to the end of the transaction nobody else announces a request of this account.

    SQLite has one writer at a time as it is. Postgres gets a lock of its own for each account.
    """
    if session.get_bind().dialect.name == "postgresql":
        number = int.from_bytes(hashlib.sha256(f"budget of {account}".encode()).digest()[:8], signed=True)
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": number})


def counted(session: Session, payer: Payer, at: datetime, scopes: Collection[Scope]) -> Counted:
    """What counts against the limits of a payer at a time of ours.

    What was announced or made is one query, so one moment. What is still to be requested of sets is asked for after
    it: to be missed by both it would have to be announced in between, and the announcer waits for `one_at_a_time`.

    Args:
        session: Of the transaction that reserves, or of a reading one.
        payer: For whom.
        at: Our time.
        scopes: Which limits are asked for; only those of a month read one.
    """
    start, after = month_of(at)
    by_month = bool({"account", "site"} & set(scopes))
    tries = _tries(session, payer.reference)
    found = _of_payer(session, payer, tries, at, start, after, by_month=by_month)
    this_month = [
        one
        for one in found
        if one.account == payer.account and one.charged_at is not None and start <= one.charged_at < after
    ]
    to_come = _to_come_of_sets(session, payer) if by_month else []
    tallies: dict[Scope, Tally] = {
        "order": tally(one for one in found if one.reference in tries),
        "site": tally((one for one in this_month if one.site == payer.site), _of_site(to_come, payer.site)),
        "account": tally(this_month, [price for _, price in to_come]),
    }
    return {scope: tallies[scope] for scope in scopes}


def tally(charges: Iterable[ChargeRecord], to_come: Iterable[Money | None] = ()) -> Tally:
    """The sums of charges, and of the prices of what is still to be requested of sets."""
    reserved: defaultdict[str, Decimal] = defaultdict(Decimal)
    spent: defaultdict[str, Decimal] = defaultdict(Decimal)
    unpriced = 0
    for one in charges:
        if money(one.price, one.currency) is None or one.currency is None:
            unpriced += one.state is not ChargeState.REFUNDED
            continue
        reserved[one.currency] += one.reserved
        spent[one.currency] += one.spent
    for price in to_come:
        if price is None:
            unpriced += 1
        else:
            reserved[price.currency] += price.amount
    return Tally(reserved=dict(reserved), spent=dict(spent), unpriced=unpriced)


def _tries(session: Session, reference: str) -> set[str]:
    """The order itself; of a part, all parts of its order: they are for one need, and its limit is theirs together."""
    whole = session.scalar(select(OrderRow.part_of).where(OrderRow.reference == reference))
    if whole is None:
        return {reference}
    return {reference, *session.scalars(select(OrderRow.reference).where(OrderRow.part_of == whole))}


def _of_payer(
    session: Session,
    payer: Payer,
    tries: Collection[str],
    at: datetime,
    start: datetime,
    after: datetime,
    *,
    by_month: bool,
) -> list[ChargeRecord]:
    """What was announced or made of a payer's order, and of its account in a month."""
    r, a = RequestRow, CreateAttemptRow
    of_order = (r.reference.in_(tries), a.reference.in_(tries))
    if not by_month:
        return read(session, at, *of_order, contracts=False)
    in_month = and_(r.account == payer.account, r.charged_at >= start, r.charged_at < after)
    # few have no outcome, and older code noted no account: whose they are, and of which month, is seen in the answer
    is_open = a.outcome.is_(None)
    of_account = or_(and_(a.account == payer.account, is_open), and_(a.account.is_(None), is_open))
    return read(session, at, or_(of_order[0], in_month), or_(of_order[1], of_account), contracts=False)


def _to_come_of_sets(session: Session, payer: Payer) -> list[tuple[str | None, Money | None]]:
    """Site and price of each capture that other orders of the account have still to request of a set they began.

    Those of the payer's own order are in the charge that is checked: see `tasking.budget.Charge.after`.
    """
    r, a, o = RequestRow, CreateAttemptRow, OrderRow
    last = select(r.candidate).where(r.reference == o.reference).order_by(r.id.desc()).limit(1).scalar_subquery()
    announced = (
        select(a.id).where(a.reference == o.reference, a.verb == "request", a.outcome.is_(None)).correlate(o).exists()
    )
    made = select(r.id).where(r.reference == o.reference).correlate(o).exists()
    columns = (o.account, o.site, o.candidate, o.next_candidates, last.label("last"), announced.label("announced"))
    begun = select(*columns).where(  # found among the few that are open, not among all of the account
        o.reference != payer.reference,
        o.coverage_aim_percent.is_not(None),  # only where a set was chosen
        o.ended.is_(None),
        o.cancel_asked.is_(False),
        o.deferred_end.is_(None),
        or_(made, announced),
    )
    found: list[tuple[str | None, Money | None]] = []
    for row in session.execute(begun):
        if row.account != payer.account:
            continue
        candidate = row.candidate or {}
        # the next of the set, which is chosen already and not announced yet
        is_next = bool(candidate) and not row.announced and candidate.get("id") != (row.last or {}).get("id")
        members = [*([candidate] if is_next else []), *row.next_candidates]
        found += [(row.site, _price_of(one)) for one in members]
    return found


def _of_site(to_come: Iterable[tuple[str | None, Money | None]], site: str | None) -> list[Money | None]:
    return [price for of, price in to_come if of == site]


def _price_of(candidate: dict[str, Any]) -> Money | None:
    price = candidate.get("price")
    return None if price is None else money(Decimal(str(price)), candidate.get("currency"))


def read(
    session: Session,
    at: datetime,
    requests: ColumnElement[bool] | None,
    attempts: ColumnElement[bool] | None,
    *,
    contracts: bool = True,
) -> list[ChargeRecord]:
    """What was announced or made, and what is due of it at a time of ours; in one query.

    In one, because an announcement becomes a request in one moment: two queries could count it twice, or not at all.

    Args:
        session: Where to read.
        at: Our time.
        requests, attempts: Which ones.
        contracts: Whether their contracts are wanted: these stand in the candidates, which are long.
    """
    made, open_ones = _of_requests(contracts), _of_attempts(contracts)
    made = made if requests is None else made.where(requests)
    open_ones = open_ones if attempts is None else open_ones.where(attempts)
    return [_record(row, at) for row in session.execute(union_all(made, open_ones))]


def _of_requests(contracts: bool) -> Select[Any]:
    r, o = RequestRow, OrderRow
    return _selected(
        r.reference, r.account, r.price, r.currency, r.charged_at, r.due_percent, r.lapses_at,
        cast(r.provider_request_id, Text), r.candidate if contracts else cast(null(), JSON),
    ).join(o, o.reference == r.reference)  # fmt: skip


def _announced_at() -> ColumnElement[datetime]:
    """Since when an announcement counts; older code noted that, and who pays, in other columns."""
    a = CreateAttemptRow
    return func.coalesce(a.charged_at, a.announced_ours, a.announced_at)


def _of_attempts(contracts: bool) -> Select[Any]:
    a, o = CreateAttemptRow, OrderRow
    joined = _selected(
        a.reference, func.coalesce(a.account, o.account), a.price, a.currency, _announced_at(),
        cast(null(), Float), cast(null(), UtcTime), cast(null(), Text),
        o.candidate if contracts else cast(null(), JSON),
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
