"""Hostile words: models, conversions, orders, names and files of any content end in our own errors, or in nothing."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pydantic_core
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from pydantic import AliasChoices, BaseModel, SecretStr, ValidationError

from blocks.webhook_receiver import WebhookReceiver
from flows.receiver.keys import Keys
from tasking.area import Area, area_from
from tasking.axelglobe import conversions as axelglobe
from tasking.axelglobe import models as axelglobe_models
from tasking.axelglobe.finding import Nameless, our_plan, our_request
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.clock import ProviderClock
from tasking.delivery.structure import damage
from tasking.errors import InvalidOrder, ReferenceTaken
from tasking.hints import LARGEST_BODY, ids_in
from tasking.http.address import resolved, why_not_follow
from tasking.iceye import conversions as iceye
from tasking.iceye import models as iceye_models
from tasking.iceye.finding import NamelessTask
from tasking.iceye.finding import our_task as our_iceye_task
from tasking.iceye.order import IceyeOrder
from tasking.iceye.products import items_of
from tasking.iceye.settings import IceyeSettings
from tasking.iceye.terms import agreed, chosen_contract, task_body
from tasking.order import order_from
from tasking.point import canonical_point
from tasking.satellogic import analysis, cancelling
from tasking.satellogic import conversions as satellogic
from tasking.satellogic import models as satellogic_models
from tasking.satellogic.finding import our_task as our_satellogic_task
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.settings import SatellogicSettings
from tests.support.hostile import anything, changed, examples
from tests.support.hostile_values import ADDRESSES, BASE, GEOMETRIES, HEADERS, RING, TEXTS, encoded

NOW = datetime(2026, 12, 1, tzinfo=UTC)
ACCOUNT: dict[str, Any] = {"client_id": "me", "client_secret": SecretStr("s3cret")}
AXELGLOBE = AxelGlobeSettings(api_url=f"{BASE}/", token_url=f"{BASE}/token", **ACCOUNT)
ICEYE = IceyeSettings(auth_url=BASE, **ACCOUNT)
SATELLOGIC = SatellogicSettings(contract_id="c", **ACCOUNT)
WINDOW = {"start": NOW + timedelta(days=1), "end": NOW + timedelta(days=8)}
ORDERS: dict[type[Any], dict[str, Any]] = {
    AxelGlobeOrder: {
        "name": "Bay",
        "area": {"type": "Polygon", "coordinates": [RING]},
        "off_nadir_range_deg": [5, 20],
        "satellites": ["GRUS-1A"],
    },
    IceyeOrder: {
        "name": "Bay",
        "point": {"lat": 60.17, "lon": 24.94},
        "incidence_deg": [20, 30],
        "product_types": ["GRD"],
        "delivery_locations": [{"config_id": "22222222-2222-4222-8222-222222222222", "path": "x"}],
        "contract_id": "22222222-2222-4222-8222-222222222222",
    },
    SatellogicOrder: {
        "name": "Bay",
        "point": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [139.7, 35.6]}},
        "expected_age_days": 3,
        "max_captures": 3,
    },
}
A, I, S = (order_from(kind, {**said, "window": WINDOW}) for kind, said in ORDERS.items())  # noqa: E741


def _models() -> list[type[BaseModel]]:
    found = [
        each
        for module in (axelglobe_models, iceye_models, satellogic_models)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, BaseModel) and each.__module__ == module.__name__
    ]
    return [each for each in found if not each.__name__.startswith("_")]


@st.composite
def said_as(draw: DrawFn, model: type[BaseModel]) -> Any:
    """JSON with the model's own names and hostile values, as a provider's answer would bring it."""
    names = []
    for name, field in model.model_fields.items():
        alias = field.validation_alias
        names.append(str(alias.choices[0]) if isinstance(alias, AliasChoices) else str(alias or name))
    required = [name for name, field in zip(names, model.model_fields.values(), strict=True) if field.is_required()]
    some = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    value: dict[str, Any] = {name: draw(anything) for name in dict.fromkeys([*required, *some])}
    if "id" in value and draw(st.booleans()):
        value["id"] = "x"
    if "properties" in value and draw(st.booleans()):
        value["properties"] = draw(said_as(_properties_of(model)))
    return value


def _properties_of(model: type[BaseModel]) -> type[BaseModel]:
    kind = model.model_fields["properties"].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, BaseModel)
    return kind


def _seen_by_an_order(thing: Any) -> None:
    """What is done with an object of a provider once it was read."""
    match thing:
        case axelglobe_models.TaskPlan():
            axelglobe.plan_of(thing, AXELGLOBE, NOW).model_dump_json()
            our_plan(
                [thing.model_copy(update={"properties": thing.properties.model_copy(update={"name": "x"})})], A, "x"
            )
        case axelglobe_models.TaskCandidate():
            axelglobe.candidate_of(thing)
        case axelglobe_models.TaskRequest():
            axelglobe.request_of(thing, AXELGLOBE, NOW).model_dump_json()
            our_request([thing], "plan", "x")
        case iceye_models.Task():
            for scene in (None, iceye_models.Scene(imagingTime=thing.window)):
                iceye.request_of(thing, scene, ICEYE, NOW).model_dump_json()
                iceye.cancel_terms_of(thing.model_copy(update={"status": "ACTIVE"}), scene, NOW)
            our_iceye_task([thing], I, thing.reference or "x", lambda _id: thing)
        case iceye_models.Contract():
            task_body(I, agreed(I, chosen_contract([thing, thing], thing.id)), "x")
        case iceye_models.TaskPrice():
            str(iceye.money(thing.amount, thing.currency))
        case satellogic_models.Task():
            capture = satellogic_models.Capture(capture_id="1", start=thing.start, end=thing.end, status="queued")
            satellogic.request_of(thing, [capture], SATELLOGIC, NOW).model_dump_json()
            cancelling.terms(thing, [capture], SATELLOGIC, NOW)
            our_satellogic_task([thing.model_copy(update={"task_name": "x"})], S, "x", 169)
        case satellogic_models.Analysis():
            for over in (False, True):
                analysis.stage(thing, patience_is_over=over)
            analysis.word_of(thing)
            analysis.candidates_of(thing, SATELLOGIC)


@pytest.mark.parametrize("model", _models(), ids=lambda model: f"{model.__module__.split('.')[1]}-{model.__name__}")
def test_an_object_is_read_or_refused_whatever_it_says(model: type[BaseModel]) -> None:
    @examples(60)
    @given(said_as(model))
    def holds(said: Any) -> None:
        try:
            thing = model.model_validate(pydantic_core.from_json(encoded(said), allow_inf_nan=False))
        except ValueError:  # no JSON, or pydantic's own error: one of ours by then
            return
        try:
            _seen_by_an_order(thing)
        except (InvalidOrder, ReferenceTaken, Nameless, NamelessTask) as error:  # the clients say ours of the last two
            str(error)

    holds()


@examples(200)
@given(st.lists(changed({"id": "a_GRD", "assets": {"x": {"href": "https://h/a"}}, "properties": {}}), max_size=3))
def test_products_of_any_shape_are_items_or_nothing(products: list[Any]) -> None:
    try:
        listed = pydantic_core.from_json(encoded(products), allow_inf_nan=False)
    except ValueError:
        return
    items, waiting = items_of([each for each in listed if isinstance(each, dict)], "task", (NOW, NOW), (1.0, 2.0))
    assert all(isinstance(each["id"], str) and each["assets"] for each in items)
    assert all(isinstance(each, str) for each in waiting)


def test_a_product_type_of_megabytes_is_compared_and_not_compiled() -> None:
    listed = [{"id": "a", "assets": {"x": {"href": "https://h/a"}}, "properties": {"sar:product_type": "(" * 10**6}}]
    (item,), _ = items_of(listed, "task", (NOW, NOW), None)
    assert item["id"].startswith("a_((((")


# orders --------------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    """As a person's parameters arrive: parsed by Python, which takes infinite and endless numbers."""
    try:
        return json.loads(encoded(value))
    except (ValueError, RecursionError):
        return None


@pytest.mark.parametrize("kind", ORDERS)
def test_an_order_is_taken_or_refused_by_name_whatever_it_says(kind: type[Any]) -> None:
    honest = {**ORDERS[kind], "window": {"start": "2026-12-02T00:00:00Z", "end": "2026-12-05T00:00:00Z"}}

    @examples(300)
    @given(changed(honest))
    def holds(said: Any) -> None:
        try:
            order = order_from(kind, _plain(said))
        except InvalidOrder as error:
            assert len(str(error).encode()) < 100_000  # noqa: PT017
            return
        assert order_from(kind, json.loads(order.model_dump_json())) == order
        assert order.footprint["type"] in ("Polygon", "Point")

    holds()


def _nested(levels: int, wrapped: Callable[[Any], Any], inner: Any) -> Any:
    for _ in range(levels):
        inner = wrapped(inner)
    return inner


TARGETS: dict[str, Any] = {
    "collections in collections": _nested(
        950, lambda it: {"type": "FeatureCollection", "features": [it]}, GEOMETRIES[3]
    ),
    "lists in lists": {"type": "Polygon", "coordinates": _nested(5000, lambda it: [it], [])},
    "only lists": _nested(5000, lambda it: [it], []),
    "text of lists": "[" * 100_000,
    "text of objects": '{"a":' * 100_000,
    "WKT in WKT": "GEOMETRYCOLLECTION (" * 100_000,
    "curves": "CURVEPOLYGON (CIRCULARSTRING (0 0, 1 1, 2 0, 1 -1, 0 0))",
    "a surrogate": "POLYGON ((0 0, 1 0, 1 1, 0 0)) \ud800",
    "a NUL": "POLYGON ((0 0, 1 0, 1 1, 0 0))\0, POINT (1 1)",
    "no numbers": "POLYGON ((nan nan, 1 0, 1 1, nan nan))",
    "huge text": "POINT (1e400 1)",
    "a huge integer": {"type": "Polygon", "coordinates": [[[10**400, 0], [1, 1], [1, 2], [10**400, 0]]]},
    "a huge latitude": {"lat": 10**5000, "lon": 1},
    "infinite": [float("inf"), float("nan")],
    # but for the polygon whose heights are huge, which are dropped
    **{f"geometry {n}": _plain(each) for n, each in enumerate(GEOMETRIES) if b"0" * 300 not in encoded(each)},
}


@pytest.mark.parametrize("what", TARGETS)
def test_a_target_that_is_none_is_refused(what: str) -> None:
    with pytest.raises((InvalidOrder, ValidationError)) as refused:
        area_from(TARGETS[what])
    assert len(str(refused.value).encode()) < 2000
    with pytest.raises(InvalidOrder) as no_point:
        canonical_point(TARGETS[what])
    assert len(str(no_point.value).encode()) < 2000


@examples(300)
@given(st.text(alphabet='POLYGNMULTISRDEM ZFCa0123456789.,-+()=;\n\0é{}[]":', max_size=80) | st.text(max_size=30))
def test_any_text_is_an_area_and_a_point_or_none(text: str) -> None:
    for read in (area_from, canonical_point):
        try:
            assert isinstance(read(f"POLYGON ({text}" if len(text) % 2 else text), Area | dict)
        except InvalidOrder as error:
            str(error).encode()


# addresses, clocks, hints, keys --------------------------------------------------------------------------------------


@examples(300)
@given(
    st.sampled_from(ADDRESSES) | st.text(max_size=40) | st.from_regex(r"https?://[^/]{0,40}/.{0,20}", fullmatch=True)
)
def test_any_address_is_one_or_a_value_error(text: str) -> None:
    base = httpx.URL(f"{BASE}/a")
    try:
        url = resolved(base, str(text))
    except ValueError:
        return
    why_not_follow(url, base)
    assert url.host.encode("idna")  # as the system's resolver does
    assert url.port is None or 0 < url.port < 65536


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "localhost.", "a.localhost", "a..b.com", f"{'a' * 64}.com"]
)
def test_no_spelling_of_this_machine_or_of_nothing_is_followed(host: str) -> None:
    base = httpx.URL(f"{BASE}/a")
    try:
        assert why_not_follow(resolved(base, f"https://{host}/x"), base) is not None
    except ValueError as error:
        assert "not a web address" in str(error)  # noqa: PT017


TOLD = st.sampled_from([each for each in HEADERS if each[0] in ("Date", "X-Clock-Rate", "Age")])
MADE_UP = st.tuples(st.sampled_from(["Date", "X-Clock-Rate"]), st.text(max_size=40))


@examples(300)
@given(st.lists(TOLD | MADE_UP), st.booleans())
def test_a_clock_that_is_told_anything_still_leaves_room_to_wait(headers: list[tuple[str, str]], own: bool) -> None:
    clock = ProviderClock(own=own)
    clock.observe(dict(headers))
    for when in (clock.now(), clock.in_seconds(1e30), clock.local(NOW), clock.local(clock.now())):
        assert when + timedelta(days=366) > when - timedelta(days=366)


@examples(200)
@given(st.binary(max_size=300) | st.sampled_from(TEXTS).map(lambda text: encoded(text)))
def test_hints_of_any_bytes_are_short_words(body: bytes) -> None:
    found = ids_in(body * (1 + LARGEST_BODY // 100))
    assert all(4 <= len(each) <= 128 for each in found)
    assert sum(map(len, found)) <= 3 * LARGEST_BODY


# files ---------------------------------------------------------------------------------------------------------------


def _tiff(entries: list[tuple[int, int, int, int]], big: bool = False, count: int | None = None) -> bytes:
    number, inline, head = ("Q", "Q", "<2sHHHQ") if big else ("H", "I", "<2sHI")
    start = struct.pack(head, b"II", 43, 8, 0, 16) if big else struct.pack(head, b"II", 42, 8)
    body = b"".join(struct.pack(f"<HH{inline}{inline}", *each) for each in entries)
    return (
        start
        + struct.pack(f"<{number}", len(entries) if count is None else count)
        + body
        + struct.pack(f"<{inline}", 0)
    )


@examples(300)
@given(
    data=st.binary(max_size=200),
    entries=st.lists(
        st.tuples(
            st.sampled_from([273, 279, 324, 325, 330, 1]),
            st.integers(0, 20),
            st.sampled_from([0, 1, 2, 2**16, 2**31, 2**32 - 1]),
            st.sampled_from([0, 8, 100, 2**31, 2**32 - 1]),
        ),
        max_size=4,
    ),
    big=st.booleans(),
    name=st.sampled_from(["a.tif", "a.png", "a.jpg", "a.zip", "a.json", "a.h5", "a.bin"]),
)
def test_a_file_of_any_bytes_is_whole_or_damaged(
    data: bytes,
    entries: list[tuple[int, int, int, int]],
    big: bool,
    name: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.getbasetemp() / "file"
    starts = {"a.tif": _tiff(entries, big), "a.png": b"\x89PNG\r\n\x1a\n", "a.jpg": b"\xff\xd8\xff", "a.zip": b"PK\5\6"}
    path.write_bytes(starts.get(name, b"") + data)
    wrong = damage(path, name)
    assert wrong is None or isinstance(wrong, str)


def test_a_directory_larger_than_any_image_needs_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with path.open("wb") as file:
        file.write(_tiff([], big=True, count=10**9))
        file.truncate(30 * 10**9)  # it takes no room on the disk
    assert "entries" in (damage(path, "a.tif") or "")
    with path.open("wb") as file:
        file.write(_tiff([(324, 16, 10**9, 100)], big=True))
        file.truncate(30 * 10**9)
    assert "values" in (damage(path, "a.tif") or "")


@examples(300)
@given(st.sampled_from(["", "Basic ", "basic ", "Bearer ", "Bearer 1."]), st.text(max_size=40), st.text(max_size=20))
def test_any_credentials_are_wrong_ones(scheme: str, rest: str, other: str) -> None:
    keys = Keys(WebhookReceiver.model_validate({"client_id": "us", "client_secret": "s3cret-of-the-test-0123456789"}))
    assert not keys.fits(scheme + rest, other)
    assert keys.grant(scheme + rest, {"client_id": "us", "client_secret": other}) is None
