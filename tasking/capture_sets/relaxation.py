"""The linear program of a set, solved by HiGHS: parts of candidates may be taken, so its value is a bound for all sets.

It is solved in its dual form, which has a row for each candidate and not for each face. That takes a tenth of a second
where the other form takes three. Its answer is the weights of the faces and the rate of the price that
`tasking.capture_sets.search` begins with.
"""

from __future__ import annotations

import time

import numpy as np

from tasking.capture_sets.search import Floats, Problem, affordable

_SHORTEST_SECONDS = 0.1


def most_coverage(problem: Problem, captures: int, budget: float) -> Floats | None:
    """Set the problem's weights and rate to those that make the bound of the coverage as low as it gets.

    Returns:
        How much of each candidate the program takes; ``None`` when HiGHS gives no answer within the time.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_matrix, hstack, identity

    ids, faces = problem.open, len(problem.shares)
    prices, many = problem.prices[ids], len(ids)
    budgeted = bool(np.isfinite(budget) and many and np.ptp(prices) > 0)
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


def price_bound(problem: Problem, captures: int, target: float) -> float:
    """No set that covers the target costs less, in whole units; by the problem's weights and rate."""
    ids = problem.open
    least = float(problem.prices[ids].min(initial=np.inf))
    if problem.rate <= 0:
        price = least if np.isfinite(least) else 0.0
        while price and affordable(captures, price, problem.prices[ids]) < captures:
            if coverage_bound(problem, captures, price) >= target:
                break
            price += least
        return price
    price = (target - coverage_bound_without_money(problem, captures)) / problem.rate
    return max(0.0, float(np.ceil(price - 1e-6)))


def coverage_bound_without_money(problem: Problem, captures: int) -> float:
    """What would be covered at most if no money were spent beside the rate."""
    ids = problem.open
    net = problem.covers[ids] @ problem.weights - problem.rate * problem.prices[ids]
    best = np.sort(np.maximum(net, 0))[::-1][:captures]
    return float((problem.shares - problem.weights).sum() + best.sum())
