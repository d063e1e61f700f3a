"""The area of an order: every way to write one polygon leads to the same canonical one."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tasking.area import EXAMPLE, Area, area_from
from tasking.errors import InvalidOrder

BOX = [[10.0, 50.0], [11.0, 50.0], [11.0, 51.0], [10.0, 51.0], [10.0, 50.0]]
POLYGON: dict[str, Any] = {"type": "Polygon", "coordinates": [BOX]}
EAST = [[11.0, 50.0], [12.0, 50.0], [12.0, 51.0], [11.0, 51.0], [11.0, 50.0]]


@pytest.mark.parametrize(
    "written",
    [
        POLYGON,
        {"type": "Polygon", "coordinates": [list(reversed(BOX))]},
        {"type": "Polygon", "coordinates": [[[*position, 120.5] for position in BOX]]},
        {"type": "Polygon", "coordinates": [[BOX[0], *BOX]]},
        {"type": "MultiPolygon", "coordinates": [[BOX]]},
        {"type": "Feature", "properties": {"any": 1}, "geometry": POLYGON},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POLYGON}]},
        json.dumps(POLYGON),
        "POLYGON ((10 50, 11 50, 11 51, 10 51, 10 50))",
        "SRID=4326;POLYGON Z ((10 50 0, 11 50 0, 11 51 0, 10 51 0, 10 50 0))",
        "  multipolygon (((10 50, 11 50, 11 51, 10 51, 10 50))) ",
    ],
)
def test_every_way_to_write_one_polygon_gives_the_same_area(written: object) -> None:
    area = Area.model_validate(written)
    corners = {tuple(position) for position in area.ring}
    assert corners == {tuple(position) for position in BOX}
    assert len(area.ring) == 5
    assert area.bounds == (10.0, 50.0, 11.0, 51.0)
    assert _turns_left(area.ring)


def _turns_left(ring: list[list[float]]) -> bool:
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in pairwise(ring)) > 0


def test_polygons_that_touch_along_an_edge_make_one_area() -> None:
    area = Area.model_validate({"type": "MultiPolygon", "coordinates": [[BOX], [EAST]]})
    assert area.bounds == (10.0, 50.0, 12.0, 51.0)


def _cell(west: float, south: float, width: float, height: float) -> list[list[list[float]]]:
    east, north = west + width, south + height
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def test_cells_of_a_grid_make_one_area_though_their_corners_differ_by_the_dust_of_floating_point() -> None:
    cells = [_cell(10 + i * 0.01, 50 + j * 0.01, 0.01, 0.01) for i in range(10) for j in range(10)]
    area = Area.model_validate({"type": "MultiPolygon", "coordinates": cells})
    assert area.bounds == pytest.approx((10.0, 50.0, 10.1, 50.1), abs=1e-9)


def test_polygons_that_cost_minutes_to_unite_are_refused_before() -> None:
    """A thousand strips across each other are 100 KB, a million crossings, and 1.4 GB."""
    lying = [_cell(10, 50 + i * 1e-3, 1, 5e-4) for i in range(500)]
    standing = [_cell(10 + i * 1e-3, 50, 5e-4, 1) for i in range(500)]
    with pytest.raises(ValueError, match="area: 1000 polygons that lie across each other: place one order for each"):
        Area.model_validate({"type": "MultiPolygon", "coordinates": lying + standing})


def test_a_ring_of_very_many_positions_is_to_be_simplified() -> None:
    circle = [[10 + math.cos(i * math.tau / 10_000), 50 + math.sin(i * math.tau / 10_000)] for i in range(10_000)]
    with pytest.raises(ValueError, match="area: 10001 positions: simplify it to 10000 at most"):
        Area.model_validate({"type": "Polygon", "coordinates": [[*circle, circle[0]]]})


def test_an_area_dumps_to_geojson_and_reads_back_as_itself() -> None:
    area = Area.model_validate(EXAMPLE)
    dumped = area.model_dump(mode="json")
    assert dumped["type"] == "Polygon"
    assert Area.model_validate(json.loads(json.dumps(dumped))) == area
    assert Area.model_validate(area.wkt) == area
    assert hash(Area.model_validate(area.wkt)) == hash(area)


def test_changing_the_geometry_does_not_change_the_area() -> None:
    area = Area.model_validate(EXAMPLE)
    area.geometry["coordinates"][0][0][0] = 0.0
    assert area.bounds[0] == 139.70


@settings(deadline=None, max_examples=60)
@given(
    lon=st.floats(-180, 360),
    lat=st.floats(-89, 80),
    width=st.floats(0.01, 5),
    height=st.floats(0.01, 5),
)
def test_any_box_reads_back_from_its_own_dump(lon: float, lat: float, width: float, height: float) -> None:
    def wrapped(value: float) -> float:
        return (value + 180) % 360 - 180

    ring = [[lon, lat], [lon + width, lat], [lon + width, lat + height], [lon, lat + height], [lon, lat]]
    area = Area.model_validate({"type": "Polygon", "coordinates": [[[wrapped(x), y] for x, y in ring]]})
    west, _, east, _ = area.bounds
    assert -180 <= west < 180
    assert east - west == pytest.approx(width, abs=1e-9)
    assert Area.model_validate(area.model_dump(mode="json")) == area


def test_width_height_and_area_are_those_of_the_ground() -> None:
    area = Area.model_validate("POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))")
    assert area.width_km == pytest.approx(111.32, abs=0.01)
    assert area.height_km == pytest.approx(110.57, abs=0.01)
    assert area.area_km2 == pytest.approx(12309, abs=2)


def test_width_is_taken_where_the_bounding_box_is_widest() -> None:
    north = Area.model_validate("POLYGON ((0 60, 1 60, 0.5 61, 0 60))")
    south = Area.model_validate("POLYGON ((0 -60, 1 -60, 0.5 -61, 0 -60))")
    across = Area.model_validate("POLYGON ((0 -10, 1 -10, 1 10, 0 10, 0 -10))")
    assert north.width_km == pytest.approx(111.32 * math.cos(math.radians(60)), rel=0.01)
    assert south.width_km == pytest.approx(north.width_km)
    assert across.width_km == pytest.approx(111.32, abs=0.01)


ACROSS = [
    "POLYGON ((179 10, -179 10, -179 11, 179 11, 179 10))",
    "POLYGON ((179 10, 181 10, 181 11, 179 11, 179 10))",
    "POLYGON ((-179 11, 179 11, 179 10, -179 10, -179 11))",
    "MULTIPOLYGON (((179 10, 180 10, 180 11, 179 11, 179 10)), ((-180 10, -179 10, -179 11, -180 11, -180 10)))",
]


@pytest.mark.parametrize("written", ACROSS)
def test_an_area_across_the_180_meridian_is_one_piece_and_can_be_cut(written: str) -> None:
    area = Area.model_validate(written)
    assert area.bounds == (179.0, 10.0, 181.0, 11.0)
    assert area.crosses_antimeridian
    assert area.width_km == pytest.approx(219, abs=1)
    west, east = area.parts()
    assert west.bounds == (179.0, 10.0, 180.0, 11.0)
    assert east.bounds == (-180.0, 10.0, -179.0, 11.0)
    assert west.area_km2 + east.area_km2 == pytest.approx(area.area_km2, rel=1e-4)


@pytest.mark.parametrize(
    ("written", "bounds"),
    [
        ("POLYGON ((181 10, 182 10, 182 11, 181 11, 181 10))", (-179.0, 10.0, -178.0, 11.0)),
        ("POLYGON ((179 10, 180 10, 180 11, 179 11, 179 10))", (179.0, 10.0, 180.0, 11.0)),
        ("POLYGON ((179 10, -180 10, -180 11, 179 11, 179 10))", (179.0, 10.0, 180.0, 11.0)),
    ],
)
def test_an_area_beside_the_180_meridian_does_not_cross_it(written: str, bounds: tuple[float, ...]) -> None:
    area = Area.model_validate(written)
    assert area.bounds == bounds
    assert not area.crosses_antimeridian
    assert area.parts() == [area]


def test_the_form_offers_an_object_or_text_and_explains_both() -> None:
    schema = TypeAdapter(Area).json_schema()
    assert {option["type"] for option in schema["anyOf"]} == {"object", "string"}
    assert all(option["examples"] for option in schema["anyOf"])
    assert "longitude first" in schema["description"]


def test_area_from_refuses_plainly_outside_of_an_order() -> None:
    assert area_from(EXAMPLE) == Area.model_validate(EXAMPLE)
    with pytest.raises(InvalidOrder, match="give one polygon"):
        area_from(None)
