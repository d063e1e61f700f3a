"""Which of the tasks at the provider is ours: the care that keeps an order from being placed twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from tasking.lenient import bounds_of
from tasking.matching import LATEST, oldest_match
from tasking.satellogic.models import Task
from tasking.satellogic.order import SatellogicOrder
from tasking.window import Window, iso

_SECOND = timedelta(seconds=1)
_DAY = timedelta(days=1)
_NEAR_DEG = 0.001
_NORMALISED_DEG = 0.01


def our_task(
    tasks: Iterable[Task], order: SatellogicOrder, label: str, code: int, *, announced: bool = False
) -> Task | None:
    """The oldest task called exactly ``label`` that asks for what the order asks for.

    Whether the provider's filter by ``task_name`` is exact is not documented, so names are compared here. A canceled or
    failed task of that name is ours as well: it was ordered, and is not ordered again unasked.

    Args:
        tasks: The tasks that the provider lists for the name, or all of them.
        order: The order.
        label: What its task carries as ``task_name``.
        code: The order's product code.
        announced: Whether a create under this very label was sent without a clear answer. The task is then ours also
            with what a server may normalise: a window that is rounded to hours or days, begins when the task was made,
            or ends with what the contract allows; a target that is rounded; a number of captures that is not said.

    Raises:
        ReferenceTaken: There are tasks of that name, and all ask for something else.
    """
    return oldest_match(
        (task for task in tasks if task.task_name == label),
        lambda task: _difference(task, order, code, announced),
        age=_age,
        called=lambda task: f"satellogic: task {task.task_id} is called {label!r}",
    )


def _age(task: Task) -> tuple[datetime, int, str]:
    number = int(task.task_id) if task.task_id.isascii() and task.task_id.isdigit() else 0
    return task.created_time or LATEST, number, task.task_id


def _difference(task: Task, order: SatellogicOrder, code: int, announced: bool) -> str | None:
    """In what a task differs from an order, both values named; what the provider left out cannot differ."""
    if task.product is not None and task.product != code:
        return f"its product is {task.product}, this order's is {code}"
    window = order.window
    if task.start is not None and task.end is not None and not _same_window(task.start, task.end, order, announced):
        theirs = f"{iso(task.start)} to {iso(task.end)}"
        return f"its window is {theirs}, this order's is {iso(window.start)} to {iso(window.end)}"
    # one is the default and is not sent: it may come back as nothing, zero or one; a recurrence has its own number
    if (
        order.expected_age_days is None
        and (task.max_captures or 1) != order.max_captures
        and task.max_captures is not None
    ):
        return f"it wants {task.max_captures} captures, this order {order.max_captures}"
    theirs_box, ours_box = bounds_of(task.target), bounds_of(order.target)
    near = _NORMALISED_DEG if announced else _NEAR_DEG
    if theirs_box and ours_box and any(abs(a - b) > near for a, b in zip(theirs_box, ours_box, strict=True)):
        return f"its target lies within {list(theirs_box)}, this order's within {list(ours_box)}"
    return None


def _same_window(start: datetime, end: datetime, order: SatellogicOrder, announced: bool) -> bool:
    window: Window = order.window
    if announced:  # rounded outwards by a day at most, or begun later, or cut
        overlaps = start < end and start < window.end and window.start < end
        return overlaps and window.start - _DAY <= start and end <= window.end + _DAY
    inside = window.start - _SECOND <= start and end <= window.end + _SECOND
    same = inside and abs(start - window.start) <= _SECOND and abs(end - window.end) <= _SECOND
    return inside if order.narrowed else same
