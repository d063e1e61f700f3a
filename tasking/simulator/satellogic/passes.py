"""Satellogic's satellites, the passes at which they see a place, and the strips an area is cut into.

The elements are like those of the NewSat constellation (sun-synchronous, 470 to 500 km, several planes), not theirs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely
from shapely.geometry import box

from tasking.simulator.area import Flat, geometry, middle, ring_geometry
from tasking.simulator.features import Json
from tasking.simulator.orbits import Satellite, below, ecef, off_nadir_deg
from tasking.simulator.passes import closest_approaches
from tasking.simulator.sun import sun_angles

_FIRST_NUMBER = 26


def newsats(epoch: float) -> list[Satellite]:
    """Eight satellites in four planes."""
    times = (9.6, 10.3, 10.9, 13.4)
    return [
        Satellite(
            f"NewSat-{_FIRST_NUMBER + n}",
            epoch,
            altitude_km=472.0 + 3.7 * n,
            ltdn_hours=times[n // 2],
            phase_deg=(37.0 * n + 180 * (n % 2)) % 360,
            number=200 + n,
        )
        for n in range(8)
    ]


@dataclass(frozen=True)
class Pass:
    """One look at a place: times in seconds since 1970, angles in degrees, ``heading`` of the ground track."""

    platform: str
    start: int
    end: int
    off_nadir: float
    sun_elevation: float
    heading: float

    @property
    def key(self) -> str:
        """The same pass, whichever part of the area it is aimed at."""
        return f"{self.platform} {round(self.start / 600)}"


def _look(satellite: Satellite, closest: float, lon: float, lat: float, length_km: float) -> Pass | None:
    around = satellite.positions(closest + np.array([-1.0, 0.0, 1.0]))
    lons, lats, _ = below(around)
    if lats[2] >= lats[0]:
        return None  # the northward half of these orbits lies in the night
    x, y = Flat(lon, lat).point(lons, lats)
    speed = math.hypot(x[2] - x[0], y[2] - y[0]) / 2
    elevation, _ = sun_angles(closest, lon, lat)
    angle = float(off_nadir_deg(around[1], ecef(lon, lat)))
    half = max(1.0, length_km / 2 / speed)
    return Pass(
        satellite.name,
        math.floor(closest - half),
        math.ceil(closest + half),
        round(angle, 2),
        round(elevation, 2),
        math.degrees(math.atan2(x[2] - x[0], y[2] - y[0])) % 360,
    )


def passes(
    satellites: Sequence[Satellite],
    target: Json,
    window: tuple[float, float],
    off_nadir_max: float,
    length_km: float = 5.0,
) -> list[Pass]:
    """All daylight passes that see the middle of a target within a window, earliest first.

    Args:
        satellites: Who may take it.
        target: GeoJSON Point or Polygon.
        window: Start and end, seconds since 1970.
        off_nadir_max: Largest view angle, degrees.
        length_km: Along the track; decides how long the look takes.
    """
    lon, lat = middle(geometry(target))
    found = [
        look
        for satellite in satellites
        for closest in closest_approaches(satellite, ecef(lon, lat), *window)
        if (look := _look(satellite, float(closest), lon, lat, length_km)) is not None
    ]
    seen = [
        look
        for look in found
        if look.off_nadir <= off_nadir_max
        and look.sun_elevation > 5
        and window[0] <= look.start
        and look.end <= window[1]
    ]
    return sorted(seen, key=lambda look: (look.start, look.platform))


def footprint(target: Json, size_km: Sequence[float], heading: float) -> Json:
    """The ground shown by a capture of a point: ``size_km`` across and along the track, around the point."""
    flat = Flat(*target["coordinates"])
    return _turned(flat, 0, 0, size_km[0], size_km[1], heading)


def _turned(flat: Flat, u: float, v: float, across: float, along: float, heading: float) -> Json:
    corners = [(u + across / 2 * a, v + along / 2 * b) for a, b in ((1, 1), (-1, 1), (-1, -1), (1, -1))]
    return ring_geometry([tuple(flat.lonlat(*_out(*corner, heading))) for corner in corners])


def _out(u: float, v: float, heading: float) -> tuple[float, float]:
    """From across (to the right) and along the track to x (east) and y (north)."""
    sine, cosine = math.sin(math.radians(heading)), math.cos(math.radians(heading))
    return u * cosine + v * sine, v * cosine - u * sine


def strips(target: Json, heading: float, width_km: float, longest_km: float) -> list[Json]:
    """The rectangular strips an area is cut into, side by side along a ground track, as GeoJSON.

    Args:
        target: GeoJSON Polygon.
        heading: Of the ground track, degrees from north.
        width_km: Width of a strip at most; all are equally wide.
        longest_km: A longer one is cut.
    """
    area = geometry(target)
    flat = Flat(*middle(area))
    sine, cosine = math.sin(math.radians(heading)), math.cos(math.radians(heading))
    turned = shapely.transform(
        flat.area(area),
        lambda c: np.column_stack([c[:, 0] * cosine - c[:, 1] * sine, c[:, 0] * sine + c[:, 1] * cosine]),
    )
    west, south, east, north = turned.bounds
    columns = max(1, math.ceil((east - west) / width_km))
    width = (east - west) / columns
    made = []
    for column in range(columns):
        part = turned.intersection(box(west + column * width, south, west + (column + 1) * width, north))
        if part.is_empty or part.area < 1e-6:
            continue
        low, high = part.bounds[1], part.bounds[3]
        rows = max(1, math.ceil((high - low) / longest_km))
        length = (high - low) / rows
        for row in range(rows):
            centre = west + (column + 0.5) * width, low + (row + 0.5) * length
            made.append(_turned(flat, *centre, width, length, heading))
    return made


def aimed(satellite: Satellite, look: Pass, strip: Json, length_km: float) -> Pass:
    """The same pass aimed at one strip of the area: its own time and angle."""
    lon, lat = middle(geometry(strip))
    near = closest_approaches(satellite, ecef(lon, lat), look.start - 60.0, look.end + 60.0)
    found = _look(satellite, float(near[0]), lon, lat, length_km) if len(near) else None
    return look if found is None else replace(found, heading=look.heading)
