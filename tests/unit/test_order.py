"""What an order says, and every way in which it is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from pydantic import ValidationError

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.errors import InvalidOrder
from tasking.order import order_from
from tests.support.order_fields import GOOD


def ring(*positions: object) -> dict[str, Any]:
    return {"area": {"type": "Polygon", "coordinates": [list(positions)]}}


def window(start: object, end: object) -> dict[str, Any]:
    return {"window": {"start": start, "end": end}}


A, B, C, D = [1, 1], [2, 1], [2, 2], [1, 2]
HOLE = [[1.2, 1.2], [1.4, 1.2], [1.4, 1.4], [1.2, 1.2]]
FAR = {"type": "MultiPolygon", "coordinates": [[[A, B, C, A]], [[[5, 5], [6, 5], [6, 6], [5, 5]]]]}

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    # case: (fields, what it names, the fix it gives)
    "ring not closed": (ring(A, B, C, D), "area.coordinates[0]: starts at [1.0, 1.0]", "repeat [1.0, 1.0] at its end"),
    "ring not closed, WKT": ({"area": "POLYGON ((1 1, 2 1, 2 2, 1 2))"}, "area: POLYGON", "end it with its first"),
    "ring crosses itself": (ring(A, C, B, D, A), "area: POLYGON", "crosses or touches itself near [1.5, 1.5]; draw"),
    "three positions": (ring(A, B, A), "area.coordinates[0]: 3 different", "at least 4: a triangle"),
    "positions repeated": (ring(A, A, A, B, A), "area.coordinates[0]: 3 different", "at least 4: a triangle"),
    "no area": (ring([1, 1], [2, 2], [3, 3], [1, 1]), "area: 4 positions on a line", "positions around an area"),
    "swapped": (
        ring([35.6, 139.7], [35.6, 139.8], [35.7, 139.8], [35.6, 139.7]),
        "area.coordinates[0][0]: [35.6, 139.7]",
        "longitude comes first; write [139.7, 35.6]",
    ),
    "latitude out of range": (ring([150, 95], B, C, [150, 95]), "area.coordinates[0][0]", "outside -90..90 degrees"),
    "longitude out of range": (ring([1361, 1], B, C, [1361, 1]), "longitude 1361", "outside -180..180 degrees"),
    "metres": (ring([389000, 3950000], B, C, [389000, 3950000]), "[389000, 3950000]", "are these degrees on WGS84?"),
    "not a number": (ring([1, float("nan")], B, C, A), "area.coordinates[0][0]: [1, nan]", "finite numbers in degrees"),
    "infinite": (ring(A, [float("inf"), 1], C, A), "area.coordinates[0][1]", "finite numbers in degrees"),
    "text for a number": (ring(["1", "1"], B, C, A), "area.coordinates[0][0]", "finite numbers in degrees"),
    "a position of one number": (ring([1], B, C, A), "area.coordinates[0][0]: [1]", "as [longitude, latitude]"),
    "a hole": ({"area": {"type": "Polygon", "coordinates": [[A, B, C, D, A], HOLE]}}, "inner ring", "remove the inner"),
    "two polygons apart": ({"area": FAR}, "area: 2 separate polygons", "place one order for each polygon"),
    "empty ring": ({"area": {"type": "Polygon", "coordinates": [[]]}}, "area.coordinates[0]: []", "at least 4"),
    "empty coordinates": ({"area": {"type": "Polygon", "coordinates": []}}, "area.coordinates: []", "at least 4"),
    "empty WKT": ({"area": "POLYGON EMPTY"}, "area: POLYGON EMPTY", "at least 4 positions"),
    "empty text": ({"area": " "}, "area: (empty text)", "give a GeoJSON Polygon"),
    "a point": ({"area": "POINT (1 1)"}, "area.type: Point", "give a GeoJSON Polygon"),
    "words": ({"area": "Tokyo"}, "area: Tokyo", "neither GeoJSON nor WKT"),
    "broken JSON": ({"area": '{"type": "Polygon"'}, 'area: {"type"', "not readable JSON"),
    "another reference system": (
        {"area": "SRID=3857;POLYGON ((1 1, 2 1, 2 2, 1 1))"},
        "area.SRID: EPSG:3857",
        "EPSG:4326",
    ),
    "no features": ({"area": {"type": "FeatureCollection", "features": []}}, "area.features: []", "put one Feature"),
    "a feature without geometry": ({"area": {"type": "Feature", "geometry": None}}, "area.geometry", "a Polygon"),
    "a list as area": ({"area": [1, 2]}, "area: [1, 2]", "give a GeoJSON Polygon"),
    "around a pole": (ring([0, 80], [120, 80], [-120, 80], [0, 80]), "area.coordinates[0]", "goes around a pole"),
    "around the globe": (ring([-180, -80], [180, -80], [180, 80], [-180, -80]), "-180 to 180", "smaller polygon"),
    "too wide": (ring([1, 1], [4, 1], [4, 2], [1, 1]), "area: 334 km wide", "areas up to 250 km wide"),
    "across the 180 meridian": (
        {"area": "POLYGON ((179.5 10, -179.5 10, -179.5 11, 179.5 11, 179.5 10))"},
        "area: crosses the 180° meridian",
        "place one order for each of POLYGON ((180.0 11.0",
    ),
    "naive start": (
        window("2026-12-01T00:00:00", "2026-12-08T00:00:00Z"),
        "window.start: 2026-12-01T00:00:00: has no zone",
        "write 2026-12-01T00:00:00Z",
    ),
    "a date alone": (window("2026-12-01T00:00:00Z", "2026-12-08"), "window.end", "write 2026-12-08T00:00:00Z"),
    "end before start": (
        window("2026-12-08T00:00:00Z", "2026-12-01T00:00:00Z"),
        "window.end: 2026-12-01T00:00:00Z: is not after the start (2026-12-08T00:00:00Z)",
        "give an end later",
    ),
    "end is start": (window("2026-12-08T00:00:00Z", "2026-12-08T00:00:00Z"), "window.end", "give an end later"),
    "not a time": (window("next week", "2026-12-01T00:00:00Z"), "window.start: next week", "write it like 2026-12-01T"),
    "beyond the calendar": (
        window("2026-12-01T00:00:00Z", "9999-12-31T23:00:00-12:00"),
        "window.end: 9999-12-31",
        "outside the years 1 to 9999",
    ),
    "fifteen days": (
        window("2026-12-01T00:00:00Z", "2026-12-16T00:00:00Z"),
        "window.end: 2026-12-16T00:00:00Z: the window is 15.0 days long",
        "end it by 2026-12-15T00:00:00Z",
    ),
    "no window": ({"window": None}, "window: None", "valid dictionary"),
    "window without end": ({"window": {"start": "2026-12-01T00:00:00Z"}}, "window.end: (missing)", "is required"),
    "empty name": ({"name": "  "}, "name: (empty)", "1 to 100 characters"),
    "long name": ({"name": "n" * 101}, "name: nnn", "1 to 100 characters; these are 101"),
    "name of two lines": ({"name": "a\nb"}, "name: 'a\\nb'", "one line"),
    "reference with a slash": ({"reference": "../up"}, "reference: ../up", "letters, digits, '.', '_' or '-'"),
    "reference with a hash": ({"reference": "order#2"}, "reference: order#2", "letters, digits, '.', '_' or '-'"),
    "reference that ends in a dot": ({"reference": "order."}, "reference: order.", "do not end with '.'"),
    "long reference": ({"reference": "r" * 81}, "reference: rrr", "up to 80 in all"),
    "reference of two lines": ({"reference": "a\n"}, "reference: a", "letters, digits"),
    "unknown policy": ({"select": "cheapest"}, "select: cheapest", "choose one of 'best-coverage', 'earliest'"),
    "unknown rejection rule": ({"on_rejection": "give-up"}, "on_rejection: give-up", "choose one of 'wait'"),
    "an empty satellite": ({"satellites": [" "]}, "satellites: ['']", "name each, e.g. GRUS-1A; none for all"),
    "satellite twice": ({"satellites": ["GRUS-1A", "grus-1a"]}, "satellites: ['GRUS-1A'", "repeated: GRUS-1A"),
    "angle below zero": ({"off_nadir_max_deg": -1}, "off_nadir_max_deg: -1.0", "above 0 and up to 45"),
    "angle too large": ({"off_nadir_max_deg": 46}, "off_nadir_max_deg: 46.0", "above 0 and up to 45"),
    "angle is no number": ({"off_nadir_max_deg": float("nan")}, "off_nadir_max_deg: nan", "above 0 and up to 45"),
    "range turned round": ({"off_nadir_range_deg": [20, 10]}, "off_nadir_range_deg: [20.0, 10.0]", "the smaller first"),
    "range of one": ({"off_nadir_range_deg": [20]}, "off_nadir_range_deg.1: (missing)", "is required"),
    "both angles": (
        {"off_nadir_max_deg": 20, "off_nadir_range_deg": [0, 20]},
        "off_nadir_range_deg: [0.0, 20.0]: off_nadir_max_deg (20)",
        "keep one of the two",
    ),
    "empty priority": ({"priority": ""}, "priority: (empty)", "e.g. NORMAL or EMERGENCY"),
    "account without type": ({"account": "default"}, "account: default", "e.g. axelglobe-tasking/default"),
    "archive as a path": ({"archive": "/data/archive"}, "archive: /data/archive", "e.g. image-archive/default"),
    "unknown field": ({"refrence": "x"}, "refrence: x", "did you mean reference?"),
}


@pytest.mark.parametrize(("fields", "names", "fix"), BAD.values(), ids=BAD)
def test_a_bad_order_is_refused_with_field_value_and_fix(fields: dict[str, Any], names: str, fix: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        order_from(AxelGlobeOrder, {**GOOD, **fields})
    assert names in str(refused.value)
    assert fix in str(refused.value)
    with pytest.raises(ValidationError):
        AxelGlobeOrder.model_validate({**GOOD, **fields})


def test_every_problem_of_an_order_is_told_at_once_one_line_each() -> None:
    bad = {**GOOD, **window("2026-12-01T00:00:00", "soon"), "select": "best", "nmae": "x"}
    with pytest.raises(InvalidOrder) as refused:
        order_from(AxelGlobeOrder, bad)
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in lines] == ["window.start", "window.end", "select", "nmae"]
    assert refused.value.field == "window.start"


def test_a_missing_field_is_explained() -> None:
    with pytest.raises(InvalidOrder) as refused:
        order_from(AxelGlobeOrder, {})
    assert "area: (missing): is required. What to image" in str(refused.value)


def test_an_order_reads_back_from_its_own_dump() -> None:
    order = order_from(AxelGlobeOrder, {**GOOD, "off_nadir_range_deg": [5, 20], "satellites": ["grus-1b"]})
    dumped = json.loads(json.dumps(order.model_dump(mode="json")))
    assert AxelGlobeOrder.model_validate(dumped) == order
    assert order_from(AxelGlobeOrder, order) == order
    assert order.satellites == ("GRUS-1B",)


def test_an_order_is_not_changed_by_reading_it_and_cannot_be_changed() -> None:
    given = copy.deepcopy(GOOD)
    order = order_from(AxelGlobeOrder, given)
    assert given == GOOD
    with pytest.raises(ValidationError, match="frozen"):
        order.name = "other"


def test_what_is_left_out_has_the_documented_defaults() -> None:
    order = order_from(AxelGlobeOrder, {**GOOD, "reference": "", "site": ""})
    assert order.provider == "axelglobe"
    assert order.reference is None
    assert order.site is None
    assert order.satellites == ()
    assert order_from(AxelGlobeOrder, {**GOOD, "satellites": []}).satellites == ()
    assert order.off_nadir_range == (0.0, 30.0)
    assert (order.priority, order.select, order.on_rejection) == ("NORMAL", "best-coverage", "wait")
    assert not order.require_approval


def test_either_the_largest_angle_or_a_range_can_be_given() -> None:
    assert order_from(AxelGlobeOrder, {**GOOD, "off_nadir_max_deg": 15}).off_nadir_range == (0.0, 15.0)
    assert order_from(AxelGlobeOrder, {**GOOD, "off_nadir_range_deg": [5, 15]}).off_nadir_range == (5.0, 15.0)


def test_priority_words_of_a_contract_are_kept_as_written() -> None:
    assert order_from(AxelGlobeOrder, {**GOOD, "priority": "emergency"}).priority == "EMERGENCY"
    assert order_from(AxelGlobeOrder, {**GOOD, "priority": "Wishlist"}).priority == "Wishlist"


def test_fourteen_days_and_almost_250_km_are_taken() -> None:
    wide = ring([1, 0], [3.2, 0], [3.2, 1], [1, 1], [1, 0])
    order = order_from(AxelGlobeOrder, {**GOOD, **wide, **window("2026-12-01T00:00:00Z", "2026-12-15T00:00:00Z")})
    assert 240 < order.area.width_km < 250


def test_every_field_explains_itself_in_the_form() -> None:
    schema = AxelGlobeOrder.model_json_schema()
    properties = schema["properties"]
    for name, field in properties.items():
        said = {**schema["$defs"].get(field.get("$ref", "").split("/")[-1], {}), **field}
        assert said.get("title"), name
        assert said.get("description"), name
        assert "default" in said or said.get("examples") or "$ref" in said, name
    assert "both are paid" in properties["on_rejection"]["description"]
