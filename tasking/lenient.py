"""Fields of answers, read as leniently as is safe: what cannot be read is as good as not given.

One field that is odd must not make the request of an order unreadable. Only what is sent back is asked for.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, StringConstraints, TypeAdapter

from tasking.excerpt import excerpt
from tasking.utc import to_utc_clamped

Json = dict[str, Any]

_WHEN = TypeAdapter(datetime)


def moment_or_none(value: object) -> datetime | None:
    """Aware and UTC; what is no time is none."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return to_utc_clamped(_WHEN.validate_python(value))
    except ValueError:
        return None


def number_or_none(value: object) -> float | None:
    """A number, also one written as text."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 1e15 else None


def object_or_empty(value: object) -> object:
    """An object as it is; anything else says nothing."""
    return value if isinstance(value, dict | BaseModel) else {}


def objects_in(value: object) -> tuple[object, ...]:
    """The objects of a list; what is no list has none."""
    return tuple(one for one in value if isinstance(one, dict | BaseModel)) if isinstance(value, list | tuple) else ()


MaybeMoment = Annotated[datetime | None, BeforeValidator(moment_or_none)]
MaybeNumber = Annotated[float | None, BeforeValidator(number_or_none)]
MaybeText = Annotated[str | None, BeforeValidator(lambda value: value if isinstance(value, str) and value else None)]
MaybeWord = Annotated[MaybeText, AfterValidator(lambda value: excerpt(value) if value else None)]
"""A word or name that is shown, cut when it is too long; never one that is sent back."""
MaybeJson = Annotated[Json | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
MaybeId = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) and len(value) <= 2000 else "")]


class Shape(BaseModel):
    """An object of an answer; fields that we do not know are kept."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, allow_inf_nan=False)


def positions(geometry: dict[str, Any] | None) -> list[tuple[float, float]]:
    """All positions of a geometry as (lon, lat); a third number is left out. Empty when it cannot be read."""
    found: list[tuple[float, float]] = []

    def gather(value: Any, depth: int = 0) -> None:
        if not isinstance(value, list) or depth > 5:
            raise ValueError("not a list of positions")
        if value and not isinstance(value[0], list):
            lon, lat = float(value[0]), float(value[1])
            if not (math.isfinite(lon) and math.isfinite(lat)):
                raise ValueError("not a position")
            found.append((lon, lat))
            return
        for each in value:
            gather(each, depth + 1)

    try:
        gather((geometry or {}).get("coordinates"))
    except (TypeError, ValueError, LookupError, OverflowError):
        return []
    return found


def bounds_of(geometry: Json | None) -> tuple[float, float, float, float] | None:
    """West, south, east and north of a geometry; ``None`` when it cannot be read."""
    found = positions(geometry)
    if not found:
        return None
    lons, lats = zip(*found, strict=True)
    return min(lons), min(lats), max(lons), max(lats)
