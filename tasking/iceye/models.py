"""ICEYE's objects as its documents and its published OpenAPI show them.

Fields that we do not know are kept, unknown words stay words, and what the documents' own examples leave out is no
error. Sources: Tasking API v2 (OpenAPI 2.0.0), 'Get task', 'Build a tasking application', Company API v1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints

from tasking.lenient import (
    Id,
    MaybeId,
    MaybeNumber,
    MaybeText,
    MaybeWord,
    Shape,
    moment_or_none,
    object_or_empty,
    objects_in,
)


def _moment(value: object) -> datetime | None:
    """Aware and UTC; what is no time (the document shows one with two zones) is none, and a number is no time."""
    return None if isinstance(value, int | float) else moment_or_none(value)


def _many(value: object) -> bool:
    return isinstance(value, list | tuple)


MaybeMoment = Annotated[datetime | None, BeforeValidator(_moment)]
MaybeAmount = Annotated[int, BeforeValidator(lambda value: 0 if value is None else value)]
Named = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(one for one in value if isinstance(one, str) and one) if _many(value) else ()),
]
"""Words of a list; what is no list names none."""


class Terms(Shape):
    """What a contract allows for one field, and what it takes when nothing is said."""

    allowed: Named = ()
    default: MaybeText = None

    @property
    def taken(self) -> str | None:
        """What is taken when nothing is said: the default, or the only word there is; ``None`` when that is open."""
        return self.default or (self.allowed[0] if len(self.allowed) == 1 else None)


MaybeTerms = Annotated[Terms, BeforeValidator(object_or_empty)]


class Contract(Shape):
    """A contract of the account (``GET /company/v1/contracts``); one whose id can't be read has an empty one."""

    id: MaybeId = ""
    name: MaybeWord = None
    imaging_modes: MaybeTerms = Field(default=Terms(), alias="imagingModes")
    priority: MaybeTerms = Terms()
    sla: MaybeTerms = Terms()
    exclusivity: MaybeTerms = Terms()
    eula: MaybeTerms = Terms()
    start: MaybeMoment = None
    end: MaybeMoment = None

    @property
    def shown(self) -> str:
        """Its name and id, for a person."""
        return f"{self.name} ({self.id})" if self.name else self.id


class Summary(Shape):
    """The budget of a contract with a pricing plan, in the currency's minor unit."""

    currency: MaybeText = None
    spent: MaybeAmount = Field(default=0, alias="consolidatedSpent")
    on_hold: MaybeAmount = Field(default=0, alias="onHold")
    limit: int | None = Field(default=None, alias="spendLimit")

    @property
    def left(self) -> int | None:
        """What may still be spent; ``None`` when there is no limit."""
        return None if self.limit is None else self.limit - self.spent - self.on_hold


class TaskPrice(Shape):
    """A price, in the currency's minor unit (``GET /price``); one below nothing is an answer that cannot be read."""

    amount: Annotated[int, Field(ge=0)]
    currency: Annotated[str, StringConstraints(min_length=1, max_length=12)]


class Verdict(Shape):
    """Whether one of the asked requests can be scheduled; ``id`` is its place in the question, as text."""

    id: Annotated[str | None, BeforeValidator(lambda value: None if value is None else str(value))] = None
    result: str


class Feasibility(Shape):
    """The answer to ``POST /feasibility``."""

    feasibility: tuple[Verdict, ...]


class PointOfInterest(Shape):
    """The point of a task, degrees."""

    lat: MaybeNumber = None
    lon: MaybeNumber = None


class Times(Shape):
    """A window, or the time of an imaging operation."""

    start: MaybeMoment = None
    end: MaybeMoment = None


MaybePoint = Annotated[PointOfInterest, BeforeValidator(object_or_empty)]
MaybeTimes = Annotated[Times, BeforeValidator(object_or_empty)]


class Location(Shape):
    """A place of the customer's own."""

    path: MaybeWord = None
    sub_path: MaybeWord = Field(default=None, alias="subPath")


class OwnDelivery(Shape):
    """A delivery to places of the customer's own; ``status`` is pending, success or failed."""

    status: MaybeWord = None
    locations: Annotated[tuple[Location, ...], BeforeValidator(objects_in)] = ()


class Task(Shape):
    """A task (``/tasks``); an entry of the list has all of these too."""

    id: Id
    status: MaybeWord = None
    reference: MaybeText = None
    contract_id: MaybeText = Field(default=None, alias="contractID")
    imaging_mode: MaybeText = Field(default=None, alias="imagingMode")
    point: MaybePoint = Field(default=PointOfInterest(), alias="pointOfInterest")
    window: MaybeTimes = Field(default=Times(), alias="acquisitionWindow")
    created: MaybeMoment = Field(default=None, alias="createdAt")
    updated: MaybeMoment = Field(default=None, alias="updatedAt")
    sla: MaybeText = None
    product_types: Named = Field(default=(), alias="productTypes")
    products_after_seconds: MaybeNumber = Field(default=None, alias="productsAvailableInSeconds")
    fulfilled: MaybeMoment = Field(default=None, alias="fulfilledAt")
    deliveries: Annotated[tuple[OwnDelivery, ...], BeforeValidator(objects_in)] = ()


class ListedTask(Task):
    """An entry of the list as far as it can be read; without an id (empty here) it can't be anything's."""

    id: MaybeId = ""


class Scene(Shape):
    """How a task is planned to be imaged, or was (``GET /tasks/{id}/scene``); it may change until it is."""

    imaging_time: MaybeTimes = Field(default=Times(), alias="imagingTime")
    duration_seconds: MaybeNumber = Field(default=None, alias="duration")
    incidence_deg: MaybeNumber = Field(default=None, alias="incidenceAngle")
    look_side: MaybeWord = Field(default=None, alias="lookSide")
    pass_direction: MaybeWord = Field(default=None, alias="passDirection")


class Webhook(Shape):
    """A registered receiver of notifications; ``url`` where the answer tells it."""

    id: Id
    url: Annotated[MaybeWord, Field(validation_alias=AliasChoices("url", "callbackURL", "callbackUrl"))] = None


class Page(Shape):
    """One page of a list, each entry to be read on its own; an absent or empty cursor ends it."""

    data: Annotated[tuple[Any, ...], BeforeValidator(lambda value: () if value is None else value)]
    cursor: MaybeText = None
