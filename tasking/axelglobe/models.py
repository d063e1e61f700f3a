"""AxelGlobe's objects as its document shows them.

Fields that we do not know are kept, unknown words stay words, and what the document's own examples leave out (links
without an address, ``coordinates: []``) is no error. Source: AxelGlobe Tasking API 2.1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter

from tasking.excerpt import excerpt
from tasking.moment import moment


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


_WHEN = TypeAdapter(datetime)


def _moment(value: object) -> datetime | None:
    """Aware and UTC; what is no time is none: it must not make the request of an order unreadable."""
    if value is None or isinstance(value, bool):
        return None
    try:
        return moment(_WHEN.validate_python(value))
    except ValueError:
        return None


def _number(value: object) -> float | None:
    """A number, also one written as text."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 1e15 else None


def _range(value: object) -> tuple[float, float] | None:
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    least, most = map(_number, value)
    return (least, most) if least is not None and most is not None else None


def _texts(value: object) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value if isinstance(value, list | tuple) else []
    return tuple(excerpt(one) for one in given if isinstance(one, str))


def _objects(value: object) -> tuple[object, ...]:
    return tuple(one for one in value if isinstance(one, dict | BaseModel)) if isinstance(value, list | tuple) else ()


def _object(value: object) -> object:
    """An object as it is; anything else says nothing."""
    return value if isinstance(value, dict | BaseModel) else {}


MaybeMoment = Annotated[datetime | None, BeforeValidator(_moment)]
MaybeNumber = Annotated[float | None, BeforeValidator(_number)]
MaybeRange = Annotated[tuple[float, float] | None, BeforeValidator(_range)]
MaybeText = Annotated[str | None, BeforeValidator(lambda value: value if isinstance(value, str) and value else None)]
MaybeWord = Annotated[MaybeText, AfterValidator(lambda value: excerpt(value) if value else None)]
"""A word or name that is shown, cut when it is too long; never one that is sent back."""
Id = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
MaybeId = Annotated[str, BeforeValidator(lambda value: value if isinstance(value, str) and len(value) <= 2000 else "")]
Words = Annotated[tuple[str, ...], BeforeValidator(_texts)]
Json = dict[str, Any]
MaybeJson = Annotated[Json | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, allow_inf_nan=False)


class Link(_Shape):
    """A link; the document's examples show some without an address."""

    href: MaybeText = None
    rel: MaybeText = None
    type: MaybeText = None
    title: MaybeText = None


Links = Annotated[tuple[Link, ...], BeforeValidator(_objects)]


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

    features: tuple[Any, ...]
    links: Links = ()
    number_matched: Annotated[int | None, BeforeValidator(_count)] = Field(default=None, alias="numberMatched")


class SatelliteProperties(_Shape):
    """A satellite's facts; ``gsd`` in metres."""

    platform: MaybeWord = None
    international_designator: MaybeWord = None
    instruments: Words = ()
    gsd: MaybeNumber = None
    orbit_state: MaybeWord = Field(default=None, alias="sat:orbit_state")


class Satellite(_Shape):
    """A satellite, e.g. ``GRUS-1B``."""

    id: MaybeText = None
    geometry: MaybeJson = None
    properties: SatelliteProperties


class GroundTrackProperties(_Shape):
    """When a satellite flies a track; aware, UTC."""

    platform: MaybeWord = None
    start_time: MaybeMoment = None
    end_time: MaybeMoment = None


class GroundTrack(_Shape):
    """The approximate path of one orbit, a MultiLineString."""

    id: MaybeText = None
    geometry: MaybeJson = None
    properties: GroundTrackProperties


class TaskPlanProperties(_Shape):
    """A plan's facts; angles in degrees off nadir."""

    name: MaybeText = None
    created: MaybeMoment = None
    valid_start: MaybeMoment = None
    valid_end: MaybeMoment = None
    off_nadir_range: MaybeRange = None
    satellites: Words = ()
    status: MaybeWord = None


class TaskPlan(_Shape):
    """A Task Plan: an area and a window that candidates are computed for."""

    id: Id
    geometry: MaybeJson = None
    properties: TaskPlanProperties
    links: Links = ()


class ListedPlan(TaskPlan):
    """A plan of the list as far as it can be read; without an id (empty here) it can't be anything's."""

    id: MaybeId = ""
    properties: Annotated[TaskPlanProperties, BeforeValidator(_object)] = TaskPlanProperties()


class TaskCandidateProperties(_Shape):
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


class TaskCandidate(_Shape):
    """A Task Candidate: a possible capture."""

    id: MaybeText = None
    geometry: MaybeJson = None
    properties: TaskCandidateProperties
    links: Links = ()


class TaskRequestProperties(_Shape):
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


class TaskRequest(_Shape):
    """A Task Request: a capture that was ordered."""

    id: Id
    geometry: MaybeJson = None
    properties: TaskRequestProperties
    links: Links = ()


class ListedRequest(TaskRequest):
    """A request of the list, as `ListedPlan`."""

    id: MaybeId = ""
    properties: Annotated[TaskRequestProperties, BeforeValidator(_object)] = TaskRequestProperties()


class StacPage(_Shape):
    """One page of a STAC search: items and links as given."""

    features: tuple[Json, ...]
    links: tuple[Json, ...] = ()
