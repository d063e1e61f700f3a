"""Other legal answers of AxelGlobe's and ICEYE's servers, as their documents allow them: nothing is lost or misread."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tasking.status import StatusCode
from tests.support import iceye_answers
from tests.support.axelglobe_answers import (
    CAPTURE_ID,
    DONE,
    ITEM,
    ORDER,
    PLAN_ID,
    REQUEST,
    STAC,
    WINDOW,
    Fake,
    changed,
    provider,
)
from tests.support.iceye_answers import SCENE, TASK, Answers, json_answer, task
from tests.support.iceye_orders import order
from tests.support.iceye_products import ALL, PRODUCTS, product, with_task

TASKS, ONE = "/api/tasking/v2/tasks", f"/api/tasking/v2/tasks/{TASK}"
OURS = changed(REQUEST, name="ref", **WINDOW)
THEIRS = {**changed(REQUEST, name="theirs", task_plan_id="another"), "id": "VGFzazoy"}
ITEMS = "https://sandbox-api.example.com/wfs/tasking/v2/collections/{}/items"


def page(*features: Any, **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **more}


def onward(**link: Any) -> dict[str, Any]:
    return {"links": [{"rel": "prev"}, {"rel": "next", "type": "application/geo+json", **link}]}


AXELGLOBE_LISTS: dict[str, list[Any]] = {
    "no links at all": [page(THEIRS, OURS)],
    "links are null": [page(OURS, THEIRS, links=None, numberMatched=None)],
    "an absolute next link": [page(THEIRS, **onward(href=ITEMS.format("x") + "?offset=1")), page(OURS)],
    "a relative next link": [page(THEIRS, **onward(href="?offset=1&limit=1")), page(OURS)],
    "a host-relative next link": [page(THEIRS, **onward(href="/wfs/tasking/v2/collections/x/items?p=2")), page(OURS)],
    "a page shorter than asked": [page(THEIRS, numberMatched=2, **onward()), page(OURS, numberMatched=2)],
    "an empty page in the middle": [page(**onward(href="?p=2")), page(OURS)],
    "extra members": [page(OURS, timeStamp="2025-07-03T12:10:45Z", numberReturned=1, **{"ag:x": {"y": [None]}})],
    "twice the same": [page(OURS, OURS)],
    "whole numbers and more digits": [page(changed(OURS, off_nadir_range=[0, 30.0]), numberMatched=1.0)],
    "times with an offset and fractions": [page(changed(OURS, valid_start="2025-07-01T09:10:59.000+09:00"))],
    "unknown words": [page(changed(OURS, status="QUEUED", priority="WISHLIST", satellites=["GRUS-9Z"]))],
    "fields left out": [page({"id": "VGFzazox", "properties": {"name": "ref", "task_plan_id": PLAN_ID}})],
    "a byte order mark": [httpx.Response(200, content=b"\xef\xbb\xbf" + httpx.Response(200, json=page(OURS)).content)],
}


@pytest.mark.parametrize("kind", AXELGLOBE_LISTS)
def test_our_plan_and_request_are_found_in_any_legal_list_of_axelglobe(kind: str) -> None:
    for name in ("plans", "requests"):
        one = provider(Fake(**{f"/{name}/": list(AXELGLOBE_LISTS[kind]), "/x/": list(AXELGLOBE_LISTS[kind])[1:]}))
        found = one.find_plan(ORDER, "ref") if name == "plans" else one.find_request(ORDER, PLAN_ID, "ref")
        assert found is not None
        assert found.id == "VGFzazox"


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("echo", [{}, {"status": None}, {"created": None, "cancel_until": None}, {"satellites": []}])
def test_a_request_is_made_by_any_2xx_that_names_it(status: int, echo: dict[str, Any]) -> None:
    fake = Fake(requests=httpx.Response(status, json=changed(REQUEST, **echo)))
    assert provider(fake).client.create_request("ref", "T3Bwb3J0").id == "VGFzazox"
    assert len(fake.sent) == 1


AXELGLOBE_CATALOGS: dict[str, list[Any]] = {
    "late": [page()],
    "one item": [page(ITEM)],
    "two pages": [page(ITEM, **onward(href=f"{STAC}?token=2")), page({**ITEM, "id": "b"})],
    "a relative next page": [page(ITEM, **onward(href="?token=2")), page({**ITEM, "id": "b"})],
    "an empty last page": [page(ITEM, **onward(href=f"{STAC}?token=2")), page(links=[])],
    "twice the same": [page(ITEM, ITEM)],
    "counted": [page(ITEM, numberMatched=1, numberReturned=1, context={"returned": 1})],
    "without a capture's name": [page({**ITEM, "properties": {"datetime": "2025-07-01T00:11:00Z"}})],
}


@pytest.mark.parametrize("kind", AXELGLOBE_CATALOGS)
def test_the_catalog_is_read_in_any_legal_shape(kind: str) -> None:
    one = provider(Fake(requests=DONE, search=list(AXELGLOBE_CATALOGS[kind])))
    request = one.read(["VGFzazox"])["VGFzazox"]
    expected = {"late": [], "two pages": ["GRUS1A_1", "b"], "a relative next page": ["GRUS1A_1", "b"]}
    assert request.status is StatusCode.COMPLETED
    assert request.capture_ids == (CAPTURE_ID,)
    assert [item["id"] for item in one.products(request)] == expected.get(kind, ["GRUS1A_1"])


OTHER = task(id="33333333-3333-4333-8333-333333333333", reference="theirs")
ICEYE_LISTS: dict[str, list[Any]] = {
    "no cursor": [{"data": [OTHER, task()]}],
    "an empty cursor": [{"data": [task(), OTHER], "cursor": ""}],
    "a null cursor": [{"data": [task()], "cursor": None}],
    "two pages": [{"data": [OTHER], "cursor": "bmV4dA=="}, {"data": [task()]}],
    "a cursor that has to be encoded": [{"data": [OTHER], "cursor": "a+b/c=&d"}, {"data": [task()], "cursor": ""}],
    "an empty page in the middle": [{"data": [], "cursor": "2"}, {"data": [task()]}],
    "null for an empty page": [{"data": None, "cursor": "2"}, {"data": [task()]}],
    "extra members": [{"data": [task(newField={"a": [1]}, imagingDuration=15)], "total": 1}],
    "nulls for what is unset": [
        {"data": [task(sla=None, eula=None, priority=None, fulfilledAt=None, deliveries=None)]}
    ],
    "whole numbers for a point": [{"data": [task(pointOfInterest={"lat": "60.17", "lon": 24.940000000001})]}],
    "times with an offset": [{"data": [task(createdAt="2026-12-01T02:00:00+02:00")]}],
    "fractions of a second": [{"data": [task(createdAt="2026-12-01T00:00:00.123456789Z")]}],
    "an unknown word": [{"data": [task(status="ON_HOLD")]}],
    "twice the same": [{"data": [task(), task()]}],
}


@pytest.mark.parametrize("kind", ICEYE_LISTS)
def test_our_task_is_found_in_any_legal_list_of_iceye(kind: str) -> None:
    answers = Answers()
    answers.on("GET", TASKS, *(json_answer(200, each) for each in ICEYE_LISTS[kind]))
    with iceye_answers.iceye(answers) as one:
        found = one.find_request(order(), None, "ref")
    assert found is not None
    assert found.id == TASK


@pytest.mark.parametrize("status", [200, 201, 202])
@pytest.mark.parametrize("echo", [{}, {"status": None}, {"createdAt": None, "acquisitionWindow": None}, {"sla": 8}])
def test_a_task_is_made_by_any_2xx_that_names_it(status: int, echo: dict[str, Any]) -> None:
    answers = Answers()
    answers.on("POST", TASKS, json_answer(status, task(**echo)))
    with iceye_answers.iceye(answers) as one:
        assert one.request(order(), None, None, "ref").id == TASK  # type: ignore[arg-type]
    assert len(answers.calls("POST", TASKS)) == 1


ICEYE_SCENES: dict[str, tuple[dict[str, Any], datetime]] = {
    "an angle in numbers": ({**SCENE, "incidenceAngle": 37.38}, datetime(2026, 12, 4, 10, tzinfo=UTC)),
    "no angle": ({"imagingTime": SCENE["imagingTime"], "duration": 15.0}, datetime(2026, 12, 4, 10, tzinfo=UTC)),
    "an offset": (
        {"imagingTime": {"start": "2026-12-04T12:00:00.5+02:00", "end": None}, "azimuth": 1},
        datetime(2026, 12, 4, 10, 0, 0, 500_000, tzinfo=UTC),
    ),
    "null": ({"imagingTime": None}, datetime(2026, 12, 3, tzinfo=UTC)),
}


@pytest.mark.parametrize("kind", ICEYE_SCENES)
def test_a_scene_is_read_in_any_legal_shape(kind: str) -> None:
    scene, start = ICEYE_SCENES[kind]
    answers = Answers()
    answers.on("GET", ONE, json_answer(200, task(status="ACTIVE")))
    answers.on("GET", f"{ONE}/scene", json_answer(200, scene))
    with iceye_answers.iceye(answers) as one:
        request = one.read([TASK])[TASK]
    assert (request.status, request.start) == (StatusCode.ACCEPTED, start)


ICEYE_PRODUCTS: dict[str, list[Any]] = {
    "one page": [{"data": [product()]}],
    "two pages": [{"data": [], "cursor": "2"}, {"data": [product()], "cursor": ""}],
    "nulls": [{"data": [product(geometry=None, bbox=None, collection=None, links=None)]}],
    "an entry that is none": [{"data": [None, product(), "x"], "cursor": None}],
}


@pytest.mark.parametrize("kind", ICEYE_PRODUCTS)
def test_products_are_listed_in_any_legal_shape(kind: str) -> None:
    answers = with_task()
    answers.on("GET", PRODUCTS, *(json_answer(200, each) for each in ICEYE_PRODUCTS[kind]))
    with iceye_answers.iceye(answers) as one:
        assert [each["id"] for each in one.products(ALL)] == ["FRAME_1_GRD"]
