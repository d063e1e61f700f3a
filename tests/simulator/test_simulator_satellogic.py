"""The simulated Satellogic says what the documents show: who may call, what a task must be, what lists hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tasking.simulator import Simulator
from tests.support.satellogic_story import AREA, CONTRACT, HOUR, POINT, Caller, payload, story

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Simulator, Caller]]:
    with story() as both:
        yield both


def test_a_token_is_given_for_the_documented_request(told: tuple[Simulator, Caller]) -> None:
    answer = told[1].token()
    assert answer.status_code == 200
    assert answer.json().keys() == {"access_token", "scope", "expires_in", "token_type"}
    assert answer.json()["token_type"] == "Bearer"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"audience": "https://api.satellogic.com"}, 403),
        ({"audience": None}, 400),
        ({"client_secret": "wrong"}, 401),
        ({"grant_type": "password"}, 400),
    ],
)
def test_any_other_token_request_is_refused(
    told: tuple[Simulator, Caller], changes: dict[str, Any], status: int
) -> None:
    assert told[1].token(**changes).status_code == status


def test_the_usual_authorization_header_opens_nothing(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    bearer = caller.http.headers["AuthorizationToken"]
    contract = {CONTRACT: caller.http.headers[CONTRACT]}
    url = simulator.satellogic.api_url + "/tasking/tasks/"
    assert httpx.get(url, headers={"Authorization": bearer, **contract}).status_code == 401
    assert httpx.get(url, headers={"authorizationtoken": bearer, **contract}).status_code == 200
    assert httpx.get(url, headers={"AuthorizationToken": bearer + "x", **contract}).json().keys() == {"detail"}


def test_only_the_contracts_are_listed_without_a_contract(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    headers = {"AuthorizationToken": caller.http.headers["AuthorizationToken"]}
    base = simulator.satellogic.api_url
    contracts = httpx.get(base + "/contracts", headers=headers).json()
    assert all(one.keys() == {"contract_id", "name"} and one["contract_id"].startswith("cont.") for one in contracts)
    for path in ("/tasking/tasks/", "/tasking/products/", "/telluric/scenes/", "/archive/stac/"):
        assert httpx.get(base + path, headers=headers).status_code == 401, path
    theirs = simulator.satellogic.contracts("second-client")[0]["contract_id"]
    assert httpx.get(base + "/tasking/tasks/", headers={**headers, CONTRACT: theirs}).status_code == 403


def test_products_are_a_point_and_an_area(told: tuple[Simulator, Caller]) -> None:
    page = told[1].http.get("/tasking/products/").json()
    assert page.keys() == {"count", "next", "previous", "results"}
    assert [(one["pk"], one["is_area"]) for one in page["results"]] == [(169, False), (178, True)]


def test_a_new_task_is_received_and_shown_with_the_documented_fields(told: tuple[Simulator, Caller]) -> None:
    _, caller = told
    answer = caller.post(start="2026-12-01T03:00:00+03:00", max_captures=2)
    assert answer.status_code == 201
    task = answer.json()
    assert isinstance(task["task_id"], int)
    assert task["status"] == "received"
    assert task["target"] == {"type": "Point", "coordinates": [*POINT["coordinates"], 0.0]}
    assert (task["start"], task["end"]) == ("2026-12-01T00:00:00Z", "2026-12-15T00:00:00Z")
    assert TIME.fullmatch(task["created_time"])
    assert (task["product"], task["priority"], task["max_captures"]) == (169, 13, 2)
    for slash in ("", "/"):
        again = caller.http.get(f"/tasking/tasks/{task['task_id']}{slash}")
        assert again.status_code == 200
        assert again.json()["task_id"] == task["task_id"]


def test_what_is_shown_may_be_sent_again(told: tuple[Simulator, Caller]) -> None:
    """A target that came back with three numbers a position is a target."""
    caller = told[1]
    shown = caller.task(caller.order(product=178, target=AREA))["target"]
    assert shown["coordinates"][0][0] == [10.0, 45.0, 0.0]
    assert caller.post(product=178, target=shown).status_code == 201


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"task_name": None}, "task_name"),
        ({"task_name": "  "}, "task_name"),
        ({"project_name": None}, "project_name"),
        ({"product": None, "product_id": 169}, "product"),
        ({"product": "169"}, "product"),
        ({"product": 170}, "product"),
        ({"product": 186}, "product"),
        ({"product": 178}, "target"),
        ({"target": AREA}, "target"),
        ({"target": {"type": "Point", "coordinates": [200, 0]}}, "target"),
        ({"target": {"type": "Point", "coordinates": []}}, "target"),
        ({"product": 178, "target": {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1]]]}}, "target"),
        (
            {"product": 178, "target": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}},
            "target",
        ),
        ({"product": 178, "target": AREA, "max_captures": 2}, "max_captures"),
        ({"start": "tomorrow"}, "start"),
        ({"start": "2026-12-16T00:00:00Z"}, "end"),
        ({"start": "2026-11-01T00:00:00Z", "end": "2026-11-30T00:00:00Z"}, "end"),
        ({"max_captures": 0}, "max_captures"),
        ({"expected_age": "P7D"}, "expected_age"),
        ({"max_capture": 2}, "max_capture"),
    ],
)
def test_what_is_wrong_is_said_by_field(told: tuple[Simulator, Caller], changes: dict[str, Any], field: str) -> None:
    answer = told[1].post(**changes)
    assert answer.status_code == 400
    assert field in answer.json()
    assert all(isinstance(said, list) for said in answer.json().values())


def test_product_id_can_be_allowed_as_another_name() -> None:
    with story(**{"satellogic.product_field": "alias"}) as (_, caller):
        assert caller.post(product=None, product_id=169).json()["product"] == 169


def test_a_body_that_is_no_json_object_is_refused(told: tuple[Simulator, Caller]) -> None:
    http = told[1].http
    assert http.post("/tasking/tasks/", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert http.post("/tasking/tasks/", json=[1]).status_code == 400
    assert http.post("/tasking/tasks/", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert http.put("/tasking/tasks/", json=payload()).status_code == 405


def test_two_posts_with_one_name_are_two_tasks() -> None:
    with story() as (simulator, caller):
        first, second = caller.order(task_name="twice"), caller.order(task_name="twice")
        assert first != second
        assert simulator.satellogic.summary()["tasks_by_name"] == {"twice": [first, second]}


def test_an_answer_lost_after_the_create_leaves_one_task() -> None:
    with story() as (simulator, caller):
        simulator.fault("reset_after", method="POST", path="*/tasking/tasks/")
        with pytest.raises(httpx.TransportError):
            caller.post(task_name="lost")
        found = caller.http.get("/tasking/tasks/", params={"task_name": "lost"}).json()
        assert found["count"] == 1
        entry = simulator.journal(method="POST", path="*/tasking/tasks/")[0]
        assert entry["created_ids"] == [str(found["results"][0]["task_id"])]


def test_lists_are_paged_by_absolute_links_and_filtered_by_name_and_status() -> None:
    with story() as (simulator, caller):
        ids = [caller.order(task_name=f"place {number % 2}") for number in range(5)]
        page = caller.http.get("/tasking/tasks/", params={"limit": 2, "task_name": "place 0"}).json()
        assert (page["count"], page["previous"]) == (3, None)
        assert [one["task_id"] for one in page["results"]] == [ids[4], ids[2]]
        assert urlsplit(page["next"]).netloc == urlsplit(simulator.url).netloc
        last = caller.http.get(page["next"]).json()
        assert [one["task_id"] for one in last["results"]] == [ids[0]]
        assert last["next"] is None
        caller.http.patch(f"/tasking/tasks/{ids[1]}/cancel/")
        found = caller.http.get("/tasking/tasks/", params={"status": "canceled"}).json()
        assert [one["task_id"] for one in found["results"]] == [ids[1]]


def test_a_task_belongs_to_its_contract() -> None:
    with story() as (_, caller):
        task_id = caller.order()
        rush = {CONTRACT: caller.contracts[1]["contract_id"]}
        assert caller.http.get(f"/tasking/tasks/{task_id}", headers=rush).status_code == 404
        assert caller.http.get("/tasking/tasks/", headers=rush).json()["count"] == 0
        assert caller.http.post("/tasking/tasks/", json=payload(), headers=rush).json()["priority"] == 14


def test_lists_may_lag_behind_while_the_task_itself_can_be_read() -> None:
    with story(list_lag_seconds=60) as (simulator, caller):
        task_id = caller.order()
        assert caller.status(task_id) == "received"
        assert caller.http.get("/tasking/tasks/").json()["count"] == 0
        simulator.advance(61)
        assert caller.http.get("/tasking/tasks/").json()["count"] == 1


@pytest.mark.parametrize("kind", ["opportunities", "can-add"])
def test_an_analysis_takes_up_to_a_minute_and_is_kept_for_a_day(kind: str) -> None:
    with story() as (simulator, caller):
        asked = caller.http.post(f"/v2/analysis/{kind}", json=payload())
        assert asked.status_code == 201
        path = f"/v2/analysis/{kind}/{asked.json()['analysis_id']}"
        simulator.advance(15)
        assert caller.http.get(path).json()["result"] is None
        simulator.advance(45)
        found = caller.http.get(path).json()
        assert found["status"] == "completed"
        assert len(found["result"]["opportunities"]) > 5
        assert all(TIME.fullmatch(one["start"]) for one in found["result"]["opportunities"])
        assert caller.http.get("/tasking/tasks/").json()["count"] == 0  # it orders nothing
        simulator.advance(24 * HOUR)
        assert caller.http.get(path).status_code == 404
        assert caller.http.post(f"/v2/analysis/{kind}", json=payload(product=1)).status_code == 400


def test_can_add_shows_only_what_others_left() -> None:
    with story(**{"satellogic.demand": 0.5}) as (simulator, caller):
        shown = {}
        for kind in ("opportunities", "can-add"):
            made = caller.http.post(f"/v2/analysis/{kind}", json=payload()).json()
            simulator.advance(60)
            result = caller.http.get(f"/v2/analysis/{kind}/{made['analysis_id']}").json()["result"]
            shown[kind] = {one["start"] for one in result["opportunities"]}
        assert shown["can-add"] < shown["opportunities"]
        task_id = caller.order(max_captures=50)
        simulator.advance(13 * 24 * HOUR)
        assert {one["start"] for one in caller.captures(task_id)} <= shown["can-add"]


def test_the_order_in_ten_minutes_around_an_opportunity_is_captured_at_it() -> None:
    with story() as (simulator, caller):
        made = caller.http.post("/v2/analysis/can-add", json=payload()).json()
        simulator.advance(60)
        result = caller.http.get(f"/v2/analysis/can-add/{made['analysis_id']}").json()["result"]
        start = result["opportunities"][0]["start"]
        middle = datetime.fromisoformat(start)
        margin = timedelta(minutes=10)
        task_id = caller.order(start=(middle - margin).isoformat(), end=(middle + margin).isoformat())
        caller.until(task_id, "completed")
        assert [one["start"] for one in caller.captures(task_id)] == [start]


def test_no_secret_enters_the_journal() -> None:
    with story() as (simulator, caller):
        caller.order()
        token = caller.http.headers["AuthorizationToken"].split()[1]
        text = str(simulator.journal())
        assert token not in text
        assert "demo-secret" not in text
        assert caller.contracts[0]["contract_id"] in text


def test_the_next_link_can_be_made_to_lead_away() -> None:
    with story() as (simulator, caller):
        caller.order()
        simulator.fault("next_to_other_host", path="*/tasking/tasks/", host="http://127.0.0.2:9")
        assert caller.http.get("/tasking/tasks/").json()["next"].startswith("http://127.0.0.2:9/")
