"""Which candidate to order: a pure function from candidates to a ranked list with a plain reason for each.

How the policies order the candidates that can be used:

==================  ===============================================================================================
``best-coverage``   by share of the area covered, whole percents counting as equal
``earliest``        by capture start
``lowest-off-nadir`` by view angle
``highest-sun``     by sun elevation
==================  ===============================================================================================

The last three first choose among those that cover at least `ENOUGH` of what the best usable candidate covers, so that
an early pass over a corner of the area is not bought. Among equals, ``best-coverage`` takes the earlier start, then the
smaller view angle, then the higher sun; the others take more coverage in whole percents, then the smaller view angle,
the higher sun, and the earlier start. The id comes last; a figure the provider did not give comes after every figure it
did give. The same candidates in any order therefore give the same list.

What covers less than the order's least coverage cannot be used. Where nothing tells what a candidate covers, that rule
does not hold it back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from tasking.area import Area
from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.coverage import NOT_USED, covered_percent
from tasking.order import Policy
from tasking.window import Window, iso

ENOUGH = 0.9
_ANGLE_TOLERANCE_DEG = 0.05
_LEAST_COVERAGE_PERCENT = 0.01


class RankedCandidate(BaseModel):
    """One candidate with its place in the list.

    Attributes:
        candidate: The candidate.
        score: 0..1; falls or stays along the list, and is 0 for what cannot be used.
        coverage_percent: Share of the area covered, 0..100; ``None`` when nothing tells.
        coverage_source: ``footprint`` (computed here on true areas), ``provider`` (its own figure), or ``unknown``.
        reason: What speaks for it, as a sentence for a person.
        usable: Whether it can be ordered now.
        why_not: Why it cannot; empty when it can.
        too_little: It cannot for no other reason than that it covers too little of the area.
    """

    model_config = ConfigDict(frozen=True)

    candidate: Candidate
    score: float
    coverage_percent: float | None
    coverage_source: Literal["footprint", "provider", "unknown"]
    reason: str
    usable: bool
    exclusion_reason: str = ""
    too_little: bool = False


def rank(
    area: Area,
    candidates: Sequence[Candidate],
    policy: Policy,
    now: datetime,
    exclude_ids: Collection[str] = (),
    *,
    window: Window | None = None,
    off_nadir_range: tuple[float, float] | None = None,
    sun_elevation_range: tuple[float, float] | None = None,
    needs_daylight: bool = True,
    coverage_min_percent: float | None = None,
) -> list[RankedCandidate]:
    """Rank candidates, the best first; those that cannot be used come last and say why.

    Args:
        area: The area of the order.
        candidates: What the provider offers.
        policy: The order's ``select``.
        now: The provider's time now.
        exclude_ids: Candidates that were requested before.
        window: The order's window; candidates must lie within it.
        off_nadir_range: Smallest and largest view angle off nadir, degrees.
        sun_elevation_range: Smallest and largest elevation of the sun, degrees.
        needs_daylight: Optical satellites need the sun above the horizon; radar does not.
        coverage_min_percent: Least share of the area that a candidate covers; ``None`` for any.
    """
    computed = covered_percent(area, [each.footprint for each in candidates])
    limits = _Limits(window, off_nadir_range, sun_elevation_range, needs_daylight)
    rows = [
        _Row(each, share, _why_not(each, share, now, exclude_ids, limits), coverage_min_percent)
        for each, share in zip(candidates, computed, strict=True)
    ]
    best = max((row.known_percent for row in rows if not row.exclusion_reason), default=0.0)
    measure = _measure(policy, window, [row.candidate for row in rows if not row.exclusion_reason])
    for row in rows:
        row.place(policy, measure, best)
    return [row.ranked() for row in sorted(rows, key=lambda row: row.order)]


def best(ranked: Sequence[RankedCandidate]) -> RankedCandidate | None:
    """The candidate to order, or ``None`` when none can be used."""
    return next((each for each in ranked if each.usable), None)


def most_covering(ranked: Sequence[RankedCandidate]) -> RankedCandidate | None:
    """Of the candidates that only cover too little, the one that covers most; ``None`` when there are none."""
    return max((each for each in ranked if each.too_little), key=lambda each: each.coverage_percent or 0, default=None)


class _Limits(NamedTuple):
    """What an order asks of a candidate."""

    window: Window | None
    off_nadir: tuple[float, float] | None
    sun_elevation: tuple[float, float] | None
    daylight: bool


def _why_not(
    candidate: Candidate,
    share: float | None,
    now: datetime,
    exclude_ids: Collection[str],
    limits: _Limits,
) -> str:
    covered = share if share is not None else candidate.coverage_percent
    view, sun, window = candidate.off_nadir_deg, candidate.sun_elevation_deg, limits.window
    if candidate.id in exclude_ids:
        return "it was requested before"
    if candidate.valid_until is not None and candidate.valid_until <= now:
        return f"it expired at {_minute(candidate.valid_until)}"
    if candidate.id == WHOLE_WINDOW:  # the provider picks the pass, so a window may have begun
        return "" if now < candidate.end else f"it ended at {_minute(candidate.end)}, which is past"
    if candidate.start <= now:
        return f"it started at {_minute(candidate.start)}, which is past"
    if window is not None and (candidate.start < window.start or candidate.end > window.end):
        return f"it is outside the order's window ({iso(window.start)} to {iso(window.end)})"
    if limits.off_nadir is not None and view is not None:
        low, high = limits.off_nadir
        if not low - _ANGLE_TOLERANCE_DEG <= abs(view) <= high + _ANGLE_TOLERANCE_DEG:
            return f"{abs(view):.1f}° off nadir is outside the order's {low:g} to {high:g}°"
    if limits.sun_elevation is not None and sun is not None:
        low, high = limits.sun_elevation
        if not low - _ANGLE_TOLERANCE_DEG <= sun <= high + _ANGLE_TOLERANCE_DEG:
            return f"the sun at {sun:.0f}° is outside the order's {low:g} to {high:g}°"
    if limits.daylight and sun is not None and sun <= 0:
        return f"the sun is below the horizon ({sun:.0f}°)"
    if covered is not None and covered < _LEAST_COVERAGE_PERCENT:
        return "it covers nothing of the area"
    return ""


def _measure(policy: Policy, window: Window | None, usable: Sequence[Candidate]) -> Callable[[Candidate], float | None]:
    """What the policy looks at, as 0..1 with more being better; ``None`` where the provider did not say."""
    if policy == "earliest":
        first = window.start if window else min((each.start for each in usable), default=datetime.now(UTC))
        last = window.end if window else max((each.start for each in usable), default=first)
        length = max((last - first).total_seconds(), 1.0)
        return lambda each: 1 - min(1.0, max(0.0, (each.start - first).total_seconds() / length))
    if policy == "lowest-off-nadir":
        return lambda each: None if each.off_nadir_deg is None else 1 - min(abs(each.off_nadir_deg), 90) / 90
    if policy == "highest-sun":
        return lambda each: None if each.sun_elevation_deg is None else max(0.0, min(each.sun_elevation_deg, 90)) / 90
    return lambda _each: None


class _Row:
    """A candidate on its way to its place."""

    def __init__(
        self, candidate: Candidate, computed: float | None, exclusion_reason: str, least: float | None
    ) -> None:
        self.candidate, self.exclusion_reason, self.too_little = candidate, exclusion_reason, False
        self.source: Literal["footprint", "provider", "unknown"] = "footprint"
        self.percent = computed
        if computed is None:
            self.percent = candidate.coverage_percent
            self.source = "unknown" if self.percent is None else "provider"
        self.known_percent = self.percent or 0.0
        if not exclusion_reason and least is not None and self.percent is not None and round(self.percent, 1) < least:
            self.too_little = True
            self.exclusion_reason = f"it covers {self.percent:.1f} % of the area, less than the order's {least:g} %"
        self.score, self.order = 0.0, tuple[Any, ...]()

    def place(self, policy: Policy, measure: Callable[[Candidate], float | None], best_percent: float) -> None:
        """Give the row its score and its sort key."""
        each, whole = self.candidate, round(min(100.0, max(0.0, self.known_percent)))
        value = measure(each)
        enough = policy == "best-coverage" or self.known_percent >= ENOUGH * best_percent
        if policy == "best-coverage":
            value = whole / 100
            self.score = value
        else:
            self.score = (0.5 if enough else 0.0) + 0.5 * (value or 0.0)
        if self.exclusion_reason:
            self.score = 0.0
        view = abs(each.off_nadir_deg) if each.off_nadir_deg is not None else 999.0
        sun = -each.sun_elevation_deg if each.sun_elevation_deg is not None else 999.0
        unsaid = value is None
        equals = (each.start, view, sun) if policy == "best-coverage" else (view, sun, each.start)
        self.order = (bool(self.exclusion_reason), not enough, unsaid, -(value or 0.0), -whole, *equals, each.id)

    def ranked(self) -> RankedCandidate:
        return RankedCandidate(
            candidate=self.candidate,
            score=round(self.score, 4),
            coverage_percent=None if self.percent is None else round(self.percent, 2),
            coverage_source=self.source,
            reason=_sentence(self.candidate, self.percent, self.source),
            usable=not self.exclusion_reason,
            exclusion_reason=self.exclusion_reason,
            too_little=self.too_little,
        )


def _sentence(candidate: Candidate, percent: float | None, source: str) -> str:
    if candidate.id == WHOLE_WINDOW:
        whole = f"the whole window, {_minute(candidate.start)} to {_minute(candidate.end)}; the provider picks the pass"
        return f"{whole}; {candidate.note}" if candidate.note else whole
    said = []
    if percent is not None:
        shown = f"{percent:.0f}" if percent >= 1 or percent == 0 else f"{percent:.1g}"
        said.append(f"covers {shown} % of the area" + (" by the provider's figure" if source == "provider" else ""))
    else:
        said.append("coverage is not known")
    if candidate.footprint and source != "footprint":
        said[-1] += f" (its footprint is not used: {NOT_USED})"
    if candidate.off_nadir_deg is not None:
        said.append(f"{abs(candidate.off_nadir_deg):.1f}° off nadir")
    if candidate.sun_elevation_deg is not None:
        high = candidate.sun_elevation_deg
        said.append(f"sun {high:.0f}° high" if high > 0 else f"sun {-high:.0f}° below the horizon")
    captured = f"captured {_minute(candidate.start)}"
    said.append(captured + (f" by {candidate.platform}" if candidate.platform else ""))
    return ", ".join(said)


def _minute(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
