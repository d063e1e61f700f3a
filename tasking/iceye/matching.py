"""Which of the tasks at ICEYE is ours: the care that keeps an order from being placed twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from tasking.errors import CredentialsRefused, Refused, UnexpectedAnswer
from tasking.iceye.models import Task
from tasking.iceye.order import MAX_AHEAD, IceyeOrder
from tasking.matching import LATEST, Nameless, oldest_match
from tasking.window import iso

logger = logging.getLogger(__name__)

MARGIN = timedelta(days=3)
DEGREES = 1e-4
"""Points that differ by less are the same: ICEYE's numbers are of single precision."""

_SECOND = timedelta(seconds=1)
_ROUNDED, _ROUNDED_DEG = timedelta(hours=1), 0.01
"""How far a server's rounding may lead out of what was asked for: to the full hour, to the second decimal."""


def created_after(order: IceyeOrder) -> datetime:
    """Before this moment no task of the order can have been made, so the list may begin there.

    An order is taken only when its window ends within 14 days, so every task of it is younger than the window's end
    less 14 days, however often and late a run is entered again. Three more days cover clocks that disagree.
    """
    try:
        return order.window.end - MAX_AHEAD - MARGIN
    except OverflowError:
        return order.window.start


def our_task(
    tasks: Iterable[Task],
    order: IceyeOrder,
    label: str,
    whole: Callable[[str], Task],
    *,
    announced: bool = False,
) -> Task | None:
    """The oldest task whose reference is ``label`` and that asks for what the order asks for.

    A task that is overlooked here would be paid a second time, so one without a reference (the published list need not
    carry it) that asks for the same is read as a whole before it counts as another's.

    Args:
        tasks: The account's, as the list has them.
        order: The order.
        label: What its create carries.
        whole: Reads one task by id.
        announced: A create under this very label was sent and got no clear answer. Then a task that differs only in
            what a server may normalise is ours: a window that was narrowed or rounded, a point with fewer digits, the
            mode's other name.

    Raises:
        ReferenceTaken: There are tasks of that reference, and all ask for something else.
        Nameless: One that is or may be ours has no id that can be read; all others of that kind are passed over.
    """
    named: list[Task] = []
    by_id: dict[str, Task] = {}
    for task in tasks:
        if task.id:
            by_id[task.id] = task
        elif task.reference == label or (task.reference is None and _may_be(task, order)):
            raise Nameless(f"a task of the list that may be this order's has no id: reference {label!r}")
        else:
            logger.warning("iceye list tasks: a task without an id is left out; it is not this order's")
    for task in by_id.values():
        there = task
        if task.reference is None and _difference(task, order) is None:
            try:
                there = whole(task.id)
            except CredentialsRefused:
                raise
            except (Refused, UnexpectedAnswer) as error:
                if _may_be(task, order):
                    raise
                logger.warning("iceye list tasks: a task that says nothing cannot be read and is left out: %s", error)
        if there.reference == label:
            named.append(there)
    return oldest_match(
        named,
        lambda task: _difference(task, order),
        age=lambda task: (task.created or LATEST, task.id),
        called=lambda task: f"iceye: task {task.id} carries the reference {label!r}",
        is_alike=(lambda task: _normalised(task, order)) if announced else None,
    )


def _normalised(task: Task, order: IceyeOrder) -> bool:
    """Whether all that a task says otherwise than the order may be a server's way to write the same."""
    window, (start, end) = order.window, (task.window.start, task.window.end)
    if start is not None and not window.start - _ROUNDED <= start < window.end:
        return False
    if end is not None and not window.start < end <= window.end + _ROUNDED:
        return False
    lat, lon = task.point.lat, task.point.lon
    if lat is not None and lon is not None:
        turned = (lon - order.point.lon + 180) % 360 - 180
        if abs(lat - order.point.lat) > _ROUNDED_DEG or abs(turned) > _ROUNDED_DEG:
            return False
    said, wanted = (task.imaging_mode or "").upper(), (order.imaging_mode or "").upper()
    if said and wanted and not said.startswith(wanted) and not wanted.startswith(said):
        return False
    return not (task.contract_id and order.contract_id and task.contract_id.upper() != order.contract_id.upper())


def _may_be(task: Task, order: IceyeOrder) -> bool:
    """Whether a task says anything that speaks for the order, and nothing against it."""
    says = task.window.start or task.window.end or task.point.lat or task.point.lon
    return says is not None and _difference(task, order) is None


def _difference(task: Task, order: IceyeOrder) -> str | None:
    """In what a task differs from an order, both values named; what the provider left out cannot differ."""
    for what, theirs, ours in (
        ("start", task.window.start, order.window.start),
        ("end", task.window.end, order.window.end),
    ):
        if theirs is not None and abs(theirs - ours) > _SECOND:
            return f"its window's {what} is {iso(theirs)}, this order's is {iso(ours)}"
    lat, lon = task.point.lat, task.point.lon
    if lat is not None and lon is not None:
        turned = (lon - order.point.lon + 180) % 360 - 180
        if abs(lat - order.point.lat) > DEGREES or abs(turned) > DEGREES:
            return f"its point is {lat:g}, {lon:g} (lat, lon), this order's is {order.point.lat:g}, {order.point.lon:g}"
    for what, said, wanted in (
        ("imaging mode", task.imaging_mode, order.imaging_mode),
        ("contract", task.contract_id, order.contract_id),
    ):
        if said is not None and wanted is not None and said.upper() != wanted.upper():
            return f"its {what} is {said}, this order's is {wanted}"
    return None
