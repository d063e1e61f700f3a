"""Which orders are struck where: every point in every way, or some at random."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence

from chaos.fail_point import FailPoint, Kind
from chaos.fault_plan import ANY, EXHAUSTIVE, HELD, IN_DOUBT, LATE, Fault, FaultKind, FaultPlan
from chaos.orders import Detour, TestOrder, of_kind
from chaos.recording import Recorded

WEIGHTS: dict[Kind, int] = {"provider": 5, "ledger": 3, "disk": 2, "prefect": 1, "process": 1}
"""How often each kind of point is drawn: an order has far more files than creates."""

LATE_WEIGHT = 4
"""How often a POST to a provider arrives late, for each time that it is struck in any one other way."""


OUTCOMES = ("made", "adopted", "refused", "absent")
"""What the ledger says of a create when it is no longer in doubt."""

IN_DOUBT_WEIGHT = 2
"""How often a create is left in doubt and the looks for it are refused, likewise, for each way of it."""


def every_fault(recorded: Recorded, only: re.Pattern[str] | str = "") -> list[TestOrder]:
    """One order for each point and each way; for those points only that the pattern is found in.

    An order of a wide area does the same for each of its captures, file by file. Of what it does again and again the
    first two times are struck, one in the middle, and the last.
    """
    found: list[TestOrder] = []
    for kind, points in recorded.items():
        struck = set(_first_middle_and_last(points) if of_kind(kind, kind).wide else points)
        faults = [Fault(at=point, kind=fault_kind) for point in points for fault_kind in fault_kinds_at(point)]
        found += [
            of_kind(kind, f"{kind}-{number:03}", plan=FaultPlan(faults=(fault,)), own_home=True)
            for number, fault in enumerate(faults)
            if fault.at in struck and re.search(only, str(fault.at))
        ]
    return found


def _first_middle_and_last(points: Sequence[FailPoint]) -> list[FailPoint]:
    """Of the points with one name: the first, the second, the one in the middle and the last."""
    times: dict[tuple[Kind, str], list[FailPoint]] = {}
    for point in points:
        times.setdefault((point.kind, point.what), []).append(point)
    return [
        each[at] for each in times.values() for at in sorted({0, min(1, len(each) - 1), len(each) // 2, len(each) - 1})
    ]


def fault_kinds_at(point: FailPoint) -> tuple[FaultKind, ...]:
    """Every way in which a point of a recorded order is struck."""
    return (*EXHAUSTIVE[point.kind], *(HELD if _posts(point) else ()))


def beyond(recorded: Recorded, went: Mapping[str, Sequence[FailPoint]], subjects: Sequence[TestOrder]) -> list[Detour]:
    """Where struck orders came to and undisturbed ones never do: how they find and mend what happened.

    That is each point whose name is new; and while a create has no outcome, each that is reached once more than by an
    undisturbed order: the next look, the second announcement, the second sending.

    Args:
        recorded: The points of undisturbed orders.
        went: The points of each struck order, by reference.
        subjects: The struck orders.
    """
    found: dict[tuple[str, Kind, str, str], Detour] = {}
    for subject in subjects:
        undisturbed = recorded[subject.kind]
        names, doubt = {(point.kind, point.what) for point in undisturbed}, ""
        for point in went[subject.reference]:
            verb, _, event = point.what.partition(" ") if point.kind == "ledger" else ("", "", "")
            doubt = verb if event == "intended" else doubt
            if point.nth == 1 and (point.kind, point.what) not in names:
                found.setdefault((subject.kind, point.kind, point.what, ""), (subject, point))
            elif doubt and point not in undisturbed:
                found.setdefault((subject.kind, point.kind, point.what, doubt), (subject, point))
            doubt = "" if event in OUTCOMES else doubt
    return list(found.values())


def every_detour(detours: Sequence[Detour]) -> list[TestOrder]:
    """One order for each such point and each way: struck as the order that came there, and once more there."""
    places = {(subject.kind, point): subject for subject, point in reversed(detours)}
    found: list[TestOrder] = []
    for (kind, point), subject in reversed(places.items()):
        for fault_kind in EXHAUSTIVE[point.kind]:
            plan = FaultPlan(faults=(*subject.plan.faults, Fault(at=point, kind=fault_kind)))
            found.append(of_kind(kind, f"{kind}-detour-{len(found):03}", plan=plan, own_home=True))
    return found


def at_random(recorded: Recorded, count: int, chance: random.Random, between: tuple[int, int]) -> list[TestOrder]:
    """``count`` orders over all kinds, each with between so many faults, drawn from the recorded points."""
    kinds, found = list(recorded), []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        points = recorded[kind]
        creates = creates_in(points)
        wanted = _drawn(points, chance.randint(*between), chance)
        faults = tuple(Fault(at=point, kind=_fault_kind(point, point in creates, chance)) for point in wanted)
        found.append(of_kind(kind, f"{kind}-{number:04}", plan=FaultPlan(faults=faults)))
    return found


def _drawn(points: Sequence[FailPoint], count: int, chance: random.Random) -> list[FailPoint]:
    """``count`` of the points, each at most once: first the kind is drawn, then one of that kind."""
    left: dict[Kind, list[int]] = {}
    for number, point in enumerate(points):
        left.setdefault(point.kind, []).append(number)
    found: list[int] = []
    while left and len(found) < count:
        kind = chance.choices(list(left), [WEIGHTS[one] for one in left])[0]
        found.append(left[kind].pop(chance.randrange(len(left[kind]))))
        if not left[kind]:
            del left[kind]
    return [points[number] for number in sorted(found)]


def creates_in(points: Sequence[FailPoint]) -> list[FailPoint]:
    """The calls of a recorded order that create what can be looked for: first posted after an announcement."""
    found, announced, seen = [], False, set()
    for point in points:
        seen.add(point.what)
        if point.kind == "ledger" and point.what.endswith(" intended"):
            announced = True
        elif announced and _posts(point):
            announced = False
            if point.what.replace("POST ", "GET ") in seen:
                found.append(point)
    return found


def _posts(point: FailPoint) -> bool:
    return point.kind == "provider" and point.what.startswith("POST ")


def _fault_kind(point: FailPoint, creates: bool, chance: random.Random) -> FaultKind:
    more = [LATE] * LATE_WEIGHT if _posts(point) else []
    return chance.choice((*ANY[point.kind], *more, *([*IN_DOUBT] * IN_DOUBT_WEIGHT if creates else [])))


def batches(subjects: Sequence[TestOrder], size: int) -> list[list[TestOrder]]:
    """The orders in batches that each hold some of every kind: their references begin with it."""
    count, by_kind = -(-len(subjects) // size), sorted(subjects, key=lambda one: one.reference)
    return [by_kind[start::count] for start in range(count)]
