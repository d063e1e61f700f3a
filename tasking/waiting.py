"""A step that cannot go on yet says until when, and for what, in a person's words."""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tasking.clock import ClockReading


class Wait(BaseModel):
    """Come back later.

    Attributes:
        until: When to come back, in our own time.
        waits_for: One word for the ledger: ``candidates``, ``approval``, ``settling``, ``imagery``, ``products``,
            ``provider``.
        message: What is waited for, for the person who looks at the run.
    """

    model_config = ConfigDict(frozen=True)

    until: AwareDatetime
    waits_for: str
    message: str


CLOCKS_DIFFER = timedelta(hours=1)
"""While the two clocks contradict each other, a wait that either calls over is over after so long at the earliest."""


def wait_until(clock: ClockReading, when: datetime, waits_for: str, message: str) -> Wait:
    """A wait until the provider's clock shows ``when`` (at least a second of our time from now).

    Where its clock and ours contradict each other, until the first of them shows it: coming back early does no harm.
    """
    until = max(clock.local(when), clock.ours + timedelta(seconds=1))
    if not clock.agrees:
        until = min(until, max(when, clock.ours + CLOCKS_DIFFER))
    return Wait(until=until, waits_for=waits_for, message=message)


def format_utc(when: datetime) -> str:
    """A time as a person reads it: ``2026-12-03 01:14 UTC``."""
    return when.strftime("%Y-%m-%d %H:%M UTC")
