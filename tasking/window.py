"""The window of an order: between when and when the image may be taken."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import ConfigDict, Field, model_validator

from tasking.errors import InvalidOrder
from tasking.form import Form
from tasking.moment_text import WrittenMoment


def iso(when: datetime) -> str:
    """A moment as people and providers write it: ``2026-12-01T00:00:00Z`` (UTC, fractions only when there are any)."""
    return when.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Window(Form):
    """Between when and when the image may be taken. Aware on the way in, UTC afterwards.

    That the end is not past is not part of the model: a run is entered again weeks later with the same parameters. Call
    `refuse_if_past` where an order enters.

    Raises:
        InvalidOrder: A moment that is not written in full (a number, a compact date, no zone), or an end that is not
            after the start (pydantic wraps it).
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
            "written out, it has its zone: 2026-12-01T00:00:00Z."
        ),
        examples=["2026-12-01T00:00:00Z"],
    )
    end: WrittenMoment = Field(
        title="End",
        description="The image is taken before this moment; a day picked in a form is not part of the window.",
        examples=["2026-12-08T00:00:00Z"],
    )

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
