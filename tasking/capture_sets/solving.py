"""From a problem to its best set: most coverage or least price; then the fewest captures; then the earliest ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tasking.capture_sets.greedy import good_set
from tasking.capture_sets.relaxation import coverage_bound, least_price, most_coverage
from tasking.capture_sets.search import STEP_PERCENT, Bools, Floats, OutOfTime, Problem, Search

_EXACT = 1e-7


class Solution(NamedTuple):
    """The best set of a problem, or the best that was found in the time.

    Attributes:
        members: Indices of its candidates, ascending.
        enough: Whether it covers the target.
        proven: Whether no set is better: none that is enough is cheaper, or none covers more.
        coverage_bound: No set covers more, percent; ``None`` where it is enough.
        price_bound: No set that is enough costs less.
        ties_broken: Whether all sets as good were compared.
    """

    members: tuple[int, ...]
    enough: bool
    proven: bool
    coverage_bound: float | None
    price_bound: float
    ties_broken: bool


def solve(problem: Problem, captures: int, budget: float, target: float) -> Solution | None:
    """Find the cheapest set that covers the target; where none does, the one that covers most, at the least price.

    Among sets of one price those with the fewest captures count. Among these it is the one whose last candidate comes
    first, in the order of the candidates; then whose last but one does, and so on. So there is one answer.

    Args:
        problem: Candidates in the order in which they are preferred.
        captures: Of how many candidates a set may consist.
        budget: What it may cost; infinite for any price.
        target: Wanted coverage, percent of the area, above 0.

    Returns:
        ``None`` when no candidate covers anything within the limits.
    """
    members: Sequence[int] | None = good_set(problem, captures, budget, target)
    if members is None:
        return None
    proven, bound = True, None
    if problem.coverage(members) < target:
        members, bound, proven = _most_covering(problem, captures, budget, target, members)
    if bound is not None:
        target = problem.coverage(members) - _EXACT
    least = 0.0
    if bound is None:
        hints, least = least_price(problem, captures, problem.price(members) - 1, target)
        members = _better(problem, captures, budget, target, members, hints)
    price = problem.price(members)
    ties_broken = False
    if proven:
        problem.narrow(captures, price, target)
        search = Search(problem, "less price", captures, budget, target, best=members)
        try:
            members = search.run() or members
            least = problem.price(members)
            members = _fewest(problem, target, members)
            members, ties_broken = _earliest(problem, target, members), True
        except OutOfTime:
            members = search.best or members
            proven = bound is not None
        except _Unfinished as stop:
            members = stop.members
    return Solution(
        members=tuple(sorted(members)),
        enough=bound is None,
        proven=proven,
        coverage_bound=bound,
        price_bound=least,
        ties_broken=ties_broken,
    )


def _most_covering(
    problem: Problem, captures: int, budget: float, target: float, members: Sequence[int]
) -> tuple[Sequence[int], float | None, bool]:
    """A set that covers the target; else the one that covers most, what no set exceeds, and whether that is proven."""
    hints = most_coverage(problem, captures, budget)
    members = _better(problem, captures, budget, target, members, hints)
    most = coverage_bound(problem, captures, budget)
    problem.narrow(captures, budget, min(target, problem.coverage(members)))
    search = Search(problem, "more coverage", captures, budget, target, best=members)
    try:
        members, proven = search.run() or members, True
    except OutOfTime:
        members, proven = search.best or members, False
    reached = problem.coverage(members)
    if reached >= target:
        return members, None, True
    return members, max(reached, min(most, reached + STEP_PERCENT) if proven else most), proven


def _better(
    problem: Problem, captures: int, budget: float, target: float, members: Sequence[int], fractions: Floats | None
) -> Sequence[int]:
    """The better one of a set and what the linear program leads to."""
    if fractions is None:
        return members
    hints = [problem.covers @ problem.weights - problem.rate * problem.prices, fractions]
    return good_set(problem, captures, budget, target, hints, members) or members


class _Unfinished(Exception):
    """The time is over before all sets as good were compared."""

    def __init__(self, members: Sequence[int]) -> None:
        super().__init__()
        self.members = members


def _fewest(problem: Problem, target: float, members: Sequence[int]) -> Sequence[int]:
    price = problem.price(members)
    while len(members) > 1:
        fewer = _any(problem, len(members) - 1, price, target, members)
        if fewer is None:
            break
        members = fewer
    return members


def _earliest(problem: Problem, target: float, members: Sequence[int]) -> Sequence[int]:
    """The set whose last candidate comes first, then whose last but one does, and so on."""
    price, count = problem.price(members), len(members)
    needed: list[int] = []
    while len(needed) < count:
        last, impossible = max(one for one in members if one not in needed), -1
        while last - impossible > 1:
            middle = (last + impossible) // 2
            allowed = np.arange(len(problem.prices)) <= middle
            earlier = _any(problem, count, price, target, members, allowed, needed)
            if earlier is None:
                impossible = middle
            else:
                members = earlier
                last = max(one for one in members if one not in needed)
        needed.append(last)
    return members


def _any(
    problem: Problem,
    captures: int,
    budget: float,
    target: float,
    known: Sequence[int],
    allowed: Bools | None = None,
    taken: Sequence[int] = (),
) -> Sequence[int] | None:
    try:
        return Search(problem, "any", captures, budget, target).run(allowed, taken)
    except OutOfTime:
        raise _Unfinished(known) from None
