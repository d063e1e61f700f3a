"""What a Satellogic order takes and refuses, and what it becomes on the wire."""

from __future__ import annotations

from typing import Any

import pytest

from tasking.area import area_from
from tasking.errors import InvalidOrder
from tasking.order import order_from
from tasking.satellogic.order import SatellogicOrder

POINT = {"lat": 35.6, "lon": 139.7}
RING = [[139.7, 35.6], [139.9, 35.6], [139.9, 35.8], [139.7, 35.8], [139.7, 35.6]]
AREA = {"type": "Polygon", "coordinates": [RING]}
WINDOW = {"start": "2026-12-01T00:00:00Z", "end": "2026-12-15T00:00:00Z"}


def order(**changes: Any) -> SatellogicOrder:
    return order_from(SatellogicOrder, {"name": "Bay", "point": POINT, "window": WINDOW, **changes})


def area_order(**changes: Any) -> SatellogicOrder:
    return order(point=None, area=AREA, product="area", **changes)


REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"point": None}, "point", "product 'point' needs it"),
    ({"point": ""}, "point", "needs it"),
    ({"point": None, "area": AREA}, "area", "product 'point' takes a point: leave this out, or order product 'area'"),
    ({"area": AREA}, "area", "leave this out"),
    ({"product": "rush", "point": None}, "point", "product 'rush' needs it"),
    ({"product": "area"}, "point", "takes an area"),
    ({"product": "area", "point": None}, "area", "product 'area' needs it"),
    ({"product": "area", "area": AREA}, "point", "order product 'point' or 'rush'"),
    ({"product": "nei"}, "product", "does not publish"),
    ({"product": "video"}, "product", "choose one of"),
    ({"product": "169"}, "product", "choose one of"),
    ({"point": {"lat": 139.7, "lon": 35.6}}, "point", "swapped"),
    ({"point": "POINT (200"}, "point", "neither GeoJSON nor WKT"),
    ({"point": {"lat": 95, "lon": 120}}, "point", "latitude"),
    ({"max_captures": 0}, "max_captures", "from 1 to 1000"),
    ({"max_captures": -3}, "max_captures", "from 1 to 1000"),
    ({"max_captures": 5000}, "max_captures", "from 1 to 1000"),
    ({"max_captures": 2.5}, "max_captures", "integer"),
    ({"expected_age_days": 0}, "expected_age_days", "from an hour"),
    ({"expected_age_days": -1}, "expected_age_days", "from an hour"),
    ({"expected_age_days": float("nan")}, "expected_age_days", "from an hour"),
    ({"expected_age_days": 20}, "expected_age_days", "14.0 days long, so nothing would recur"),
    ({"product": "area", "point": None, "area": AREA, "max_captures": 2}, "max_captures", "covered once"),
    (
        {"product": "area", "point": None, "area": AREA, "expected_age_days": 2},
        "expected_age_days",
        "only points recur",
    ),
    (
        {"product": "area", "point": None, "area": "POLYGON ((179 0, 181 0, 181 1, 179 1, 179 0))"},
        "area",
        "one order for each",
    ),
    ({"project_name": "x" * 101}, "project_name", "1 to 100 characters; these are 101"),
    ({"project_name": "two\nlines"}, "project_name", "one line"),
    ({"window": {"start": "2026-12-01T00:00:00", "end": "2026-12-15T00:00:00Z"}}, "window.start", "has no zone"),
    ({"windows": WINDOW}, "windows", "did you mean window"),
    ({"account": "satellogic"}, "account", "type/name"),
]


@pytest.mark.parametrize(("changes", "field", "fix"), REFUSED)
def test_what_cannot_be_sent_is_refused_with_what_would_be_right(changes: dict[str, Any], field: str, fix: str) -> None:
    with pytest.raises(InvalidOrder, match=fix) as caught:
        order(**changes)
    assert caught.value.field == field


def test_a_narrow_window_is_only_for_one_capture_of_a_point() -> None:
    assert not order().narrowed
    assert order(narrow=True).narrowed
    assert order(product="rush", narrow=True).narrowed
    assert not order(max_captures=2, narrow=True).narrowed
    assert not order(expected_age_days=7, narrow=True).narrowed
    assert not area_order(narrow=True).narrowed


@pytest.mark.parametrize(
    ("days", "written"),
    [(7, "7 days, 00:00:00"), (0.5, "0 days, 12:00:00"), (1.25, "1 days, 06:00:00"), ("", None), (None, None)],
)
def test_a_recurrence_is_written_as_the_provider_writes_it(days: Any, written: str | None) -> None:
    assert order(expected_age_days=days).expected_age == written


def test_the_target_is_a_point_or_a_polygon_longitude_first() -> None:
    assert order().target == {"type": "Point", "coordinates": [139.7, 35.6]}
    assert area_order().target["type"] == "Polygon"
    assert area_order().footprint == area_order().target


@pytest.mark.parametrize("lon", [139.7, 179.999, -179.999])
def test_the_footprint_of_a_point_is_five_kilometres_wide(lon: float) -> None:
    area = area_from(order(point={"lat": 35.6, "lon": lon}).footprint)
    assert area.width_km == pytest.approx(5, rel=0.02)
    assert area.height_km == pytest.approx(5, rel=0.02)


def test_a_point_at_the_pole_has_a_footprint() -> None:
    assert area_from(order(point={"lat": 90, "lon": 0}).footprint).area_km2 > 0


def test_an_order_survives_the_ledger() -> None:
    for each in (order(expected_age_days=2, max_captures=4), area_order()):
        assert order_from(SatellogicOrder, each.model_dump(mode="json")) == each


def test_the_project_is_the_site_or_the_name() -> None:
    assert order().project == "Bay"
    assert order(site="tokyo").project == "tokyo"
    assert order(site="tokyo", project_name="Airports").project == "Airports"


def test_the_form_shows_a_field_for_either_target() -> None:
    fields = SatellogicOrder.model_json_schema()["properties"]
    assert {"point", "area", "product", "max_captures", "expected_age_days", "narrow"} <= set(fields)
    assert all(each.get("description", "").endswith(".") for name, each in fields.items() if name != "window")


def test_a_rejection_is_for_good_so_the_form_does_not_ask_what_is_done_meanwhile() -> None:
    form = SatellogicOrder.model_json_schema()
    assert "on_rejection" not in form["properties"]
    assert "on_failure" in form["properties"]
    assert form.get("additionalProperties") is not False, "a saved schedule that still says it must be taken"
    before = {**order().model_dump(mode="json"), "on_rejection": "next-candidate"}
    assert order_from(SatellogicOrder, before).on_rejection == "next-candidate"
