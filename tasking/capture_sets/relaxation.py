"""The linear program of a set, solved by HiGHS: parts of candidates may be taken, so its value is a bound for all sets.

It is solved in its dual form, which has a row for each candidate and not for each face. That takes a tenth of a second
where the other form takes three. Its answer is the weights of the faces and the rate of the price that
`tasking.capture_sets.search` begins with.
"""

from __future__ import annotations

import time

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, hstack, identity

from tasking.capture_sets.search import Floats, Problem, affordable

_SHORTEST_SECONDS = 0.1
_NEWTON_STEPS, _NEAR = 5, 0.5


def most_coverage(problem: Problem, captures: int, budget: float) -> Floats | None:
    """Set the problem's weights and rate to those that make the bound of the coverage as low as it gets.

    Returns:
        How much of each candidate the program takes; ``None`` when HiGHS gives no answer within the time.
    """
    ids, faces = problem.open, len(problem.shares)
    prices, many = problem.prices[ids], len(ids)
    budgeted = bool(np.isfinite(budget) and many and np.ptp(prices) > 0)
    if not budgeted:
        captures = affordable(captures, budget, prices)
    # weights, the worth of one more capture, the rate of the price, and what a candidate is worth beside both
    table = hstack(
        [csr_matrix(problem.covers[ids].astype(float)), -np.ones((many, 1)), -prices[:, None], -identity(many)]
    )
    costs = np.concatenate([-np.ones(faces), [captures, budget if budgeted else 0.0], np.ones(many)])
    highest = np.concatenate([problem.shares, [np.inf, np.inf if budgeted else 0.0], np.full(many, np.inf)])
    solved = linprog(
        costs,
        A_ub=table.tocsr(),
        b_ub=np.zeros(many),
        bounds=np.stack([np.zeros(len(highest)), highest], axis=1),
        method="highs-ds",
        options={"time_limit": max(_SHORTEST_SECONDS, problem.until - time.monotonic())},
    )
    if solved.status != 0:
        return None
    problem.weights = np.clip(solved.x[:faces], 0, problem.shares)
    problem.rate = max(0.0, float(solved.x[faces + 1]))
    fractions = np.zeros(len(problem.prices))
    fractions[ids] = -solved.ineqlin.marginals
    return fractions


def coverage_bound(problem: Problem, captures: int, budget: float) -> float:
    """No set within the limits covers more, percent; by the problem's weights and rate."""
    ids = problem.open
    net = problem.covers[ids] @ problem.weights - problem.rate * problem.prices[ids]
    best = np.sort(np.maximum(net, 0))[::-1][: affordable(captures, budget, problem.prices[ids])]
    paid = problem.rate * budget if problem.rate > 0 else 0.0
    return min(float(problem.shares.sum()), float((problem.shares - problem.weights).sum() + best.sum()) + paid)


def least_price(problem: Problem, captures: int, budget: float, target: float) -> tuple[Floats | None, float]:
    """Set weights and rate to those that make the bound of the price of a set that covers the target high.

    They are those at the least budget for which the program reaches the target. It is found by Newton's steps: the
    coverage is a concave function of the budget, and the rate is its slope.

    Returns:
        As `most_coverage`; and the price below which no set reaches the target, in whole units.
    """
    fractions, least, money = None, 0.0, budget
    for _ in range(_NEWTON_STEPS):
        if fractions is not None and time.monotonic() > problem.until:
            break
        solved = most_coverage(problem, captures, money)
        if solved is None:
            break
        fractions, reached = solved, coverage_bound(problem, captures, money)
        if reached < target and money == budget:
            return fractions, budget + 1
        least = max(least, price_bound(problem, captures, target))
        if problem.rate <= 0:
            if not np.ptp(problem.prices[problem.open]):
                break
            money /= 2
            continue
        wanted = money + (target - reached) / problem.rate
        if abs(wanted - money) < _NEAR:
            break
        money = wanted if wanted > 0 else money / 2
    return fractions, least


def price_bound(problem: Problem, captures: int, target: float) -> float:
    """No set that covers the target costs less, in whole units; by the problem's weights and rate."""
    ids = problem.open
    prices = problem.prices[ids]
    if problem.rate > 0:
        net = problem.covers[ids] @ problem.weights - problem.rate * prices
        best = np.sort(np.maximum(net, 0))[::-1][:captures]
        unpaid = float((problem.shares - problem.weights).sum() + best.sum())
        return max(0.0, float(np.ceil((target - unpaid) / problem.rate - 1e-6)))
    least = float(prices.min(initial=np.inf))
    if not 0 < least < np.inf:
        return 0.0
    few = 1
    while few < captures and coverage_bound(problem, few, np.inf) < target:
        few += 1
    return few * least
