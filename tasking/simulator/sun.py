"""Where the sun stands: the low-precision formula of the Astronomical Almanac (0.01 degrees from 1950 to 2050).

Mean longitude L and anomaly g give the ecliptic longitude; the obliquity turns it to right ascension and declination;
the local sidereal time gives the hour angle. Refraction is left out.
"""

from __future__ import annotations

import math

from tasking.simulator.orbits import sidereal_deg


def sun_angles(seconds: float, lon_deg: float, lat_deg: float) -> tuple[float, float]:
    """Elevation above the horizon and azimuth clockwise from north, degrees.

    Args:
        seconds: Time, seconds since 1970.
        lon_deg: Longitude of the place.
        lat_deg: Latitude of the place.
    """
    days = seconds / 86400 + 2440587.5 - 2451545.0
    anomaly = math.radians((357.528 + 0.9856003 * days) % 360)
    mean = 280.460 + 0.9856474 * days
    ecliptic = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.0000004 * days)
    ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    hour = math.radians(float(sidereal_deg(seconds)) + lon_deg) - ascension
    lat = math.radians(lat_deg)
    elevation = math.asin(
        math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(hour)
    )
    azimuth = math.atan2(
        -math.cos(declination) * math.sin(hour),
        math.sin(declination) * math.cos(lat) - math.cos(declination) * math.sin(lat) * math.cos(hour),
    )
    return math.degrees(elevation), math.degrees(azimuth) % 360
