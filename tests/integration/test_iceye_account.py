"""What an ICEYE account holds and tells besides its orders' life: webhooks, contracts, own deliveries, plain words."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from typer.testing import CliRunner

from flows import account_commands
from flows.cli import app
from tasking.errors import CredentialsRefused, ReferenceTaken
from tasking.iceye.order import IceyeOrder
from tasking.iceye.provider import Iceye
from tasking.provider import Contracts, TaskingRequest
from tests.support.iceye_answers import CONTRACT, SCENE, SECRET, TASK, Answers, contract, iceye, json_answer, task
from tests.support.iceye_orders import order

TASKS, ONE = "/api/tasking/v2/tasks", f"/api/tasking/v2/tasks/{TASK}"
HOOKS = "/api/notifications/v1/webhooks"
HOOK = "46ec5793-3b29-4fff-90e5-360fae4be57d"
OTHER = "56ec5793-3b29-4fff-90e5-360fae4be57d"
OWN = {"id": HOOK, "locations": [{"configID": HOOK, "path": "bucket", "subPath": "radar"}], "status": "pending"}


@pytest.mark.parametrize(("ours", "sent"), [({}, HOOK), ({"webhook_id": OTHER}, OTHER)])
def test_an_order_names_the_accounts_webhook_unless_it_names_one(ours: dict[str, Any], sent: str) -> None:
    answers = Answers()
    answers.on("POST", TASKS, json_answer(201, task()))
    with iceye(answers, webhook_id=HOOK) as provider:
        provider.request(order(**ours), None, None, "ref")  # type: ignore[arg-type]
    (made,) = answers.calls("POST", TASKS)
    assert json.loads(made.content)["notifications"] == {"webhook": {"id": sent}}


def test_webhooks_and_contracts_are_listed_and_registered_from_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = Answers()
    answers.on("GET", HOOKS, json_answer(200, {"data": [{"id": HOOK, "callbackURL": "https://a.example.com/x"}]}))
    answers.on("POST", HOOKS, json_answer(201, {"id": OTHER}))

    class Account:
        def open(self) -> Any:
            return Iceye(provider.settings, transport=httpx.MockTransport(answers))

    monkeypatch.setattr(account_commands, "load_account", lambda _name: Account())
    monkeypatch.setenv("COLUMNS", "200")
    with iceye(answers) as provider, temporary_settings({PREFECT_API_URL: "http://127.0.0.1:4200/api"}):
        assert isinstance(provider, Contracts)
        told = CliRunner().invoke(app, ["contracts", "iceye-tasking/default"])
        assert (CONTRACT in told.output, "SPOTLIGHT, SCAN (else SCAN)" in told.output) == (True, True)
        assert HOOK in CliRunner().invoke(app, ["webhooks", "list", "iceye-tasking/default"]).output
        made = CliRunner().invoke(app, ["webhooks", "register", "iceye-tasking/default", "https://b.example.com/y"])
    assert made.output.strip() == OTHER
    assert json.loads(answers.calls("POST", HOOKS)[0].content) == {"url": "https://b.example.com/y"}


def test_the_customers_own_deliveries_and_the_first_products_are_told() -> None:
    answers = Answers()
    answers.on("GET", f"{ONE}/scene", json_answer(200, SCENE))
    answers.on("GET", TASKS, json_answer(200, {"data": [task()]}))  # the list does not tell of them
    answers.on("GET", ONE, json_answer(200, task(deliveries=[OWN])))
    place = {"config_id": HOOK, "path": "bucket", "sub_path": "radar"}
    with iceye(answers) as provider:
        before = provider.find_request(order(delivery_locations=[place]), None, "ref")
        assert before is not None
        assert before.note == "own delivery to bucket/radar: pending"
        after = task(status="DONE", fulfilledAt="2026-12-04T18:00:00Z")
        listed = [after, *(task(id=f"0000000{n}-0000-4000-8000-000000000000") for n in (1, 2))]
        answers.on("GET", TASKS, json_answer(200, {"data": listed}))
        answers.on("GET", ONE, json_answer(200, {**after, "deliveries": [{**OWN, "status": "failed"}]}))
        known = {each["id"]: before.model_copy(update={"id": each["id"]}) for each in listed}
        done: TaskingRequest = provider.read(list(known), None, known)[TASK]
    assert "first products at 2026-12-04T18:00:00Z" in done.note
    assert done.note.endswith("own delivery to bucket/radar: failed")


def test_what_has_no_effect_is_not_asked_for_and_orders_that_say_it_are_read() -> None:
    form = IceyeOrder.model_json_schema()
    assert {"select", "on_rejection"}.isdisjoint(form["properties"])
    assert "price" in form["properties"]["require_approval"]["description"]
    assert "candidates" not in form["properties"]["require_approval"]["description"]
    assert form.get("additionalProperties") is not False, "a saved schedule that still says them must be taken"
    before = {**order().model_dump(mode="json"), "select": "earliest", "on_rejection": "wait"}
    assert IceyeOrder.model_validate(before).select == "earliest"


def test_a_wrong_secret_is_told_in_iceyes_own_words() -> None:
    answers = Answers()
    answers.on("POST", "/v1/token", json_answer(401, {"error": "invalid_client"}))
    with iceye(answers) as provider, pytest.raises(CredentialsRefused) as caught:
        provider.client.contracts()
    assert "the client id or the client secret is not accepted" in str(caught.value)
    assert ("audience" in str(caught.value), SECRET in str(caught.value)) == (False, False)


@pytest.mark.parametrize("status", ["RECEIVED", "DONE"])
def test_what_a_cancel_means_is_a_sentence(status: str) -> None:
    answers = Answers()
    answers.on("GET", ONE, json_answer(200, task(status=status)))
    with iceye(answers) as provider:
        assert provider.cancel_terms(TASK).message[0].isupper()


NORMALISED: list[dict[str, Any]] = [
    {"acquisitionWindow": {"start": "2026-12-03T00:07:12.5Z", "end": "2026-12-06T00:00:00Z"}},  # begins when made
    {"acquisitionWindow": {"start": "2026-12-03T00:00:00Z", "end": "2026-12-05T23:00:00+00:00"}},
    {"pointOfInterest": {"lat": 60.17, "lon": 24.94 + 360}},
    {"pointOfInterest": {"lat": 60.2 - 0.029, "lon": 24.935}},
    {"imagingMode": "SCAN_NARROW"},
]


@pytest.mark.parametrize("echo", NORMALISED)
def test_an_echo_that_a_server_may_normalise_is_ours_once_it_was_announced(echo: dict[str, Any]) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [task(**echo)]}))
    wanted = order(imaging_mode="SCAN")
    with iceye(answers) as provider:
        found = provider.find_request(wanted, None, "ref", announced=True)
    assert found is not None
    assert found.id == TASK


@pytest.mark.parametrize(
    "other",
    [
        {"acquisitionWindow": {"start": "2026-12-07T00:00:00Z", "end": "2026-12-09T00:00:00Z"}},
        {"pointOfInterest": {"lat": 60.3, "lon": 24.94}},
        {"imagingMode": "SPOTLIGHT"},
        {"contractID": OTHER},
    ],
)
def test_what_no_server_normalises_stays_a_persons_case(other: dict[str, Any]) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [task(**other)]}))
    wanted = order(imaging_mode="SCAN", contract_id=CONTRACT)
    with iceye(answers) as provider, pytest.raises(ReferenceTaken):
        provider.find_request(wanted, None, "ref", announced=True)


def test_a_status_of_megabytes_is_cut_where_it_comes_in() -> None:
    answers = Answers()
    word = "W" * 2_000_000
    answers.on("GET", ONE, json_answer(200, task(status=word, deliveries=[{**OWN, "status": word}])))
    answers.on("GET", "/api/company/v1/contracts", json_answer(200, {"data": [contract(name=word)]}))
    with iceye(answers) as provider:
        request = provider.read([TASK])[TASK]
        (one,) = provider.contracts()
    assert (len(request.provider_status), len(one.name or "")) == (200, 200)
    assert len(request.model_dump_json()) < 5000
