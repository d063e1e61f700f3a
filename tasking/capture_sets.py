"""Placeholder."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tasking.area import Area
from tasking.coverage import covered_together_percent
from tasking.ranking import RankedCandidate


class SetWish(NamedTuple):
    coverage_min_percent: float | None
    max_captures: int
    budget: Any = None
    max_days_apart: float | None = None


class Fixed(NamedTuple):
    footprint: dict[str, Any] | None
    start: datetime
    end: datetime


class CaptureSet(NamedTuple):
    members: Sequence[RankedCandidate]
    coverage_percent: float
    reaches_wish: bool
    message: str


def best_set(
    area: Area, ranked: Sequence[RankedCandidate], wish: SetWish, fixed: Sequence[Fixed] = ()
) -> CaptureSet | None:
    have = [one.footprint for one in fixed]
    taken: list[RankedCandidate] = []
    covered = (covered_together_percent(area, have) or 0.0) if have else 0.0
    aim = 100.0 if wish.coverage_min_percent is None else wish.coverage_min_percent
    left = [one for one in ranked if one.usable]
    while left and len(taken) < wish.max_captures and covered < aim:
        best = max(left, key=lambda one: covered_together_percent(area, [*have, one.candidate.footprint]) or 0.0)
        now = covered_together_percent(area, [*have, best.candidate.footprint]) or 0.0
        if now <= covered + 0.05:
            break
        covered = now
        taken.append(best)
        have.append(best.candidate.footprint)
        left.remove(best)
    if not taken:
        return None
    return CaptureSet(taken, covered, covered >= aim - 0.05, f"{len(taken)} captures cover {covered:.1f} %")
