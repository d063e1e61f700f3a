"""The picture of area and footprints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from tasking.area import Area
from tasking.candidate import Candidate
from tasking.footprint_map import footprint_svg
from tasking.ranking import rank

NOW = datetime(2026, 12, 1, tzinfo=UTC)
AREA = "POLYGON ((139.6 35.5, 139.9 35.5, 139.9 35.8, 139.6 35.8, 139.6 35.5))"
SVG = "{http://www.w3.org/2000/svg}"


def strip(n: int, lon: float = 139.7, vertices: int = 4, **said: Any) -> Candidate:
    east = [[lon + 0.3, 34.5 + 2.5 * step / (vertices // 2)] for step in range(vertices // 2 + 1)]
    west = [[x - 0.6, y] for x, y in reversed(east)]
    ring = [*east, *west, east[0]]
    start = NOW + timedelta(hours=n + 1)
    facts = {"platform": "GRUS-1A", "footprint": {"type": "Polygon", "coordinates": [ring]}, **said}
    return Candidate(id=str(n), start=start, end=start, **facts)


def draw(area: str, candidates: list[Candidate]) -> ElementTree.Element:
    where = Area.model_validate(area)
    ranked = rank(where, candidates, "earliest", NOW)
    return ElementTree.fromstring(footprint_svg(where, ranked, ranked[0] if ranked else None))


def classes(picture: ElementTree.Element) -> list[str | None]:
    return [path.get("class") for path in picture.iter(f"{SVG}path") if path.get("class") in ("a", "c", "u", "f")]


def test_area_chosen_and_others_are_drawn_with_the_chosen_one_above() -> None:
    picture = draw(AREA, [strip(0), strip(1), strip(2, sun_elevation_deg=-5)])
    assert classes(picture) == ["f", "u", "c", "a"]
    said = "".join(picture.itertext())
    assert "Chosen: GRUS-1A, 2026-12-01 01:00 UTC" in said
    assert "1 other usable candidate1 not usable" in said
    assert "°E" in said
    assert "°N" in said


def test_north_is_up_and_east_is_right() -> None:
    picture = draw("POLYGON ((0 0, 2 0, 2 1, 0 0))", [])
    (path,) = [path.get("d", "") for path in picture.iter(f"{SVG}path") if path.get("class") == "a"]
    (x0, y0), (x1, y1), (x2, y2) = [tuple(map(float, at.split())) for at in path.strip("MZ").split("L")]
    assert x0 < x1 == x2
    assert y0 == y1 > y2


def test_words_from_outside_stay_words() -> None:
    hostile = strip(0, platform='</text><script>alert("x")</script>')
    picture = draw(AREA, [hostile])
    assert not list(picture.iter(f"{SVG}script"))
    assert "<script>" in "".join(picture.itertext())


def test_a_hundred_detailed_footprints_stay_below_30_kilobytes() -> None:
    where = Area.model_validate(AREA)
    ranked = rank(where, [strip(n, 139.4 + n / 200, vertices=400) for n in range(100)], "earliest", NOW)
    assert len(footprint_svg(where, ranked, ranked[0]).encode()) < 30_000


@pytest.mark.parametrize(
    "area",
    [
        "POLYGON ((179.9 -17, -179.9 -17, -179.9 -16.8, 179.9 -16.8, 179.9 -17))",
        "POLYGON ((10 89.5, 20 89.5, 20 89.9, 10 89.9, 10 89.5))",
        "POLYGON ((10 10, 10.00001 10, 10.00001 10.00001, 10 10))",
    ],
)
def test_unusual_places_can_be_drawn(area: str) -> None:
    strange = [
        strip(0, footprint=None, coverage_percent=50),
        strip(1, footprint={"type": "Polygon", "coordinates": [[[10, 10], [11, 11], [11, 10], [10, 11], [10, 10]]]}),
    ]
    picture = draw(area, strange)
    assert "nan" not in ElementTree.tostring(picture, encoding="unicode")
    assert "(no footprint given)" in "".join(picture.itertext())
