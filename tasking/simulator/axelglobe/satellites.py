"""AxelGlobe's reference data: the five satellites and the ground tracks of their next orbits.

The band table follows the public page on STAC metadata (band1 blue ... band5 near infrared); the figures of the red
band are the document's example, the others are typical of such an instrument.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tasking.simulator.clock import utc_text
from tasking.simulator.features import Json, opaque, unopaque
from tasking.simulator.orbits import Satellite, below

_BANDS = (
    ("band0", "pan", 0.675, 0.450, 1.5066),
    ("band1", "blue", 0.483, 0.065, 1.9840),
    ("band2", "green", 0.555, 0.080, 1.8416),
    ("band3", "red", 0.652, 0.063, 1.5716542),
    ("band4", "rededge", 0.715, 0.020, 1.3966),
    ("band5", "nir", 0.820, 0.150, 1.0793),
)
_DESIGNATORS = ("2018-111A", "2021-022B", "2021-022C", "2021-022D", "2021-022E")
_TRACKS = 20
_STEP_SECONDS = 60


def bands(wavelength_name: str) -> list[Json]:
    """The bands; the tasking API calls the wavelength ``center_wavelength``, the STAC API ``center_wave_length``."""
    return [
        {
            "name": name,
            "common_name": common,
            wavelength_name: middle,
            "full_width_half_max": width,
            "solar_illumination": light,
        }
        for name, common, middle, width, light in _BANDS
    ]


def satellite_feature(satellite: Satellite, now: float) -> Json:
    """One satellite; ``sat:orbit_state`` says which way it flies at this moment."""
    _, lat, _ = below(satellite.positions(np.array([now, now + 1])))
    designator = "2021-022C" if satellite.name == "GRUS-1B" else _DESIGNATORS[satellite.number]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": []},
        "id": satellite.name,
        "properties": {
            "platform": satellite.name,
            "international_designator": designator,
            "instruments": ["msi"],
            "gsd": 2.5,
            "eo:bands": bands("center_wavelength"),
            "sat:orbit_state": "ascending" if lat[1] > lat[0] else "descending",
        },
    }


def next_tracks(satellite: Satellite, now: float) -> list[tuple[Satellite, int]]:
    """The next orbits of a satellite, the present one first, as its number of revolutions since the epoch."""
    present = int((now - satellite.epoch) // satellite.period_seconds)
    return [(satellite, present + ahead) for ahead in range(_TRACKS)]


def _revolution(satellite: Satellite, number: int) -> str:
    return opaque("Revolution", str((satellite.number + 1) * 10_000_000 + number))


def read_track_id(satellites: list[Satellite], track_id: str, now: float) -> tuple[Satellite, int] | None:
    """The orbit an id means, or ``None`` when it is not among the next ones."""
    value = unopaque("Revolution", track_id)
    if value is None or not value.isdigit():
        return None
    which, number = divmod(int(value), 10_000_000)
    if not 1 <= which <= len(satellites):
        return None
    track = (satellites[which - 1], number)
    return track if track in next_tracks(track[0], now) else None


def track_feature(track: tuple[Satellite, int]) -> Json:
    """One orbit's ground track, cut where it crosses 180 degrees."""
    satellite, number = track
    start = satellite.epoch + number * satellite.period_seconds
    end = start + satellite.period_seconds
    lon, lat, _ = below(satellite.positions(np.append(np.arange(start, end, _STEP_SECONDS), end)))
    lines: list[list[Any]] = [[]]
    for place in range(len(lon)):
        if place and abs(lon[place] - lon[place - 1]) > 180:
            lines.append([])
        lines[-1].append([round(float(lon[place]), 5), round(float(lat[place]), 5)])
    return {
        "type": "Feature",
        "geometry": {"type": "MultiLineString", "coordinates": [line for line in lines if len(line) > 1]},
        "id": _revolution(satellite, number),
        "properties": {"platform": satellite.name, "start_time": utc_text(start), "end_time": utc_text(end)},
    }
