"""What a cancel costs until when, by ICEYE's published policy ('Constellation orders').

Documented are the fees by the time to the window's start, and that what was ordered in the last 24 hours before it
cannot be cancelled. What ICEYE's API answers to such a cancel is not documented, nor what it costs when it is taken all
the same. That all of the price counts then is ours, as it does where ICEYE does not tell the window: too much is
reserved rather than too little, until the contract says otherwise.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from tasking.iceye.models import Task
from tasking.provider import FeeStep

DAY = timedelta(days=1)

STEPS = ((3 * DAY, 0.0), (2 * DAY, 10.0), (DAY, 20.0))
"""Until so long before the window starts, so much of the price in percent; after that all of it."""

DEAREST_PERCENT = 100.0
"""The fee after all steps; it counts, too, where a task was cancelled and no step of it is known."""

CANCELLABLE = ("RECEIVED", "ACTIVE")


def never_cancellable(task: Task) -> bool:
    """Whether it was ordered 24 hours or less before its window starts: by the policy it cannot be cancelled then."""
    start = task.window.start
    return start is not None and task.created is not None and start - task.created <= DAY


def fee_steps(task: Task, imaging: datetime | None) -> tuple[FeeStep, ...]:
    """The steps from when the task was made to its imaging; none when no cancel is taken, or the window is not told.

    Args:
        task: As ICEYE gave it.
        imaging: When it will be imaged; else the window's end is the last moment there can be.
    """
    start, last = task.window.start, imaging or task.window.end
    if task.status not in CANCELLABLE or start is None or never_cancellable(task):
        return ()
    steps = [FeeStep(until=start - before, percent=percent) for before, percent in STEPS]
    if last is not None and last > start - DAY:
        steps.append(FeeStep(until=last, percent=DEAREST_PERCENT))
    return tuple(step for step in steps if task.created is None or step.until > task.created)
