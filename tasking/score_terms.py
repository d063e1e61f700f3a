"""The terms of a candidate's score: what is looked at, as 0..1 with more being better, and how much it counts.

A policy is a named setting of them. ``best-coverage`` has one term, the covered share in whole percents. The others
have two. The first, *nearly best coverage*, is 1 for what covers at least `ENOUGH` of what the best usable candidate
covers, and else 0. It counts a half, so no other term outweighs it: a pass over a corner is not bought.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from tasking.candidate import Candidate
from tasking.order import Policy
from tasking.weights import Weights
from tasking.window import Window

ENOUGH = 0.9
NEARLY_BEST = "nearly best coverage"

POLICIES: dict[Policy, dict[str, float]] = {
    "best-coverage": {"coverage": 1.0},
    "earliest": {NEARLY_BEST: 0.5, "time": 0.5},
    "lowest-off-nadir": {NEARLY_BEST: 0.5, "off_nadir": 0.5},
    "highest-sun": {NEARLY_BEST: 0.5, "sun_elevation": 0.5},
}
"""What counts how much under each policy; the weights of each are 1 together."""


class Term(NamedTuple):
    """One term of a score.

    Attributes:
        name: What is looked at: a field of `tasking.weights.Weights`, or `NEARLY_BEST`.
        value: 0..1, more being better; ``None`` when nobody said, which counts as 0.
        weight: How much it counts, 0..1.
    """

    name: str
    value: float | None
    weight: float

    @property
    def part(self) -> float:
        """What it adds to the score."""
        return self.weight * (self.value or 0.0)


Measure = Callable[[Candidate, float], float | None]
"""From a candidate and the share of the area that it is known to cover, 0..100, to a term's value."""


def weights_of(policy: Policy, weights: Weights | None) -> dict[str, float]:
    """What counts how much, those left out that do not count."""
    given = POLICIES[policy] if weights is None else weights.shares()
    return {name: weight for name, weight in given.items() if weight > 0}


def measures(window: Window | None, usable: Sequence[Candidate], best_percent: float) -> dict[str, Measure]:
    """How each term is measured among these candidates.

    Args:
        window: The order's window; without one, the starts of the candidates are its ends.
        usable: The candidates that can be used.
        best_percent: What the best of them covers.
    """
    first = window.start if window else min((each.start for each in usable), default=datetime.now(UTC))
    last = window.end if window else max((each.start for each in usable), default=first)
    length = max((last - first).total_seconds(), 1.0)
    prices = [float(each.price) for each in usable if each.price is not None]
    currencies = {each.currency for each in usable if each.price is not None}
    lowest = min(prices) if prices and len(currencies) == 1 else None

    def price(each: Candidate, _percent: float) -> float | None:
        if lowest is None or each.price is None or each.currency not in currencies:
            return None
        return 1.0 if each.price <= 0 else max(0.0, min(1.0, lowest / float(each.price)))

    return {
        "coverage": lambda _each, percent: round(min(100.0, max(0.0, percent))) / 100,
        NEARLY_BEST: lambda _each, percent: float(percent >= ENOUGH * best_percent),
        "time": lambda each, _percent: 1 - min(1.0, max(0.0, (each.start - first).total_seconds() / length)),
        "off_nadir": lambda each, _percent: (
            None if each.off_nadir_deg is None else 1 - min(abs(each.off_nadir_deg), 90) / 90
        ),
        "sun_elevation": lambda each, _percent: (
            None if each.sun_elevation_deg is None else max(0.0, min(each.sun_elevation_deg, 90)) / 90
        ),
        "price": price,
        "cloud": lambda each, _percent: (
            None if each.cloud_percent is None else 1 - max(0.0, min(each.cloud_percent, 100)) / 100
        ),
    }
