"""What was spent, for a person: by provider, account, site, month and currency; and where a provider says otherwise."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from pydantic import BaseModel, ConfigDict

from tasking.budget import month_of
from tasking.ledger import ChargeRecord, ChargeState
from tasking.money import Money, currency_word
from tasking.provider import Statement


class SpendingLine(BaseModel):
    """What the requests of one provider, account, site and month cost, in one currency.

    Attributes:
        month: In which they were announced, UTC by our clock, as ``2026-11``.
        currency: ISO 4217, or ``credits``; ``None`` for requests whose price is not known.
        orders: Orders they were made for.
        delivered: How many of those were delivered.
        requests: How many requests were made, or may have been.
        reserved, spent, refunded: Of their prices; see `tasking.ledger.charges`.
    """

    model_config = ConfigDict(frozen=True)

    provider: str
    account: str
    site: str | None
    month: str
    currency: str | None
    orders: int
    delivered: int
    requests: int
    reserved: Decimal
    spent: Decimal
    refunded: Decimal


def spending(charges: Iterable[ChargeRecord]) -> list[SpendingLine]:
    """Charges summed up, sorted by month and the rest."""
    groups: defaultdict[tuple[str, str, str, str, str], list[ChargeRecord]] = defaultdict(list)
    for one in charges:
        month = f"{month_of(one.charged_at)[0]:%Y-%m}" if one.charged_at is not None else ""
        currency = "" if one.price is None else one.currency or ""
        groups[month, one.provider, one.account, one.site or "", currency].append(one)
    return [
        SpendingLine(
            provider=provider,
            account=account,
            site=site or None,
            month=month,
            currency=currency or None,
            orders=len({one.reference for one in group}),
            delivered=len({one.reference for one in group if one.delivered}),
            requests=len(group),
            reserved=sum((one.reserved for one in group), Decimal(0)),
            spent=sum((one.spent for one in group), Decimal(0)),
            refunded=sum((one.refunded for one in group), Decimal(0)),
        )
        for (month, provider, account, site, currency), group in sorted(groups.items())
    ]


def differences(statement: Statement, charges: Sequence[ChargeRecord]) -> list[str]:
    """Where a provider's statement and the ledger differ, one sentence each; nothing is corrected.

    What one of its contracts says is held against the requests of that contract; see `without_contract`.

    Args:
        statement: Of an account, or of one of its contracts.
        charges: All of the account, of all time: a statement knows no months.
    """
    found = []
    if statement.request_ids is not None:
        found += _of_requests(statement.request_ids, charges)
    if statement.currency is not None and statement.spent is not None:
        found += _of_money(statement, charges)
    return found


def without_contract(charges: Sequence[ChargeRecord]) -> list[str]:
    """What of an account with several contracts is held against none of them: one sentence for each currency, or none.

    Args:
        charges: All of the account, of all time.
    """
    found = []
    unknown = [one for one in charges if one.contract_id is None and one.state is not ChargeState.REFUNDED]
    for currency in sorted({one.currency for one in unknown if one.currency is not None and one.price is not None}):
        group = [one for one in unknown if one.currency == currency]
        spent, reserved = (
            sum((one.spent for one in group), Decimal(0)),
            sum((one.reserved for one in group), Decimal(0)),
        )
        found.append(
            f"no contract known: {len(group)} requests of the ledger, with {Money(spent, currency)} spent and "
            f"{Money(reserved, currency)} reserved, are compared with no contract"
        )
    return found


def _of_requests(theirs: frozenset[str], charges: Sequence[ChargeRecord]) -> list[str]:
    ours = {one.request_id for one in charges if one.request_id is not None}
    found = []
    if missing := sorted(ours - theirs):
        found.append(f"{len(missing)} requests of the ledger are not listed by the provider: {_some(missing)}")
    if others := sorted(theirs - ours):
        found.append(
            f"{len(others)} requests at the provider are not in this ledger, and count nowhere: {_some(others)}"
        )
    return found


def _of_money(statement: Statement, charges: Sequence[ChargeRecord]) -> list[str]:
    assert statement.currency is not None, "the caller has seen it"
    currency = currency_word(statement.currency)
    ours = [one for one in charges if one.currency == currency and statement.contract_id in (None, one.contract_id)]
    spent, reserved = sum((one.spent for one in ours), Decimal(0)), sum((one.reserved for one in ours), Decimal(0))
    their_spent, on_hold = statement.spent or Decimal(0), statement.on_hold or Decimal(0)
    more = their_spent + on_hold - spent - reserved
    where = f"contract {statement.contract_id}" if statement.contract_id is not None else "the account"
    said = (
        f"{where}: the provider has charged {Money(their_spent, currency)} and holds {Money(on_hold, currency)}; the "
        f"ledger has {Money(spent, currency)} spent and {Money(reserved, currency)} reserved"
    )
    if more > 0:
        return [
            f"{said}. That is {Money(more, currency)} more there: ordered elsewhere, or before this ledger; or fees"
        ]
    if more < 0:
        return [f"{said}. That is {Money(-more, currency)} more here: what is reserved here may be over there"]
    if spent != their_spent:
        return [f"{said}. Together it is the same"]
    return []


def _some(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - 5} more" if len(ids) > 5 else ""
    return f"{', '.join(one[:80] for one in ids[:5])}{more}"
