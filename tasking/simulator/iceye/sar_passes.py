"""Side-looking radar: which passes can image a point, from which side and under which incidence angle.

A radar looks straight across its track, so a point is imaged when the satellite comes closest to it (zero Doppler, in
the Earth-fixed frame). It needs no sun: both halves of the orbit count. The incidence angle is the one at the ground,
between the ellipsoid's normal and the line to the satellite.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasking.simulator.area import Flat, ring_geometry
from tasking.simulator.orbits import Floats, Satellite, below, ecef, off_nadir_deg
from tasking.simulator.passes import closest_approaches

# Hour of the descending node, place along the orbit: spread so that any place is seen several times a day.
_PLANES = ((3.2, 10), (5.4, 140), (7.6, 260), (9.8, 40), (12.1, 190), (14.3, 310), (16.9, 80), (18.2, 220), (20.6, 330))
_ALTITUDES = (562.0, 565.5, 568.0, 570.0, 571.5, 573.0, 575.5, 578.0, 580.0)


@dataclass(frozen=True)
class RadarPass:
    """One pass that can image a point.

    Attributes:
        platform: Satellite.
        at: Moment of the closest approach, seconds since 1970.
        side: LEFT or RIGHT of the flight.
        direction: ASCENDING or DESCENDING.
        incidence: Incidence angle at the point, degrees.
        look: Angle at the satellite off the vertical, degrees.
        azimuth: Direction of flight over the ground, degrees clockwise from north.
        height_km: Height of the satellite.
    """

    platform: str
    at: float
    side: str
    direction: str
    incidence: float
    look: float
    azimuth: float
    height_km: float


def iceyes(epoch: float) -> list[Satellite]:
    """Nine radar satellites in sun-synchronous orbits near 570 km, like ICEYE's, not theirs."""
    return [
        Satellite(f"ICEYE-X{21 + n}", epoch, _ALTITUDES[n], hours, phase, 20 + n)
        for n, (hours, phase) in enumerate(_PLANES)
    ]


def incidence_deg(position: Floats, lon: float, lat: float) -> float:
    """Angle at a place on the ground between the ellipsoid's normal and the line to a satellite, degrees."""
    ground = ecef(lon, lat)
    up = np.array(
        [
            math.cos(math.radians(lat)) * math.cos(math.radians(lon)),
            math.cos(math.radians(lat)) * math.sin(math.radians(lon)),
            math.sin(math.radians(lat)),
        ]
    )
    line = position - ground
    return math.degrees(math.acos(float(line @ up) / float(np.linalg.norm(line))))


def radar_passes(
    satellites: Sequence[Satellite], lon: float, lat: float, window: tuple[float, float], incidence: tuple[float, float]
) -> list[RadarPass]:
    """All passes in a window that see a point under an incidence angle within a range, earliest first.

    Args:
        satellites: Who may take it.
        lon: The point's longitude.
        lat: Its latitude.
        window: Start and end, seconds since 1970.
        incidence: Smallest and largest angle, degrees.
    """
    found = []
    for satellite in satellites:
        for closest in closest_approaches(satellite, ecef(lon, lat), *window):
            seen = _seen(satellite, float(closest), lon, lat)
            if window[0] <= seen.at <= window[1] and incidence[0] <= seen.incidence <= incidence[1]:
                found.append(seen)
    return sorted(found, key=lambda one: (one.at, one.platform))


def _seen(satellite: Satellite, at: float, lon: float, lat: float) -> RadarPass:
    before, here, after = satellite.positions(at + np.array([-1.0, 0.0, 1.0]))
    # Above the satellite, along its way and to the point: the sign of their triple product is the side.
    side = float(np.cross(after - before, ecef(lon, lat) - here) @ here)
    below_lon, below_lat, height = below(np.stack([before, here, after]))
    north = below_lat[2] - below_lat[0]
    east = ((below_lon[2] - below_lon[0] + 180) % 360 - 180) * math.cos(math.radians(below_lat[1]))
    return RadarPass(
        satellite.name,
        at,
        "LEFT" if side > 0 else "RIGHT",
        "ASCENDING" if below_lat[2] > below_lat[0] else "DESCENDING",
        round(incidence_deg(here, lon, lat), 2),
        round(float(off_nadir_deg(here, ecef(lon, lat))), 2),
        round(math.degrees(math.atan2(east, north)) % 360, 2),
        float(height[1]),
    )


@dataclass(frozen=True)
class Scene:
    """The ground a pass images around a point.

    Attributes:
        footprint: GeoJSON; two polygons across 180 degrees.
        near: Incidence angle at the edge towards the satellite, degrees.
        far: At the other edge.
    """

    footprint: dict[str, Any]
    near: float
    far: float


def scene_of(seen: RadarPass, satellite: Satellite, lon: float, lat: float, across: float, along: float) -> Scene:
    """The scene of a pass: ``across`` km wide and ``along`` km long, turned as the satellite flies."""
    flat = Flat(lon, lat)
    turn = math.radians(seen.azimuth)
    ahead = np.array([math.sin(turn), math.cos(turn)])
    aside = np.array([ahead[1], -ahead[0]]) * (1 if seen.side == "RIGHT" else -1)  # away from the satellite
    corners = [ahead * along / 2 * a + aside * across / 2 * c for a, c in ((1, 1), (1, -1), (-1, -1), (-1, 1))]
    here = satellite.positions(np.array([seen.at]))[0]
    edges = [incidence_deg(here, *map(float, flat.lonlat(*(aside * across / 2 * c)))) for c in (-1, 1)]
    places = [flat.lonlat(*corner) for corner in corners]
    ring = ring_geometry([(float(place[0]), float(place[1])) for place in places])
    return Scene(ring, round(edges[0], 2), round(edges[1], 2))
