"""An order under its contract: what is allowed, what is sent, and what ICEYE says before it is placed."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tasking.errors import CredentialsRefused, InvalidOrder, OrderEnded, Refused, Unavailable, UnexpectedAnswer
from tasking.provider import Quote
from tests.support.iceye_answers import CONTRACT, Answers, contract, iceye, json_answer
from tests.support.iceye_orders import CONTRACTS, FEASIBILITY, OTHER, PRICE, SUMMARY, order


def quoted(answers: Answers, **changes: Any) -> Quote:
    with iceye(answers) as provider:
        return provider.quote(order(**changes))


REFUSED: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    # case: (order, contract, what the refusal names)
    "mode": ({"imaging_mode": "STRIPMAP"}, {}, "imaging_mode: STRIPMAP: contract Test contract ("),
    "mode names the allowed": ({"imaging_mode": "STRIPMAP"}, {}, "allows SPOTLIGHT, SCAN"),
    "no default mode": ({}, {"imagingModes": {"allowed": ["A", "B"]}}, "has no default; name one of A, B"),
    "priority": ({"priority": "background"}, {"priority": {"allowed": ["COMMERCIAL"]}}, "allows COMMERCIAL"),
    "sla": ({"sla": "SLA_3H"}, {}, "sla: SLA_3H: contract"),
    "exclusivity": ({"exclusivity": "PUBLIC"}, {}, "exclusivity: PUBLIC: contract"),
    "eula": ({"eula": "GOVERNMENT"}, {}, "allows STANDARD, MULTI"),
    "unknown contract": ({"contract_id": OTHER}, {}, f"no such contract; it has: Test contract ({CONTRACT})"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_contract_does_not_allow_is_refused_with_what_it_does(case: str) -> None:
    changes, terms, said = REFUSED[case]
    answers = Answers()
    answers.on("GET", CONTRACTS, json_answer(200, {"data": [contract(**terms)]}))
    with pytest.raises(InvalidOrder) as caught:
        quoted(answers, **changes)
    assert said in str(caught.value)
    assert not answers.calls("POST", FEASIBILITY)


def test_several_contracts_must_be_chosen_from_and_all_pages_are_read() -> None:
    answers = Answers()
    pages = [
        json_answer(200, {"data": [contract()], "cursor": "more"}),
        json_answer(200, {"data": [contract(id=OTHER, name="Second")], "cursor": ""}),
    ]
    answers.on("GET", CONTRACTS, json_answer(200, {"data": []}), *pages)
    with pytest.raises(InvalidOrder, match=f"name one of: Test contract .{CONTRACT}.; Second .{OTHER}"):
        quoted(answers)


def test_an_account_without_contracts_says_so() -> None:
    answers = Answers()
    answers.on("GET", CONTRACTS, json_answer(200, {"data": []}))
    with pytest.raises(InvalidOrder, match="the account has no contract"):
        quoted(answers)


def test_price_and_budget_come_in_main_units() -> None:
    quote = quoted(Answers())
    assert (quote.price, quote.currency) == (Decimal("1234.56"), "EUR")
    assert quote.notes == ("The contract's budget has no limit",)


def test_yen_have_no_hundredths() -> None:
    answers = Answers()
    answers.on("GET", PRICE, json_answer(200, {"amount": 150_000, "currency": "JPY"}))
    assert quoted(answers).price == Decimal(150_000)


def test_the_price_is_asked_with_what_holds_by_the_contract() -> None:
    answers = Answers()
    quoted(answers, priority="BACKGROUND")
    (asked,) = answers.calls("GET", PRICE)
    assert dict(asked.url.params) == {
        "contractID": CONTRACT,
        "imagingMode": "SCAN",
        "pointOfInterest[lat]": "60.17",
        "pointOfInterest[lon]": "24.94",
        "exclusivity": "PRIVATE",  # the only one allowed
        "priority": "BACKGROUND",
        "sla": "SLA_24H",
        "eula": "STANDARD",
    }


NO_PRICE: dict[str, tuple[str, httpx.Response, dict[str, Any], str]] = {
    "no plan": (SUMMARY, json_answer(404, {"code": "not_found", "message": "no"}), {}, "no pricing plan"),
    "refused": (PRICE, json_answer(403, {"code": "X", "message": "not allowed to query price"}), {}, "X: not allowed"),
    "no default": (SUMMARY, json_answer(200, {"currency": "EUR"}), {"sla": {"allowed": ["A", "B"]}}, "default for sla"),
}


@pytest.mark.parametrize("case", NO_PRICE)
def test_an_order_goes_on_without_a_price_where_there_is_none(case: str) -> None:
    path, answer, terms, said = NO_PRICE[case]
    answers = Answers()
    answers.on("GET", CONTRACTS, json_answer(200, {"data": [contract(**terms)]}))
    answers.on("GET", path, answer)
    quote = quoted(answers)
    assert quote.price is None
    assert said in quote.notes[0]


def test_an_exhausted_budget_ends_the_order_before_money_is_spent() -> None:
    answers = Answers()
    left = {"currency": "EUR", "consolidatedSpent": 900_000, "onHold": 50_000, "spendLimit": 1_000_000}
    answers.on("GET", SUMMARY, json_answer(200, left))
    with pytest.raises(OrderEnded, match=r"costs 1234.56 EUR, and of contract .* 500.00 EUR are left. Ask ICEYE"):
        quoted(answers)


@pytest.mark.parametrize(
    "body",
    [
        {"code": "ERR_INSUFFICIENT_FUNDS", "message": "could not create task: insufficient funds"},
        {"title": "Insufficient Funds", "code": "funds", "details": "nothing left", "reference": "abc"},
    ],
)
@pytest.mark.parametrize("status", [400, 403])
def test_insufficient_funds_is_told_in_clear_words(status: int, body: dict[str, str]) -> None:
    answers = Answers()
    answers.on("POST", FEASIBILITY, json_answer(status, body))
    with pytest.raises(OrderEnded, match="the contract's budget does not cover this task; nothing was ordered"):
        quoted(answers)
    answers.on("POST", "/api/tasking/v2/tasks", json_answer(status, body))
    with iceye(answers) as provider, pytest.raises(Refused, match="budget does not cover") as caught:
        provider.request(order(), None, None, "ref")  # type: ignore[arg-type]
    assert not isinstance(caught.value, CredentialsRefused)


def test_an_infeasible_order_says_what_would_work() -> None:
    answers = Answers()
    answers.on("POST", FEASIBILITY, json_answer(200, {"feasibility": [{"id": "0", "result": "INFEASIBLE"}]}))
    with pytest.raises(OrderEnded) as caught:
        quoted(answers, incidence_deg=[30, 31], look_side="LEFT")
    assert "a wider incidence range than 30 to 31 degrees, both look sides" in str(caught.value)


@pytest.mark.parametrize(
    "verdicts", [[], [{"id": "1", "result": "FEASIBLE"}], [{"id": "0", "result": "MAYBE"}], [{"result": "FEASIBLE"}]]
)
def test_a_verdict_that_is_none_is_not_taken_for_a_yes(verdicts: list[dict[str, str]]) -> None:
    answers = Answers()
    answers.on("POST", FEASIBILITY, json_answer(200, {"feasibility": verdicts}))
    with pytest.raises(UnexpectedAnswer):
        quoted(answers)


def test_feasibility_is_asked_again_when_the_server_was_away() -> None:
    answers = Answers()
    yes = json_answer(200, {"feasibility": [{"id": "0", "result": "FEASIBLE"}]})
    answers.on("POST", FEASIBILITY, json_answer(503, {}), httpx.ReadTimeout("slow"), yes)
    quoted(answers)
    assert len(answers.calls("POST", FEASIBILITY)) == 3
    assert answers.calls("POST", FEASIBILITY)[0].extensions["timeout"]["read"] == 120
    assert answers.calls("GET", PRICE)[0].extensions["timeout"]["read"] == 5


def test_feasibility_that_stays_away_makes_the_order_wait() -> None:
    answers = Answers()
    answers.on("POST", FEASIBILITY, json_answer(500, {}))
    with pytest.raises(Unavailable):
        quoted(answers)


def test_a_window_of_two_hours_is_warned_of_and_the_refusal_says_what_would_work() -> None:
    window = {"start": "2026-12-03T00:00:00Z", "end": "2026-12-03T02:00:00Z"}
    answers = Answers()
    assert "Beware: the window is 2.0 hours long" in quoted(answers, window=window).notes[0]
    answers.on("POST", FEASIBILITY, json_answer(400, {"code": "ERR", "message": "window too short"}))
    with pytest.raises(InvalidOrder, match=r"end it at 2026-12-04T00:00:00Z or later.*window too short"):
        quoted(answers, window=window)


@pytest.mark.parametrize(("priority", "start", "warned"), [
    ("COMMERCIAL", "2026-12-01T11:00:00Z", True),
    ("COMMERCIAL", "2026-12-01T13:00:00Z", False),
    (None, "2026-12-01T11:00:00Z", True),
    ("BACKGROUND", "2026-12-01T13:00:00Z", True),
    ("BACKGROUND", "2026-12-02T01:00:00Z", False),
])  # fmt: skip
def test_a_short_lead_is_warned_of_by_priority(priority: str | None, start: str, warned: bool) -> None:
    notes = quoted(Answers(), priority=priority, window={"start": start, "end": "2026-12-09T00:00:00Z"}).notes
    assert any("hours of lead" in note for note in notes) is warned


@pytest.mark.parametrize(("start", "end", "fix"), [
    ("2026-11-30T00:00:00Z", "2026-12-05T00:00:00Z", "window.start.*is past.*2026-12-01T12:01:00Z or later"),
    ("2026-11-01T00:00:00Z", "2026-11-05T00:00:00Z", "window.end.*is past"),
    ("2026-12-10T00:00:00Z", "2026-12-16T00:00:00Z", "window.end.*end it by 2026-12-15T00:00:00Z"),
])  # fmt: skip
def test_a_window_that_is_past_or_too_far_ahead_is_refused(start: str, end: str, fix: str) -> None:
    late = order(window={"start": start, "end": end})
    answers = Answers()
    with iceye(answers) as provider:
        with pytest.raises(InvalidOrder, match=fix):
            provider.quote(late)
        with pytest.raises(InvalidOrder, match=fix):
            provider.check(late)
    assert not answers.calls("POST", FEASIBILITY)


def test_feasibility_and_create_send_the_same_and_nothing_that_was_not_set() -> None:
    answers = Answers()
    answers.on("POST", "/api/tasking/v2/tasks", json_answer(201, {"id": OTHER, "status": "RECEIVED"}))
    with iceye(answers) as provider:
        provider.quote(order())
        provider.request(order(), None, None, "ref")  # type: ignore[arg-type]
    (asked,) = json.loads(answers.calls("POST", FEASIBILITY)[0].content)
    made = json.loads(answers.calls("POST", "/api/tasking/v2/tasks")[0].content)
    assert made == {**asked, "reference": "ref"}
    assert set(asked) == {"contractID", "imagingMode", "pointOfInterest", "acquisitionWindow"}


def test_everything_that_can_be_set_is_sent_as_published() -> None:
    answers = Answers()
    answers.on("POST", "/api/tasking/v2/tasks", json_answer(201, {"id": OTHER, "status": "RECEIVED"}))
    full = order(
        imaging_mode="spotlight",
        priority="background",
        sla="SLA_8H",
        exclusivity="PRIVATE",
        eula="MULTI",
        incidence_deg=[20, 35],
        look_side="LEFT",
        pass_direction="ANY",
        product_types=["GRD", "SLC"],
        delivery_locations=[{"config_id": OTHER, "path": "bucket", "sub_path": "a"}, {"config_id": OTHER, "path": "b"}],
        webhook_id=OTHER,
    )
    with iceye(answers) as provider:
        provider.request(full, None, None, "ref#2")  # type: ignore[arg-type]
    (sent,) = answers.calls("POST", "/api/tasking/v2/tasks")
    assert json.loads(sent.content) == {
        "contractID": CONTRACT,
        "imagingMode": "SPOTLIGHT",
        "pointOfInterest": {"lat": 60.17, "lon": 24.94},
        "acquisitionWindow": {"start": "2026-12-03T00:00:00Z", "end": "2026-12-06T00:00:00Z"},
        "reference": "ref#2",
        "exclusivity": "PRIVATE",
        "priority": "BACKGROUND",
        "sla": "SLA_8H",
        "eula": "MULTI",
        "incidenceAngle": {"min": 20, "max": 35},
        "lookSide": "LEFT",
        "passDirection": "ANY",
        "productTypes": ["GRD", "SLC"],
        "notifications": {"webhook": {"id": OTHER}},
        "deliveries": [
            {"locations": [{"configID": OTHER, "path": "bucket", "subPath": "a"}, {"configID": OTHER, "path": "b"}]}
        ],
    }
