"""The simulated AxelGlobe says what the provider's document shows: the tables here are copied from its examples."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tasking.simulator import Simulator
from tests.support.simulator_story import BASE, Caller, captured, first_candidate, story

PLAN = {"created", "name", "valid_start", "valid_end", "off_nadir_range", "satellites", "status"}
CANDIDATE = {
    "task_plan_id",
    "view:off_nadir",
    "view:sun_elevation",
    "view:sun_azimuth",
    "plan_coverage",
    "start_datetime",
    "end_datetime",
    "platform",
    "constellation",
    "valid_until",
}
REQUEST = {
    "name",
    "created",
    "valid_start",
    "valid_end",
    "off_nadir_range",
    "satellites",
    "priority",
    "cancel_until",
    "task_plan_id",
    "status",
    "ag:capture_id",
}
SATELLITE = {"platform", "international_designator", "instruments", "gsd", "eo:bands", "sat:orbit_state"}
TRACK = {"platform", "start_time", "end_time"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Simulator, Caller]]:
    with story() as both:
        yield both


@pytest.fixture(scope="module")
def shown(told: tuple[Simulator, Caller]) -> dict[str, Any]:
    simulator, caller = told
    plan = caller.post_plan().json()
    simulator.advance(1200)
    candidate = caller.candidates(plan["id"])[0]
    return {
        "plans": plan,
        "candidates": candidate,
        "requests": caller.post_request(candidate["id"]).json(),
        "satellites": caller.get("collections/satellites/items/grus-1b").json(),
        "satellite_ground_tracks": caller.items("satellite_ground_tracks")["features"][0],
    }


@pytest.mark.parametrize(
    ("collection", "properties"),
    [
        ("plans", PLAN),
        ("candidates", CANDIDATE),
        ("requests", REQUEST),
        ("satellites", SATELLITE),
        ("satellite_ground_tracks", TRACK),
    ],
)
def test_each_feature_has_exactly_the_documented_properties(
    shown: dict[str, Any], collection: str, properties: set[str]
) -> None:
    assert shown[collection]["properties"].keys() == properties
    for name, value in shown[collection]["properties"].items():
        if name in ("created", "cancel_until") or name.startswith(("valid_", "start_", "end_")):
            assert TIME.fullmatch(value), name


@pytest.mark.parametrize(
    ("collection", "kind"),
    [
        ("plans", "TaskPlan:"),
        ("candidates", "OpportunityCandidate:"),
        ("requests", "Task:"),
        ("satellite_ground_tracks", "Revolution:"),
    ],
)
def test_ids_are_base64_of_a_kind_and_a_key(shown: dict[str, Any], collection: str, kind: str) -> None:
    assert base64.b64decode(shown[collection]["id"]).decode().startswith(kind)


@pytest.mark.parametrize(
    ("collection", "relations"),
    [("plans", ["self", "candidates"]), ("candidates", ["self", "parent"]), ("requests", ["self", "parent", "assets"])],
)
def test_features_have_the_documented_links(shown: dict[str, Any], collection: str, relations: list[str]) -> None:
    assert [link["rel"] for link in shown[collection]["links"]] == relations
    assert {link["type"] for link in shown[collection]["links"]} == {"application/geo+json"}


def test_the_links_with_a_filter_hold_raw_spaces_and_quotes(shown: dict[str, Any]) -> None:
    candidates, assets = shown["plans"]["links"][1]["href"], shown["requests"]["links"][2]["href"]
    assert candidates.endswith(
        f"/wfs/tasking/v2/collections/candidates/items?filter=task_plan_id = '{shown['plans']['id']}'"
    )
    assert "/stac/v1/catalogs/axelglobe/search?filter=ag:capture_id = '" in assets


def test_a_request_shows_an_empty_polygon_and_no_capture_yet(shown: dict[str, Any]) -> None:
    assert shown["requests"]["geometry"] == {"type": "Polygon", "coordinates": []}
    assert shown["requests"]["properties"]["ag:capture_id"] is None
    assert shown["requests"]["properties"]["status"] == "PLANNED"


def test_a_satellite_is_found_in_either_case_and_named_in_upper_case(shown: dict[str, Any]) -> None:
    assert shown["satellites"]["id"] == "GRUS-1B"
    assert shown["satellites"]["geometry"] == {"type": "Polygon", "coordinates": []}


def test_the_landing_page_links_relative_to_the_host(told: tuple[Simulator, Caller]) -> None:
    links = told[1].get("").json()["links"]
    assert [(link["rel"], link["href"]) for link in links] == [
        ("self", "/wfs/tasking/v2/"),
        ("conformance", "/wfs/tasking/v2/conformance"),
        ("data", "/wfs/tasking/v2/collections"),
    ]


def test_the_five_collections_are_there(told: tuple[Simulator, Caller]) -> None:
    listed = told[1].get("collections").json()["collections"]
    assert [one["id"] for one in listed] == ["satellites", "satellite_ground_tracks", "plans", "candidates", "requests"]
    for one in listed:
        assert told[1].get(f"collections/{one['id']}").json() == one


@pytest.mark.parametrize(
    ("collection", "most"),
    [("satellites", 20), ("satellite_ground_tracks", 20), ("plans", 20), ("requests", 20), ("candidates", 100)],
)
def test_limits_are_enforced(told: tuple[Simulator, Caller], shown: dict[str, Any], collection: str, most: int) -> None:
    path, extra = f"collections/{collection}/items", {}
    if collection == "candidates":
        extra = {"filter": f"task_plan_id = '{shown['plans']['id']}'"}
    assert told[1].get(path, limit=most, **extra).status_code == 200
    for wrong in (0, most + 1, -1, "ten", "1.5", ""):
        assert told[1].get(path, limit=wrong, **extra).status_code == 400, wrong
    assert told[1].get(path, offset=-1, **extra).status_code == 400


def test_pages_are_followed_to_the_last_without_loss(told: tuple[Simulator, Caller]) -> None:
    page = told[1].items("satellite_ground_tracks", limit=7)
    seen = [feature["id"] for feature in page["features"]]
    while follow := [link["href"] for link in page["links"] if link["rel"] == "next"]:
        page = told[1].get(follow[0]).json()
        seen += [feature["id"] for feature in page["features"]]
        assert [link["rel"] for link in page["links"]][-1] == "prev"
    assert len(seen) == len(set(seen)) == page["numberMatched"] == 100


def test_paging_keeps_the_filter(told: tuple[Simulator, Caller]) -> None:
    page = told[1].items("satellite_ground_tracks", limit=15, filter="satellite_id = 'GRUS-1C'")
    after = told[1].get(next(link["href"] for link in page["links"] if link["rel"] == "next")).json()
    assert page["numberMatched"] == after["numberMatched"] == 20
    assert {feature["properties"]["platform"] for feature in after["features"]} == {"GRUS-1C"}


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("collections/candidates/items", {}),
        ("collections/candidates/items", {"filter": "status='ACTIVE'"}),
        ("collections/plans/items", {"filter": "name='x'"}),
        ("collections/plans/items", {"bbox": "1,2,3"}),
        ("collections/plans/items", {"bbox": "1,50,2,40"}),
        ("collections/plans/items", {"datetime": "2026-12-01"}),
        ("collections/plans/items", {"datetime": "2026-12-02T00:00:00Z/2026-12-01T00:00:00Z"}),
        ("collections/plans/items", {"sortby": "created"}),
        ("collections/requests/items", {"filter": "priority='NORMAL' OR priority='EMERGENCY'"}),
    ],
)
def test_parameters_the_document_does_not_describe_are_refused(
    told: tuple[Simulator, Caller], path: str, params: dict[str, str]
) -> None:
    answer = told[1].get(path, **params)
    assert answer.status_code == 400
    assert answer.json().keys() == {"code", "description"}


def test_plans_are_found_by_box_time_and_filter(told: tuple[Simulator, Caller], shown: dict[str, Any]) -> None:
    near, far = "139,35,140,36", "0,0,1,1"
    polygon = "POLYGON ((139 35, 140 35, 140 36, 139 36, 139 35))"
    for params, count in [
        ({"bbox": near}, 1),
        ({"bbox": far}, 0),
        ({"datetime": "2026-12-07T00:00:00Z/.."}, 1),
        ({"datetime": "2026-12-08T00:00:01Z/.."}, 0),
        ({"filter": f"s_intersects(geometry, {polygon}) AND status='ACTIVE'"}, 1),
        ({"filter": "status = 'PROCESSING'"}, 0),
    ]:
        assert told[1].items("plans", **params)["numberMatched"] == count, params


def test_requests_are_found_by_priority_and_plan(told: tuple[Simulator, Caller], shown: dict[str, Any]) -> None:
    plan_id = shown["plans"]["id"]
    assert told[1].items("requests", filter=f"priority='NORMAL' AND task_plan_id='{plan_id}'")["numberMatched"] == 1
    assert told[1].items("requests", filter="priority='EMERGENCY'")["numberMatched"] == 0


@pytest.mark.parametrize("path", ["", "conformance", "collections/plans/items", "/stac/v1/catalogs/axelglobe/search"])
def test_every_call_needs_a_token(told: tuple[Simulator, Caller], path: str) -> None:
    url = told[0].url + (path if path.startswith("/") else BASE + path)
    assert httpx.get(url).status_code == 401
    assert httpx.get(url, headers={"Authorization": "Bearer made-up"}).status_code == 401


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({}, 200),
        ({"audience": None}, 400),
        ({"audience": "https://elsewhere.example"}, 403),
        ({"client_secret": "wrong"}, 401),
        ({"client_id": "nobody"}, 401),
        ({"grant_type": "password"}, 400),
    ],
)
def test_tokens_are_for_known_clients_of_this_audience(
    told: tuple[Simulator, Caller], changes: dict[str, Any], status: int
) -> None:
    answer = told[1].token(**changes)
    assert answer.status_code == status
    if status == 200:
        assert answer.json().keys() == {"access_token", "expires_in", "token_type"}
        assert answer.json()["token_type"] == "Bearer"


def test_no_address_leads_away_from_the_simulator(told: tuple[Simulator, Caller], shown: dict[str, Any]) -> None:
    hosts = {urlsplit(link["href"]).netloc for one in shown.values() for link in one.get("links", []) if "href" in link}
    assert hosts == {urlsplit(told[0].url).netloc}


def test_a_request_walks_from_planned_to_data_available() -> None:
    with story() as (simulator, caller):
        candidate = first_candidate(simulator, caller)
        request_id = caller.request(candidate["id"])
        words = [caller.standing(request_id)["status"]]
        start = candidate["properties"]["start_datetime"].replace("Z", "+00:00")
        simulator.advance(1800)
        words.append(caller.standing(request_id)["status"])
        simulator.clock.move(now=type(simulator.clock.now()).fromisoformat(start))
        words.append(caller.standing(request_id)["status"])
        assert caller.standing(request_id)["ag:capture_id"] is None
        simulator.advance(60)
        assert caller.standing(request_id)["ag:capture_id"]
        simulator.advance(48 * 3600)
        words.append(caller.standing(request_id)["status"])
    assert words == ["PLANNED", "ACCEPTED", "PROCESSING", "DATA_AVAILABLE"]


def test_the_same_post_twice_makes_two_requests_and_costs_two_credits() -> None:
    with story() as (simulator, caller):
        candidate_id = first_candidate(simulator, caller)["id"]
        made = {caller.request(candidate_id), caller.request(candidate_id)}
        summary = simulator.axelglobe.summary()
    assert summary["credits_spent"] == 2
    assert set(summary["requests_by_name"]["one"]) == made
    assert len(made) == 2


def test_accounts_do_not_see_each_other() -> None:
    with story() as (simulator, caller), Caller(simulator.url, ("second-client", "second-secret")) as other:
        candidate = first_candidate(simulator, caller)
        request_id = caller.request(candidate["id"])
        plan_id = candidate["properties"]["task_plan_id"]
        assert other.items("plans")["numberMatched"] == other.items("requests")["numberMatched"] == 0
        assert other.candidates(plan_id) == []
        for path in (f"plans/items/{plan_id}", f"candidates/items/{candidate['id']}", f"requests/items/{request_id}"):
            assert other.get(f"collections/{path}").status_code == 404
        assert other.post_request(candidate["id"]).status_code == 404


def test_the_data_is_found_by_the_assets_link() -> None:
    with story() as (simulator, caller):
        properties = captured(simulator, caller)
        feature = caller.items("requests")["features"][0]
        found = caller.get(feature["links"][2]["href"]).json()
    assert properties["status"] == "DATA_AVAILABLE"
    assert [item["properties"]["ag:capture_id"] for item in found["features"]] == [properties["ag:capture_id"]]
