"""Which captures of an area are possible: every daylight pass of every satellite, aimed at the area.

A pass counts when the satellite moves south (these orbits cross the day side southward; the northward half lies in the
night) and the sun stands above the horizon at the target. The satellite rolls to the side only, so a capture is a
swath along the ground track, abeam of its middle. An area wider than the swath gets several strips side by side, each
a capture of its own: one pass can take only one of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from tasking.simulator.area import Flat, bounds, coverage_percent, geometry, middle, ring_geometry
from tasking.simulator.orbits import EARTH_RADIUS_KM, Floats, Satellite, below, ecef, off_nadir_deg
from tasking.simulator.sun import sun_angles

SWATH_KM = 57.0
MAX_LENGTH_KM = 400.0
_COARSE_SECONDS = 60.0
_NEAR_KM = 1300.0


@dataclass(frozen=True)
class Capture:
    """A possible capture. Times are whole seconds since 1970, angles degrees, ``geometry`` GeoJSON."""

    platform: str
    start: int
    end: int
    geometry: dict[str, Any]
    off_nadir: float
    sun_elevation: float
    sun_azimuth: float
    coverage: float


def swath_width_km(height_km: float, off_nadir: float) -> float:
    """Ground width of the swath when looking aside: 57 km straight down, more with the angle (spherical Earth)."""
    half = math.degrees(math.atan(SWATH_KM / 2 / height_km))

    def reach(angle: float) -> float:
        sine = (EARTH_RADIUS_KM + height_km) / EARTH_RADIUS_KM * math.sin(math.radians(angle))
        return EARTH_RADIUS_KM * (math.asin(max(-1.0, min(1.0, sine))) - math.radians(angle))

    return reach(off_nadir + half) - reach(off_nadir - half)


def closest_approaches(satellite: Satellite, target: Floats, start: float, end: float) -> Floats:
    """Times at which the satellite comes closest to a target, for the passes worth a second look."""
    coarse = np.arange(start - 2 * _COARSE_SECONDS, end + 2 * _COARSE_SECONDS, _COARSE_SECONDS)
    away = np.linalg.norm(satellite.positions(coarse) - target, axis=-1)
    inner = away[1:-1]
    lowest = (inner <= away[:-2]) & (inner < away[2:]) & (inner < _NEAR_KM)
    rough = coarse[1:-1][lowest]
    if not len(rough):
        return np.empty(0)
    offsets = np.arange(-_COARSE_SECONDS, _COARSE_SECONDS + 1, 2.0)
    fine = rough[:, None] + offsets
    near = np.linalg.norm(satellite.positions(fine.ravel()) - target, axis=-1).reshape(fine.shape)
    at = np.clip(near.argmin(axis=1), 1, len(offsets) - 2)
    rows = np.arange(len(rough))
    before, here, after = near[rows, at - 1], near[rows, at], near[rows, at + 1]
    bend = before - 2 * here + after
    shift = np.where(bend > 0, (before - after) / (2 * np.where(bend > 0, bend, 1)), 0)
    return np.asarray(rough + offsets[at] + 2.0 * np.clip(shift, -1, 1))


def captures(
    satellites: Sequence[Satellite],
    area: dict[str, Any],
    window: tuple[float, float],
    off_nadir_range: tuple[float, float],
    sun_elevation_min: float = 0.0,
) -> list[Capture]:
    """All possible captures of an area that lie wholly within a window, earliest first.

    Args:
        satellites: Who may take it.
        area: GeoJSON Polygon or MultiPolygon.
        window: Start and end, seconds since 1970.
        off_nadir_range: Smallest and largest view angle off nadir, degrees.
        sun_elevation_min: The sun must stand higher than this, degrees.
    """
    wanted = geometry(area)
    flat = Flat(*middle(wanted))
    edge = shapely.get_coordinates(flat.area(wanted))
    found: list[Capture] = []
    for satellite in satellites:
        for closest in closest_approaches(satellite, ecef(*middle(wanted)), *window):
            found += _strips(satellite, float(closest), wanted, flat, edge, window, off_nadir_range, sun_elevation_min)
    return sorted(found, key=lambda capture: (capture.start, capture.platform, capture.off_nadir))


def _strips(
    satellite: Satellite,
    closest: float,
    wanted: shapely.Geometry,
    flat: Flat,
    edge: Floats,
    window: tuple[float, float],
    off_nadir_range: tuple[float, float],
    sun_elevation_min: float,
) -> list[Capture]:
    around = satellite.positions(closest + np.array([-1.0, 0.0, 1.0]))
    lon, lat, height = below(around)
    if lat[2] >= lat[0]:
        return []
    x, y = flat.point(lon, lat)
    along = np.array([x[2] - x[0], y[2] - y[0]])
    speed = float(np.linalg.norm(along)) / 2  # km/s over the ground
    along = along / np.linalg.norm(along)
    across = np.array([along[1], -along[0]])  # to the right of the track
    here = np.array([x[1], y[1]])
    first, last = float((edge @ along).min()), float((edge @ along).max())
    left, right = float((edge @ across).min()), float((edge @ across).max())
    length = min(MAX_LENGTH_KM, max(SWATH_KM, last - first + 10))
    count = max(1, math.ceil((right - left) / SWATH_KM))
    step = (right - left) / count
    made = []
    for number in range(count):
        aim = along * (first + last) / 2 + across * (left + step * (number + 0.5))
        abeam = closest + float((aim - here) @ along) / speed
        position = satellite.positions(np.array([abeam]))[0]
        target = flat.lonlat(*aim)
        angle = float(off_nadir_deg(position, ecef(*target)))
        start, end = math.floor(abeam - length / 2 / speed), math.ceil(abeam + length / 2 / speed)
        if not off_nadir_range[0] <= angle <= off_nadir_range[1] or start < window[0] or end > window[1]:
            continue
        elevation, azimuth = sun_angles(abeam, *target)
        if elevation <= sun_elevation_min:
            continue
        width = swath_width_km(float(height[1]), angle)
        corners = [
            aim + along * length / 2 * a + across * width / 2 * c for a, c in ((1, 1), (1, -1), (-1, -1), (-1, 1))
        ]
        ring = ring_geometry([tuple(flat.lonlat(*corner)) for corner in corners])
        covered = coverage_percent(wanted, geometry(ring))
        if covered > 0:
            made.append(
                Capture(
                    satellite.name,
                    start,
                    end,
                    ring,
                    round(angle, 2),
                    round(elevation, 2),
                    round(azimuth, 2),
                    round(covered, 2),
                )
            )
    return made


def bounding_box(area: dict[str, Any]) -> list[float]:
    """West, south, east, north as STAC wants it: west is greater than east across 180 degrees."""
    west, south, east, north = bounds(geometry(area))
    return [west, south, east - 360 if east > 180 else east, north]
