"""Which of the things at the provider is ours: the care that keeps an order from being placed twice."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

from tasking.axelglobe.models import TaskPlan, TaskRequest
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.lenient import bounds_of
from tasking.matching import LATEST, Nameless, oldest_match
from tasking.window import iso

_MINUTE = timedelta(minutes=1)
_ROUNDED_DEG = 0.5
"""Angles may come back in whole degrees."""


def our_plan(plans: Iterable[TaskPlan], order: AxelGlobeOrder, label: str) -> TaskPlan | None:
    """The oldest plan called ``label`` that asks for what the order asks for.

    A plan costs nothing, and candidates are measured against the order itself. So one of our name is ours as well where
    the server rounded what we sent, or made it narrower: a window that begins when the plan was made, say.

    Raises:
        ReferenceTaken: There are plans of that name, and all ask for something else.
        Nameless: One of that name has no id.
    """
    named = [plan for plan in plans if plan.properties.name == label]
    if any(not plan.id for plan in named):
        raise Nameless(f"a plan called {label!r} is listed without an id")
    return oldest_match(
        named,
        lambda plan: _difference(plan, order),
        age=_age,
        called=lambda plan: f"axelglobe: plan {plan.id} is called {label!r}",
    )


def our_request(
    requests: Iterable[TaskRequest], plan_id: str, label: str, earlier: Collection[str] = ()
) -> TaskRequest | None:
    """The request that ``label`` stands for, among the requests that the provider lists for our plan.

    A request that is overlooked here would be bought a second time, and the document's examples leave open whether the
    ``name`` comes back as it was sent. So the name is not the only evidence:

    * Each order has a plan of its own, so every request on the plan is one of this order's. The list's filter is not
      trusted with that: a request that names another plan is not looked at.
    * A request called exactly ``label`` is the one (the oldest, if there are several).
    * Names of the order's other requests (``ref``, ``ref#2``, ...) speak for those.
    * What is left carries names that are not ours, so the provider did not give back what we sent. Requests of one
      order are made one after the other, so these are told apart by age: the oldest is the first one that no name
      speaks for. So for the first request of an order, any unexplained request on the plan is taken for it.
    * The order's earlier requests, known by id, are none of these. They need not stand on this plan: the provider may
      have forgotten the plan they were made on.

    Args:
        requests: What the provider lists for the plan.
        plan_id: Our plan.
        label: What the request that is looked for carries.
        earlier: Ids of all the order's requests before that one.

    Raises:
        Nameless: One that may be ours has no id.
    """
    on_plan = [each for each in requests if each.properties.task_plan_id in (None, plan_id)]
    ours = sorted((each for each in on_plan if each.id not in earlier), key=_age)
    if any(not each.id for each in ours):
        raise Nameless(f"a request on plan {plan_id} is listed without an id")
    numbers = {each.id: _number(each.properties.name, label) for each in ours}
    wanted = _number(label, label)
    for each in ours:
        if each.properties.name == label:
            return each
    nameless = [each for each in ours if numbers[each.id] is None]
    told = {number for number in numbers.values() if number is not None}
    position = 0 if earlier else sum(1 for number in range(1, wanted or 1) if number not in told)
    return nameless[position] if position < len(nameless) else None


def _number(name: str | None, label: str) -> int | None:
    """Which request of the order a name stands for: 1 for ``ref``, 2 for ``ref#2``; ``None`` for a name not ours."""
    reference = label.partition("#")[0]
    if name == reference:
        return 1
    head, mark, tail = (name or "").partition("#")
    return int(tail) if mark and head == reference and tail.isascii() and tail.isdigit() and len(tail) < 7 else None


def _age(thing: TaskPlan | TaskRequest) -> tuple[datetime, str]:
    return thing.properties.created or LATEST, thing.id


def _difference(plan: TaskPlan, order: AxelGlobeOrder) -> str | None:
    """In what a plan differs from an order by more than rounding and narrowing; what was left out cannot differ."""
    there, window = plan.properties, order.window
    within = (
        (there.valid_start is None or window.start - _MINUTE <= there.valid_start < window.end)
        and (there.valid_end is None or window.start < there.valid_end <= window.end + _MINUTE)
    )  # fmt: skip
    if not within:
        for what, theirs, ours in (
            ("start", there.valid_start, window.start),
            ("end", there.valid_end, window.end),
        ):
            if theirs is not None and abs(theirs - ours) > _MINUTE:
                return f"its window's {what} is {iso(theirs)}, this order's is {iso(ours)}"
    if there.off_nadir_range is not None:
        (low, high), (least, most) = there.off_nadir_range, order.off_nadir_range
        if not least - _ROUNDED_DEG <= low <= high <= most + _ROUNDED_DEG:
            return (
                f"its off-nadir range is {list(there.off_nadir_range)}, this order's is {list(order.off_nadir_range)}"
            )
    theirs_named = {each.upper() for each in there.satellites}
    if theirs_named and order.satellites and not theirs_named <= set(order.satellites):
        names = ", ".join(sorted(theirs_named))
        return f"its satellites are {names}, this order's are {', '.join(sorted(order.satellites))}"
    box = bounds_of(plan.geometry) if (plan.geometry or {}).get("type") in ("Polygon", "MultiPolygon") else None
    if box is not None and any(abs(theirs - ours) > 0.01 for theirs, ours in zip(box, order.area.bounds, strict=True)):
        return f"its area is within {list(box)}, this order's within {list(order.area.bounds)}"
    return None
