"""Five sun-synchronous satellites, propagated with SGP4 from elements made for any date.

The elements are like those of the GRUS constellation (about 590 km, descending in the forenoon), not theirs. The
inclination is the one at which the node turns with the mean sun; the node is placed for a mean local time at the
descending node (LTDN) at the epoch. There is no drag, so the orbits stay as they are for years.

Frames: SGP4 answers in TEME; it is turned about the pole by the mean sidereal time. Polar motion and the equation of
the equinoxes (below 50 m here) are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from sgp4.api import WGS72, Satrec

Floats = npt.NDArray[np.float64]

EARTH_RADIUS_KM = 6378.137
_FLATTENING = 1 / 298.257223563
_E2 = _FLATTENING * (2 - _FLATTENING)
_MU = 398600.4418
_J2 = 1.08262668e-3
_SUN_RATE = 2 * math.pi / (365.2421897 * 86400)  # rad/s, the mean sun against the stars
_UNIX_JD = 2440587.5


def sidereal_deg(seconds: Floats | float) -> Any:
    """Greenwich mean sidereal time, degrees, from seconds since 1970 (IAU 1982, linear terms)."""
    days = np.asarray(seconds) / 86400 + _UNIX_JD - 2451545.0
    return (280.46061837 + 360.98564736629 * days) % 360


def mean_sun_deg(seconds: float) -> float:
    """Right ascension of the mean sun, degrees."""
    return (280.46061837 + 0.98564736629 * (seconds / 86400 + _UNIX_JD - 2451545.0)) % 360


def ecef(lon_deg: Any, lat_deg: Any) -> Floats:
    """Earth-fixed position on the WGS84 ellipsoid, km, shape (..., 3)."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    n = EARTH_RADIUS_KM / np.sqrt(1 - _E2 * np.sin(lat) ** 2)
    return np.stack([n * np.cos(lat) * np.cos(lon), n * np.cos(lat) * np.sin(lon), n * (1 - _E2) * np.sin(lat)], -1)


def below(position: Floats) -> tuple[Floats, Floats, Floats]:
    """Longitude, geodetic latitude (degrees) and height (km) under an Earth-fixed position (Bowring, one step)."""
    x, y, z = position[..., 0], position[..., 1], position[..., 2]
    p = np.hypot(x, y)
    b = EARTH_RADIUS_KM * (1 - _FLATTENING)
    theta = np.arctan2(z * EARTH_RADIUS_KM, p * b)
    second = _E2 / (1 - _E2)
    lat = np.arctan2(z + second * b * np.sin(theta) ** 3, p - _E2 * EARTH_RADIUS_KM * np.cos(theta) ** 3)
    n = EARTH_RADIUS_KM / np.sqrt(1 - _E2 * np.sin(lat) ** 2)
    height = p * np.cos(lat) + z * np.sin(lat) - EARTH_RADIUS_KM**2 / n
    return np.degrees(np.arctan2(y, x)), np.degrees(lat), height


def off_nadir_deg(position: Floats, target: Floats) -> Floats:
    """Angle at the satellite between straight down (the ellipsoid's normal) and the target, degrees."""
    lon, lat, _ = below(position)
    lon, lat = np.radians(lon), np.radians(lat)
    down = -np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], -1)
    look = target - position
    look = look / np.linalg.norm(look, axis=-1, keepdims=True)
    return np.asarray(np.degrees(np.arccos(np.clip(np.sum(down * look, axis=-1), -1, 1))))


@dataclass(frozen=True)
class Satellite:
    """One satellite.

    Attributes:
        name: Platform name.
        epoch: Epoch of the elements, seconds since 1970.
        altitude_km: Mean height above the equatorial radius.
        ltdn_hours: Mean local time at the descending node.
        phase_deg: Place along the orbit at the epoch.
        number: Position in its constellation, from 0.
    """

    name: str
    epoch: float
    altitude_km: float
    ltdn_hours: float
    phase_deg: float
    number: int

    @cached_property
    def inclination_deg(self) -> float:
        """Where the node turns with the mean sun."""
        a = EARTH_RADIUS_KM + self.altitude_km
        return math.degrees(math.acos(-_SUN_RATE * 2 * a**3.5 / (3 * _J2 * EARTH_RADIUS_KM**2 * math.sqrt(_MU))))

    @cached_property
    def _record(self) -> Satrec:
        a = EARTH_RADIUS_KM + self.altitude_km
        # The ascending node lies opposite the descending one: LTAN = LTDN + 12 h, and RAAN = sun + 15 (LTAN - 12).
        raan = (mean_sun_deg(self.epoch) + 15 * self.ltdn_hours) % 360
        record = Satrec()
        record.sgp4init(
            WGS72,
            "i",
            90001 + self.number,
            self.epoch / 86400 + _UNIX_JD - 2433281.5,
            0.0,
            0.0,
            0.0,
            0.001,
            math.radians(90),
            math.radians(self.inclination_deg),
            math.radians((self.phase_deg - 90) % 360),
            math.sqrt(_MU / a**3) * 60,
            math.radians(raan),
        )
        return record

    @cached_property
    def period_seconds(self) -> float:
        """Time from one ascending node to the next."""
        record = self._record
        return float(2 * math.pi / (record.mdot + record.argpdot) * 60)

    def positions(self, seconds: Floats) -> Floats:
        """Earth-fixed positions, km, shape (n, 3), at times in seconds since 1970."""
        days = np.asarray(seconds, dtype=np.float64) / 86400 + _UNIX_JD
        whole = np.floor(days)
        # The fraction is taken from the seconds themselves: a Julian date alone resolves only 40 microseconds.
        fraction = (np.asarray(seconds) - (whole - _UNIX_JD) * 86400) / 86400
        _, teme, _ = self._record.sgp4_array(whole, fraction)
        turn = np.radians(sidereal_deg(seconds))
        cos, sin = np.cos(turn), np.sin(turn)
        x, y = teme[:, 0], teme[:, 1]
        return np.stack([cos * x + sin * y, cos * y - sin * x, teme[:, 2]], -1)


def grus(epoch: float) -> list[Satellite]:
    """GRUS-1A to GRUS-1E: one a little higher and earlier, four together in one plane's neighbourhood."""
    altitudes = (598.0, 587.0, 589.5, 592.0, 594.5)
    times = (10.5, 10.75, 10.80, 10.85, 10.90)
    phases = (20.0, 95.0, 167.0, 239.0, 311.0)
    return [Satellite(f"GRUS-1{'ABCDE'[n]}", epoch, altitudes[n], times[n], phases[n], n) for n in range(5)]
