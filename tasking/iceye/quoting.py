"""What ICEYE says of an order before it is placed: price, budget and feasibility."""

from __future__ import annotations

import re

from tasking.errors import InvalidOrder, NotFound, OrderEnded, Refused
from tasking.http.api import Operation
from tasking.iceye.client import IceyeClient
from tasking.iceye.contract_terms import ResolvedTerms, task_body, warnings, what_would_help
from tasking.iceye.conversions import money
from tasking.iceye.models import Summary, TaskPrice
from tasking.iceye.order import IceyeOrder
from tasking.provider import Quote
from tasking.status import StatusCode

FEASIBLE, INFEASIBLE = "FEASIBLE", "INFEASIBLE"

_MORE_MONEY = "Ask ICEYE to raise the contract's limit, cancel tasks that are on hold, or order a cheaper mode or SLA."


def quote_for(client: IceyeClient, order: IceyeOrder, terms: ResolvedTerms) -> Quote:
    """Price and budget, where the contract has a pricing plan, then feasibility (slow).

    Raises:
        InvalidOrder: ICEYE refuses the order; its words, and which documented rule of the window it breaks.
        OrderEnded: Not feasible, or not within the budget; says what would work.
    """
    warned = warnings(order, terms.taken("priority"), client.clock.now())
    notes = [f"Beware: {each}" for each in warned]
    price = _price(client, order, terms, notes)
    try:
        (verdict,) = client.feasibility([task_body(order, terms)])
    except Refused as no:
        if (poor := no_funds(no)) is not None:
            raise OrderEnded(StatusCode.REJECTED, str(poor)) from no
        if warned and no.status == 400:
            raise InvalidOrder("window", "refused by ICEYE", f"{'; '.join(warned)} ({no})") from no
        raise
    word = verdict.result.strip().upper()
    if word == INFEASIBLE:
        raise OrderEnded(
            StatusCode.REJECTED,
            f"Not feasible: ICEYE cannot schedule this with the given constraints and budget. {what_would_help(order)}"
            + "".join(f" Beware: {each}." for each in warned),
        )
    if word != FEASIBLE:
        raise client.api.unexpected(f"feasibility is {verdict.result[:60]!r}", Operation("check feasibility"))
    until = order.window.start  # ICEYE takes no window that has begun
    if price is None:
        return Quote(notes=tuple(notes), valid_until=until, quoted=terms.kept)
    amount = money(price.amount, price.currency)
    kept = {**terms.kept, "amount": str(price.amount), "currency": price.currency}
    return Quote(price=amount, currency=price.currency, notes=tuple(notes), valid_until=until, quoted=kept)


def no_funds(no: Refused) -> Refused | None:
    """The refusal in clear words, if it is that the budget does not cover the task (``ERR_INSUFFICIENT_FUNDS``)."""
    if "insufficient funds" not in re.sub(r"[^a-z]+", " ", (no.said or "").lower()):
        return None
    return Refused(
        f"the contract's budget does not cover this task; nothing was ordered. {_MORE_MONEY}",
        provider=no.provider,
        verb=no.verb,
        reference=no.reference,
        provider_id=no.provider_id,
        said=no.said,
        status=no.status,
    )


def _price(client: IceyeClient, order: IceyeOrder, terms: ResolvedTerms, notes: list[str]) -> TaskPrice | None:
    """The price, refused when it is above what is left; ``None`` (with a note) when the contract has none."""
    budget = _budget(client, terms)
    if budget is None:
        notes.append("The contract has no pricing plan, so ICEYE gives no price")
        return None
    if terms.open_for_price:
        fields = ", ".join(terms.open_for_price)
        notes.append(f"No price: the contract has no default for {fields}, and the order does not say; name it")
        return None
    try:
        price = ask_price(client, order, terms)
    except Refused as no:
        if no.status == 401:
            raise
        notes.append(f"ICEYE gives no price: {no.said or no.message}")
        return None
    left = budget.left
    if left is None:
        notes.append("The contract's budget has no limit")
    elif (budget.currency or price.currency) != price.currency:
        notes.append(f"Left of the budget: {money(left, budget.currency)} {budget.currency}, another currency")
    elif price.amount > left:
        raise OrderEnded(
            StatusCode.REJECTED,
            f"Not within the budget: it costs {money(price.amount, price.currency)} {price.currency}, and of contract "
            f"{terms.contract_id} {money(left, price.currency)} {price.currency} are left. {_MORE_MONEY}",
        )
    else:
        notes.append(f"Left of the budget before this: {money(left, price.currency)} {price.currency}")
    return price


def ask_price(client: IceyeClient, order: IceyeOrder, terms: ResolvedTerms) -> TaskPrice:
    """What the order costs under these terms; they leave none open, see `ResolvedTerms.open_for_price`."""
    taken = {field: terms.taken(field) or "" for field in ("exclusivity", "priority", "sla", "eula")}
    return client.price(terms.contract_id, terms.imaging_mode, order.point.lat, order.point.lon, **taken)


def _budget(client: IceyeClient, terms: ResolvedTerms) -> Summary | None:
    try:
        return client.summary(terms.contract_id)
    except NotFound:
        return None
