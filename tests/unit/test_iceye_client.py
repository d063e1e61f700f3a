"""ICEYE's API call by call: tokens, pages, what is repeated, what is sent once, and what a no becomes."""

from __future__ import annotations

import base64
import logging
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tasking.errors import (
    CredentialsRefused,
    InvalidOrder,
    NotFound,
    ProviderError,
    Refused,
    Unavailable,
    Uncertain,
    UnexpectedAnswer,
)
from tasking.http.deadline import Stopwatch, announced
from tasking.iceye.settings import IceyeSettings
from tasking.iceye.terms import Agreed, task_body
from tests.support.iceye_answers import AUTH, CONTRACT, SECRET, TASK, Answers, contract, iceye, json_answer, task
from tests.support.iceye_orders import order

TASKS, ONE, CONTRACTS = "/api/tasking/v2/tasks", f"/api/tasking/v2/tasks/{TASK}", "/api/company/v1/contracts"
BODY = task_body(order(), Agreed(contract_id=CONTRACT, imaging_mode="SCAN"), "ref")


def test_a_token_is_asked_for_with_basic_and_a_form_and_shared() -> None:
    answers = Answers()
    answers.on("GET", ONE, json_answer(200, task()))
    for _ in range(2):
        with iceye(answers) as provider:
            provider.client.task(TASK)
    (asked,) = answers.calls("POST", "/v1/token")
    assert asked.headers["Authorization"] == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert asked.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert asked.content == b"grant_type=client_credentials"
    read = answers.calls("GET", ONE)
    assert [each.headers["Authorization"] for each in read] == ["Bearer t0ken-of-the-test"] * 2
    assert read[0].headers["Accept"] == "application/json, application/problem+json"


def test_a_token_is_good_until_five_minutes_before_its_end() -> None:
    answers = Answers()
    answers.on("GET", ONE, json_answer(200, task()))
    with iceye(answers) as provider:
        provider.client.task(TASK)
        kept = provider.client.api.tokens._kept  # type: ignore[union-attr]
        assert 3200 <= (kept.expires - datetime.now(UTC)).total_seconds() <= 3300


@pytest.mark.parametrize("body", [{"error_description": "no such client"}, {"message": "no such client"}])
def test_wrong_credentials_say_so_and_never_the_secret(body: dict[str, str]) -> None:
    answers = Answers()
    answers.on("POST", "/v1/token", json_answer(401, {**body, "hint": SECRET}))
    with iceye(answers) as provider, pytest.raises(CredentialsRefused, match="no such client") as caught:
        provider.client.task(TASK)
    assert SECRET not in str(caught.value)
    assert base64.b64encode(f"me:{SECRET}".encode()).decode() not in str(caught.value)


@pytest.mark.parametrize("address", [AUTH, AUTH + "/", AUTH + "/v1/token"])
def test_the_token_address_may_be_written_with_or_without_its_path(address: str) -> None:
    settings = IceyeSettings(client_id="a", client_secret="b", auth_url=address)  # type: ignore[arg-type]
    assert settings.token_url == AUTH + "/v1/token"
    assert settings.api_url == "https://platform.iceye.com/api"


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth_url": "http://auth.example.com"},
        {"api_url": "platform.iceye.com"},
        {"contract_id": "mine"},
        {"settle_seconds": 10},
        {"client_id": ""},
    ],
)
def test_settings_that_cannot_be_right_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises((InvalidOrder, ValueError)) as caught:
        IceyeSettings(**{"client_id": "a", "client_secret": SECRET, "auth_url": AUTH, **wrong})
    assert SECRET not in str(caught.value)


ERRORS: dict[str, tuple[int, dict[str, str], type[ProviderError], str]] = {
    "plain": (400, {"code": "ERR_X", "message": "bad"}, Refused, "ERR_X: bad"),
    "problem": (
        404,
        {"title": "Contract Not Found", "code": "not_found", "details": "no rows in result set", "reference": "r"},
        NotFound,
        "Contract Not Found: not_found: no rows in result set",
    ),
    "forbidden": (403, {"code": "F", "message": "no"}, CredentialsRefused, "F: no"),
    "a proxy's words": (400, {"detail": "odd"}, Refused, "odd"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_both_forms_of_a_no_are_read(case: str) -> None:
    status, body, kind, said = ERRORS[case]
    answers = Answers()
    answers.on("GET", ONE, json_answer(status, body))
    with iceye(answers) as provider, pytest.raises(kind) as caught:
        provider.client.task(TASK)
    assert (type(caught.value), caught.value.said, caught.value.status) == (kind, said, status)


def test_an_absent_or_an_empty_cursor_ends_a_list() -> None:
    answers = Answers()
    pages = [
        json_answer(200, {"data": [task(id=f"{n}")], "cursor": cursor}) for n, cursor in enumerate(("a b+/=", "c", ""))
    ]
    answers.on("GET", TASKS, *pages)
    with iceye(answers) as provider:
        after = datetime(2026, 12, 1, tzinfo=UTC)
        found = [each.id for page in provider.client.tasks(contract_id=CONTRACT, created_after=after) for each in page]
    assert found == ["0", "1", "2"]
    asked = [dict(each.url.params) for each in answers.calls("GET", TASKS)]
    narrowed = {"contractID": CONTRACT, "createdAfter": "2026-12-01T00:00:00Z", "limit": "100"}
    assert asked == [narrowed, {**narrowed, "cursor": "a b+/="}, {**narrowed, "cursor": "c"}]


def test_a_cursor_that_comes_back_is_no_endless_loop() -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [], "cursor": "again"}))
    with iceye(answers) as provider, pytest.raises(UnexpectedAnswer, match="read already"):
        list(provider.client.tasks())


OTHER = "33333333-3333-4333-8333-333333333333"
ODD_ENTRIES: list[Any] = [
    {},
    {"id": ""},
    {"id": 7, "reference": "another"},
    None,
    "x",
    [],
    {"id": OTHER, "status": [1]},
]


@pytest.mark.parametrize("entry", ODD_ENTRIES)
def test_an_entry_of_somebody_elses_that_cannot_be_read_blocks_no_order(entry: Any) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [entry, task(), entry]}))
    with iceye(answers) as provider:
        found = provider.find_request(order(), None, "ref")
        assert found is not None
        assert found.id == TASK
        assert provider.find_request(order(), None, "not-there") is None


@pytest.mark.parametrize(
    "entry", [task(id=None), task(id=7), {"id": "", "reference": "ref"}, task(id="", reference=None)]
)
def test_an_entry_that_may_be_ours_and_has_no_id_is_never_passed_over(entry: dict[str, Any]) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [entry]}))
    with iceye(answers) as provider, pytest.raises(UnexpectedAnswer, match="may be this order's has no id"):
        provider.find_request(order(), None, "ref")


@pytest.mark.parametrize(
    "odd",
    [
        {"acquisitionWindow": "soon", "pointOfInterest": [60, 24]},
        {"createdAt": 7, "status": {"word": "ACTIVE"}, "productTypes": "GRD", "deliveries": {"a": 1}},
        {"productsAvailableInSeconds": "soon", "sla": 8, "fulfilledAt": "never", "contractID": None},
    ],
)
def test_our_own_task_is_read_however_odd_its_fields(odd: dict[str, Any]) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [task(**odd)]}))
    with iceye(answers) as provider:
        found = provider.find_request(order(), None, "ref")
    assert found is not None
    assert found.id == TASK


def test_contracts_are_read_by_iceyes_own_page_length_when_it_refuses_ours() -> None:
    answers = Answers()
    refused = json_answer(400, {"code": "ERR_BAD_REQUEST", "message": "limit: not in 1..50"})
    pages = [json_answer(200, {"data": [contract()], "cursor": "2"}), json_answer(200, {"data": [contract(id="b")]})]
    answers.on("GET", CONTRACTS, refused, *pages)
    with iceye(answers) as provider:
        assert [each.id for each in provider.client.contracts()] == [CONTRACT, "b"]
        assert "limit" not in answers.calls("GET", CONTRACTS)[-1].url.params
        answers.on("GET", CONTRACTS, refused)  # the shortest page, too: its answer tells the time all the same
        provider.learn_time()
        assert provider.clock.known


def test_an_odd_contract_beside_ours_blocks_no_order_and_is_never_overlooked() -> None:
    answers = Answers()
    odd = [contract(id="b", priority=[], sla="SLA_8H", imagingModes=None, eula={"allowed": "ALL", "default": 7})]
    answers.on("GET", CONTRACTS, json_answer(200, {"data": [*odd, None, contract()]}))
    with iceye(answers, contract_id=CONTRACT) as provider:
        assert provider.quote(order()).price is not None
    with iceye(answers) as provider, pytest.raises(UnexpectedAnswer, match="cannot be told which is meant"):
        provider.quote(order())


def test_odd_values_of_a_task_are_no_error() -> None:
    answers = Answers()
    slips = task(createdAt="2023-12-20T15:04:05Z07:00", sla=None, acquisitionWindow=None, pointOfInterest=None)
    answers.on("GET", ONE, json_answer(200, {**slips, "status": None, "new": {"a": 1}}))
    with iceye(answers) as provider:
        read = provider.client.task(TASK)
    assert (read.created, read.status, read.window.start, read.point.lat) == (None, None, None, None)


LOST: dict[str, tuple[httpx.Response | Exception, type[ProviderError]]] = {
    "a time-out": (httpx.ReadTimeout("slow"), Uncertain),
    "a reset": (httpx.ReadError("reset"), Uncertain),
    "a server in trouble": (json_answer(500, {"code": "E", "message": "m"}), Uncertain),
    "a gateway": (httpx.Response(504, text="<html>"), Uncertain),
    "an answer that is no task": (json_answer(201, {"ok": True}), Uncertain),
    "an answer that is no JSON": (httpx.Response(201, text="made"), Uncertain),
    "a redirect": (httpx.Response(307, headers={"Location": "https://elsewhere.example.com/"}), Refused),
    "a redirect to what was made": (httpx.Response(303, headers={"Location": "/elsewhere"}), Uncertain),
    "no connection": (httpx.ConnectError("no"), Unavailable),
    "too many calls": (json_answer(429, {"code": "E", "message": "m"}), Unavailable),
    "a no": (json_answer(400, {"code": "E", "message": "m"}), Refused),
    "not allowed": (json_answer(403, {"code": "E", "message": "m"}), CredentialsRefused),
}


@pytest.mark.parametrize("case", LOST)
def test_a_create_is_sent_once_whatever_comes_back(case: str) -> None:
    answer, kind = LOST[case]
    answers = Answers()
    answers.on("POST", TASKS, answer)
    with iceye(answers) as provider, pytest.raises(kind) as caught:
        provider.client.create_task(BODY)
    assert type(caught.value) is kind
    assert caught.value.reference == "ref"
    assert len(answers.calls("POST", TASKS)) == 1


@pytest.mark.parametrize("case", LOST)
def test_a_cancel_is_sent_once_whatever_comes_back(case: str) -> None:
    answer, kind = LOST[case]
    answers = Answers()
    answers.on("PATCH", ONE, answer)
    with iceye(answers) as provider, pytest.raises(kind):
        provider.client.cancel_task(TASK)
    (sent,) = answers.calls("PATCH", ONE)
    assert sent.content == b'{"status":"CANCELED"}'


def test_an_expired_token_costs_one_fresh_one_and_the_create_is_made_once() -> None:
    answers = Answers()
    fresh = [json_answer(200, {"access_token": f"token-{n}", "expires_in": 3600}) for n in range(2)]
    answers.on("POST", "/v1/token", *fresh)
    answers.on("POST", TASKS, json_answer(401, {"code": "E", "message": "expired"}), json_answer(201, task()))
    with iceye(answers) as provider:
        assert provider.client.create_task(BODY).id == TASK
    sent = [each.headers["Authorization"] for each in answers.calls("POST", TASKS)]
    assert sent == ["Bearer token-0", "Bearer token-1"]


def test_a_create_that_was_got_ready_for_too_long_is_not_sent() -> None:
    answers = Answers()
    answers.on("POST", TASKS, json_answer(201, task()))
    with (
        iceye(answers) as provider,
        pytest.raises(Unavailable, match="getting ready took too long"),
        announced(Stopwatch(ago=1e6)),
    ):
        provider.client.create_task(BODY)
    assert not answers.calls("POST", TASKS)


def test_a_contract_that_cannot_be_read_means_not_sent() -> None:
    answers = Answers()
    answers.on("GET", CONTRACTS, json_answer(200, {"data": [{"name": "no id"}]}))
    with iceye(answers) as provider, pytest.raises(Unavailable, match="was not sent"):
        provider.request(order(), None, None, "ref")  # type: ignore[arg-type]
    answers.on("GET", CONTRACTS, json_answer(200, {"data": [contract(imagingModes={"allowed": ["A", "B"]})]}))
    with iceye(answers) as provider, pytest.raises(Refused, match="name one of A, B"):
        provider.request(order(), None, None, "ref")  # type: ignore[arg-type]
    assert not answers.calls("POST", TASKS)


def test_no_secret_and_no_query_reaches_the_logs(caplog: pytest.LogCaptureFixture) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": []}))
    with caplog.at_level(logging.DEBUG), iceye(answers) as provider:
        list(provider.client.tasks(contract_id=CONTRACT))
    assert SECRET not in caplog.text
    assert "t0ken-of-the-test" not in caplog.text
    assert "contractID" not in caplog.text
