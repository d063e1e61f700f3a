"""The fields that STAC 1.1 defines itself: what they must be, and what is made of what a provider wrote.

A field is read as leniently as can be told what is meant (one word where a list belongs, a number in quotes, a time
with another zone). What cannot be read is left out of the field, and kept beside as the provider gave it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

AS_GIVEN = "tasking:as_given"
"""Where fields stand that STAC does not take as the provider wrote them."""

_STRICT_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|\+00:00)")
_LICENSE = re.compile(r"[\w\-.+]+")
_DATA_TYPES = (
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"),
    *("cint16", "cint32", "cfloat32", "cfloat64", "other"),
)


class Unreadable(Exception):
    """It cannot be told what is meant."""


def read_time(value: object) -> str | None:
    """A time as STAC writes it (RFC 3339, UTC); ``None`` when it is none. One without a zone is taken as UTC."""
    if not isinstance(value, str) or len(value) > 60:
        return None
    text = value.strip().upper()
    try:
        if _STRICT_TIME.fullmatch(value) and datetime.fromisoformat(text):
            return value
        if not re.match(r"\d{4}[-/]?\d\d", text):
            return None
        found = datetime.fromisoformat(re.sub(r"\s*UTC$|\s+Z$", "Z", text.replace("/", "-")))
        return _utc(found if found.tzinfo else found.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return None


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    raise Unreadable


def _full_text(value: object) -> str:
    if text := _text(value).strip():
        return text
    raise Unreadable


def _texts(value: object) -> list[str]:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return [_text(value)]
    if isinstance(value, list):
        return [_text(each) for each in value if each is not None]
    raise Unreadable


def _length(value: object) -> float:
    number = read_number(value)
    if number > 0:
        return number
    raise Unreadable


def read_number(value: object) -> float:
    """A finite number, also in quotes; raises `Unreadable`."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise Unreadable from None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unreadable
    return value


def _time(value: object) -> str:
    if (read := read_time(value)) is None:
        raise Unreadable
    return read


def _license(value: object) -> str:
    if isinstance(value, str) and _LICENSE.fullmatch(value):
        return value
    raise Unreadable


def _providers(value: object) -> list[dict[str, Any]]:
    if isinstance(value, str):
        value = [{"name": value}]
    if not isinstance(value, list) or not all(isinstance(one, dict) and one.get("name") for one in value):
        raise Unreadable
    made = []
    for one in value:
        said = {**one, "name": _full_text(one["name"])}
        for key, read in (("description", _text), ("url", _text), ("roles", _provider_roles)):
            _settle(said, {}, key, read)
        made.append(said)
    return made


def _provider_roles(value: object) -> list[str]:
    return [one for one in _texts(value) if one in ("producer", "licensor", "processor", "host")]


def _bands(value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Unreadable
    return [normalize_fields({**one}, _BAND) for one in value]


def _data_type(value: object) -> str:
    if isinstance(value, str) and value.lower() in _DATA_TYPES:
        return value.lower()
    raise Unreadable


def _nodata(value: object) -> str | float:
    return str(value) if value in ("nan", "inf", "-inf") else read_number(value)


def _statistics(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Unreadable
    known = ("mean", "minimum", "maximum", "stddev", "count", "valid_percent")
    if any(not isinstance(value[key], int | float) or isinstance(value[key], bool) for key in known if key in value):
        raise Unreadable
    if not value:
        raise Unreadable
    return value


Reader = Callable[[object], Any]
_COMMON: dict[str, Reader] = {
    "title": _text, "description": _full_text, "keywords": _texts, "roles": _texts,
    "created": _time, "updated": _time, "platform": _text, "instruments": _texts, "constellation": _text,
    "mission": _text, "gsd": _length, "license": _license, "providers": _providers, "bands": _bands,
    "data_type": _data_type, "nodata": _nodata, "statistics": _statistics, "unit": _text,
}  # fmt: skip
_TIMES: dict[str, Reader] = {"start_datetime": _time, "end_datetime": _time}
PROPERTIES: dict[str, Reader] = {**_COMMON, **_TIMES}
ASSET: dict[str, Reader] = {**_COMMON, **_TIMES, "datetime": _time, "type": _full_text}
_BAND: dict[str, Reader] = {
    key: _COMMON[key] for key in ("description", "data_type", "nodata", "statistics", "unit")
} | {"name": _text}
LINK: dict[str, Reader] = {"type": _text, "title": _text}


def normalize_fields(said: dict[str, Any], readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The same object with each field that STAC defines as it must be; what could not be read stands in `AS_GIVEN`."""
    before = said.get(AS_GIVEN)
    odd: dict[str, Any] = {**before} if isinstance(before, dict) else {}
    for key, read in readers.items():
        _settle(said, odd, key, read)
    if odd:
        said[AS_GIVEN] = odd
    return said


def _settle(said: dict[str, Any], odd: dict[str, Any], key: str, read: Reader) -> None:
    if key not in said:
        return
    try:
        said[key] = read(said[key])
    except Unreadable:
        given = said.pop(key)
        if given is not None:
            odd[key] = given
