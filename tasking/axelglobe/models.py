"""AxelGlobe's objects as its document shows them.

Fields that we do not know are kept, unknown words stay words, and what the document's own examples leave out (links
without an address, ``coordinates: []``) is no error. Source: AxelGlobe Tasking API 2.1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from tasking.moment import moment


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


Moment = Annotated[datetime, AfterValidator(moment)]
MaybeMoment = Annotated[Moment | None, BeforeValidator(lambda value: None if value == "" else value)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Words = Annotated[tuple[str, ...], BeforeValidator(lambda value: () if value is None else value)]
Json = dict[str, Any]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, allow_inf_nan=False)


class Link(_Shape):
    """A link; the document's examples show some without an address."""

    href: str | None = None
    rel: str | None = None
    type: str | None = None
    title: str | None = None


Links = Annotated[tuple[Link, ...], BeforeValidator(lambda value: () if value is None else value)]


def href_of(links: tuple[Link, ...], rel: str) -> str | None:
    """The address of the first link of that kind that has one."""
    return next((link.href for link in links if link.rel == rel and link.href), None)


class Landing(_Shape):
    """The landing page (``GET /``)."""

    title: str | None = None
    description: str | None = None
    links: Links = ()


class Conformance(_Shape):
    """What the server conforms to (``GET /conformance``); URIs."""

    conforms_to: Words = Field(default=(), alias="conformsTo")


class Collection(_Shape):
    """A collection of features; ``extent`` as given."""

    id: Id
    title: str | None = None
    description: str | None = None
    item_type: str | None = Field(default=None, alias="itemType")
    extent: Json | None = None
    links: Links = ()


class Collections(_Shape):
    """All collections (``GET /collections``)."""

    collections: tuple[Collection, ...]
    links: Links = ()


class Page(_Shape):
    """One page of a list: features as given, each is read on its own."""

    features: tuple[Json, ...]
    links: Links = ()
    number_matched: Annotated[int | None, BeforeValidator(_count)] = Field(default=None, alias="numberMatched")


class SatelliteProperties(_Shape):
    """A satellite's facts; ``gsd`` in metres."""

    platform: str | None = None
    international_designator: str | None = None
    instruments: Words = ()
    gsd: float | None = None
    orbit_state: str | None = Field(default=None, alias="sat:orbit_state")


class Satellite(_Shape):
    """A satellite, e.g. ``GRUS-1B``."""

    id: str | None = None
    geometry: Json | None = None
    properties: SatelliteProperties


class GroundTrackProperties(_Shape):
    """When a satellite flies a track; aware, UTC."""

    platform: str | None = None
    start_time: MaybeMoment = None
    end_time: MaybeMoment = None


class GroundTrack(_Shape):
    """The approximate path of one orbit, a MultiLineString."""

    id: str | None = None
    geometry: Json | None = None
    properties: GroundTrackProperties


class TaskPlanProperties(_Shape):
    """A plan's facts; angles in degrees off nadir."""

    name: str | None = None
    created: MaybeMoment = None
    valid_start: MaybeMoment = None
    valid_end: MaybeMoment = None
    off_nadir_range: tuple[float, float] | None = None
    satellites: Words = ()
    status: str | None = None


class TaskPlan(_Shape):
    """A Task Plan: an area and a window that candidates are computed for."""

    id: Id
    geometry: Json | None = None
    properties: TaskPlanProperties
    links: Links = ()


class TaskCandidateProperties(_Shape):
    """A candidate's facts; angles in degrees, ``plan_coverage`` in percent."""

    task_plan_id: str | None = None
    start_datetime: MaybeMoment = None
    end_datetime: MaybeMoment = None
    valid_until: MaybeMoment = None
    platform: str | None = None
    constellation: str | None = None
    plan_coverage: float | None = None
    off_nadir: float | None = Field(default=None, alias="view:off_nadir")
    sun_elevation: float | None = Field(default=None, alias="view:sun_elevation")
    sun_azimuth: float | None = Field(default=None, alias="view:sun_azimuth")


class TaskCandidate(_Shape):
    """A Task Candidate: a possible capture."""

    id: str | None = None
    geometry: Json | None = None
    properties: TaskCandidateProperties
    links: Links = ()


class TaskRequestProperties(_Shape):
    """A request's facts; ``capture_id`` is null until there is a capture."""

    name: str | None = None
    created: MaybeMoment = None
    valid_start: MaybeMoment = None
    valid_end: MaybeMoment = None
    off_nadir_range: tuple[float, float] | None = None
    satellites: Words = ()
    priority: str | None = None
    cancel_until: MaybeMoment = None
    task_plan_id: str | None = None
    status: str | None = None
    capture_id: str | None = Field(default=None, alias="ag:capture_id")


class TaskRequest(_Shape):
    """A Task Request: a capture that was ordered."""

    id: Id
    geometry: Json | None = None
    properties: TaskRequestProperties
    links: Links = ()


class StacPage(_Shape):
    """One page of a STAC search: items and links as given."""

    features: tuple[Json, ...]
    links: tuple[Json, ...] = ()
