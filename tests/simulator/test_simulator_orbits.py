"""Candidates come from orbits: what physics asks of them holds."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from pyproj import Geod

from tasking.simulator.area import coverage_percent, geometry, ring_geometry, size_km
from tasking.simulator.orbits import below, ecef, grus, mean_sun_deg, off_nadir_deg, sidereal_deg
from tasking.simulator.passes import captures, swath_width_km
from tasking.simulator.sun import sun_angles

START = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
DAY = 86400.0
TOKYO = {
    "type": "Polygon",
    "coordinates": [[[139.5, 35.5], [139.9, 35.5], [139.9, 35.8], [139.5, 35.8], [139.5, 35.5]]],
}
WGS84 = Geod(ellps="WGS84")


def around(lon: float, lat: float, half: float = 0.1) -> dict[str, Any]:
    ring = [(lon - half, lat - half), (lon + half, lat - half), (lon + half, lat + half), (lon - half, lat + half)]
    return {"type": "Polygon", "coordinates": [[*map(list, ring), list(ring[0])]]}


@pytest.mark.parametrize("year", [2020, 2026, 2040])
def test_the_satellites_fly_as_high_and_as_fast_as_they_should(year: int) -> None:
    epoch = datetime(year, 3, 1, tzinfo=UTC).timestamp()
    for satellite in grus(epoch):
        _, lat, height = below(satellite.positions(epoch + np.arange(0, DAY, 10.0)))
        assert 560 < height.min() < height.max() < 640
        assert lat.max() == pytest.approx(180 - satellite.inclination_deg, abs=0.3)
        rising = np.flatnonzero((lat[:-1] < 0) & (lat[1:] >= 0))
        assert np.diff(rising).mean() * 10 == pytest.approx(satellite.period_seconds, abs=10)
        assert 96 < satellite.period_seconds / 60 < 97


def test_the_local_time_at_the_descending_node_stays_for_months() -> None:
    for satellite in grus(START):
        for days in (0, 90, 180):
            times = START + days * DAY + np.arange(0, 7000, 1.0)
            lon, lat, _ = below(satellite.positions(times))
            node = np.flatnonzero((lat[:-1] > 0) & (lat[1:] <= 0))[0]
            mean_sun = mean_sun_deg(times[node]) - float(sidereal_deg(times[node]))
            hours = ((lon[node] - mean_sun) / 15 + 12) % 24
            assert hours == pytest.approx(satellite.ltdn_hours, abs=0.1)


@pytest.mark.parametrize(
    ("lon", "lat"), [(139.7, 35.6), (0, 0), (-70, -33), (20, 65), (179.9, -17), (-179.95, 52)], ids=str
)
def test_captures_are_by_day_southward_within_the_window_and_on_target(lon: float, lat: float) -> None:
    area = around(lon, lat, 0.05)
    satellites = {satellite.name: satellite for satellite in grus(START)}
    window = (START, START + 14 * DAY)
    found = captures(list(satellites.values()), area, window, (0, 25))
    assert found or lat > 60
    for capture in found:
        assert window[0] <= capture.start < capture.end <= window[1]
        assert capture.sun_elevation > 0
        assert 0 <= capture.off_nadir <= 25
        assert capture.coverage == pytest.approx(100, abs=0.01)
        middle = (capture.start + capture.end) / 2
        position = satellites[capture.platform].positions(np.array([middle, middle + 1]))
        _, latitudes, _ = below(position)
        assert latitudes[1] < latitudes[0]
        # Seen again from the satellite's place at that second: the angle said is the angle looked at.
        assert float(off_nadir_deg(position[0], ecef(lon, lat))) == pytest.approx(capture.off_nadir, abs=0.5)
        assert sun_angles(middle, lon, lat) == pytest.approx((capture.sun_elevation, capture.sun_azimuth), abs=0.2)


def test_a_footprint_is_a_swath_along_the_ground_track() -> None:
    satellites = {satellite.name: satellite for satellite in grus(START)}
    for capture in captures(list(satellites.values()), TOKYO, (START, START + 7 * DAY), (0, 25)):
        ring = capture.geometry["coordinates"][0]
        sides = [WGS84.inv(*ring[n], *ring[n + 1]) for n in range(4)]
        lengths = sorted(side[2] / 1000 for side in sides)
        assert lengths[0] == pytest.approx(lengths[1], rel=0.01)
        times = np.array([capture.start, capture.end], dtype=float)
        lon, lat, height = below(satellites[capture.platform].positions(times))
        width = swath_width_km(float(height[0]), capture.off_nadir)
        heading = WGS84.inv(lon[0], lat[0], lon[1], lat[1])[0] % 180
        turned = [(side[0] % 180 - heading + 90) % 180 - 90 for side in sides]
        along = [n for n in range(4) if abs(turned[n]) < 5]
        assert len(along) == 2
        across = next(n for n in range(4) if n not in along)
        assert sides[across][2] / 1000 == pytest.approx(width, rel=0.01)


def test_the_swath_widens_with_the_angle() -> None:
    assert swath_width_km(590, 0) == pytest.approx(57, rel=0.001)
    assert swath_width_km(590, 30) > swath_width_km(590, 15) > 57


def test_fewer_degrees_and_fewer_satellites_leave_fewer_captures() -> None:
    satellites, window = grus(START), (START, START + 7 * DAY)
    every = captures(satellites, TOKYO, window, (0, 30))
    near = captures(satellites, TOKYO, window, (0, 10))
    one = captures(satellites[1:2], TOKYO, window, (0, 30))
    assert 0 < len(near) < len(every)
    assert one == [capture for capture in every if capture.platform == "GRUS-1B"]


def test_captures_do_not_depend_on_where_the_window_begins() -> None:
    satellites = grus(START)
    whole = captures(satellites, TOKYO, (START, START + 6 * DAY), (0, 30))
    parts = [captures(satellites, TOKYO, (START + day * DAY, START + (day + 1) * DAY), (0, 30)) for day in range(6)]
    assert [capture.start for part in parts for capture in part] == [capture.start for capture in whole]


def test_a_wide_area_gets_strips_that_cover_it_together() -> None:
    area = around(139.7, 35.6, 1.0)
    strips = captures(grus(START)[1:2], area, (START, START + 14 * DAY), (0, 35))
    passes: dict[int, float] = {}
    for strip in strips:
        passes[strip.start // 600] = passes.get(strip.start // 600, 0) + strip.coverage
    assert max(passes.values()) >= 99
    assert all(strip.coverage < 50 for strip in strips)


def test_coverage_is_the_share_of_true_area() -> None:
    area, west_half = geometry(around(10, 60, 0.5)), geometry(ring_geometry([(9, 59), (10, 59), (10, 61), (9, 61)]))
    assert coverage_percent(area, west_half) == pytest.approx(50, abs=0.01)


def test_a_ring_across_the_antimeridian_is_cut_in_two() -> None:
    cut = ring_geometry([(179.5, 0), (-179.5, 0), (-179.5, 1), (179.5, 1)])
    assert cut["type"] == "MultiPolygon"
    assert size_km(geometry(cut))[0] == pytest.approx(111.3, abs=0.2)


@pytest.mark.parametrize(
    ("when", "lon", "lat", "elevation", "azimuth"),
    [
        # Equinox noon on the equator; summer solstice noon on the tropic; Tokyo's winter noon by its declination.
        ("2026-03-20T14:46:00+00:00", -39.6, 0.0, 90.0, None),
        ("2026-06-21T12:02:00+00:00", 0.0, 23.44, 90.0, None),
        ("2026-12-21T11:58:00+00:00", 0.0, 50.0, 16.56, 180.0),
        ("2026-12-21T23:58:00+00:00", 0.0, 50.0, -63.4, 0.0),
    ],
)
def test_the_sun_stands_where_the_calendar_says(
    when: str, lon: float, lat: float, elevation: float, azimuth: float | None
) -> None:
    found = sun_angles(datetime.fromisoformat(when).timestamp(), lon, lat)
    assert found[0] == pytest.approx(elevation, abs=0.5)
    if azimuth is not None:
        assert math.cos(math.radians(found[1] - azimuth)) == pytest.approx(1, abs=0.001)
