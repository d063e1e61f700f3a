"""Which candidate is ordered, and why."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasking.area import Area
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import Candidate
from tasking.order import Policy
from tasking.ranking import best, most_covering, rank
from tasking.window import Window

NOW = datetime(2026, 12, 1, tzinfo=UTC)
AREA = Area.model_validate("POLYGON ((10 50, 11 50, 11 51, 10 51, 10 50))")


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def candidate(id: str = "a", hours: float = 24, **said: Any) -> Candidate:
    start = NOW + timedelta(hours=hours)
    facts = {"off_nadir_deg": 10.0, "sun_elevation_deg": 40.0, "footprint": box(9, 49, 12, 52), **said}
    return Candidate(id=id, start=start, end=start + timedelta(seconds=20), **facts)


def order_of(candidates: list[Candidate], policy: Policy, **more: Any) -> list[str]:
    return [each.candidate.id for each in rank(AREA, candidates, policy, NOW, **more)]


def test_coverage_is_the_true_share_of_the_area_inside_the_footprint() -> None:
    half = candidate(footprint=box(10, 49, 10.5, 52))
    north = Area.model_validate("POLYGON ((10 0, 11 0, 11 80, 10 80, 10 0))")
    assert rank(AREA, [half], "best-coverage", NOW)[0].coverage_percent == pytest.approx(50, abs=0.01)
    southern_half = candidate(footprint=box(9, -1, 12, 40))
    # in degrees this is one half; on the ground the southern part is wider: sin 40° / sin 80°
    covered = rank(north, [southern_half], "best-coverage", NOW)[0].coverage_percent
    assert covered == pytest.approx(65.1, abs=0.5)


@pytest.mark.parametrize(
    "footprint",
    [
        box(179, 9, 180, 12),
        box(-181, 9, -180, 12),
        {"type": "Polygon", "coordinates": [[[178, 9], [180, 9], [-180, 12], [178, 12], [178, 9]]]},
        {
            "type": "MultiPolygon",
            "coordinates": [box(179, 9, 179.5, 12)["coordinates"], box(179.5, 9, 180, 12)["coordinates"]],
        },
    ],
)
def test_coverage_is_right_at_the_180_meridian_however_the_footprint_is_written(footprint: dict[str, Any]) -> None:
    area = Area.model_validate("POLYGON ((179 10, -179 10, -179 11, 179 11, 179 10))")
    assert rank(area, [candidate(footprint=footprint)], "best-coverage", NOW)[0].coverage_percent == pytest.approx(50)


def test_a_footprint_cut_at_the_180_meridian_covers_both_sides() -> None:
    area = Area.model_validate("POLYGON ((179 10, -179 10, -179 11, 179 11, 179 10))")
    cut = {
        "type": "MultiPolygon",
        "coordinates": [box(178, 9, 180, 12)["coordinates"], box(-180, 9, -178, 12)["coordinates"]],
    }
    assert rank(area, [candidate(footprint=cut)], "best-coverage", NOW)[0].coverage_percent == pytest.approx(100)


def test_a_footprint_on_the_other_side_of_the_earth_covers_nothing() -> None:
    far = rank(AREA, [candidate(footprint=box(-170.5, 49, -168.5, 52))], "best-coverage", NOW)[0]
    assert far.coverage_percent == 0
    assert far.exclusion_reason == "it covers nothing of the area"


def test_a_footprint_that_crosses_itself_is_repaired() -> None:
    bow_tie = {"type": "Polygon", "coordinates": [[[10, 50], [11, 51], [11, 50], [10, 51], [10, 50]]]}
    covered = rank(AREA, [candidate(footprint=bow_tie)], "best-coverage", NOW)[0]
    assert covered.coverage_source == "footprint"
    assert covered.coverage_percent == pytest.approx(50, abs=0.5)


@pytest.mark.parametrize(
    "footprint",
    [
        None,
        {},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[[10, 50]]]},
        {"type": "Point", "coordinates": [10, 50]},
        {"type": "Polygon", "coordinates": [[[0, 85], [120, 85], [-120, 85], [0, 85]]]},
        {"nonsense": True},
    ],
)
def test_without_a_usable_footprint_the_providers_own_coverage_counts_and_is_named(footprint: Any) -> None:
    one = rank(AREA, [candidate(footprint=footprint, coverage_percent=75)], "best-coverage", NOW)[0]
    assert (one.coverage_percent, one.coverage_source, one.usable) == (75, "provider", True)
    assert "75 % of the area by the provider's figure" in one.reason
    assert ("its footprint is not used" in one.reason) == bool(footprint), "a person is told why"


def test_a_candidate_of_unknown_coverage_is_usable_but_last() -> None:
    dark = candidate("unknown", footprint=None)
    ranked = rank(AREA, [dark, candidate("known", footprint=box(10, 50, 10.1, 51))], "best-coverage", NOW)
    assert [each.candidate.id for each in ranked] == ["known", "unknown"]
    assert ranked[1].usable
    assert ranked[1].coverage_source == "unknown"


PASSES = [
    candidate("late-straight-down", 72, off_nadir_deg=1, sun_elevation_deg=30),
    candidate("early-slanted", 5, off_nadir_deg=25, sun_elevation_deg=35),
    candidate("high-sun", 48, off_nadir_deg=12, sun_elevation_deg=60),
    candidate("first-but-a-corner", 1, off_nadir_deg=0.5, sun_elevation_deg=70, footprint=box(10, 50, 10.2, 50.2)),
]


@pytest.mark.parametrize(
    ("policy", "first"),
    [
        ("best-coverage", "early-slanted"),
        ("earliest", "early-slanted"),
        ("lowest-off-nadir", "late-straight-down"),
        ("highest-sun", "high-sun"),
    ],
)
def test_each_policy_takes_its_own_best_and_never_a_mere_corner(policy: Policy, first: str) -> None:
    found = order_of(PASSES, policy)
    assert found[0] == first
    assert found[-1] == "first-but-a-corner"


@pytest.mark.parametrize("policy", ["best-coverage", "earliest", "lowest-off-nadir", "highest-sun"])
def test_the_list_does_not_depend_on_the_order_of_the_candidates(policy: Policy) -> None:
    dice = random.Random(3)
    many = [
        candidate(
            f"c{n:03}",
            dice.choice([-1, 2, 3]),
            off_nadir_deg=dice.choice([5.0, 10.0, None]),
            sun_elevation_deg=dice.choice([-3.0, 30.0, None]),
            footprint=dice.choice([None, box(10, 50, 10.5, 51), box(9, 49, 12, 52)]),
        )
        for n in range(80)
    ]
    expected = order_of(many, policy)
    dice.shuffle(many)
    ranked = rank(AREA, many, policy, NOW)
    assert [each.candidate.id for each in ranked] == expected
    scores = [each.score for each in ranked]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)


UNUSABLE = [
    (candidate(valid_until=NOW), "it expired at 2026-12-01 00:00 UTC"),
    (candidate(hours=0), "it started at 2026-12-01 00:00 UTC, which is past"),
    (candidate(hours=24 * 8), "outside the order's window"),
    (candidate(off_nadir_deg=31), "31.0° off nadir is outside the order's 0 to 30°"),
    (candidate(sun_elevation_deg=-4), "the sun is below the horizon (-4°)"),
    (candidate(footprint=box(20, 50, 21, 51)), "it covers nothing of the area"),
    (candidate(footprint=None, coverage_percent=0), "it covers nothing of the area"),
    (candidate("tried"), "it was requested before"),
]


@pytest.mark.parametrize(("one", "exclusion_reason"), UNUSABLE, ids=[why for _, why in UNUSABLE])
def test_what_cannot_be_ordered_says_why_and_comes_last(one: Candidate, exclusion_reason: str) -> None:
    window = Window(start=NOW - timedelta(days=1), end=NOW + timedelta(days=7))
    poor = candidate("poor", off_nadir_deg=29, footprint=box(10, 50, 10.1, 51))
    ranked = rank(AREA, [one, poor], "best-coverage", NOW, {"tried"}, window=window, off_nadir_range=(0, 30))
    assert [each.usable for each in ranked] == [True, False]
    assert exclusion_reason in ranked[1].exclusion_reason
    assert ranked[1].score == 0
    assert best(ranked) is ranked[0]


def test_among_equal_coverage_the_earlier_capture_is_taken_and_of_one_time_the_steeper_view() -> None:
    late_and_steep = candidate("a", 30, off_nadir_deg=1.0)
    early = candidate("c", 24, off_nadir_deg=20.0)
    early_and_steep = candidate("b", 24, off_nadir_deg=5.0)
    given = [late_and_steep, early, early_and_steep]
    assert order_of(given, "best-coverage") == ["b", "c", "a"]
    assert order_of(given[::-1], "best-coverage") == ["b", "c", "a"]


def test_what_covers_less_than_the_order_asks_for_cannot_be_ordered_whatever_it_is_chosen_by() -> None:
    third = candidate("third", 20, footprint=box(10, 49, 10.377, 52))
    nearly = candidate("nearly", 21, footprint=box(10, 49, 10.8998, 52))  # 89.98 %, shown as 90.0 %
    whole = candidate("whole", 48)
    untold = candidate("untold", 72, footprint=None)
    for policy in ("best-coverage", "earliest"):
        ranked = rank(AREA, [third, nearly, whole, untold], policy, NOW, coverage_min_percent=90)
        assert [one.candidate.id for one in ranked if one.too_little] == ["third"]
        assert "covers 37.7 % of the area, less than the order's 90 %" in ranked[-1].exclusion_reason
        assert {one.candidate.id for one in ranked if one.usable} == {"nearly", "whole", "untold"}
    their_figure = candidate("told", 20, footprint=None, coverage_percent=50.0)
    ranked = rank(AREA, [third, their_figure], "best-coverage", NOW, coverage_min_percent=90)
    most = most_covering(ranked)
    assert most is not None
    assert most.candidate.id == "told"
    assert best(ranked) is None


def test_nothing_usable_means_nothing_to_order() -> None:
    assert best(rank(AREA, [candidate(hours=-5)], "earliest", NOW)) is None
    assert rank(AREA, [], "earliest", NOW) == []


def test_radar_needs_no_daylight() -> None:
    night = candidate(sun_elevation_deg=-30)
    assert rank(AREA, [night], "earliest", NOW, needs_daylight=False)[0].usable


def test_an_order_brings_its_window_and_angles_to_the_ranking() -> None:
    order = AxelGlobeOrder(
        name="x",
        area=AREA,
        window=Window(start=NOW, end=NOW + timedelta(days=2)),
        off_nadir_max_deg=15,
    )
    offered = [candidate("slanted", off_nadir_deg=20), candidate("late", hours=60), candidate("fits")]
    ranked = rank(order.area, offered, order.select, NOW, window=order.window, off_nadir_range=order.off_nadir_range)
    assert [each.candidate.id for each in ranked if each.usable] == ["fits"]


def test_the_reason_is_a_sentence_for_a_person() -> None:
    one = candidate(hours=49.25, off_nadir_deg=7.6, sun_elevation_deg=42, platform="GRUS-1A")
    assert rank(AREA, [one], "best-coverage", NOW)[0].reason == (
        "covers 100 % of the area, 7.6° off nadir, sun 42° high, captured 2026-12-03 01:15 UTC by GRUS-1A"
    )
