"""The best set of captures for an area: what can be in it, the search, and what is said of its answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tasking.area import Area
from tasking.capture_sets.conflicts import conflicts_among, in_conflict
from tasking.capture_sets.pricing import Prices, price_units
from tasking.capture_sets.telling import told
from tasking.capture_sets.wish import CaptureSet, FixedCapture, SetWish
from tasking.coverage import NOT_USED, covered_together_percent
from tasking.ranking import RankedCandidate

if TYPE_CHECKING:
    from tasking.capture_sets.solving import Solution

SHOWN_PERCENT = 0.04
"""A share that is shown as the wanted one, rounded to a tenth, is enough; slivers that are left out stay below that."""

SOMETHING_PERCENT = 0.01
"""Where any share is enough, a set covers so much of the area at least: nothing at all serves no order."""

MOST_CANDIDATES = 400
"""So many are looked at; of more, those that cover most."""


def best_set(
    area: Area, ranked: Sequence[RankedCandidate], wish: SetWish, fixed: Sequence[FixedCapture] = ()
) -> CaptureSet | None:
    """Choose the cheapest set of candidates that covers enough of an area, or the one that covers most of it.

    What is fixed covers its part already. Of equal price is taken the set with fewer captures, then the one whose last
    capture is earlier (then seen more steeply, then first by id), then its last but one, and so on. The same candidates
    in any order give the same set, unless the time limit ends the search.

    Args:
        area: The area of the order.
        ranked: What the provider offers. Members are usable, or cover too little for no other reason.
        wish: What is asked of the set.
        fixed: What is bought or home already.

    Returns:
        ``None`` when no candidate adds anything within the limits.
    """
    offered = sorted((one for one in ranked if one.usable or one.too_little), key=_preference)
    prices = price_units([one.candidate for one in offered], wish.budget, wish.currency)
    readable = [
        n for n, one in enumerate(offered) if one.coverage_source == "footprint" and prices.units[n] is not None
    ]
    notes = list(prices.notes)
    if busy := {n for n in readable if any(in_conflict(offered[n].candidate, one) for one in fixed)}:
        notes.append(f"{len(busy)} candidates are left out: their satellites take captures then that are fixed.")
        readable = [n for n in readable if n not in busy]
    if unread := sum(one.coverage_source != "footprint" for one in offered):
        notes.append(f"{unread} candidates cannot be in a set of several: what they cover is not known ({NOT_USED}).")
    if len(readable) > MOST_CANDIDATES:
        notes.append(f"Of {len(readable)} candidates only the {MOST_CANDIDATES} that cover most were looked at.")
        most = sorted(readable, key=lambda n: (-(offered[n].coverage_percent or 0.0), n))[:MOST_CANDIDATES]
        looked_at_all, readable = False, sorted(most)
    else:
        looked_at_all = True
    candidates = [offered[n] for n in readable]
    solution = None
    if wish.max_captures > 0 or fixed:
        found = _solved(area, candidates, [prices.units[n] or 0 for n in readable], prices, wish, fixed)
        solution, more = found
        notes += more
    if solution is None:
        return None if fixed else _alone(ranked, wish, offered, prices, notes)
    members = tuple(candidates[n] for n in solution.members)
    covered = _covered(area, members, fixed)
    if not looked_at_all:
        solution = solution._replace(proven=False, coverage_bound=None if solution.enough else 100.0, price_bound=0.0)
    if not solution.ties_broken and solution.proven:
        notes.append(f"Sets as good as this were not all compared within {wish.time_limit_seconds:g} s.")
    price = sum(prices.units[readable[n]] or 0 for n in solution.members)
    return told(members, covered, solution, price, prices, wish, tuple(notes))


def _preference(one: RankedCandidate) -> tuple[datetime, float, str]:
    it = one.candidate
    return it.start, abs(it.off_nadir_deg) if it.off_nadir_deg is not None else 999.0, it.id


def _solved(
    area: Area,
    candidates: Sequence[RankedCandidate],
    units: Sequence[int],
    prices: Prices,
    wish: SetWish,
    fixed: Sequence[FixedCapture],
) -> tuple[Solution | None, list[str]]:
    import numpy as np
    import pyproj  # noqa: F401  # loaded here, as all that is heavy: nothing of that counts into the time limit

    from tasking.capture_sets.overlay import overlay
    from tasking.capture_sets.search import Problem
    from tasking.capture_sets.solving import Solution, solve

    until = time.monotonic() + wish.time_limit_seconds
    faces = overlay(area, [one.candidate.footprint for one in candidates], [one.footprint for one in fixed])
    notes = [f"{faces.unread_fixed} fixed captures count for nothing: {NOT_USED}."] if faces.unread_fixed else []
    wanted = wish.coverage_min_percent if wish.coverage_min_percent is not None else 100.0
    target = wanted - SHOWN_PERCENT - faces.fixed_percent
    if not fixed:
        target = max(target, SOMETHING_PERCENT)
    if target <= 0:
        return Solution((), True, True, None, 0, True), notes
    groups = _within_days([one.candidate.start for one in candidates], wish.max_days_apart, fixed)
    if not groups or not len(faces.shares) or wish.max_captures == 0:
        return None, notes
    problem = Problem(
        covers=faces.covers,
        shares=faces.shares,
        prices=np.array([units[n] for n in faces.candidates], dtype=float),
        groups=[np.flatnonzero(np.isin(faces.candidates, group)) for group in groups],
        conflicts=conflicts_among([candidates[n].candidate for n in faces.candidates]),
        until=until,
    )
    budget = float(wish.budget // prices.unit) if wish.budget is not None and prices.unit is not None else np.inf
    found = solve(problem, wish.max_captures, budget, target)
    if found is None:
        return None, notes
    bound = found.coverage_bound
    if bound is not None:
        bound = min(100.0, faces.fixed_percent + bound + faces.slivers_percent)
    members = tuple(faces.candidates[n] for n in found.members)
    return found._replace(members=members, coverage_bound=bound), notes


def _within_days(starts: Sequence[datetime], days: float | None, fixed: Sequence[FixedCapture]) -> list[list[int]]:
    """The largest groups of candidates that may be in one set; ``starts`` ascend."""
    if days is None:
        return [list(range(len(starts)))] if starts else []
    length = timedelta(days=days)
    held = [one.start for one in fixed if one.start is not None]
    first, last = (min(held), max(held)) if held else (None, None)
    groups: list[list[int]] = []
    for begin in sorted({*starts, *held}):
        if (first is not None and begin > first) or (last is not None and begin + length < last):
            continue
        group = [n for n, start in enumerate(starts) if begin <= start <= begin + length]
        if group and not (groups and set(group) <= set(groups[-1])):
            groups.append(group)
    return groups


def _covered(area: Area, members: Sequence[RankedCandidate], fixed: Sequence[FixedCapture]) -> float:
    footprints = [*(one.candidate.footprint for one in members), *(one.footprint for one in fixed)]
    return round(covered_together_percent(area, footprints) or 0.0, 2)


def _alone(
    ranked: Sequence[RankedCandidate],
    wish: SetWish,
    offered: Sequence[RankedCandidate],
    prices: Prices,
    notes: list[str],
) -> CaptureSet | None:
    """The first candidate of the ranked list whose footprint tells nothing, as a set of one."""
    units = {one.candidate.id: unit for one, unit in zip(offered, prices.units, strict=True)}
    for one in ranked:
        unit = units.get(one.candidate.id)
        price = None if unit is None or prices.unit is None else unit * prices.unit
        too_dear = wish.budget is not None and (price is None or price > wish.budget)
        if wish.max_captures > 0 and one.usable and one.coverage_source != "footprint" and not too_dear:
            share = one.coverage_percent
            known = "unknown" if share is None else f"{share:.1f} % by the provider's figure"
            return CaptureSet(
                members=(one,),
                coverage_percent=one.coverage_percent,
                enough=(one.coverage_percent or 0.0) >= (wish.coverage_min_percent or 100.0) - SHOWN_PERCENT,
                price=price,
                currency=prices.currency if price is not None else None,
                proven=False,
                sentence=f"1 capture; what it covers of the area is {known}.",
                notes=tuple(notes),
            )
    return None
