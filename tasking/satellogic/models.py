"""Satellogic's objects as its documents show them, and a little more forgiving.

The documents leave many fields open. A field that is missing or of another kind than expected is as good as not given
(``None``); only an object's id is asked for. Unknown fields are kept, unknown words stay words, at most 200 characters
of them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AliasChoices,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from tasking.excerpt import Excerpt
from tasking.lenient import Json, Shape, objects_in
from tasking.utc import to_utc_clamped


def _as_text(value: object) -> object:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _or_none(value: object, read: ValidatorFunctionWrapHandler) -> Any:
    try:
        return read(value)
    except ValidationError:
        return None


def _not_compact(value: object) -> object:
    """``20261201`` is a day to whoever wrote it, and seconds since 1970 to who reads it: as good as not given."""
    if isinstance(value, str) and value.strip().isdigit():
        raise ValueError("not a time")
    return value


Id = Annotated[str, BeforeValidator(_as_text), StringConstraints(min_length=1, max_length=500)]
"""An id; numbers (``task_id``) become text."""
Forgiving = WrapValidator(_or_none)
Moment = Annotated[datetime, BeforeValidator(_not_compact), AfterValidator(to_utc_clamped)]
MaybeMoment = Annotated[Moment | None, Forgiving]
MaybeText = Annotated[str | None, BeforeValidator(_as_text), Forgiving]
MaybeWord = Annotated[Excerpt | None, BeforeValidator(_as_text), Forgiving]
"""A status, a name, a satellite: something a person reads. An address is a `MaybeText`, which is whole or useless."""
MaybeNumber = Annotated[float | None, Forgiving]
MaybeCount = Annotated[int | None, Forgiving]
MaybeJson = Annotated[Json | None, Forgiving]


class _Shape(Shape):
    @model_validator(mode="before")
    @classmethod
    def _null_is_not_given(cls, value: object) -> object:
        """A field that is null under one of its names may be given under another."""
        return {key: each for key, each in value.items() if each is not None} if isinstance(value, dict) else value


class Page(_Shape):
    """One page of a list: objects as given, each is read on its own. A bare list is a page too.

    Attributes:
        results: Its objects. What is none is left out, unless there is nothing else.
        given: How many there were, also those that are no objects: the next offset counts them.
    """

    results: tuple[Json, ...]
    count: MaybeCount = None
    next: MaybeText = None
    given: int = 0

    @model_validator(mode="before")
    @classmethod
    def _objects_of_it(cls, value: object) -> object:
        page = {"results": value} if isinstance(value, list) else value
        if not isinstance(page, dict) or not isinstance(page.get("results"), list):
            return page
        results = page["results"]
        objects = [each for each in results if isinstance(each, dict)]
        return {**page, "results": objects or results, "given": len(results)}


class Contract(_Shape):
    """A contract of the account (``GET /contracts``)."""

    contract_id: Annotated[Id, Field(validation_alias=AliasChoices("contract_id", "id"))]
    name: MaybeWord = None


class Product(_Shape):
    """A product that can be tasked: its code, and whether it takes an area."""

    code: Annotated[int, Field(validation_alias=AliasChoices("pk", "id", "product_id"))]
    name: MaybeWord = None
    is_area: Annotated[bool | None, Forgiving] = None


class Task(_Shape):
    """A task. ``target`` is GeoJSON, its positions may have a third number."""

    task_id: Id
    task_name: MaybeWord = None
    project_name: MaybeWord = None
    product: MaybeCount = None
    target: MaybeJson = None
    start: MaybeMoment = None
    end: MaybeMoment = None
    max_captures: MaybeCount = None
    expected_age: MaybeWord = None
    created_time: MaybeMoment = None
    status: MaybeWord = None


class Capture(_Shape):
    """One attempt of a task."""

    capture_id: Id
    start: MaybeMoment = None
    end: MaybeMoment = None
    satellite_name: MaybeWord = None
    status: MaybeWord = None


class Attachment(_Shape):
    """A file of a scene; ``name`` says what it is."""

    name: MaybeWord = None
    url: MaybeText = None
    file_name: MaybeWord = None


class Scene(_Shape):
    """A scene of a capture, with its delivery."""

    scene_id: Annotated[Id, Field(validation_alias=AliasChoices("scene_id", "id"))]
    sceneset_id: MaybeText = None
    attachments: Annotated[tuple[Attachment, ...], BeforeValidator(objects_in)] = ()
    captured: Annotated[
        MaybeMoment, Field(validation_alias=AliasChoices("timestamp", "datetime", "ts", "start", "capture_time"))
    ] = None
    footprint: Annotated[MaybeJson, Field(validation_alias=AliasChoices("footprint", "geometry"))] = None
    platform: Annotated[MaybeWord, Field(validation_alias=AliasChoices("satellite_name", "platform", "satellite"))] = (
        None
    )
    cloud_cover: Annotated[MaybeNumber, Field(validation_alias=AliasChoices("cloud_cover", "eo:cloud_cover"))] = None


class Analysis(_Shape):
    """An analysis: asked for with an id, then finished with opportunities.

    The documents give no shape. The fields may lie in the object or in its ``properties``; the list may be called
    ``opportunities``, ``results``, ``result`` or ``features``, and may lie one level deeper.

    Attributes:
        id: Needed when it is asked for; an answer about it may leave it out.
        status: Satellogic's word.
        opportunities: ``None`` when no list of a known name is there.
        unread: Whether there is a list of objects under a name that is not known: then an empty list of a known one
            says nothing.
    """

    id: Annotated[Id | None, Forgiving, Field(validation_alias=AliasChoices("analysis_id", "id"))] = None
    status: MaybeWord = None
    opportunities: tuple[Json, ...] | None = None
    unread: bool = False

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        inner = value.get("properties")
        flat = {**value, **(inner if isinstance(inner, dict) else {})}
        return {**flat, "opportunities": _list_in(flat), "unread": _another_list_in(flat)}


class Opportunity(_Shape):
    """A possible capture. Angles in degrees; ``footprint`` is GeoJSON."""

    start: Annotated[
        MaybeMoment, Field(validation_alias=AliasChoices("start", "start_time", "start_datetime", "capture_start"))
    ] = None
    end: Annotated[MaybeMoment, Field(validation_alias=AliasChoices("end", "end_time", "end_datetime"))] = None
    platform: Annotated[MaybeWord, Field(validation_alias=AliasChoices("satellite_name", "platform", "satellite"))] = (
        None
    )
    footprint: Annotated[MaybeJson, Field(validation_alias=AliasChoices("footprint", "geometry"))] = None
    off_nadir: Annotated[
        MaybeNumber, Field(validation_alias=AliasChoices("off_nadir", "off_nadir_deg", "ona", "view:off_nadir"))
    ] = None
    sun_elevation: Annotated[
        MaybeNumber, Field(validation_alias=AliasChoices("sun_elevation", "sun_elevation_deg", "view:sun_elevation"))
    ] = None
    sun_azimuth: Annotated[
        MaybeNumber, Field(validation_alias=AliasChoices("sun_azimuth", "sun_azimuth_deg", "view:sun_azimuth"))
    ] = None

    @model_validator(mode="before")
    @classmethod
    def _flat(cls, value: object) -> object:
        inner = value.get("properties") if isinstance(value, dict) else None
        return {**value, **inner} if isinstance(value, dict) and isinstance(inner, dict) else value


_LISTS = ("opportunities", "results", "result", "features")


def _another_list_in(value: Json, depth: int = 0) -> bool:
    for key, found in value.items():
        if key not in _LISTS and isinstance(found, list) and any(isinstance(each, dict) for each in found):
            return True
        if isinstance(found, dict) and depth < 2 and _another_list_in(found, depth + 1):
            return True
    return False


def _list_in(value: Json, depth: int = 0) -> list[Json] | None:
    for key in _LISTS:
        found = value.get(key)
        if isinstance(found, list):
            return [each for each in found if isinstance(each, dict)]
        if isinstance(found, dict) and depth < 1 and (deeper := _list_in(found, depth + 1)) is not None:
            return deeper
    return None
