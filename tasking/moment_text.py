"""A moment that a person wrote: date, time and zone in full, and no guessing.

Numbers and compact dates are refused. Libraries read ``20270104`` as seconds since 1970, which is another century.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Annotated, NoReturn

from pydantic import BeforeValidator, ValidationInfo

from tasking.errors import InvalidOrder

EXAMPLE = "2026-12-01T00:00:00Z"

_WRITTEN = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(?:[.,](\d+))? ?(Z|UTC|[+-]\d\d(?::?\d\d)?)?", re.ASCII | re.IGNORECASE
)
_NUMBER = re.compile(r"[+-]?[\d_]*\.?\d+(?:e[+-]?\d+)?", re.IGNORECASE)


def moment_from(field: str, value: object) -> datetime:
    """The moment, in UTC, of ``2026-12-01T00:00:00Z`` (RFC 3339: date, time and zone) or of an aware `datetime`.

    Seconds may be left out, and a space may stand for the ``T``.

    Raises:
        InvalidOrder: Anything else: a number, a compact date or week, a date alone, a time without a zone.
    """
    moment = _read(field, value) if isinstance(value, str) else value
    if isinstance(moment, date) and not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day)  # refused in the next line
    if not isinstance(moment, datetime):
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        _refuse(field, value, _no_number(str(value)) if is_number else f"is not a date and time; {_like()}")
    if moment.utcoffset() is None:
        _refuse(field, moment.isoformat(), f"has no zone; write {moment.isoformat()}Z for UTC")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        _refuse(field, value, "is outside the years 1 to 9999 in UTC")


def _validated(value: object, info: ValidationInfo) -> datetime:
    model = (info.config or {}).get("title")
    field = info.field_name or "time"
    return moment_from(f"{model.lower()}.{field}" if model else field, value)


WrittenMoment = Annotated[datetime, BeforeValidator(_validated)]
"""A field for a moment that a person writes; refused under its model's and its own name: ``window.start``."""


def _read(field: str, value: str) -> datetime:
    text = value.strip().strip("\ufeff\u200b").strip()
    if _NUMBER.fullmatch(text):
        _refuse(field, text, _no_number(text))
    if (written := _WRITTEN.fullmatch(text)) is None:
        meant = _meant(text)
        how = f"write {meant}" if meant else _like()
        _refuse(field, text or "(empty)", f"is not a date and time in full (year-month-day, time, zone); {how}")
    day, minute, second, fraction, zone = written.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{minute}{second or ':00'}.{((fraction or '') + '000000')[:6]}")
        if zone is None:
            return moment
        offset = "+0000" if zone.upper() in ("Z", "UTC") else zone + "00" * (len(zone) == 3)
        return moment.replace(tzinfo=datetime.strptime(offset, "%z").tzinfo)
    except ValueError as error:
        _refuse(field, text, f"there is no such date and time ({error}); {_like()}")


def _no_number(text: str) -> str:
    return f"a bare number is not a date and time; write {_meant(text) or EXAMPLE}"


def _like() -> str:
    return f"write it like {EXAMPLE}"


def _meant(text: str) -> str | None:
    """What a compact or short form most likely means, written in full; for the advice only."""
    digits = re.sub(r"(\d{8})(\d{4}(?:\d\d)?)", r"\1T\2", text)
    try:
        moment = datetime.fromisoformat(digits)
    except ValueError:
        return None
    return (
        moment.isoformat().removesuffix("+00:00") + ("" if moment.utcoffset() else "Z")
        if 1900 <= moment.year < 2200
        else None
    )


def _refuse(field: str, value: object, fix: str) -> NoReturn:
    raise InvalidOrder(field, value, fix)
