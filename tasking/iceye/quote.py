"""What ICEYE says of an order before it is placed: price, budget and feasibility.

What an order was quoted with is what is ordered, or nothing is. Days may lie between the two, e.g. where a person is
asked first: a contract may be renewed meanwhile, and what it takes when nothing is said may be another mode, or dearer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tasking.errors import InvalidOrder, NotFound, OrderEnded, Refused
from tasking.http.api import Operation
from tasking.iceye.client import IceyeClient
from tasking.iceye.contract_terms import ResolvedTerms, listed, task_body, terms_by_field, warnings, what_would_help
from tasking.iceye.conversions import money
from tasking.iceye.models import Contract, Summary, TaskPrice
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


def still_as_quoted(client: IceyeClient, order: IceyeOrder, quoted: Mapping[str, str]) -> ResolvedTerms:
    """The terms an order was quoted with, if ICEYE still offers them and for no higher price.

    Raises:
        InvalidOrder: It does not; says what changed.
    """
    terms = _as_quoted(quoted, client.contracts(quoted["contract_id"]))
    if "amount" not in quoted:
        return terms
    before = f"{money(int(quoted['amount']), quoted['currency'])} {quoted['currency']}"
    try:
        price = ask_price(client, order, terms)
    except Refused as no:
        if no.status == 401:
            raise
        raise _no_longer("price", before, f"ICEYE gives no price now ({no.said or no.message})") from no
    if price.currency != quoted["currency"] or price.amount > int(quoted["amount"]):
        raise _no_longer("price", before, f"it costs {money(price.amount, price.currency)} {price.currency} now")
    return terms


def _as_quoted(quoted: Mapping[str, str], contracts: Sequence[Contract]) -> ResolvedTerms:
    """The terms of a quote, each said in so many words: a default that changed since changes nothing.

    Args:
        quoted: From `ResolvedTerms.kept`.
        contracts: All of the account's, as they are now.

    Raises:
        InvalidOrder: The contract is gone, or no longer offers one of them; says what there is.
    """
    contract = next((each for each in contracts if each.id.lower() == quoted["contract_id"].lower()), None)
    if contract is None:
        raise _no_longer("contract_id", quoted["contract_id"], f"the account has now: {listed(contracts)}")
    offered = {"imaging_mode": contract.imaging_modes, **terms_by_field(contract)}
    words = {field: quoted[field] for field in offered if field in quoted}
    for field, word in words.items():
        allowed = [*offered[field].allowed, offered[field].default or ""]
        if offered[field].allowed and word.upper() not in {each.upper() for each in allowed}:
            now = ", ".join(offered[field].allowed)
            raise _no_longer(field, word, f"contract {contract.shown} allows {now} now")
    return ResolvedTerms.model_validate({"contract_id": contract.id, **words})


def _no_longer(field: str, quoted: str, now: str) -> InvalidOrder:
    """What was quoted is not to be had any more: for a person, who may not want what there is instead."""
    fix = f"so it was quoted, and {now}. Nothing was ordered; for a new quote, order again under a new reference"
    return InvalidOrder(field, quoted, fix)
