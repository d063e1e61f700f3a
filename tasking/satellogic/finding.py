"""Which of the tasks at the provider is ours: the care that keeps an order from being placed twice."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from tasking.errors import ReferenceTaken
from tasking.satellogic.conversions import positions
from tasking.satellogic.models import Task
from tasking.satellogic.order import SatellogicOrder
from tasking.window import iso

_LATEST = datetime.max.replace(tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_NEAR_DEG = 0.001


def our_task(tasks: Iterable[Task], order: SatellogicOrder, label: str, code: int) -> Task | None:
    """The oldest task called exactly ``label`` that asks for what the order asks for.

    Whether the provider's filter by ``task_name`` is exact is not documented, so names are compared here. A canceled or
    failed task of that name is ours as well: it was ordered, and is not ordered again unasked.

    Args:
        tasks: The tasks that the provider lists for the name, or all of them.
        order: The order.
        label: What its task carries as ``task_name``.
        code: The order's product code.

    Raises:
        ReferenceTaken: There are tasks of that name, and all ask for something else.
    """
    named = sorted((task for task in tasks if task.task_name == label), key=_age)
    differences = [(task, _difference(task, order, code)) for task in named]
    same = [task for task, difference in differences if difference is None]
    if same:
        return same[0]
    if differences:
        task, difference = differences[0]
        raise ReferenceTaken(
            f"satellogic: task {task.task_id} is called {label!r} as well, and asks for something else: {difference}"
        )
    return None


def _age(task: Task) -> tuple[datetime, int, str]:
    number = int(task.task_id) if task.task_id.isascii() and task.task_id.isdigit() else 0
    return task.created_time or _LATEST, number, task.task_id


def _difference(task: Task, order: SatellogicOrder, code: int) -> str | None:
    """In what a task differs from an order, both values named; what the provider left out cannot differ."""
    if task.product is not None and task.product != code:
        return f"its product is {task.product}, this order's is {code}"
    window = order.window
    if task.start is not None and task.end is not None:
        inside = window.start - _SECOND <= task.start and task.end <= window.end + _SECOND
        same = inside and abs(task.start - window.start) <= _SECOND and abs(task.end - window.end) <= _SECOND
        if not (inside if order.narrowed else same):
            theirs = f"{iso(task.start)} to {iso(task.end)}"
            return f"its window is {theirs}, this order's is {iso(window.start)} to {iso(window.end)}"
    if task.max_captures is not None and task.max_captures != order.max_captures:
        return f"it wants {task.max_captures} captures, this order {order.max_captures}"
    theirs_box, ours_box = _box(task.target), _box(order.target)
    if theirs_box and ours_box and any(abs(a - b) > _NEAR_DEG for a, b in zip(theirs_box, ours_box, strict=True)):
        return f"its target lies within {list(theirs_box)}, this order's within {list(ours_box)}"
    return None


def _box(geometry: dict[str, object] | None) -> tuple[float, float, float, float] | None:
    found = positions(geometry)
    if not found:
        return None
    lons, lats = zip(*found, strict=True)
    return min(lons), min(lats), max(lons), max(lats)
