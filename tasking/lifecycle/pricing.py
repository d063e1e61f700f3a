"""What a request costs, and whether its order may still buy it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from tasking.budget import Charge, Payer, Tally, over_budget
from tasking.candidate import Candidate
from tasking.errors import OverBudget
from tasking.ledger import Ledger, OrderRecord
from tasking.money import Money, money
from tasking.order import Order
from tasking.provider import Budgeted, Provider
from tasking.ranking import RankedCandidate
from tasking.status import StatusCode


def price_of(provider: Provider, order: Order, candidate: Candidate, record: OrderRecord | None = None) -> Money | None:
    """What requesting a candidate costs; ``None`` when nothing tells.

    It is what the provider quoted, or the candidate says; else the price list of the account tells.

    Args:
        provider: The provider, as the order's account sees it.
        order: The order.
        candidate: What would be requested.
        record: The order in the ledger: a quote that older code asked for stands there alone.
    """
    if (told := money(candidate.price, candidate.currency)) is not None:
        return told
    if record is not None and record.candidate == candidate and (quoted := money(record.price, record.currency)):
        return quoted
    if not isinstance(provider, Budgeted):
        return None
    word = (candidate.quoted or {}).get("priority") or order.priority_word
    rates = provider.price_list.rates_for(word)
    km2 = None
    if rates.per_km2 is not None:
        km2 = _km2(order, candidate, whole_area=provider.price_list.km2_of == "area")
    return provider.price_list.price(word, order.captures_per_request, km2)


def priced(provider: Provider, order: Order, listed: Sequence[Candidate]) -> list[Candidate]:
    """Candidates with what each costs, where the provider does not say it and the account's price list does.

    A price below nothing is none.
    """
    found = []
    for one in listed:
        is_one = one.price is not None and one.price.is_finite() and one.price >= 0
        price = None if is_one else price_of(provider, order, one)
        told = one.model_copy(update={} if is_one else {"price": None})
        found.append(
            told if price is None else told.model_copy(update={"price": price.amount, "currency": price.currency})
        )
    return found


def charge_of(provider: Provider, order: Order, candidate: Candidate, record: OrderRecord | None = None) -> Charge:
    """What requesting a candidate costs, and the limits it has to stay within; see `price_of`."""
    price = price_of(provider, order, candidate, record)
    if not isinstance(provider, Budgeted):
        return Charge(price=price, of_order=order.budget)
    return Charge(price=price, of_order=order.budget, of_account=provider.budget)


def why_over_budget(
    ledger: Ledger,
    provider: Provider,
    order: Order,
    reference: str,
    candidates: Sequence[Candidate],
    record: OrderRecord | None = None,
) -> list[str | None]:
    """Why each of the candidates is not within what may be spent now, ``None`` where it is; nothing is reserved.

    Args:
        ledger: Where it is counted; asked once, and only where there are limits.
        provider: The provider, as the order's account sees it.
        order: The order.
        reference: Ours; the ledger need not know it.
        candidates: What would be requested, each alone.
        record: As for `price_of`.
    """
    payer, now = Payer(reference, order.account, order.site), ledger.now()
    every = [charge_of(provider, order, one, record) for one in candidates]
    scopes = {limit.scope for charge in every for limit in charge.limits(payer, now)}
    if not scopes:
        return [None for _ in every]
    counted = ledger.counted(payer, scopes)
    return [over_budget(charge.price, charge.limits(payer, now), counted) for charge in every]


def budget_facts(ledger: Ledger, provider: Provider, order: Order, reference: str, one: Candidate) -> list[str]:
    """What each limit allows and leaves for a request, one sentence each; empty where there are no limits."""
    payer = Payer(reference, order.account, order.site)
    charge = charge_of(provider, order, one)
    limits = charge.limits(payer, ledger.now())
    if not limits:
        return []
    counted, found = ledger.counted(payer, {limit.scope for limit in limits}), []
    for limit in limits:
        currency = limit.most.currency
        taken = counted.get(limit.scope, Tally()).taken(currency)
        left = Money(max(limit.most.amount - taken, Decimal(0)), currency)
        found.append(f"{limit.whose} may cost {limit.most} at most; {left} are left before this")
    return [f"{fact[0].upper()}{fact[1:]}" for fact in found]


def left_to_spend(ledger: Ledger, provider: Provider, order: Order, reference: str, one: Candidate) -> Money | None:
    """What the tightest limit leaves for more requests like this one, in the currency of its price.

    ``None`` where there is no limit, its price is not known, or a limit is in another currency: the request itself is
    refused then, and says why.
    """
    payer = Payer(reference, order.account, order.site)
    charge = charge_of(provider, order, one)
    limits = charge.limits(payer, ledger.now())
    if charge.price is None or not limits or any(each.most.currency != charge.price.currency for each in limits):
        return None
    counted, currency = ledger.counted(payer, {limit.scope for limit in limits}), charge.price.currency
    left = [each.most.amount - counted.get(each.scope, Tally()).taken(currency) for each in limits]
    return Money(max(min(left), Decimal(0)), currency)


def within_budget(
    ledger: Ledger, provider: Provider, order: Order, record: OrderRecord, ranked: Sequence[RankedCandidate]
) -> list[RankedCandidate]:
    """The candidates that may be bought, the best first; one at least.

    Args:
        ledger: Where it is counted.
        provider: The provider, as the order's account sees it.
        order: The order.
        record: The order in the ledger.
        ranked: Those that can be used, the best first; one at least.

    Raises:
        OverBudget: None of them may; says it of the best one.
    """
    why = why_over_budget(ledger, provider, order, record.reference, [one.candidate for one in ranked])
    if found := [one for one, no in zip(ranked, why, strict=True) if no is None]:
        return found
    raise OverBudget(StatusCode.REJECTED, f"Nothing was ordered: candidate {ranked[0].candidate.id}: {why[0]}")


def _km2(order: Order, candidate: Candidate, *, whole_area: bool) -> float | None:
    """The square kilometres that are paid, geodesic; ``None`` when the footprint is not known."""
    from tasking.area import Area
    from tasking.coverage import shapes_near

    area: Any = getattr(order, order.target_field)
    if whole_area and isinstance(area, Area):
        return area.area_km2
    import pyproj

    _, shapes = shapes_near(0.0, [candidate.footprint])
    if not len(shapes):
        return None
    geod = pyproj.Geod(ellps="WGS84")
    return abs(float(geod.geometry_area_perimeter(shapes[0])[0])) / 1e6
