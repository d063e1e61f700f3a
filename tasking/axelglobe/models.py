"""AxelGlobe's objects as its document shows them.

Fields that we do not know are kept, unknown words stay words, and what the document's own examples leave out (links
without an address, ``coordinates: []``) is no error. Source: AxelGlobe Tasking API 2.1.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from tasking.excerpt import excerpt
from tasking.lenient import (
    Id,
    Json,
    MaybeId,
    MaybeJson,
    MaybeMoment,
    MaybeNumber,
    MaybeText,
    MaybeWord,
    Shape,
    number_or_none,
    object_or_empty,
    objects_in,
)


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _range(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    least, most = map(number_or_none, value)
    return (least, most) if least is not None and most is not None else None


def _texts(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return tuple(excerpt(one) for one in given if isinstance(one, str))


MaybeRange = Annotated[tuple[float, float] | None, BeforeValidator(_range)]
Words = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class Link(Shape):
    """A link; the document's examples show some without an address."""

    href: MaybeText = None
    rel: MaybeText = None
    type: MaybeText = None
    title: MaybeText = None


Links = Annotated[tuple[Link, ...], BeforeValidator(objects_in)]


def href_of(links: tuple[Link, ...], rel: str) -> str | None:
    """The address of the first link of that kind that has one."""
    return next((link.href for link in links if link.rel == rel and link.href), None)


class Landing(Shape):
    """The landing page (``GET /``)."""

    title: str | None = None
    description: str | None = None
    links: Links = ()


class Conformance(Shape):
    """What the server conforms to (``GET /conformance``); URIs."""

    conforms_to: Words = Field(default=(), alias="conformsTo")


class Collection(Shape):
    """A collection of features; ``extent`` as given."""

    id: Id
    title: str | None = None
    description: str | None = None
    item_type: str | None = Field(default=None, alias="itemType")
    extent: Json | None = None
    links: Links = ()


class Collections(Shape):
    """All collections (``GET /collections``)."""

    collections: tuple[Collection, ...]
    links: Links = ()


class Page(Shape):
    """One page of a list: features as given, each is read on its own."""

    features: tuple[Any, ...]
    links: Links = ()
    number_matched: Annotated[int | None, BeforeValidator(_count)] = Field(default=None, alias="numberMatched")


class SatelliteProperties(Shape):
    """A satellite's facts; ``gsd`` in metres."""

    platform: MaybeWord = None
    international_designator: MaybeWord = None
    instruments: Words = ()
    gsd: MaybeNumber = None
    orbit_state: MaybeWord = Field(default=None, alias="sat:orbit_state")


class Satellite(Shape):
    """A satellite, e.g. ``GRUS-1B``."""

    id: MaybeText = None
    geometry: MaybeJson = None
    properties: SatelliteProperties


class GroundTrackProperties(Shape):
    """When a satellite flies a track; aware, UTC."""

    platform: MaybeWord = None
    start_time: MaybeMoment = None
    end_time: MaybeMoment = None


class GroundTrack(Shape):
    """The approximate path of one orbit, a MultiLineString."""

    id: MaybeText = None
    geometry: MaybeJson = None
    properties: GroundTrackProperties


class TaskPlanProperties(Shape):
    """A plan's facts; angles in degrees off nadir."""

    name: MaybeText = None
    created: MaybeMoment = None
    valid_start: MaybeMoment = None
    valid_end: MaybeMoment = None
    off_nadir_range: MaybeRange = None
    satellites: Words = ()
    status: MaybeWord = None


class TaskPlan(Shape):
    """A Task Plan: an area and a window that candidates are computed for."""

    id: Id
    geometry: MaybeJson = None
    properties: TaskPlanProperties
    links: Links = ()


class ListedPlan(TaskPlan):
    """A plan of the list as far as it can be read; without an id (empty here) it can't be anything's."""

    id: MaybeId = ""
    properties: Annotated[TaskPlanProperties, BeforeValidator(object_or_empty)] = TaskPlanProperties()


class TaskCandidateProperties(Shape):
    """A candidate's facts; angles in degrees, ``plan_coverage`` in percent."""

    task_plan_id: MaybeText = None
    start_datetime: MaybeMoment = None
    end_datetime: MaybeMoment = None
    valid_until: MaybeMoment = None
    platform: MaybeWord = None
    constellation: MaybeWord = None
    plan_coverage: float | None = None
    off_nadir: float | None = Field(default=None, alias="view:off_nadir")
    sun_elevation: float | None = Field(default=None, alias="view:sun_elevation")
    sun_azimuth: float | None = Field(default=None, alias="view:sun_azimuth")


class TaskCandidate(Shape):
    """A Task Candidate: a possible capture."""

    id: MaybeText = None
    geometry: MaybeJson = None
    properties: TaskCandidateProperties
    links: Links = ()


class TaskRequestProperties(Shape):
    """A request's facts; ``capture_id`` is null until there is a capture."""

    name: MaybeText = None
    created: MaybeMoment = None
    valid_start: MaybeMoment = None
    valid_end: MaybeMoment = None
    off_nadir_range: MaybeRange = None
    satellites: Words = ()
    priority: MaybeWord = None
    cancel_until: MaybeMoment = None
    task_plan_id: MaybeText = None
    status: MaybeWord = None
    capture_id: MaybeText = Field(default=None, alias="ag:capture_id")


class TaskRequest(Shape):
    """A Task Request: a capture that was ordered."""

    id: Id
    geometry: MaybeJson = None
    properties: TaskRequestProperties
    links: Links = ()


class ListedRequest(TaskRequest):
    """A request of the list, as `ListedPlan`."""

    id: MaybeId = ""
    properties: Annotated[TaskRequestProperties, BeforeValidator(object_or_empty)] = TaskRequestProperties()
