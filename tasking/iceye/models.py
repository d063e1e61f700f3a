"""ICEYE's objects as its documents and its published OpenAPI show them.

Fields that we do not know are kept, unknown words stay words, and what the documents' own examples leave out is no
error. Sources: Tasking API v2 (OpenAPI 2.0.0), 'Get task', 'Build a tasking application', Company API v1.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter

from tasking.moment import moment

Json = dict[str, Any]

_WHEN = TypeAdapter(datetime)


def _moment(value: object) -> datetime | None:
    """Aware and UTC; what is no time (the document shows one with two zones) is none."""
    if isinstance(value, bool | int | float) or value is None:
        return None
    try:
        return moment(_WHEN.validate_python(value))
    except ValueError:
        return None


def _number(value: object) -> float | None:
    """A number, also one written as text: a scene's incidence angle is."""
    try:
        number = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else None
    except (ValueError, OverflowError):
        return None
    return number if number is not None and abs(number) < 1e15 else None


def _many(value: object) -> bool:
    return isinstance(value, list | tuple)


MaybeMoment = Annotated[datetime | None, BeforeValidator(_moment)]
MaybeNumber = Annotated[float | None, BeforeValidator(_number)]
MaybeText = Annotated[str | None, BeforeValidator(lambda value: value if isinstance(value, str) and value else None)]
Id = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Named = Annotated[
    tuple[str, ...],
    BeforeValidator(lambda value: tuple(one for one in value if isinstance(one, str) and one) if _many(value) else ()),
]
"""Words of a list; what is no list names none."""
Words = Annotated[tuple[str, ...], BeforeValidator(lambda value: () if value is None else value)]


class _Shape(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, allow_inf_nan=False)


class Terms(_Shape):
    """What a contract allows for one field, and what it takes when nothing is said."""

    allowed: Words = ()
    default: MaybeText = None

    @property
    def taken(self) -> str | None:
        """What is taken when nothing is said: the default, or the only word there is; ``None`` when that is open."""
        return self.default or (self.allowed[0] if len(self.allowed) == 1 else None)


MaybeTerms = Annotated[Terms, BeforeValidator(lambda value: {} if value is None else value)]


class Contract(_Shape):
    """A contract of the account (``GET /company/v1/contracts``)."""

    id: Id
    name: MaybeText = None
    imaging_modes: MaybeTerms = Field(default=Terms(), alias="imagingModes")
    priority: MaybeTerms = Terms()
    sla: MaybeTerms = Terms()
    exclusivity: MaybeTerms = Terms()
    eula: MaybeTerms = Terms()

    @property
    def shown(self) -> str:
        """Its name and id, for a person."""
        return f"{self.name} ({self.id})" if self.name else self.id


class Summary(_Shape):
    """The budget of a contract with a pricing plan, in the currency's minor unit."""

    currency: MaybeText = None
    spent: int = Field(default=0, alias="consolidatedSpent")
    on_hold: int = Field(default=0, alias="onHold")
    limit: int | None = Field(default=None, alias="spendLimit")

    @property
    def left(self) -> int | None:
        """What may still be spent; ``None`` when there is no limit."""
        return None if self.limit is None else self.limit - self.spent - self.on_hold


class TaskPrice(_Shape):
    """A price, in the currency's minor unit (``GET /price``)."""

    amount: int
    currency: Annotated[str, StringConstraints(min_length=1, max_length=12)]


class Verdict(_Shape):
    """Whether one of the asked requests can be scheduled; ``id`` is its place in the question, as text."""

    id: Annotated[str | None, BeforeValidator(lambda value: None if value is None else str(value))] = None
    result: str


class Feasibility(_Shape):
    """The answer to ``POST /feasibility``."""

    feasibility: tuple[Verdict, ...]


class PointOfInterest(_Shape):
    """The point of a task, degrees."""

    lat: MaybeNumber = None
    lon: MaybeNumber = None


class Times(_Shape):
    """A window, or the time of an imaging operation."""

    start: MaybeMoment = None
    end: MaybeMoment = None


MaybePoint = Annotated[PointOfInterest, BeforeValidator(lambda value: {} if value is None else value)]
MaybeTimes = Annotated[Times, BeforeValidator(lambda value: {} if value is None else value)]


class Task(_Shape):
    """A task (``/tasks``); an entry of the list has all of these too."""

    id: Id
    status: MaybeText = None
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


class Scene(_Shape):
    """How a task is planned to be imaged, or was (``GET /tasks/{id}/scene``); it may change until it is."""

    imaging_time: MaybeTimes = Field(default=Times(), alias="imagingTime")
    duration_seconds: MaybeNumber = Field(default=None, alias="duration")
    incidence_deg: MaybeNumber = Field(default=None, alias="incidenceAngle")
    look_side: MaybeText = Field(default=None, alias="lookSide")
    pass_direction: MaybeText = Field(default=None, alias="passDirection")


class Page(_Shape):
    """One page of a list; an absent or empty cursor ends it."""

    data: Annotated[tuple[Json, ...], BeforeValidator(lambda value: () if value is None else value)]
    cursor: MaybeText = None
