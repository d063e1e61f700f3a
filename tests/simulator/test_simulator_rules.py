"""What the simulated AxelGlobe refuses, and what its switches change."""

from __future__ import annotations

import ast
import copy
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

import tasking.simulator as simulator_package
from tasking.simulator import Simulator
from tasking.simulator.app import PROVIDERS
from tasking.simulator.cql2 import FilterError, read_filter
from tasking.simulator.faults import Kind
from tasking.simulator.switches import Switches
from tests.support.simulator_story import BASE, TOKYO, Caller, captured, first_candidate, story


@pytest.fixture(scope="module")
def told() -> Iterator[tuple[Simulator, Caller]]:
    with story() as both:
        yield both


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


GOOD_AREA = {"type": "Polygon", "coordinates": TOKYO}
WRONG_AREAS: list[Any] = [
    {"type": "Point", "coordinates": [139, 35]},
    {"type": "MultiPolygon", "coordinates": [TOKYO]},
    {"type": "Polygon", "coordinates": []},
    {"type": "Polygon", "coordinates": [[]]},
    {"type": "Polygon", "coordinates": [TOKYO[0][:-1]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[[0, 0], [0, 0], [0, 0], [0, 0]]]},
    {"type": "Polygon", "coordinates": [[["0", "0"], ["1", "0"], ["1", "1"], ["0", "0"]]]},
    {"type": "Polygon", "coordinates": TOKYO[0]},
    {"type": "Polygon", "coordinates": "no"},
    {"type": "Polygon"},
    box(35, 139, 36, 140),
    box(179.5, 0, 180.5, 1),
    box(139, 35, 142, 36),
    box(139, 33, 139.5, 36),
    {"type": "Polygon", "coordinates": [[[0.001 * n, 0.0001 * (n % 2)] for n in range(1100)] + [[0, 1], [0, 0]]]},
]


@pytest.mark.parametrize("area", WRONG_AREAS, ids=range(len(WRONG_AREAS)))
def test_an_area_outside_the_rules_is_refused(told: tuple[Simulator, Caller], area: Any) -> None:
    answer = told[1].post_plan(area)
    assert answer.status_code == 400
    assert answer.json()["description"].startswith("geometry")


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"name": None},
        {"name": "x" * 256},
        {"valid_start": "2026-12-01T00:00:00"},
        {"valid_start": "2026-12-01"},
        {"valid_start": 1796083200},
        {"valid_end": "2026-12-01T00:00:00Z"},
        {"valid_end": "2026-12-15T00:00:01Z"},
        {"valid_start": "2026-11-20T00:00:00Z", "valid_end": "2026-11-30T00:00:00Z"},
        {"valid_start": "2027-01-20T00:00:00Z", "valid_end": "2027-01-30T00:00:00Z"},
        {"off_nadir_range": [10]},
        {"off_nadir_range": [20, 10]},
        {"off_nadir_range": [-1, 10]},
        {"off_nadir_range": [0, 36]},
        {"off_nadir_range": None},
        {"off_nadir_range": ["0", "10"]},
        {"satellites": []},
        {"satellites": None},
        {"satellites": ["grus-1a"]},
        {"satellites": ["GRUS-1A", "GRUS-1A"]},
        {"satellites": ["GRUS-2A"]},
        {"cloud_cover": 20},
    ],
    ids=str,
)
def test_plan_properties_outside_the_rules_are_refused(told: tuple[Simulator, Caller], changes: dict[str, Any]) -> None:
    before = len(told[0].axelglobe.plans())
    answer = told[1].post_plan(**changes)
    assert answer.status_code == 400
    assert answer.json()["description"].startswith("properties")
    assert len(told[0].axelglobe.plans()) == before


def test_a_window_of_exactly_two_weeks_is_taken(told: tuple[Simulator, Caller]) -> None:
    assert (
        told[1].post_plan(valid_start="2026-12-02T09:00:00+09:00", valid_end="2026-12-16T00:00:00Z").status_code == 201
    )


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{}", "text/plain", 415),
        (b"not json", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"type": "Feature"}', "application/json", 400),
        (b'{"type": "Feature", "geometry": {}, "properties": {"x": NaN}}', "application/json", 400),
        (b'{"type": "Feature", "geometry": {}, "properties": {}, "id": 1}', "application/geo+json", 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, "application/json", 400),
    ],
)
def test_a_body_that_is_no_feature_is_refused(
    told: tuple[Simulator, Caller], content: bytes, media: str, status: int
) -> None:
    path = f"{BASE}collections/plans/items"
    assert told[1].http.post(path, content=content, headers={"Content-Type": media}).status_code == status


def test_nothing_else_can_be_created_or_deleted(told: tuple[Simulator, Caller]) -> None:
    for collection, status in [("satellites", 405), ("candidates", 405), ("orders", 404)]:
        assert told[1].http.post(f"{BASE}collections/{collection}/items", json={}).status_code == status
    assert told[1].http.delete(f"{BASE}collections/requests/items/any").status_code == 405
    assert told[1].http.put(f"{BASE}collections/plans/items").status_code == 405
    assert told[1].http.get("/elsewhere").json()["code"] == "NotFound"


def test_a_request_outside_the_rules_costs_nothing() -> None:
    with story() as (simulator, caller):
        candidate_id = first_candidate(simulator, caller)["id"]
        feature: dict[str, Any] = {
            "type": "Feature",
            "geometry": {"type": "Polygon", "coordinates": []},
            "properties": {"name": "n", "candidate_id": candidate_id, "priority": "NORMAL"},
        }
        for path, value, status in [
            (("geometry",), GOOD_AREA, 400),
            (("properties", "priority"), "URGENT", 400),
            (("properties", "name"), " ", 400),
            (("properties", "candidate_id"), None, 400),
            (("properties", "candidate_id"), "T3Bwb3J0dW5pdHlDYW5kaWRhdGU6OEFLckVYYTl6Z1lSekoyUA==", 404),
            (("properties", "plan_id"), "x", 400),
        ]:
            wrong = copy.deepcopy(feature)
            place = wrong
            for name in path[:-1]:
                place = place[name]
            place[path[-1]] = value
            assert caller.http.post(f"{BASE}collections/requests/items", json=wrong).status_code == status, path
        assert simulator.axelglobe.summary()["credits_spent"] == 0


def test_without_a_credit_there_is_no_request() -> None:
    with story() as (simulator, caller):
        candidate_id = first_candidate(simulator, caller)["id"]
        simulator.axelglobe.switch(credits=1)
        assert [caller.post_request(candidate_id).status_code for _ in range(2)] == [201, 403]
        assert len(simulator.axelglobe.requests()) == 1


def test_an_expired_candidate_is_refused_and_fresh_ones_are_listed() -> None:
    with story() as (simulator, caller):
        plan_id = caller.plan()
        assert caller.candidates(plan_id) == []
        simulator.advance(1200)
        before = caller.candidates(plan_id)
        simulator.advance(86400)
        after = caller.candidates(plan_id)
        assert {one["id"] for one in before}.isdisjoint(one["id"] for one in after)
        late = [one["properties"]["start_datetime"] for one in before][-1]
        assert late in [one["properties"]["start_datetime"] for one in after]
        assert caller.post_request(before[-1]["id"]).status_code == 409
        assert caller.post_request(after[-1]["id"]).status_code == 201
        now = simulator.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        assert all(one["properties"]["valid_until"] > now for one in after)


def test_candidates_replaced_by_hand_are_gone_at_once() -> None:
    with story() as (simulator, caller):
        candidate = first_candidate(simulator, caller)
        plan_id = candidate["properties"]["task_plan_id"]
        simulator.axelglobe.change_plan(plan_id, replace_candidates=True)
        assert candidate["id"] not in [one["id"] for one in caller.candidates(plan_id)]
        assert caller.post_request(candidate["id"]).status_code == 409


def test_a_plan_can_be_left_without_candidates() -> None:
    with story() as (simulator, caller):
        simulator.axelglobe.no_candidates_for_next(1)
        barren, fertile = caller.plan(), caller.plan()
        simulator.advance(1200)
        assert caller.candidates(barren) == []
        assert caller.candidates(fertile)


def test_rejected_is_not_the_end() -> None:
    with story() as (simulator, caller):
        request_id = caller.request(first_candidate(simulator, caller)["id"])
        simulator.axelglobe.decide(request_id, "REJECTED")
        assert caller.standing(request_id)["status"] == "REJECTED"
        simulator.advance(2 * 86400)  # the capture's time goes by
        assert caller.standing(request_id)["ag:capture_id"] is None
        simulator.axelglobe.decide(request_id, "ACCEPTED")
        assert caller.standing(request_id)["status"] == "ACCEPTED"
        simulator.advance(4 * 86400)
        assert caller.standing(request_id)["status"] == "DATA_AVAILABLE"


def test_a_share_of_requests_is_rejected_and_may_come_back() -> None:
    with story(rejection_probability=1, rejection_reversal_seconds=3600) as (simulator, caller):
        request_id = caller.request(first_candidate(simulator, caller)["id"])
        words = []
        for seconds in (0, 1900, 3600):
            simulator.advance(seconds)
            words.append(caller.standing(request_id)["status"])
    assert words == ["PLANNED", "REJECTED", "ACCEPTED"]


def test_lists_lag_behind_a_create_but_single_reads_do_not() -> None:
    with story(list_lag_seconds={"plans": 60, "requests": 30}) as (simulator, caller):
        plan_id = caller.plan()
        assert caller.items("plans")["numberMatched"] == 0
        assert caller.get(f"collections/plans/items/{plan_id}").status_code == 200
        simulator.advance(61)
        assert caller.items("plans")["numberMatched"] == 1
        simulator.advance(1200)
        caller.request(caller.candidates(plan_id)[0]["id"])
        assert caller.items("requests")["numberMatched"] == 0
        simulator.advance(31)
        assert caller.items("requests")["numberMatched"] == 1


def test_a_token_can_die_before_it_said() -> None:
    with story(token_dies_after_seconds=600) as (simulator, caller):
        assert caller.get("").status_code == 200
        simulator.advance(601)
        assert caller.get("").status_code == 401
        caller.renew()
        assert caller.get("").status_code == 200
        assert simulator.axelglobe.tokens.revoke() == 1
        assert caller.get("").status_code == 401


def test_a_request_can_be_cancelled_only_where_that_is_switched_on() -> None:
    with story(cancel_endpoint=True) as (simulator, caller):
        candidate_id = first_candidate(simulator, caller)["id"]
        request_id, late = caller.request(candidate_id), caller.request(candidate_id)
        assert caller.http.delete(f"{BASE}collections/requests/items/{request_id}").status_code == 204
        assert caller.standing(request_id)["status"] == "CANCELED"
        assert simulator.axelglobe.summary()["credits_left"]["demo-client"] == 99
        simulator.advance(86400)
        assert caller.http.delete(f"{BASE}collections/requests/items/{late}").status_code == 409


def test_more_calls_than_allowed_are_told_to_wait() -> None:
    with story(rate_limit_per_minute=2) as (_, caller):
        answers = [caller.get("") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 61


def test_names_count_only_where_they_must_differ() -> None:
    with story() as (simulator, caller):
        assert caller.plan() != caller.plan()
        simulator.axelglobe.switch(duplicate_names_allowed=False)
        assert caller.post_plan().status_code == 409
        assert caller.post_plan(name="another").status_code == 201


@pytest.mark.parametrize(("style", "media"), [("detail", "application/json"), ("text", "text/plain; charset=utf-8")])
def test_errors_come_in_the_switched_style(style: str, media: str) -> None:
    with story(error_style=style) as (_, caller):
        answer = caller.get("collections/plans/items/unknown")
    assert (answer.status_code, answer.headers["content-type"]) == (404, media)
    assert "unknown" in (answer.json()["detail"] if style == "detail" else answer.text)


def test_answers_can_be_as_untidy_as_the_document_allows() -> None:
    with story() as (simulator, caller):
        request_id = caller.request(first_candidate(simulator, caller)["id"])
        simulator.switch(extra_fields=True)
        simulator.axelglobe.switch(
            name_echo="other",
            hrefs="relative",
            ids_missing_in_links=True,
            assets_link_before_capture=False,
            create_status=200,
            request_window="candidate",
        )
        feature = caller.get(f"collections/requests/items/{request_id}").json()
        assert feature["properties"]["name"] == "My Task"
        assert "ag:new_field" in feature["properties"]
        assert [link["rel"] for link in feature["links"]] == ["self", "parent"]
        assert feature["links"][0]["href"] == "/wfs/tasking/v2/collections/requests/items/"
        assert feature["properties"]["valid_start"] != "2026-12-01T00:00:00Z"
        assert caller.post_plan().status_code == 200
        simulator.axelglobe.switch(self_links_without_href=True)
        assert "href" not in caller.get(f"collections/requests/items/{request_id}").json()["links"][0]


def test_an_unknown_status_word_can_be_shown() -> None:
    with story(unknown_status_word="ON_UPLINK") as (_, caller):
        assert caller.post_plan().json()["properties"]["status"] == "ON_UPLINK"


def test_the_capture_id_can_come_with_the_data_only() -> None:
    with story(capture_id_known="data") as (simulator, caller):
        request_id = caller.request(first_candidate(simulator, caller)["id"])
        simulator.advance(1.9 * 86400)
        assert simulator.axelglobe.requests()[0]["captured"]
        assert caller.standing(request_id)["ag:capture_id"] is None
        simulator.advance(3 * 86400)
        assert caller.standing(request_id)["ag:capture_id"]


def test_asset_files_ask_for_the_token_unless_they_are_open() -> None:
    with story() as (simulator, caller):
        captured(simulator, caller)
        item = caller.get("/stac/v1/catalogs/axelglobe/search").json()["features"][0]
        href = item["assets"]["msi_udm"]["href"]
        whole = caller.http.get(href).content
        caller.http.headers["Authorization"] = "Bearer none"
        assert caller.http.get(href).status_code == 401
        simulator.axelglobe.switch(assets_need_token=False)
        assert caller.http.get(href).content == whole


@pytest.mark.parametrize(
    ("text", "equals"),
    [
        ("task_plan_id = 'a='", {"task_plan_id": "a="}),
        ("task_plan_id='a'", {"task_plan_id": "a"}),
        (" \"task_plan_id\" = 'it''s' ", {"task_plan_id": "it's"}),
        ("priority='E' and task_plan_id='a'", {"priority": "E", "task_plan_id": "a"}),
    ],
)
def test_the_documented_filters_are_read(text: str, equals: dict[str, str]) -> None:
    assert read_filter(text, ("task_plan_id", "priority")).equals == equals


@pytest.mark.parametrize(
    "text",
    [
        "",
        "task_plan_id",
        "task_plan_id = a",
        'task_plan_id = "a"',
        "task_plan_id = 'a",
        "task_plan_id = 'it's'",
        "task_plan_id = 'a' AND",
        "task_plan_id = 'a' OR priority = 'b'",
        "task_plan_id = 'a' priority = 'b'",
        "task_plan_id = 'a' AND task_plan_id = 'b'",
        "(task_plan_id = 'a')",
        "task_plan_id <> 'a'",
        "task_plan_id LIKE 'a%'",
        "name = 'a'",
        "s_intersects(geometry, POINT (1 2))",
    ],
)
def test_any_other_filter_is_refused(text: str) -> None:
    with pytest.raises(FilterError):
        read_filter(text, ("task_plan_id", "priority"))


@pytest.mark.parametrize("wkt", ["POLYGON ((0 0, 1 1))", "POLYGON ((0 0, 1 0, 1 1, 0 0)", "CIRCLE (0 0)", "POLYGON (("])
def test_a_geometry_that_cannot_be_read_is_refused(wkt: str) -> None:
    with pytest.raises(FilterError):
        read_filter(f"s_intersects(geometry, {wkt})", (), geometry=True)


@pytest.mark.parametrize(
    ("where", "switches"),
    [(simulator_package, Switches), *((sys.modules[one.__module__], one.switches_model) for one in PROVIDERS.values())],
    ids=["all", *(one.name for one in PROVIDERS.values())],
)
def test_a_readme_names_every_switch_with_its_default_and_what_it_means(
    where: ModuleType, switches: type[BaseModel]
) -> None:
    readme = (Path(str(where.__file__)).parent / "README.md").read_text()
    for name, field in switches.model_fields.items():
        assert f"| `{name}` | `{json.dumps(field.default)}` | {field.description} |" in readme, name


def test_the_readme_names_every_kind_of_fault() -> None:
    readme = (Path(simulator_package.__file__).parent / "README.md").read_text()
    for kind in get_args(Kind):
        assert f"\n{kind} " in readme, kind


def test_the_simulator_is_blind_to_our_client() -> None:
    own = Path(simulator_package.__file__).parent
    for source in own.rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for name in names:
                ours = name.split(".")[0] in ("tasking", "flows", "tasks", "blocks")
                assert not ours or name.startswith("tasking.simulator"), f"{source.name} imports {name}"
