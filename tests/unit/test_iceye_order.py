"""What an ICEYE order says, and every way in which it is refused before anything is asked."""

from __future__ import annotations

from typing import Any

import pytest

from tasking.area import area_from
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.errors import InvalidOrder
from tasking.iceye.order import IceyeOrder
from tasking.order import order_from

ID = "46ec5793-3b29-4fff-90e5-360fae4be57d"
GOOD: dict[str, Any] = {
    "name": "Helsinki, December",
    "reference": "helsinki-2026-12",
    "point": {"lat": 60.1699, "lon": 24.9384},
    "window": {"start": "2026-12-01T00:00:00Z", "end": "2026-12-08T00:00:00Z"},
}

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    # case: (fields, what it names, the fix it gives)
    "no point": ({"point": None}, "point: None", "latitude and longitude by name"),
    "an empty text": ({"point": " "}, "point: (empty text)", '{"lat": 60.1699, "lon": 24.9384}'),
    "words": ({"point": "Helsinki"}, "point: Helsinki", "neither GeoJSON nor WKT"),
    "an empty WKT": ({"point": "POINT EMPTY"}, "point: POINT EMPTY", "it is empty"),
    "another reference system": ({"point": "SRID=3067;POINT (1 1)"}, "point.SRID: EPSG:3067", "EPSG:4326"),
    "broken JSON": ({"point": '{"type": "Point"'}, 'point: {"type"', "not readable JSON"),
    "a polygon": ({"point": "POLYGON ((0 0, 1 0, 1 1, 0 0))"}, "point.type: Polygon", "the target is one point"),
    "a number alone": ({"point": [24.9]}, "point: [24.9]", "as [longitude, latitude]"),
    "texts": ({"point": ["24", "60"]}, "point: ['24', '60']", "finite numbers"),
    "not a number": ({"point": {"lat": float("nan"), "lon": 1}}, "point: [1, nan]", "finite numbers"),
    "no longitude": ({"point": {"lat": 60}}, "point: {'lat': 60}", "by name"),
    "two latitudes": ({"point": {"lat": 60, "latitude": 61, "lon": 1}}, "point: {", "by name"),
    "a pair swapped": ({"point": [60.1, 139.7]}, "point: [60.1, 139.7]", "longitude comes first; write [139.7, 60.1]"),
    "names swapped": ({"point": {"lat": 139.7, "lon": 35.6}}, "139.7", 'write {"lat": 35.6, "lon": 139.7}'),
    "latitude out of range": ({"point": [150, 95]}, "point: [150, 95]", "outside -90..90"),
    "longitude out of range": ({"point": [1361, 1]}, "longitude 1361", "outside -180..180"),
    "metres": ({"point": "POINT (389000 6672000)"}, "6672000", "are these degrees on WGS84?"),
    "several points": (
        {"point": {"type": "FeatureCollection", "features": [{}, {}]}},
        "point.features: 2 features",
        "one order for each point",
    ),
    "a feature without geometry": ({"point": {"type": "Feature"}}, "point.geometry: None", "give the Feature a Point"),
    "an area": ({"area": "POLYGON ((0 0, 1 0, 1 1, 0 0))"}, "area: POLYGON", "there is no such field"),
    "incidence of 60": ({"incidence_deg": [20, 60]}, "incidence_deg: [20, 60]", "within 10 to 45"),
    "incidence below 10": ({"incidence_deg": [5, 20]}, "incidence_deg: [5, 20]", "within 10 to 45"),
    "incidence reversed": ({"incidence_deg": [40, 20]}, "incidence_deg: [40, 20]", "the smaller first"),
    "incidence in parts": ({"incidence_deg": [20.5, 30]}, "incidence_deg.0: 20.5", "integer"),
    "incidence alone": ({"incidence_deg": [20]}, "incidence_deg", ""),
    "a side there is not": ({"look_side": "UP"}, "look_side: UP", "LEFT, RIGHT, ANY"),
    "a direction there is not": ({"pass_direction": "north"}, "pass_direction: north", "ASCENDING, DESCENDING, ANY"),
    "two words": ({"imaging_mode": "spot light"}, "imaging_mode: spot light", "one word of ICEYE's, e.g. SPOTLIGHT"),
    "a product twice": ({"product_types": ["GRD", "grd"]}, "product_types", "each product once"),
    "a contract that is no id": ({"contract_id": "mine"}, "contract_id: mine", "the id of a contract"),
    "a webhook that is no id": ({"webhook_id": "https://x"}, "webhook_id: https://x", "the id of a webhook"),
    "a place without a path": ({"delivery_locations": [{"config_id": ID}]}, "delivery_locations.0.path", "required"),
    "a window too long": (
        {"window": {"start": "2026-12-01T00:00:00Z", "end": "2026-12-20T00:00:00Z"}},
        "window.end: 2026-12-20",
        "19.0 days long and ICEYE takes tasks that end within 14 days",
    ),
    "the next candidate": ({"on_rejection": "next-candidate"}, "on_rejection", "ICEYE offers no candidates"),
    "a misspelt field": ({"imagingmode": "SCAN"}, "imagingmode: SCAN", "did you mean imaging_mode?"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_order_is_refused_with_the_fix(case: str) -> None:
    fields, named, fix = BAD[case]
    with pytest.raises(InvalidOrder) as caught:
        order_from(IceyeOrder, {**GOOD, **fields})
    assert named in str(caught.value)
    assert fix in str(caught.value)


@pytest.mark.parametrize(
    "written",
    [
        {"lat": 60.5, "lon": 24.25},
        {"latitude": 60.5, "longitude": 24.25},
        [24.25, 60.5],
        (24.25, 60.5, 12.0),
        "POINT (24.25 60.5)",
        "SRID=4326;POINT Z (24.25 60.5 12)",
        '{"type": "Point", "coordinates": [24.25, 60.5]}',
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [24.25, 60.5]}, "properties": {}},
    ],
)
def test_a_point_may_be_written_in_many_ways(written: object) -> None:
    order = order_from(IceyeOrder, {**GOOD, "point": written})
    assert (order.point.lat, order.point.lon) == (60.5, 24.25)
    assert order.footprint == {"type": "Point", "coordinates": [24.25, 60.5]}


def test_a_longitude_above_180_is_turned_to_the_same_place() -> None:
    assert order_from(IceyeOrder, {**GOOD, "point": [190, 10]}).point.lon == -170


def test_an_order_survives_the_ledger_unchanged() -> None:
    full = {
        "imaging_mode": "spotlight",
        "incidence_deg": {"min": 20, "max": 35},
        "look_side": "left",
        "product_types": ["grd", "SLC"],
        "delivery_locations": [{"config_id": ID.upper(), "path": "bucket"}],
        "webhook_id": ID,
    }
    order = order_from(IceyeOrder, {**GOOD, **full})
    assert order_from(IceyeOrder, order.model_dump(mode="json")) == order
    assert (order.imaging_mode, order.look_side, order.incidence_deg) == ("SPOTLIGHT", "LEFT", (20, 35))
    assert order.delivery_locations[0].config_id == ID


def test_a_form_that_leaves_fields_empty_says_nothing() -> None:
    empty = {"imaging_mode": "", "look_side": " ", "contract_id": "", "webhook_id": "", "incidence_deg": []}
    assert order_from(IceyeOrder, {**GOOD, **empty}) == order_from(IceyeOrder, GOOD)


def test_the_form_asks_for_the_target_right_after_the_name() -> None:
    for kind, target in ((IceyeOrder, "point"), (AxelGlobeOrder, "area")):
        schema = kind.model_json_schema()
        assert list(schema["properties"])[:2] == ["name", target]
        assert target in schema["required"]


def test_an_area_is_the_same_by_its_footprint() -> None:
    area = "POLYGON ((179.7 10, 180.2 10, 180.2 10.2, 179.7 10.2, 179.7 10))"
    assert area_from(area_from(area).geometry) == area_from(area)
