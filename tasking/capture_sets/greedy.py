"""A good set, quickly: the candidate that adds most, again and again; then each exchanged while that is better."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from tasking.capture_sets.search import Floats, Indices, Problem

_EXACT = 1e-7
_MOST_EXCHANGES = 200


def good_set(
    problem: Problem,
    captures: int,
    budget: float,
    target: float,
    hints: Sequence[Floats] = (),
    known: Sequence[int] = (),
) -> list[int] | None:
    """A set within the limits: the cheapest found that covers `target`, else the one found that covers most.

    When the problem's time is over, the best so far is taken.

    Args:
        problem: The problem.
        captures: Of how many candidates a set may consist.
        budget: What it may cost.
        target: Wanted coverage, percent of the area.
        hints: Numbers that are large for candidates that may be good, to begin with.
        known: A set that is known.
    """
    found = [list(known)]
    for group in problem.groups:
        if any(found) and time.monotonic() > problem.until:
            break
        for per_price in (False, True) if np.ptp(problem.prices[group]) > 0 else (False,):
            members = _grown(problem, group, [], captures, budget, per_price)
            found.append(members)
            found.append(_exchanged(problem, group, members, captures, budget))
        for hint in hints:
            first = _first(problem, group[np.argsort(-hint[group], kind="stable")], captures)
            members = [one for n, one in enumerate(first) if problem.price(first[: n + 1]) <= budget]
            found.append(_exchanged(problem, group, members, captures, budget))
    found = [_needed(problem, members, target) for members in found if members]

    def worse(members: list[int]) -> tuple[float, float]:
        coverage = problem.coverage(members)
        return (0.0, problem.price(members)) if coverage >= target else (target - coverage, problem.price(members))

    return min(found, key=worse, default=None)


def _first(problem: Problem, ordered: Indices, captures: int) -> list[int]:
    """The first few that can be in one set."""
    found: list[int] = []
    while len(ordered) and len(found) < captures:
        found.append(int(ordered[0]))
        ordered = ordered[~problem.conflicts[ordered[0], ordered]]
    return found


def _grown(
    problem: Problem, group: Indices, members: list[int], captures: int, budget: float, per_price: bool
) -> list[int]:
    members = list(members)
    open_shares = np.where(problem.covers[members].any(axis=0), 0.0, problem.shares)
    inside, prices = problem.covers[group].astype(float), problem.prices[group]
    while len(members) < captures:
        gains = inside @ open_shares
        gains[(prices > budget - problem.price(members)) | ~problem.free_beside(members)[group]] = 0
        best = int(np.argmax(gains / np.maximum(prices, 1) if per_price else gains))
        if gains[best] <= _EXACT:
            break
        members.append(int(group[best]))
        open_shares = np.where(problem.covers[members[-1]], 0.0, open_shares)
    return members


def _exchanged(problem: Problem, group: Indices, members: list[int], captures: int, budget: float) -> list[int]:
    inside, prices = problem.covers[group].astype(float), problem.prices[group]
    counts = problem.covers[members].sum(axis=0)
    members, stale, at = list(members), 0, 0
    for _ in range(_MOST_EXCHANGES):
        if not members or stale >= len(members) or time.monotonic() > problem.until:
            break
        at = (at + 1) % len(members)
        one = members[at]
        without = counts - problem.covers[one]
        gains = inside @ np.where(without == 0, problem.shares, 0.0)
        now = float(problem.shares[(without == 0) & problem.covers[one]].sum())
        others = [each for each in members if each != one]
        gains[(prices > budget - problem.price(others)) | ~problem.free_beside(others)[group]] = 0
        best = int(np.argmax(gains))
        stale += 1
        if gains[best] > now + _EXACT:
            members[at], stale = int(group[best]), 0
            counts = without + problem.covers[members[at]]
    return _grown(problem, group, members, captures, budget, False)


def _needed(problem: Problem, members: list[int], target: float) -> list[int]:
    """Without those that the set does not need, the dearest first."""
    enough = min(target, problem.coverage(members) - _EXACT)
    for one in sorted(members, key=lambda one: (-problem.prices[one], -one)):
        rest = [each for each in members if each != one]
        if rest and problem.coverage(rest) >= enough:
            members = rest
    return members
