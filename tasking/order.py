"""What every order says, whichever provider collects it."""

from __future__ import annotations

import difflib
import re
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema

from tasking.approval import Unanswered
from tasking.display_text import display_text, one_spelling
from tasking.duration_text import duration_from, written
from tasking.errors import InvalidOrder
from tasking.form import Form, number
from tasking.moment_text import moment_from
from tasking.money import Budget
from tasking.weights import Weights, none_if_untouched
from tasking.window import COUNTED_FROM, Window, base_moment, iso, later

Policy = Literal["best-coverage", "earliest", "lowest-off-nadir", "highest-sun"]

REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
LONGEST_REFERENCE = 80
"""Characters of a reference."""
CoverageMinPercent = Annotated[
    float,
    Field(
        ge=0,
        le=100,
        title="Least coverage (%)",
        description=(
            "Nothing is ordered that covers less of the area than this. If no candidate does, a person is asked where "
            "'Ask before ordering' is on, else the order ends as not feasible and says what would help."
        ),
    ),
]
"""The field ``coverage_min_percent`` of orders of areas."""

MaxCaptures = Annotated[
    int,
    Field(
        ge=1,
        le=50,
        title="Captures at most",
        description=(
            "How many captures may be ordered for the area. With more than one, the fewest that together cover enough "
            "of it are chosen, the cheapest where prices are known. Each is ordered and paid by itself and comes home "
            "by itself; one that the provider gives up is replaced for as long as the window lasts."
        ),
    ),
]
"""The field ``max_captures`` of orders of areas."""
MaxDaysApart = Annotated[
    float | None,
    Field(
        gt=0,
        title="Days apart at most",
        description="The captures of one order lie within so many days of each other. Empty for the whole window.",
        examples=[3],
    ),
]
"""The field ``max_days_apart`` of orders of areas."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)

LEAST_TIME_TO_ANSWER = timedelta(minutes=5)
"""A person needs that long, and the watcher comes by in it."""


def _time_to_answer(value: object) -> timedelta | None:
    """Raises `InvalidOrder` for what is no length of time, or too short to be answered in."""
    if value is None:
        return None
    try:
        length = duration_from("answer_within", _as_length(value))
    except InvalidOrder as no:
        raise InvalidOrder(
            "answer_within", value, f"{no.fix}; or give hours as a number, such as PT12H or 12"
        ) from None
    if length < LEAST_TIME_TO_ANSWER:
        raise InvalidOrder("answer_within", written(length), "give 5 minutes (PT5M) at least")
    return length


def _as_length(value: object) -> object:
    """A number is one of hours; anything else stays as it is."""
    hours: object = float(value) if isinstance(value, str) and _NUMBER.fullmatch(value.strip()) else value
    if isinstance(hours, int | float) and not isinstance(hours, bool) and abs(hours) < 1e6:
        return timedelta(hours=hours)
    return value


AnswerWithin = Annotated[
    timedelta | None,
    BeforeValidator(_time_to_answer),
    PlainSerializer(lambda length: length and written(length), when_used="json-unless-none"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]}),
]
"""How long a person has to answer."""

_BLOCK = re.compile(r"[a-z0-9][a-z0-9-]*/[a-z0-9][a-z0-9-]*")


class Order(Form):
    """One new image of one target in one window. Frozen; a step that changes something makes a new one.

    What a target is differs by provider, so each kind of order adds that field itself: an `tasking.area.Area`, a
    `tasking.point.Point`, or either.

    Attributes:
        provider: Name of the provider that this kind of order goes to (class variable).
        target_field: Name of the field that says what to image (class variable).
        target_fields: All fields that say so, as the form asks for them, where there are several (class variable).
        needs_daylight: Whether captures need the sun above the horizon; radar does not (class variable).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    provider: ClassVar[str]
    target_field: ClassVar[str] = "area"
    target_fields: ClassVar[tuple[str, ...]] = ()
    needs_daylight: ClassVar[bool] = True

    name: str = Field(
        title="Name",
        description="What people call this order, 1 to 100 characters.",
        examples=["Tokyo Bay, December"],
        json_schema_extra={"minLength": 1, "maxLength": 100},
    )
    window: Window = Field(title="Window", description="Between when and when the image may be taken.")
    reference: str | None = Field(
        default=None,
        title="Reference",
        description=(
            "Our unique name for this order: folder name in the archive, and the name or reference of what is made at "
            "the provider. Letters, digits, '.', '_' and '-', at most 80. Leave it empty to have one made from the run."
        ),
        examples=["tokyo-bay-2026-12"],
    )
    select: Policy = Field(
        default="best-coverage",
        title="Choose by",
        description=(
            "Which candidate is ordered. All but 'best-coverage' choose among the candidates that cover nearly as much "
            "of the area as the best one."
        ),
    )
    weights: Weights | None = Field(
        default=None,
        title="Weights",
        description=(
            "What counts how much, instead of 'Choose by': coverage, time, off_nadir, sun_elevation, price, cloud. "
            "Each is counted from 0 to 1, times its weight. Leave it empty to choose by the policy alone."
        ),
        examples=[{"coverage": 0.6, "time": 0.2, "price": 0.2}],
    )
    require_approval: bool = Field(
        default=False,
        title="Ask before ordering",
        description="Stop once the candidates are ranked, and order only after a person has approved the choice.",
    )
    answer_within: AnswerWithin = Field(
        default=None,
        title="Time to answer",
        description=(
            "How long a person has to answer, where one is asked: PT12H for 12 hours, P2D for 2 days, or hours as a "
            "number; 5 minutes at least. Empty: as long as the candidate can be ordered."
        ),
        examples=["PT12H"],
    )
    if_not_answered: Unanswered = Field(
        default="ask-again",
        title="If nobody answers",
        description=(
            "When the time to answer is over. 'ask-again': what is on offer is looked at again, and it is asked anew. "
            "'decline': the order ends. 'order': the best candidate is ordered by itself, an hour before it expires at "
            "the latest, and never one that covers less than the order asks for."
        ),
    )
    on_rejection: Literal["wait", "next-candidate"] = Field(
        default="wait",
        title="When the provider rejects the request",
        description=(
            "For as long as the provider may take the rejection back. 'wait': it may still be accepted until the "
            "window ends. 'next-candidate': order the next best candidate as well. Beware: a rejected request may be "
            "accepted again later; then both are captured and both are paid."
        ),
    )
    on_failure: Literal["next-candidate", "end"] = Field(
        default="next-candidate",
        title="When a capture fails",
        description=(
            "'next-candidate': once the provider has given a request up for good (failed, expired, rejected), the next "
            "best candidate is ordered, until the window ends. Where the provider picks the pass, it is a new request "
            "for what is left of the window. Never two at once; 'Ask before ordering' asks again. "
            "'end': the order ends."
        ),
    )
    budget: Budget | None = Field(
        default=None,
        title="Budget",
        description=(
            "What the order may cost at most, all its requests together; what may still be due counts, what was "
            "refunded does not. An amount and its currency (ISO 4217, or credits). Over it, nothing is ordered. Left "
            "empty: the order itself has no limit; the account's block may have some."
        ),
        examples=["500 EUR"],
    )
    needed_by: Annotated[datetime, WithJsonSchema({"type": "string"})] | None = Field(
        default=None,
        title="Needed by",
        description=(
            "When the image is of no use any more: a moment in full (2026-12-06T00:00:00Z), or so long after the run "
            "was to begin (P5D). Nothing is ordered that is taken later, nor after that moment. What is ordered by "
            "then goes on, and says that it is late. Leave it empty for no such moment."
        ),
        examples=["2026-12-06T00:00:00Z"],
    )
    site: str | None = Field(
        default=None,
        title="Site",
        description=(
            "Name of the place, for recurring orders. It holds nothing back: an order is placed also while another for "
            "its site is open. Only the flow survey-site looks at it, and orders nothing while one is."
        ),
        examples=["tokyo-bay"],
    )
    dry_run: SkipJsonSchema[bool] = Field(
        default=False,
        title="Dry run",
        description="Everything but the request: set by the parameter of the same name, and kept with the order.",
    )
    archive: str = Field(
        default="image-archive/default",
        title="Archive",
        description="The image-archive block that the products are delivered to, as type/name.",
    )
    account: str = Field(
        title="Account",
        description="The block with the provider's credentials, as type/name.",
        examples=["axelglobe-tasking/default"],
    )

    @property
    def footprint(self) -> dict[str, Any]:
        """What to image, as a GeoJSON geometry (longitude first, WGS84); a copy."""
        geometry: dict[str, Any] = getattr(self, self.target_field).geometry
        return geometry

    @property
    def off_nadir_range(self) -> tuple[float, float] | None:
        """Smallest and largest angle off nadir that may be chosen, degrees; ``None`` where orders do not say."""
        return None

    @property
    def least_coverage_percent(self) -> float | None:
        """Least share of the area that may be bought, 0..100; ``None`` where orders do not say, e.g. of a point."""
        return None

    @property
    def most_captures(self) -> int:
        """How many captures may be requested, each by itself, for the target; 1 where orders do not say."""
        return 1

    @property
    def most_days_apart(self) -> float | None:
        """How many days the captures may lie apart at most; ``None`` for any, within the window."""
        return None

    @property
    def sun_elevation_range(self) -> tuple[float, float] | None:
        """Smallest and largest elevation of the sun that may be chosen, degrees; ``None`` where orders do not say."""
        return None

    @property
    def priority_word(self) -> str | None:
        """The word by which a price list may have rates of its own; ``None`` where orders do not say."""
        return None

    @property
    def captures_per_request(self) -> int:
        """How many captures one request is for, and paid, at most."""
        return 1

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """The form begins with name and target and ends with the blocks, whatever the kind of order adds.

        Prefect refuses what a schema rules out. Orders that were saved, or are started again, still say the fields that
        have left the form; what is unknown is refused when the order is read.
        """
        made = super().__get_pydantic_json_schema__(schema, handler)
        handler.resolve_ref_schema(made).pop("additionalProperties", None)
        known = handler.resolve_ref_schema(made).get("properties", {})
        first = {key: known.pop(key) for key in ("name", *(cls.target_fields or (cls.target_field,))) if key in known}
        last = {key: known.pop(key) for key in ("archive", "account") if key in known}
        between = dict(known)
        known.clear()
        known.update(first | between | last)
        number(known)
        return made

    @field_validator("reference", "site", "answer_within", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        """A form sends an empty text for a field that was left alone."""
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("budget", mode="before")
    @classmethod
    def _left_empty_is_no_budget(cls, value: object) -> object:
        """A form sends an empty text or object for a budget that was left alone."""
        if isinstance(value, dict) and not any(each not in (None, "") for each in value.values()):
            return None
        return None if isinstance(value, str) and not value.strip() else value

    @field_validator("needed_by", mode="before")
    @classmethod
    def _a_moment_or_a_length(cls, value: object, info: ValidationInfo) -> object:
        return needed_by_from(value, info)

    @model_validator(mode="after")
    def _needed_after_the_window_begins(self) -> Order:
        if self.needed_by is not None and self.needed_by <= self.window.start:
            raise InvalidOrder(
                "needed_by",
                iso(self.needed_by),
                f"no image is taken before the window starts ({iso(self.window.start)}); give a later moment, or an "
                "earlier window",
            )
        return self

    @field_validator("weights", mode="before")
    @classmethod
    def _zeros_are_none(cls, value: object) -> object:
        return none_if_untouched(value)

    @field_validator("name")
    @classmethod
    def _name_can_be_shown(cls, value: str) -> str:
        return display_text("name", value, 100)

    @field_validator("reference")
    @classmethod
    def _reference_can_be_a_folder(cls, value: str | None) -> str | None:
        return checked_reference(value, LONGEST_REFERENCE)

    @field_validator("site")
    @classmethod
    def _site_can_be_shown(cls, value: str | None) -> str | None:
        return None if value is None else one_spelling(display_text("site", value, 80))

    @field_validator("archive", "account")
    @classmethod
    def _names_a_block(cls, value: str, info: Any) -> str:
        if not _BLOCK.fullmatch(value):
            default = cls.model_fields[info.field_name].get_default() or f"{cls.provider}-tasking/default"
            raise InvalidOrder(info.field_name, value, f"name the block as type/name, e.g. {default}")
        return value


def needed_by_from(value: object, info: ValidationInfo) -> datetime | None:
    """The moment of a field ``needed_by``: a length counts from where a window's does, and the moment is kept."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and value.strip().upper().startswith("P"):
        return later("needed_by", base_moment(info), value)
    return moment_from("needed_by", value)


def checked_reference(value: str | None, longest: int) -> str | None:
    """A reference that can be a folder; raises `InvalidOrder`."""
    if value is not None and (not REFERENCE.fullmatch(value) or value.endswith(".") or len(value) > longest):
        raise InvalidOrder(
            "reference",
            value,
            f"start with a letter or digit, go on with letters, digits, '.', '_' or '-' up to {longest} in all, and do "
            "not end with '.'; e.g. tokyo-bay-2026-12",
        )
    return value


OrderT = TypeVar("OrderT", bound=Order)


def order_from(kind: type[OrderT], data: object, counted_from: datetime | None = None) -> OrderT:
    """Read an order from plain data, e.g. a flow's parameters or the ledger.

    Args:
        kind: The provider's kind of order.
        data: Its fields as a mapping, or an order of that kind already.
        counted_from: From when a relative window counts; from now when absent.

    Raises:
        InvalidOrder: With one line for each problem: ``field: value: what would be right``.
    """
    try:
        return kind.model_validate(data, context={COUNTED_FROM: counted_from})
    except ValidationError as error:
        raise refusal(error, kind) from None


def refusal(error: ValidationError, kind: type[BaseModel]) -> InvalidOrder:
    """Pydantic's error in plain lines; ``field``, ``value`` and ``fix`` are those of the first problem."""
    problems: list[InvalidOrder] = []
    for detail in error.errors():
        problem = _plain(detail, kind)
        if str(problem) not in [str(known) for known in problems]:
            problems.append(problem)
    first = problems[0]
    return InvalidOrder(first.field, first.value, "\n".join([first.fix, *map(str, problems[1:])]))


def _plain(detail: Any, kind: type[BaseModel]) -> InvalidOrder:
    ours = detail.get("ctx", {}).get("error")
    if isinstance(ours, InvalidOrder):
        return ours
    field = ".".join(str(part) for part in detail["loc"]) or "order"
    value = detail["input"]
    what = detail["type"]
    if what == "missing":
        described = kind.model_fields[field].description if field in kind.model_fields else None
        return InvalidOrder(field, "(missing)", f"is required. {described}" if described else "is required")
    if what == "extra_forbidden":
        close = difflib.get_close_matches(field, kind.model_fields, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(kind.model_fields)}"
        return InvalidOrder(field, value, f"there is no such field; {hint}")
    if what == "literal_error":
        return InvalidOrder(field, value, f"choose one of {detail['ctx']['expected']}")
    return InvalidOrder(field, "(empty)" if value == "" else value, detail["msg"][:1].lower() + detail["msg"][1:])
