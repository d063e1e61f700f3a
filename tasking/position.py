"""One position: longitude first, in degrees on WGS84, two numbers of it kept."""

from __future__ import annotations

from typing import NoReturn

from tasking.errors import InvalidOrder

FARTHEST_COPY = 900.0
"""Degrees of longitude that are taken: web maps repeat the world, and what is drawn on a copy lies whole turns off."""


def checked_position(position: object, where: str) -> tuple[float, float]:
    """Longitude and latitude of ``[lon, lat]`` or ``[lon, lat, height]``; the longitude as it was written.

    Args:
        position: What was written.
        where: Its place, for the refusal.

    Raises:
        InvalidOrder: Not two finite numbers, out of range, in metres, or the other way round.
    """
    if not isinstance(position, list | tuple) or len(position) < 2:
        _refuse(where, position, "write a position as [longitude, latitude]")
    if len(position) > 3:
        _refuse(
            where,
            list(position),
            "a position has two numbers, or three with a height; write decimals with a point: [139.76, 35.42]",
        )
    lon, lat = position[0], position[1]
    if not is_number(lon) or not is_number(lat):
        _refuse(where, list(position), "longitude and latitude are finite numbers in degrees")
    if not -90 <= lat <= 90:
        if -90 <= lon <= 90 and -180 <= lat <= 180:
            _refuse(where, [lon, lat], f"longitude comes first; write [{lat}, {lon}]")
        _refuse(where, [lon, lat], f"latitude {lat} is outside -90..90 degrees; are these degrees on WGS84?")
    if not -FARTHEST_COPY <= lon <= FARTHEST_COPY:
        _refuse(where, [lon, lat], f"longitude {lon} is outside -180..180 degrees; are these degrees on WGS84?")
    return float(lon), float(lat)


def is_number(value: object) -> bool:
    """Whether it is a finite number such as one can write for an angle; a truth value is none."""
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) < 1e9


def turned(lon: float, degrees: float) -> float:
    """The longitude after whole turns around the globe, without the dust of floating point: 499.76 gives 139.76."""
    return round(lon + degrees, 12) if degrees else lon


def _refuse(where: str, value: object, fix: str) -> NoReturn:
    raise InvalidOrder(where, value, fix)
