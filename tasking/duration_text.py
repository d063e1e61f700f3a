"""A length of time that a person wrote, as ISO 8601 has it: ``P7D``, ``PT36H``, ``P1DT12H``, ``P2W``.

Months and years are refused: their lengths differ. The unit says so, and no guess is made.
"""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, NoReturn

from pydantic import BeforeValidator, ValidationInfo, WithJsonSchema

from tasking.errors import InvalidOrder

EXAMPLES = "P7D for seven days, PT36H for 36 hours, P2W for two weeks"
LONGEST = timedelta(days=3660)
"""No wish is longer; what is longer is a slip."""

_NUMBER = r"(\d+(?:[.,]\d+)?)"
_WRITTEN = re.compile(
    rf"P(?=.)(?:{_NUMBER}W)?(?:{_NUMBER}D)?(?:T(?=.)(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?",
    re.ASCII | re.IGNORECASE,
)
_CALENDAR = re.compile(r"P[^T]*\d\s*[YM]", re.ASCII | re.IGNORECASE)
_BARE = re.compile(r"(\d+(?:\.\d+)?)\s*(w|d|h|m|min|s)[a-z]*", re.ASCII | re.IGNORECASE)


def duration_from(field: str, value: object) -> timedelta:
    """The length of ``P1DT12H`` or of a `timedelta`; weeks, days, hours, minutes and seconds, each with decimals.

    Raises:
        InvalidOrder: Anything else: a number, months or years, a length below zero or above ten years.
    """
    length = _read(field, value) if isinstance(value, str) else value
    if not isinstance(length, timedelta):
        _refuse(field, value, f"is not a length of time; write it as ISO 8601, e.g. {EXAMPLES}")
    if length < timedelta(0):
        _refuse(field, written(length), "is below zero; times lie ahead")
    if length > LONGEST:
        _refuse(field, written(length), f"is longer than {LONGEST.days} days; give less")
    return length


def written(length: timedelta) -> str:
    """A length as ISO 8601 has it: ``P1DT12H``."""
    sign, length = ("-", -length) if length < timedelta(0) else ("", length)
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{length.days}D" if length.days else "", "T"]
    parts += [f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count]
    if seconds or length.microseconds:
        parts.append(f"{seconds + length.microseconds / 1e6:g}S")
    text = "".join(parts).removesuffix("T")
    return f"{sign}P{text}" if text else "PT0S"


def _validated(value: object, info: ValidationInfo) -> timedelta:
    model = (info.config or {}).get("title")
    field = info.field_name or "duration"
    return duration_from(f"{model.lower()}.{field}" if model else field, value)


WrittenDuration = Annotated[timedelta, BeforeValidator(_validated), WithJsonSchema({"type": "string"})]
"""A field for a length that a person writes; refused under its model's and its own name: ``window.lasts``."""


def _read(field: str, value: str) -> timedelta:
    text = value.strip()
    found = _WRITTEN.fullmatch(text)
    if found is None:
        _refuse(field, text or "(empty)", _advice(text))
    weeks, days, hours, minutes, seconds = (float((one or "0").replace(",", ".")) for one in found.groups())
    try:
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        _refuse(field, text, f"is longer than {LONGEST.days} days; give less")


def _advice(text: str) -> str:
    if _CALENDAR.match(text):
        return (
            "months and years have no fixed length; give weeks or days, e.g. P30D. Minutes stand after a T: PT30M is "
            "half an hour"
        )
    if text.startswith("-"):
        return f"times lie ahead; leave out the sign. Write it as ISO 8601, e.g. {EXAMPLES}"
    if (bare := _BARE.fullmatch(text)) is not None:
        count, unit = bare[1], bare[2][0].upper()
        return f"is not ISO 8601; write {'P' if unit in 'WD' else 'PT'}{count}{unit}"
    return f"is not a length of time by ISO 8601; write e.g. {EXAMPLES}"


def _refuse(field: str, value: object, fix: str) -> NoReturn:
    raise InvalidOrder(field, value, fix)
