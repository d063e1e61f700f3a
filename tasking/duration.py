"""A length of time that a person wrote: ``P1DT12H``, or hours as a number."""

from __future__ import annotations

import math
import re
from datetime import timedelta

from tasking.errors import InvalidOrder

_ISO = re.compile(
    r"P(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?(?:T(?=\d)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII | re.IGNORECASE,
)
_HOURS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_LONGEST = timedelta(days=3660)


def duration_from(field: str, value: object) -> timedelta:
    """The length of ``PT90M``, ``P2D``, ``P1W`` (ISO 8601, without years and months), or of a number of hours.

    Raises:
        InvalidOrder: Anything else, and what is not longer than nothing.
    """
    length = _read(value)
    if length is None or not timedelta(0) < length <= _LONGEST:
        raise InvalidOrder(
            field, value, "give a length of time such as PT12H (12 hours), P2D (2 days) or PT90M, or hours as a number"
        )
    return length


def iso_duration(length: timedelta) -> str:
    """As ISO 8601 has it, e.g. ``P1DT12H``."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    date = f"{days}D" if days else ""
    parts = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M"), (seconds, "S")) if count)
    return f"P{date}{'T' if parts else ''}{parts}" if date or parts else "PT0S"


def _read(value: object) -> timedelta | None:
    if isinstance(value, timedelta):
        return value
    if isinstance(value, str):
        text = value.strip()
        if _HOURS.fullmatch(text):
            return _hours(float(text))
        found = _ISO.fullmatch(text)
        if found is None or len(text) > 40:
            return None
        try:
            return timedelta(**{unit: int(count) for unit, count in found.groupdict().items() if count})
        except OverflowError:
            return None
    return _hours(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _hours(count: float) -> timedelta | None:
    return timedelta(hours=count) if math.isfinite(count) and abs(count) < 1e6 else None
