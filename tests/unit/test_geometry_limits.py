"""Small inputs that cost much are not begun: what they would cost grows with the square of their corners."""

from __future__ import annotations

import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely

from tasking import coverage, geometry_bounds
from tasking.area import Area
from tasking.candidate import Candidate
from tasking.coverage import covered_percent
from tasking.geometry_bounds import MOST_CORNERS
from tasking.ranking import rank

AREA = Area.model_validate("POLYGON ((139.7 35.6, 139.85 35.6, 139.85 35.72, 139.7 35.72, 139.7 35.6))")


def polygon(*corners: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(one) for one in (*corners, corners[0])]]}


def scribble(corners: int) -> dict[str, Any]:
    chance = random.Random(1)
    return polygon(*((139 + 2 * chance.random(), 35 + 2 * chance.random()) for _ in range(corners)))


def grid(corners: int) -> dict[str, Any]:
    """Half the lines go from west to east, half from south to north: each of these crosses each of those."""
    there = [(139 + 2 * (n % 2), 35 + 4 * n / corners) for n in range(corners // 2)]
    up = [(139 + 4 * n / corners, 35 + 2 * (n % 2)) for n in range(corners // 2)]
    return polygon(*(there + up))


def ring(corners: int) -> dict[str, Any]:
    turns = [2 * math.pi * n / corners for n in range(corners)]
    return polygon(*((139.8 + math.cos(turn), 35.7 + math.sin(turn)) for turn in turns))


def tiles(count: int) -> dict[str, Any]:
    one = polygon((139, 35), (140, 35), (140, 36))["coordinates"]
    return {"type": "MultiPolygon", "coordinates": [one] * count}


COSTLY = {
    "scribble of 2,000 corners": scribble(2000),
    "grid of 6,000 lines": grid(6000),
    "grid of 60 lines": grid(60),
    "one triangle 1,400 times": tiles(1400),
    "one triangle 200 times": tiles(200),
    "an edge to beyond the poles": polygon((139, -1e9), (140, -1e9), (140, 1e9)),
    "an edge around the globe a million times": polygon((139, 35), (4e8, 35), (140, 36)),
    "no number": polygon((139, 35), (float("nan"), 35), (140, 36)),
    "beyond numbers": polygon((1e300, 0), (-1e300, 1), (0, 90)),
}


@pytest.mark.parametrize("what", COSTLY)
def test_what_would_cost_much_is_neither_repaired_nor_laid_over_the_area(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    begun: list[int] = []

    def count(shapes: Any) -> Any:
        begun.extend(range(len(shapes)))
        return shapes

    monkeypatch.setattr(coverage, "repaired", count)
    assert covered_percent(AREA, [COSTLY[what]]) == [None]
    assert begun == []


def test_what_is_odd_and_cheap_counts_as_before() -> None:
    bow_tie = polygon((139, 35), (141, 36.5), (141, 35), (139, 36.5))
    assert covered_percent(AREA, [bow_tie]) != [None]
    assert covered_percent(AREA, [polygon((139, 35), (141, 35), (141, 37), (139, 37))]) == [100.0]


def test_a_footprint_that_is_too_intricate_is_told_to_a_person() -> None:
    when = datetime(2026, 12, 1, tzinfo=UTC)
    one = Candidate(id="c", start=when, end=when + timedelta(seconds=10), footprint=grid(60))
    (ranked,) = rank(AREA, [one], "best-coverage", when - timedelta(days=1))
    assert ranked.usable
    assert "coverage is not known (its footprint is not used: it cannot be read" in ranked.reason
    assert "corners or crossings than are followed" in ranked.reason


def test_a_fine_outline_is_drawn_with_fewer_corners_and_covers_the_same() -> None:
    shapes, usable = geometry_bounds.modest(shapely.from_geojson([str(ring(5_000)).replace("'", '"')]))
    assert usable.all()
    assert shapely.get_num_coordinates(shapes[0]) <= MOST_CORNERS
    (fine,) = covered_percent(AREA, [ring(5_000)])
    assert fine == pytest.approx(100.0)


def test_edges_half_around_the_globe_are_followed_in_bounded_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    most = 0
    segmentize = shapely.segmentize

    def counted(shapes: Any, step: Any) -> Any:
        nonlocal most
        done = segmentize(shapes, step)
        most = max(most, int(shapely.get_num_coordinates(done).max()))
        return done

    monkeypatch.setattr(shapely, "segmentize", counted)
    comb = [(55 + 170 * (n // 2 % 2), -40 + 80 * n / 990) for n in range(990)]
    assert covered_percent(AREA, [polygon(*comb, (54, 40), (54, -40))]) != [None]
    assert most < geometry_bounds.MOST_STEPS + 2 * MOST_CORNERS
