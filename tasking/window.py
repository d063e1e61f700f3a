"""The window of an order: between when and when the image may be taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ConfigDict, Field, GetJsonSchemaHandler, ValidationInfo, model_validator
from pydantic_core import CoreSchema

from tasking.clock import utc_now
from tasking.duration_text import WrittenDuration, duration_from, written
from tasking.errors import InvalidOrder
from tasking.form import Form
from tasking.moment_text import WrittenMoment, moment_from

COUNTED_FROM = "counted_from"
"""Key of the validation context: the moment from which what is relative counts; without it, from now."""

RELATIVE = {"start": "starts_in", "end": "lasts"}
"""What may stand in place of each end of a window."""


def iso(when: datetime) -> str:
    """A moment as people and providers write it: ``2026-12-01T00:00:00Z`` (UTC, fractions only when there are any)."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


def base_moment(info: ValidationInfo) -> datetime:
    """The moment from which what is relative counts, in whole seconds."""
    given: datetime | None = (info.context or {}).get(COUNTED_FROM)
    return (given or utc_now()).replace(microsecond=0)


def is_relative(window: object) -> bool:
    """Whether a window, as it was given, depends on when it is read."""
    return isinstance(window, Mapping) and any(not _left_out(window.get(name)) for name in RELATIVE.values())


class Window(Form):
    """Between when and when the image may be taken. Aware on the way in, UTC afterwards.

    It may be given relative to the moment in which the order was to begin: ``starts_in`` in place of ``start``, and
    ``lasts`` in place of ``end``. That is resolved when it is read; what is kept is ``start`` and ``end`` alone.

    That the end is not past is not part of the model: a run is entered again weeks later with the same parameters. Call
    `refuse_if_past` where an order enters.

    Raises:
        InvalidOrder: A moment that is not written in full (a number, a compact date, no zone), a length that is none,
            both ways to say the same, or an end that is not after the start (pydantic wraps it).
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        title="Window",
        json_schema_extra={"description": "Between when and when the image may be taken."},
    )

    start: WrittenMoment = Field(
        title="Start",
        description=(
            "The image may be taken from here on. A day picked in a form means its 00:00 in the zone beside it; "
            "written out, it has its zone: 2026-12-01T00:00:00Z. Leave it out where 'Starts in' is given."
        ),
        examples=["2026-12-01T00:00:00Z"],
    )
    end: WrittenMoment = Field(
        title="End",
        description=(
            "The image is taken before this moment; a day picked in a form is not part of the window. Leave it out "
            "where 'Lasts' is given."
        ),
        examples=["2026-12-08T00:00:00Z"],
    )
    starts_in: WrittenDuration | None = Field(
        default=None,
        exclude=True,
        title="Starts in",
        description=(
            "In place of a start: so long after the run was to begin, for orders on a schedule. ISO 8601: P1D is a "
            "day, PT36H are 36 hours, P2W two weeks; no months or years. Counted once, when the order is accepted."
        ),
        examples=["P1D"],
    )
    lasts: WrittenDuration | None = Field(
        default=None,
        exclude=True,
        title="Lasts",
        description="In place of an end: so long after the start, as ISO 8601, e.g. P7D.",
        examples=["P7D"],
    )

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Prefect refuses what a schema rules out, and neither start nor end has to be said as a moment."""
        made = super().__get_pydantic_json_schema__(schema, handler)
        handler.resolve_ref_schema(made).pop("required", None)
        return made

    @model_validator(mode="before")
    @classmethod
    def _resolved(cls, given: Any, info: ValidationInfo) -> Any:
        """Start and end in place of what is relative."""
        if not isinstance(given, Mapping):
            return given
        said = {name: value for name, value in given.items() if name not in RELATIVE.values() or not _left_out(value)}
        for moment, length in RELATIVE.items():
            if length in said and not _left_out(said.get(moment)):
                raise InvalidOrder(
                    f"window.{length}",
                    said[length],
                    f"window.{moment} ({said[moment]}) says the same; keep one of them",
                )
        if not is_relative(said):
            return said
        for (moment, length), example in zip(RELATIVE.items(), ("P1D", "P7D"), strict=True):
            if length not in said and _left_out(said.get(moment)):
                raise InvalidOrder(f"window.{moment}", "(missing)", f"is required, or {length} instead, e.g. {example}")
        if "starts_in" in said:
            said["start"] = later("window.starts_in", base_moment(info), said.pop("starts_in"))
        if "lasts" in said:
            start, length = moment_from("window.start", said["start"]), said.pop("lasts")
            if duration_from("window.lasts", length) <= timedelta(0):
                raise InvalidOrder("window.lasts", length, "a window lasts longer than that; give e.g. P7D")
            said["end"] = later("window.lasts", start, length)
        return said

    @model_validator(mode="after")
    def _in_order(self) -> Window:
        if self.start >= self.end:
            raise InvalidOrder(
                "window.end", iso(self.end), f"is not after the start ({iso(self.start)}); give an end later than that"
            )
        return self

    @property
    def length(self) -> timedelta:
        """How long the window is open."""
        return self.end - self.start

    def refuse_if_past(self, now: datetime) -> None:
        """Refuse a window that is already over.

        Raises:
            InvalidOrder: The end is not after ``now``.
        """
        if self.end <= now:
            raise InvalidOrder(
                "window.end",
                iso(self.end),
                f"is past (it is {iso(now.replace(microsecond=0))}); give an end in the future",
            )


def _left_out(value: object) -> bool:
    """A form sends an empty text for a field that was left alone."""
    return value is None or (isinstance(value, str) and not value.strip())


def later(field: str, moment: datetime, length: object) -> datetime:
    """The moment that lies so long after another one; raises `InvalidOrder` about ``field``."""
    ahead = duration_from(field, length)
    try:
        return moment + ahead
    except OverflowError:
        raise InvalidOrder(field, written(ahead), f"leads beyond the year 9999 from {iso(moment)}; give less") from None
