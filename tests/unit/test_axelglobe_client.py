from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cql2
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tasking.axelglobe import filters
from tasking.axelglobe.client import AxelGlobeClient
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.errors import CredentialsRefused, NotFound, Unavailable, Uncertain, UnexpectedAnswer
from tasking.status import StatusCode
from tests.support.axelglobe_answers import (
    API,
    CAPTURE_ID,
    DONE,
    ITEM,
    ORDER,
    PLAN_ID,
    REQUEST,
    SECRET,
    SETTINGS,
    STAC,
    WINDOW,
    Fake,
    changed,
    listed,
    products,
    provider,
)

CANDIDATE: dict[str, Any] = {
    "type": "Feature",
    "id": "T3Bwb3J0",
    "geometry": {"type": "Polygon", "coordinates": []},
    "properties": {
        "task_plan_id": PLAN_ID,
        "view:off_nadir": 7.56,
        "view:sun_elevation": 42,
        "view:sun_azimuth": 165.4,
        "plan_coverage": 75,
        "start_datetime": "2025-07-01T00:10:59Z",
        "end_datetime": "2025-07-01T00:11:59Z",
        "platform": "GRUS-1A",
        "constellation": "GRUS1",
        "valid_until": "2025-07-01T00:11:59Z",
    },
    "links": [{"rel": "self", "type": "application/geo+json"}],
}


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))


def client(fake: Callable[[httpx.Request], httpx.Response]) -> AxelGlobeClient:
    return AxelGlobeClient(SETTINGS, transport=httpx.MockTransport(fake))


# the token ----------------------------------------------------------------------------------------------------------


def test_the_token_request_is_the_documented_one() -> None:
    asked: list[httpx.Request] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"access_token": "the-token", "expires_in": 86400, "title": "x"})

    client(server).landing()
    token, landing = asked
    assert json.loads(token.content) == {
        "grant_type": "client_credentials",
        "audience": "https://api.axelglobe.com",
        "client_id": "me",
        "client_secret": SECRET,
    }
    assert str(landing.url) == API
    assert landing.headers["Authorization"] == "Bearer the-token"


# shapes ---------------------------------------------------------------------------------------------------------------


def test_the_documents_own_request_survives_with_its_empty_geometry_and_its_links() -> None:
    request = client(Fake(requests=REQUEST)).request("VGFzazox")
    assert request.geometry == {"type": "Polygon", "coordinates": []}
    assert request.links[0].href is None
    assert request.properties.capture_id is None
    assert request.properties.cancel_until == datetime(2025, 7, 1, 0, 10, 59, tzinfo=UTC)


ODD_BUT_FINE: list[dict[str, Any]] = [
    changed(REQUEST, status="UNHEARD_OF"),
    changed(REQUEST, status=None),
    changed(REQUEST, new_field={"a": [1]}),
    changed(REQUEST, cancel_until=None),
    changed(REQUEST, cancel_until=""),
    changed(REQUEST, created="2025-07-03T12:10:45"),
    changed(REQUEST, created="2025-07-03T21:10:45+09:00"),
    changed(REQUEST, satellites=None),
    {**REQUEST, "links": None},
    {**REQUEST, "links": []},
    {**REQUEST, "geometry": None},
    {**REQUEST, "geometry": {"type": "Polygon", "coordinates": [[]]}},
    {"id": "x", "properties": {}},
    changed(REQUEST, valid_start="0001-01-01T00:00:00+14:00"),  # not yet, and never, as some servers write them
    changed(REQUEST, valid_end="9999-12-31T23:59:59-12:00"),
]


ODD_IN_PARTS: list[dict[str, Any]] = [
    changed(REQUEST, created="yesterday"),
    changed(REQUEST, created={"at": 1}, valid_start=True, cancel_until="2025-13-45"),
    changed(REQUEST, off_nadir_range=[1]),
    changed(REQUEST, off_nadir_range={"min": 1, "max": 2}, satellites=[{"id": 1}, None]),
    changed(REQUEST, status=5),
    changed(REQUEST, **{"ag:capture_id": {"id": "x"}}),
    changed(REQUEST, name=None, priority=1, task_plan_id=7),
    {**REQUEST, "links": "none", "geometry": []},
    {**REQUEST, "links": [None, "x", {"rel": 1, "href": 2}]},
]


@pytest.mark.parametrize("answer", ODD_IN_PARTS)
def test_our_own_request_is_read_however_odd_its_fields(answer: dict[str, Any]) -> None:
    one = provider(Fake(requests=answer))
    read = one.read(["VGFzazox"])["VGFzazox"]
    assert read.id == "VGFzazox"
    assert one.client.create_request("ref", "T3Bwb3J0").id == "VGFzazox"


@pytest.mark.parametrize("answer", ODD_BUT_FINE)
def test_an_odd_but_readable_request_is_read(answer: dict[str, Any]) -> None:
    request = client(Fake(requests=answer)).request("x")
    if request.properties.created is not None:
        assert request.properties.created == datetime(2025, 7, 3, 12, 10, 45, tzinfo=UTC)
    assert request.properties.status == answer["properties"].get("status")


BROKEN: list[Any] = [
    {},
    [],
    {"type": "Feature", "properties": {"status": "PLANNED"}},
    {**REQUEST, "id": None},
    {**REQUEST, "id": ""},
    {**REQUEST, "properties": None},
    {**REQUEST, "properties": "PLANNED"},
    {"detail": "created"},
]


@pytest.mark.parametrize("answer", BROKEN)
def test_a_request_that_cannot_be_read_is_unexpected_and_as_answer_to_a_create_uncertain(answer: Any) -> None:
    fake = Fake(requests=[answer])
    with pytest.raises(UnexpectedAnswer):
        client(fake).request("x")
    with pytest.raises(Uncertain) as caught:
        client(fake).create_request("ref", "T3Bwb3J0")
    assert caught.value.reference == "ref"
    assert [request.method for request in fake.sent] == ["GET", "POST"]


def test_a_request_create_is_the_documented_one() -> None:
    fake = Fake(requests=REQUEST)
    client(fake).create_request("ref#2", "T3Bwb3J0", "EMERGENCY")
    assert json.loads(fake.sent[0].content) == {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": []},
        "properties": {"name": "ref#2", "candidate_id": "T3Bwb3J0", "priority": "EMERGENCY"},
    }


@pytest.mark.parametrize(
    "identifier", ["UmV2b2x1dGlvbjoxMDYzNTA3Mw==", "a+b/c==", "..", ".", "a b", "ü", "a?b", "a#b", "%2F", "a/../b"]
)
def test_any_id_reaches_the_server_as_it_is(identifier: str) -> None:
    fake = Fake(requests=REQUEST)
    client(fake).request(identifier)
    raw = fake.sent[0].url.raw_path.decode()
    prefix = "/wfs/tasking/v2/collections/requests/items/"
    assert raw.startswith(prefix)
    assert httpx.URL("https://x/?" + raw.removeprefix(prefix).replace("+", "%2B") + "=").params.get(identifier) == ""


def test_an_empty_id_is_not_asked() -> None:
    fake = Fake(requests=listed())
    with pytest.raises(NotFound):
        client(fake).request("")
    assert fake.sent == []


# lists ----------------------------------------------------------------------------------------------------------------


def test_every_page_is_read_until_there_is_no_next_link() -> None:
    raw = f"/wfs/tasking/v2/collections/candidates/items?filter=task_plan_id = '{PLAN_ID}+='&limit=100&offset=1"
    fake = Fake(candidates=[listed(CANDIDATE, matched=2, href=raw), listed({**CANDIDATE, "id": "second"}, matched=2)])
    assert [each.id for each in client(fake).candidates(PLAN_ID)] == ["T3Bwb3J0", "second"]
    assert dict(fake.sent[0].url.params) == {"limit": "100", "filter": f"task_plan_id = '{PLAN_ID}'"}
    assert dict(fake.sent[1].url.params) == {
        "limit": "100",
        "filter": f"task_plan_id = '{PLAN_ID}+='",
        "offset": "1",
    }


def test_a_next_link_without_an_address_does_not_end_the_list_early() -> None:
    other = {**REQUEST, "id": "other"}
    fake = Fake(requests=[listed(REQUEST, matched=2, type="x"), listed(other, matched=2, type="x")])
    assert [each.id for each in client(fake).requests(task_plan_id=PLAN_ID)] == ["VGFzazox", "other"]
    assert fake.sent[1].url.params["offset"] == "1"
    assert fake.sent[1].url.params["filter"] == f"task_plan_id = '{PLAN_ID}'"


@pytest.mark.parametrize("matched", [None, -1, "many", 1, 0])
def test_a_next_link_without_an_address_at_the_end_of_a_list_ends_it(matched: Any) -> None:
    page = {**listed(REQUEST, type="x"), "numberMatched": matched}
    assert len(list(client(Fake(requests=page)).requests())) == 1


def test_lists_ask_for_the_largest_documented_pages_with_documented_parameters() -> None:
    fake = Fake(items=listed())
    one = client(fake)
    window = (datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC))
    for each in (
        one.satellites(),
        one.ground_tracks("GRUS-1B"),
        one.plans(bbox=(-82.5, 39.5, -82.3, 39.6), between=window, filter=filters.equals("status", "ACTIVE")),
        one.candidates("p", bbox=(0, 0, 1, 1), between=window),
        one.requests(priority="EMERGENCY", task_plan_id="p"),
    ):
        assert list(each) == []
    interval = "2026-12-01T00:00:00Z/2026-12-08T00:00:00Z"
    assert [dict(request.url.params) for request in fake.sent] == [
        {"limit": "20"},
        {"limit": "20", "filter": "satellite_id = 'GRUS-1B'"},
        {"limit": "20", "bbox": "-82.5,39.5,-82.3,39.6", "datetime": interval, "filter": "status = 'ACTIVE'"},
        {"limit": "100", "bbox": "0.0,0.0,1.0,1.0", "datetime": interval, "filter": "task_plan_id = 'p'"},
        {"limit": "20", "filter": "priority = 'EMERGENCY' AND task_plan_id = 'p'"},
    ]


NOBODYS: list[Any] = [None, 1, "x", [], {}, {"id": "", "properties": None}, {"id": 7, "properties": {"name": "theirs"}}]


@pytest.mark.parametrize("odd", NOBODYS)
def test_a_plan_or_request_of_somebody_else_that_cannot_be_read_blocks_no_order(odd: Any) -> None:
    ours = changed(REQUEST, name="ref", **WINDOW)
    other = {**odd, "properties": {"name": "theirs", "task_plan_id": "theirs"}} if isinstance(odd, dict) else odd
    fake = Fake(plans=listed(odd, ours, odd), requests=listed(other, ours, other))
    one = provider(fake)
    plan, request = one.find_plan(ORDER, "ref"), one.find_request(ORDER, PLAN_ID, "ref")
    assert plan is not None
    assert request is not None
    assert (plan.id, request.id) == ("VGFzazox", "VGFzazox")
    assert one.find_plan(ORDER, "another") is None


def plan(number: int, status: str = "ACTIVE") -> dict[str, Any]:
    return {**changed(REQUEST, name=f"ref-{number}", status=status), "id": f"plan{number}"}


@pytest.mark.parametrize("odd", NOBODYS)
def test_many_plans_are_read_in_pages_whatever_else_stands_there(odd: Any) -> None:
    fake = Fake(plans=listed(plan(1), odd, plan(2, "PROCESSING"), odd, plan(3), plan(4)))
    plans = provider(fake).read_plans(["plan1", "plan2", "plan3"])
    assert {key: one.ready for key, one in plans.items()} == {"plan1": True, "plan2": False, "plan3": True}
    assert len(fake.sent) == 1


@pytest.mark.parametrize(
    "the_list",
    [
        listed(plan(1), plan(2)),  # the others are not shown yet
        {"features": "none"},
        httpx.Response(400, json={"code": "InvalidParameterValue", "description": "no lists"}),
    ],
    ids=["late", "no list", "refused"],
)
@pytest.mark.parametrize(
    "broken", [httpx.Response(404), httpx.Response(503), httpx.Response(200, json=[])], ids=lambda one: one.status_code
)
def test_a_plan_that_cannot_be_read_keeps_no_other_from_being_read(the_list: Any, broken: httpx.Response) -> None:
    singly = {f"plans/items/plan{number}": plan(number) for number in (1, 2, 3, 5)}
    fake = Fake(**{"plan4": broken, **singly, "plans/items": the_list})
    plans = provider(fake).read_plans([f"plan{number}" for number in range(1, 6)])
    assert set(plans) == {"plan1", "plan2", "plan3", "plan5"}


@pytest.mark.parametrize(("status", "error"), [(503, Unavailable), (401, CredentialsRefused)])
@pytest.mark.parametrize("count", [1, 3])
def test_plans_of_an_account_that_cannot_be_asked_are_an_error(status: int, error: type[Exception], count: int) -> None:
    one = provider(Fake(plans=httpx.Response(status)))
    with pytest.raises(error):
        one.read_plans([f"plan{number}" for number in range(count)])


def test_what_was_read_before_the_provider_went_away_is_not_lost() -> None:
    first = listed(plan(1), plan(2), matched=60, href=f"{API}collections/plans/items?limit=20&offset=20")
    one = provider(Fake(plans=[first, httpx.Response(503)]))
    assert set(one.read_plans([f"plan{number}" for number in range(1, 6)])) == {"plan1", "plan2"}


@pytest.mark.parametrize("nothing", ["", None, 7])
def test_one_that_may_be_ours_and_has_no_id_is_never_passed_over(nothing: Any) -> None:
    ours = {**changed(REQUEST, name="ref"), "id": nothing}
    one = provider(Fake(plans=listed(ours), requests=listed(ours)))
    with pytest.raises(UnexpectedAnswer, match="listed without an id"):
        one.find_plan(ORDER, "ref")
    with pytest.raises(UnexpectedAnswer, match="listed without an id"):
        one.find_request(ORDER, PLAN_ID, "ref")


@pytest.mark.parametrize(
    "echo",
    [
        {"valid_start": "2025-07-01T00:13:07.25Z"},  # begins when it was made
        {"valid_start": "2025-07-01T09:11:00+09:00", "valid_end": "2025-07-14T00:00:00.000+00:00"},
        {"valid_end": "2025-07-13T23:59:00Z", "off_nadir_range": [0, 29.7]},
        {"off_nadir_range": [5, 25], "satellites": ["grus-1a", "GRUS-1F"]},
        {"off_nadir_range": None, "satellites": [], "valid_start": None},
    ],
)
def test_a_plan_of_our_name_is_ours_where_the_server_rounded_or_narrowed_it(echo: dict[str, Any]) -> None:
    found = provider(Fake(plans=listed(changed(REQUEST, **{**WINDOW, "name": "ref", **echo})))).find_plan(ORDER, "ref")
    assert found is not None


def test_a_plan_that_is_listed_with_a_point_of_its_area_is_ours() -> None:
    there = {
        **changed(REQUEST, **{**WINDOW, "name": "ref"}),
        "geometry": {"type": "Point", "coordinates": [139.8, 35.6]},
    }
    assert provider(Fake(plans=listed(there))).find_plan(ORDER, "ref") is not None


@pytest.mark.parametrize("page", [{"features": None}, {"features": "x"}, {"type": "FeatureCollection"}, [], "x", None])
def test_a_list_that_is_none_is_unexpected(page: Any) -> None:
    with pytest.raises(UnexpectedAnswer):
        list(
            client(Fake(requests=[page] if not isinstance(page, list) else [httpx.Response(200, json=page)])).requests()
        )


# conversions ----------------------------------------------------------------------------------------------------------


def test_a_candidate_says_the_same_in_shared_words() -> None:
    (candidate,) = provider(Fake(candidates=listed(CANDIDATE))).candidates(PLAN_ID)
    assert candidate.model_dump(mode="json", exclude_none=True) == {
        "id": "T3Bwb3J0",
        "start": "2025-07-01T00:10:59Z",
        "end": "2025-07-01T00:11:59Z",
        "valid_until": "2025-07-01T00:11:59Z",
        "platform": "GRUS-1A",
        "off_nadir_deg": 7.56,
        "sun_elevation_deg": 42.0,
        "sun_azimuth_deg": 165.4,
        "coverage_percent": 75.0,
        "note": "",
        "attempt": 1,
    }


USELESS: list[dict[str, Any]] = [
    {**CANDIDATE, "id": None},
    changed(CANDIDATE, start_datetime=None),
    changed(CANDIDATE, task_plan_id="another plan"),
    changed(CANDIDATE, **{"view:off_nadir": "steep"}),
]


@pytest.mark.parametrize("useless", USELESS)
def test_a_candidate_that_could_not_be_ordered_for_this_plan_is_left_out(useless: dict[str, Any]) -> None:
    candidates = provider(Fake(candidates=listed(useless, {**CANDIDATE, "id": "good"}))).candidates(PLAN_ID)
    assert [each.id for each in candidates] == ["good"]


@pytest.mark.parametrize(
    "coordinates", [None, [], [[]], [[[0, 0], [1, 1]]], [[["a", 0], [1, 1], [2, 2], [0, 0]]], "x", {}, [[[1e9, 0]] * 4]]
)
def test_a_footprint_that_cannot_be_drawn_is_none(coordinates: Any) -> None:
    odd = {**CANDIDATE, "geometry": {"type": "Polygon", "coordinates": coordinates}}
    assert provider(Fake(candidates=listed(odd))).candidates(PLAN_ID)[0].footprint is None


WORDS: list[tuple[str | None, StatusCode | None]] = [
    ("PLANNED", StatusCode.RECEIVED),
    ("ACCEPTED", StatusCode.ACCEPTED),
    ("PROCESSING", StatusCode.PROCESSING),
    ("REJECTED", StatusCode.REJECTED),
    ("DATA_AVAILABLE", StatusCode.COMPLETED),
    ("CANCELED", None),
    ("FAILED", None),
    ("planned", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("word", "code"), WORDS)
def test_known_words_are_translated_and_unknown_ones_kept(word: str | None, code: StatusCode | None) -> None:
    answer = changed(REQUEST, status=word, **{"ag:capture_id": CAPTURE_ID})
    request = provider(Fake(requests=answer)).read(["VGFzazox"])["VGFzazox"]
    assert request.status is code
    assert request.provider_status == (word or "")
    assert request.capture_ids == ((CAPTURE_ID,) if word == "DATA_AVAILABLE" else ())


def test_products_are_searched_by_capture_whatever_the_links_filter_says() -> None:
    items, asked = products(
        listed(ITEM, href=f"{STAC}?token=next page&filter=x = 'a+b'"), listed({**ITEM, "id": "second"})
    )
    assert [item["id"] for item in items] == ["GRUS1A_1", "second"]
    assert dict(asked[0].url.params) == {"limit": "100", "filter": f"ag:capture_id = '{CAPTURE_ID}'"}
    assert dict(asked[1].url.params) == {"token": "next page", "filter": "x = 'a+b'"}
    assert {request.headers["Authorization"] for request in asked} == {"Bearer the-token"}
    assert {key: asset["href"] for key, asset in items[0]["assets"].items()} == {
        "tci": "https://sandbox-api.example.com/files/a%20b.tif",
        "thumbnail": "https://bucket.example.net/t.png?sig=a+b",
        "odd": "s3://bucket/x",
    }


def test_asset_addresses_are_relative_to_the_item() -> None:
    item = {
        **ITEM,
        "assets": {"tci": {"href": "./tci.tif"}},
        "links": [{"rel": "self", "href": "https://cdn.example.com/items/1/item.json"}, "odd"],
    }
    items, _ = products(listed(item))
    assert items[0]["assets"]["tci"]["href"] == "https://cdn.example.com/items/1/tci.tif"


def test_imagery_of_another_capture_is_never_delivered(caplog: pytest.LogCaptureFixture) -> None:
    other = {**ITEM, "id": "other", "properties": {"ag:capture_id": "someone else's"}}
    items, _ = products(listed(other, ITEM))
    assert [item["id"] for item in items] == ["GRUS1A_1"]
    assert "left out" in caplog.text


def test_there_are_no_products_before_there_is_data() -> None:
    assert products(listed(), request=DONE)[0] == []
    fake = Fake(requests=REQUEST)
    one = provider(fake)
    assert one.products(one.read(["VGFzazox"])["VGFzazox"]) == []
    assert len(fake.sent) == 1


def test_a_catalog_on_another_host_is_asked_without_the_token() -> None:
    elsewhere = {**DONE, "links": [{"rel": "assets", "href": "https://stac.example.org/search?filter=x = 'y'"}]}
    fake = Fake(requests=elsewhere, search=listed(ITEM))
    one = provider(fake)
    assert len(one.products(one.read(["VGFzazox"])["VGFzazox"])) == 1
    assert fake.sent[-1].url.host == "stac.example.org"
    assert "Authorization" not in fake.sent[-1].headers


@pytest.mark.parametrize(
    "page",
    [
        listed(ITEM, href=f"{STAC}?limit=100&filter=ag%3Acapture_id+%3D+%27{'x'}%27"),
        listed(ITEM, href="https://evil.example.com/search?p=2"),
        listed(ITEM, href="/etc/passwd", method="POST", body={}),
        listed(ITEM, href="file:///etc/passwd"),
        {"features": "none"},
        {"features": [], "links": ["x"]},
        [1],
    ],
)
def test_a_catalog_that_is_none_or_leads_astray_is_unexpected(page: Any) -> None:
    answer = httpx.Response(200, json=page)
    with pytest.raises(UnexpectedAnswer):
        products(*[httpx.Response(200, json=page), answer])


PROMISED = {"rel": "assets", "href": f"{STAC}?filter=ag:capture_id = '{CAPTURE_ID}'", "type": "application/geo+json"}
LINKS: dict[str, str] = {
    "raw": f"{STAC}?filter=ag:capture_id = '{CAPTURE_ID}'",
    "encoded": f"{STAC}?filter=ag%3Acapture_id+%3D+%27cmFuZG9t%2Bc3RyaW5n%2Fw%3D%3D%27",
    "relative": f"/stac/v1/catalogs/axelglobe/search?filter=ag:capture_id = '{CAPTURE_ID}'",
    "without blanks": f"{STAC}?filter=ag:capture_id='{CAPTURE_ID}'&limit=10",
    "with more": f"{STAC}?collections=grus-1&filter-lang=cql2-text&filter=\"ag:capture_id\" = '{CAPTURE_ID}'",
    "of another kind": f"{STAC}?ids=GRUS1A_1",
}


@pytest.mark.parametrize("kind", LINKS)
def test_the_link_alone_leads_to_the_capture(kind: str) -> None:
    bare = {**changed(REQUEST, status="DATA_AVAILABLE"), "links": [{"rel": "self"}, {**PROMISED, "href": LINKS[kind]}]}
    fake = Fake(requests=bare, search=listed(ITEM))
    one = provider(fake)
    request = one.read(["VGFzazox"])["VGFzazox"]
    assert request.capture_ids == (("VGFzazox",) if kind == "of another kind" else (CAPTURE_ID,))
    assert [item["id"] for item in one.products(request)] == ["GRUS1A_1"]
    given = httpx.URL("https://x.example.com/").join(LINKS[kind].replace("+c3", "%2Bc3")).params
    assert dict(fake.sent[-1].url.params) == {**dict(given), "limit": "100"}


def test_a_null_id_never_takes_anothers_imagery() -> None:
    bare = {**changed(REQUEST, status="DATA_AVAILABLE"), "links": [PROMISED]}
    other = {**ITEM, "id": "other", "properties": {"ag:capture_id": "someone else's"}}
    assert [item["id"] for item in products(listed(other, ITEM), request=bare)[0]] == ["GRUS1A_1"]
    unnamed = {**bare, "links": [{**PROMISED, "href": LINKS["of another kind"]}]}
    with pytest.raises(UnexpectedAnswer, match="items of several came"):
        products(listed(other, ITEM), request=unnamed)


def test_an_id_that_finds_nothing_is_only_a_help() -> None:
    odd = {**changed(DONE, **{"ag:capture_id": "internal-7"}), "links": [PROMISED]}
    refused = httpx.Response(400, json={"code": "InvalidParameterValue", "description": "no"})
    for first in (listed(), refused):
        items, asked = products(first, listed(ITEM), request=odd)
        assert [item["id"] for item in items] == ["GRUS1A_1"]
        assert [one.url.params["filter"] for one in asked] == [
            "ag:capture_id = 'internal-7'",
            f"ag:capture_id = '{CAPTURE_ID}'",
        ]


def test_a_next_page_that_is_asked_by_post_is_asked_so() -> None:
    body = {"token": "next:2", "limit": 100}
    items, asked = products(listed(ITEM, href=STAC, method="POST", body=body), listed({**ITEM, "id": "second"}))
    assert [item["id"] for item in items] == ["GRUS1A_1", "second"]
    assert (asked[1].method, json.loads(asked[1].content)) == ("POST", body)
    merged: dict[str, Any] = {"href": STAC, "method": "POST", "body": {"token": "next:2"}, "merge": True}
    items, asked = products(listed(ITEM, **merged), listed({**ITEM, "id": "second"}))
    assert json.loads(asked[1].content)["filter"] == f"ag:capture_id = '{CAPTURE_ID}'"
    with pytest.raises(UnexpectedAnswer, match="read already"):
        products(listed(ITEM, href=STAC, method="POST", body=body))


def signed(number: int, host: str = "https://bucket.example.net") -> dict[str, Any]:
    return {**ITEM, "assets": {"tci": {"href": f"{host}/tci.tif?sig=secret-of-an-hour-{number}"}}}


def opened(fake: Fake, one: AxelGlobe, item: dict[str, Any]) -> bytes:
    with one.open_asset(item, "tci") as response:
        return response.read()


def test_an_address_that_expired_is_asked_for_anew_on_the_spot() -> None:
    denied, there = httpx.Response(403, text="<Error>expired</Error>"), httpx.Response(200, content=b"image")
    fake = Fake(requests=DONE, search=[listed(signed(1)), listed(signed(2))], **{"tci.tif": [denied, there]})
    one = provider(fake)
    (item,) = one.products(one.read(["VGFzazox"])["VGFzazox"])
    assert opened(fake, one, item) == b"image"
    assert [str(each.url.params["sig"])[-1] for each in fake.sent if "tci" in each.url.path] == ["1", "2"]
    assert opened(fake, one, item) == b"image"  # the next try begins with the fresh one
    assert [str(each.url.params["sig"])[-1] for each in fake.sent if "tci" in each.url.path][-1] == "2"


@pytest.mark.parametrize(
    ("again", "said"), [(2, "refused, and so is a fresh one"), (1, "refused, and there is no other")]
)
def test_a_file_that_stays_refused_says_that_its_address_was(again: int, said: str) -> None:
    denied = httpx.Response(403, text="no")
    fake = Fake(requests=DONE, search=[listed(signed(1)), listed(signed(again))], **{"tci.tif": denied})
    one = provider(fake)
    (item,) = one.products(one.read(["VGFzazox"])["VGFzazox"])
    with pytest.raises(CredentialsRefused, match=said):
        opened(fake, one, item)


def test_a_request_without_an_assets_link_says_so() -> None:
    with pytest.raises(UnexpectedAnswer, match="no link to its assets"):
        products(listed(ITEM), request={**DONE, "links": [{"rel": "assets"}]})


# filters --------------------------------------------------------------------------------------------------------------


@given(value=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30))
def test_any_value_makes_a_valid_filter_for_exactly_that_value(value: str) -> None:
    expression = cql2.parse_text(filters.equals("task_plan_id", value))
    assert expression.to_json() == {"op": "=", "args": [{"property": "task_plan_id"}, value]}


def test_all_filters_are_valid_cql2() -> None:
    ring = [[-79.685265, -7.13192], [-79.685265, -7.55499], [-79.275122, 1e-7], [-79.685265, -7.13192]]
    text = filters.both(filters.intersects(ring), None, filters.equals("status", "ACTIVE"))
    assert text is not None
    parsed = cql2.parse_text(text).to_json()
    assert parsed["op"] == "and"
    assert [clause["op"] for clause in parsed["args"]] == ["s_intersects", "="]
    assert cql2.parse_text(filters.equals("ag:capture_id", CAPTURE_ID)).to_json()["args"][1] == CAPTURE_ID
    assert filters.both(None, None) is None


# settings -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"api_url": "http://api.example.com/"}, "api_url"),
        ({"api_url": "api.example.com"}, "api_url"),
        ({"token_url": "http://auth.example.com/"}, "token_url"),
        ({"trusted_urls": ["http://files.example.com/"]}, "trusted_urls"),
        ({"client_id": ""}, "client_id"),
        ({"client_secret": ""}, "client_secret"),
        ({"audience": ""}, "audience"),
        ({"settle_seconds": 30}, "settle_seconds"),
        ({"poll_interval_seconds": 0}, "poll_interval_seconds"),
        ({"http": {"requests_per_second": 0}}, "requests_per_second"),
        ({"client_secrte": "x"}, "client_secrte"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name_and_without_the_secret(
    change: dict[str, Any], field: str
) -> None:
    good = {"api_url": API, "token_url": "https://auth.example.com/", "client_id": "me", "client_secret": SECRET}
    AxelGlobeSettings.model_validate(good)
    with pytest.raises(ValidationError, match=field) as caught:
        AxelGlobeSettings.model_validate(good | change)
    assert SECRET not in str(caught.value)


def test_settings_do_not_show_the_secret() -> None:
    assert SECRET not in f"{SETTINGS} {SETTINGS!r} {SETTINGS.model_dump_json()}"
