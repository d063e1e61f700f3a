"""What an order was quoted with is what is ordered, or nothing is.

Days may lie between the two, e.g. where a person is asked first: a contract may be renewed meanwhile, and what it takes
when nothing is said may be another mode, or dearer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasking.errors import InvalidOrder, Refused
from tasking.iceye.client import IceyeClient
from tasking.iceye.contract_terms import ResolvedTerms, listed, terms_by_field
from tasking.iceye.conversions import money
from tasking.iceye.models import Contract
from tasking.iceye.order import IceyeOrder
from tasking.iceye.quoting import ask_price


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
