"""A possible future capture, in the same words for every provider."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tasking.excerpt import Excerpt, Note

WHOLE_WINDOW = "whole-window"
"""Id of the candidate that stands for an order's window: the provider picks the pass."""


class Candidate(BaseModel):
    """One possible capture that can be requested.

    Attributes:
        id: The provider's id of it.
        start: Capture start, aware, UTC.
        end: Capture end, aware, UTC.
        valid_until: Until when it can be requested (provider time); ``None`` when the provider sets no end.
        platform: Satellite name.
        footprint: GeoJSON geometry (lon, lat, WGS84); ``None`` when the provider gave none or an empty one.
        off_nadir_deg: View angle off nadir, degrees.
        incidence_deg: Incidence angle, degrees (SAR).
        sun_elevation_deg: Sun above the horizon, degrees; negative at night.
        sun_azimuth_deg: Sun azimuth, degrees clockwise from north.
        cloud_percent: Clouds that are forecast, 0..100; ``None`` when the provider does not say.
        coverage_percent: Share of the area covered in the provider's own figure, 0..100.
        price: What ordering it costs, in the currency's main unit; ``None`` when nothing tells.
        currency: ISO 4217, or ``credits``.
        quoted: What it was quoted with, as the provider's folder wrote it down: requested is that or nothing. ``None``
            where nothing was quoted, and for what an older version wrote down.
        note: What a person should know of it before it is ordered.
        attempt: Which request of its order it was chosen for, 1 for the first: the same window may be tried again.
        area_covered_percent: Share of the order's area that it covers, 0..100, as found when it was chosen; ``None``
            when nothing tells.
    """

    model_config = ConfigDict(frozen=True)

    id: str
    start: AwareDatetime
    end: AwareDatetime
    valid_until: AwareDatetime | None = None
    platform: Excerpt | None = None
    footprint: dict[str, Any] | None = None
    off_nadir_deg: float | None = None
    incidence_deg: float | None = None
    sun_elevation_deg: float | None = None
    sun_azimuth_deg: float | None = None
    cloud_percent: float | None = None
    coverage_percent: float | None = None
    price: Decimal | None = None
    currency: Excerpt | None = None
    quoted: dict[str, str] | None = None
    note: Note = ""
    attempt: int = 1
    area_covered_percent: float | None = None


class Pass(Protocol):
    """By which satellite a capture is taken, and when; ``None`` is what nobody said."""

    @property
    def platform(self) -> str | None: ...
    @property
    def start(self) -> datetime | None: ...
    @property
    def end(self) -> datetime | None: ...


def at_one_time(one: Pass, other: Pass) -> bool:
    """Whether two captures are by the same satellite, or both by one that is not named, at times that overlap.

    No satellite takes two captures at a time: they are the same one, or only one of them can be taken.
    """
    if one.platform != other.platform or one.start is None or other.start is None:
        return False
    return one.end is not None and other.end is not None and one.start < other.end and other.start < one.end


def same_pass(one: Candidate, other: Candidate) -> bool:
    """Whether two candidates are the same capture: a new plan lists a pass under a new id."""
    return one.id == other.id or at_one_time(one, other)
