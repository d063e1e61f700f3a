"""What is asked of a set of captures, and what was found."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tasking.ranking import RankedCandidate


class SetWish(BaseModel):
    """What is asked of a set.

    Attributes:
        coverage_min_percent: Share of the area, 0..100, that fixed captures and set cover together; ``None`` for as
            much as possible.
        max_captures: How many captures the set may have, without the fixed ones.
        budget: What the set may cost, without the fixed captures; ``None`` for any price.
        currency: Of the budget: ISO 4217, or ``credits``. ``None`` takes the candidates', if they have one in common.
        max_days_apart: How many days at most lie between the starts of any two captures, the fixed ones among them.
        time_limit_seconds: After this time, what was found is taken.
    """

    model_config = ConfigDict(frozen=True)

    coverage_min_percent: float | None = Field(default=None, ge=0, le=100)
    max_captures: int = Field(default=1, ge=0)
    budget: Decimal | None = Field(default=None, ge=0)
    currency: str | None = None
    max_days_apart: float | None = Field(default=None, ge=0)
    time_limit_seconds: float = Field(default=20.0, gt=0)


class FixedCapture(NamedTuple):
    """A capture that is bought or home, and covers its part of the area already.

    Attributes:
        footprint: GeoJSON geometry (lon, lat, WGS84); ``None`` when it is not known.
        start, end: Of the capture; ``None`` when it is not known.
        platform: Satellite name; ``None`` when it is not known.
    """

    footprint: dict[str, Any] | None
    start: datetime | None = None
    end: datetime | None = None
    platform: str | None = None


class CaptureSet(BaseModel):
    """The set that was chosen.

    Attributes:
        members: Its candidates, by start.
        coverage_percent: Share of the area, 0..100, that fixed captures and members cover together. ``None`` for a
            single candidate whose footprint tells nothing, when nobody said.
        enough: It covers what was asked for.
        price: What its members cost, an unknown price counting as the highest known one; ``None`` where no price is
            known, or they have no currency in common.
        currency: Of the price.
        proven: No set within the limits is better: none that is enough is cheaper, or none covers more.
        coverage_bound_percent: No set within the limits covers more; ``None`` where it is enough.
        price_bound: No set that is enough costs less; ``None`` where it is not enough, or no price is known.
        captures_bound: Where no price is known: no set that is enough has fewer captures.
        sentence: What was chosen and how good it is, for a person.
        notes: What a person should know of how it was chosen.
    """

    model_config = ConfigDict(frozen=True)

    members: tuple[RankedCandidate, ...]
    coverage_percent: float | None
    enough: bool
    price: Decimal | None
    currency: str | None
    proven: bool
    coverage_bound_percent: float | None = None
    price_bound: Decimal | None = None
    captures_bound: int | None = None
    sentence: str
    notes: tuple[str, ...] = ()
