"""What ICEYE quoted is what is ordered from it, or nothing is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasking import lifecycle
from tasking.candidate import Candidate
from tasking.errors import CredentialsRefused, OrderEnded, Refused, Unavailable
from tasking.iceye.provider import Iceye
from tests.support.iceye_answers import CONTRACT, TASK, Answers, contract, iceye, json_answer, task
from tests.support.iceye_orders import CONTRACTS, OTHER, PRICE, SUMMARY, order
from tests.support.ledgers import new_ledger
from tests.support.sessions import session_of

TASKS = "/api/tasking/v2/tasks"


def offering(*contracts: dict[str, Any]) -> Answers:
    """ICEYE with these contracts, ready to take a task."""
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": []}))
    answers.on("POST", TASKS, json_answer(201, task()))
    offer(answers, *contracts)
    return answers


def offer(answers: Answers, *contracts: dict[str, Any]) -> None:
    answers.on("GET", CONTRACTS, json_answer(200, {"data": list(contracts or [contract()])}))


def quoted(provider: Iceye, **wish: Any) -> Candidate:
    """What the ledger hands back of an order that was quoted, perhaps days ago."""
    wanted = order(**wish)
    whole = Candidate(id="whole-window", start=wanted.window.start, end=wanted.window.end)
    kept = whole.model_copy(update={"quoted": provider.quote(wanted).quoted})
    return Candidate.model_validate_json(kept.model_dump_json())


def sent(answers: Answers) -> list[dict[str, Any]]:
    return [json.loads(each.content) for each in answers.calls("POST", TASKS)]


def of_one(*words: str) -> dict[str, Sequence[str]]:
    return {"allowed": words}


NOT_ANY_MORE: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    # case: (the contracts when it is ordered, what the refusal says)
    "renewed": ([contract(id=OTHER)], [f"contract_id: {CONTRACT}", f"the account has now: Test contract ({OTHER})"]),
    "none left": ([], ["the account has now: none"]),
    "mode": ([contract(imagingModes=of_one("SPOTLIGHT_FINE"))], ["imaging_mode: SCAN", "allows SPOTLIGHT_FINE now"]),
    "sla": ([contract(sla=of_one("SLA_8H"))], ["sla: SLA_24H", "allows SLA_8H now"]),
    "priority": ([contract(priority=of_one("BACKGROUND"))], ["priority: COMMERCIAL", "allows BACKGROUND now"]),
    "exclusivity": ([contract(exclusivity=of_one("PUBLIC"))], ["exclusivity: PRIVATE", "allows PUBLIC now"]),
    "licence": ([contract(eula=of_one("MULTI", "OWN"))], ["eula: STANDARD", "allows MULTI, OWN now"]),
}


@pytest.mark.parametrize("case", NOT_ANY_MORE)
def test_what_was_quoted_and_is_not_offered_any_more_is_not_ordered_in_another_way(case: str) -> None:
    now, says = NOT_ANY_MORE[case]
    answers = offering()
    with iceye(answers) as provider:
        candidate = quoted(provider)
        answers.on("GET", CONTRACTS, json_answer(200, {"data": now}))
        with pytest.raises(Refused) as caught:
            provider.request(order(), None, candidate, "ref")
    assert sent(answers) == []
    for part in [*says, "so it was quoted", "Nothing was ordered", "order again under a new reference"]:
        assert part in str(caught.value)


DEARER: dict[str, tuple[int, dict[str, Any], str]] = {
    # case: (status and body of the price when it is ordered, what the refusal says)
    "more": (200, {"amount": 123_457, "currency": "EUR"}, "it costs 1234.57 EUR now"),
    "another currency": (200, {"amount": 1, "currency": "USD"}, "it costs 0.01 USD now"),
    "no price": (404, {"code": "ERR_NO_PRICING_PLAN", "message": "no"}, "ICEYE gives no price now (ERR_NO"),
}


@pytest.mark.parametrize("case", DEARER)
def test_what_costs_more_than_it_was_quoted_is_not_ordered(case: str) -> None:
    status, body, says = DEARER[case]
    answers = offering()
    with iceye(answers) as provider:
        candidate = quoted(provider)
        answers.on("GET", PRICE, json_answer(status, body))
        with pytest.raises(Refused, match=r"price: 1234\.56 EUR: so it was quoted") as caught:
            provider.request(order(), None, candidate, "ref")
    assert says in str(caught.value)
    assert sent(answers) == []


def test_what_costs_as_much_or_less_is_ordered() -> None:
    for amount in (123_456, 99_999):
        answers = offering()
        with iceye(answers) as provider:
            candidate = quoted(provider)
            answers.on("GET", PRICE, json_answer(200, {"amount": amount, "currency": "EUR"}))
            assert provider.request(order(), None, candidate, "ref").id == TASK
        asked = [dict(each.url.params) for each in answers.calls("GET", PRICE)]
        assert asked[0] == asked[1], "the price of what was quoted"


@pytest.mark.parametrize("settings", [{}, {"contract_id": OTHER}], ids=["found by itself", "another block's"])
def test_defaults_and_contracts_that_changed_since_the_quote_change_nothing(settings: dict[str, Any]) -> None:
    changed = contract(
        imagingModes={"allowed": ["SPOTLIGHT", "SCAN"], "default": "SPOTLIGHT"},
        priority={"allowed": ["COMMERCIAL", "BACKGROUND"], "default": "BACKGROUND"},
        sla={"allowed": ["SLA_8H", "SLA_24H"], "default": "SLA_8H"},
        exclusivity={"allowed": ["PRIVATE", "PUBLIC"], "default": "PUBLIC"},
        eula={"allowed": ["STANDARD", "MULTI"], "default": "MULTI"},
    )
    answers = offering()
    with iceye(answers) as provider:
        candidate = quoted(provider)
    offer(answers, contract(id=OTHER), changed)
    with iceye(answers, **settings) as provider:
        provider.request(order(), None, candidate, "ref")
    assert sent(answers) == [
        {
            "contractID": CONTRACT,
            "imagingMode": "SCAN",
            "pointOfInterest": {"lat": 60.17, "lon": 24.94},
            "acquisitionWindow": {"start": "2026-12-03T00:00:00Z", "end": "2026-12-06T00:00:00Z"},
            "reference": "ref",
            "exclusivity": "PRIVATE",
            "priority": "COMMERCIAL",
            "sla": "SLA_24H",
            "eula": "STANDARD",
        }
    ]


def test_what_nobody_said_in_the_quote_is_left_to_iceye_and_no_price_is_asked_where_none_was_given() -> None:
    open_sla = contract(sla={"allowed": ["SLA_8H", "SLA_24H"]})
    answers = offering(open_sla)
    with iceye(answers) as provider:
        candidate = quoted(provider)
        provider.request(order(), None, candidate, "ref")
    assert "sla" not in sent(answers)[0]
    answers = offering()
    answers.on("GET", SUMMARY, json_answer(404, {"code": "not_found", "message": "no pricing plan"}))
    with iceye(answers) as provider:
        provider.request(order(), None, quoted(provider), "ref")
    assert len(sent(answers)) == 1
    assert answers.calls("GET", PRICE) == []


def test_a_price_that_cannot_be_read_makes_the_order_wait() -> None:
    for trouble in (json_answer(503, {}), json_answer(200, {"amount": "dear"})):
        answers = offering()
        with iceye(answers) as provider:
            candidate = quoted(provider)
            answers.on("GET", PRICE, trouble)
            with pytest.raises(Unavailable):
                provider.request(order(), None, candidate, "ref")
        assert sent(answers) == []


def test_credentials_that_end_before_the_price_is_confirmed_are_told_as_such() -> None:
    answers = offering()
    with iceye(answers) as provider:
        candidate = quoted(provider)
        answers.on("GET", PRICE, json_answer(401, {"code": "E", "message": "token"}))
        with pytest.raises(CredentialsRefused):
            provider.request(order(), None, candidate, "ref")
    assert sent(answers) == []


def test_an_order_that_an_older_version_quoted_goes_on_under_the_contract_of_today() -> None:
    answers = offering()
    with iceye(answers) as provider:
        provider.quote(order())
        kept = Candidate(id="whole-window", start=order().window.start, end=order().window.end)
        older = Candidate.model_validate(kept.model_dump(exclude={"quoted"}))
        offer(answers, contract(id=OTHER, imagingModes=of_one("SPOTLIGHT")))
        provider.request(order(), None, older, "ref")
    (body,) = sent(answers)
    assert (body["contractID"], body["imagingMode"]) == (OTHER, "SPOTLIGHT")
    assert not {"sla", "priority", "exclusivity", "eula"} & set(body)


def test_the_ledger_keeps_what_was_quoted_until_it_is_ordered(tmp_path: Path) -> None:
    answers, wanted = offering(), order(reference="ref")
    ledger = new_ledger(tmp_path)
    ledger.claim(
        "ref", wanted.model_dump(mode="json"), provider="iceye", flow_run_id="run", owner_is_gone=lambda _: False
    )
    with iceye(answers) as provider:
        session = session_of(ledger, provider, wanted, "ref")
        lifecycle.plan(session)
        assert ledger.read("ref").price == Decimal("1234.56")
        offer(answers, contract(id=OTHER))
        with pytest.raises(OrderEnded, match=r"Not requested: .* the account has now: Test contract") as caught:
            lifecycle.request(session)
    ledger.close()
    assert caught.value.status == "rejected"
    assert sent(answers) == []
