"""The exact search for a set of candidates, by branch and bound.

How much a set can cover at most is told by a Lagrangian bound. Each face has a *weight*, 0 up to its share. A set
covers at most all shares less all weights, and the weights of the faces of each of its candidates. The best that it can
be made of are the few candidates with most weight. That holds for any weights, so a proof needs no trust in how they
were found. A limit of the price has a *rate* in the same way.

Weights that make the bound as low as it gets are the dual values of a linear program
(`tasking.capture_sets.relaxation`). They are improved by subgradient steps in each node.

A candidate that cannot be in a set good enough, as the bound with it is too low, is dropped. Then faces become one or
vanish. Footprints overlap so much that the linear program alone leaves a gap, and one of HiGHS's nodes costs a second:
see docs/decisions/0014-capture-sets.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.intp]
Goal = Literal["more coverage", "less price", "any"]

STEP_PERCENT = 0.01
"""Coverage is the best when no set covers so much more, in percent of the area."""

_EXACT = 1e-7
_STEPS, _FEW_STEPS = 25, 8
_MERGED = 0.7
"""Faces are merged again once only this share of the candidates is left."""
_MANY_FACES = 200
_RATES = np.array([0.0, 0.5, 0.8, 0.95, 1.0, 1.05, 1.25, 2.0])
_CENT = 1e-9
"""Far below one unit of the price."""


class OutOfTime(Exception):
    """The time limit has come."""


class _Enough(Exception):
    """A set was found, and one is asked for."""


@dataclass
class Problem:
    """Which set is looked for.

    Attributes:
        covers: Which candidate covers which face, shape (candidates, faces).
        shares: Of each face, percent of the area.
        prices: Of each candidate, whole numbers.
        groups: The candidates that may be in one set; each set lies within one of them.
        conflicts: Which two candidates are in no set together, shape (candidates, candidates); each conflicts with
            itself.
        until: When to stop, by `time.monotonic`.
    """

    covers: Bools
    shares: Floats
    prices: Floats
    groups: Sequence[Indices]
    conflicts: Bools
    until: float
    weights: Floats = field(init=False)
    rate: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.weights = self.shares / 2
        replaced = self._replaced()
        self.groups = [group[~replaced[np.ix_(group, group)].any(axis=1)] for group in self.groups]

    @property
    def open(self) -> Indices:
        """The candidates that may be in a set, ascending."""
        return np.unique(np.concatenate([*self.groups, np.zeros(0, dtype=np.intp)]))

    def narrow(self, captures: int, money: float, target: float) -> None:
        """Leave out the candidates that are in no set within the limits that covers the target; faces become fewer."""
        ids = self.open
        bound = _bound(
            self.covers[ids].astype(float),
            self.shares,
            self.prices[ids],
            captures,
            money,
            self.weights,
            self.rate,
            target,
            _STEPS,
        )
        kept = ids[bound.with_each >= target - _EXACT]
        self.groups = [group[np.isin(group, kept)] for group in self.groups]
        self.covers = self.covers & np.isin(np.arange(len(self.prices)), kept)[:, None]
        self.covers, self.shares, self.weights = merged(self.covers, self.shares, bound.weights)

    def coverage(self, members: Iterable[int]) -> float:
        """What a set covers, percent of the area."""
        return float(self.shares[self.covers[list(members)].any(axis=0)].sum())

    def price(self, members: Iterable[int]) -> float:
        """What a set costs."""
        return float(self.prices[list(members)].sum())

    def free_beside(self, taken: Sequence[int]) -> Bools:
        """Which candidates a set may hold beside these: a mask."""
        return np.asarray(~self.conflicts[list(taken)].any(axis=0))

    def _replaced(self) -> Bools:
        """Which candidate (row) another (column) replaces in any set.

        It covers as much, is cheaper or comes first, and conflicts with nothing that the replaced one may stand beside.
        """
        inside, free = self.covers.astype(np.float32), (~self.conflicts).astype(np.float32)
        within = inside @ inside.T >= inside.sum(axis=1)[:, None] - 0.5
        each = np.eye(len(self.prices), dtype=bool)
        fits = free @ (self.conflicts & ~each).T < 0.5
        more = self.prices[:, None] - self.prices[None, :]
        return np.asarray(within & fits & ((more > 0) | ((more == 0) & np.tril(~each))))


def merged(covers: Bools, shares: Floats, weights: Floats) -> tuple[Bools, Floats, Floats]:
    """Faces that the same candidates cover as one, those that none covers left out."""
    covered = covers.any(axis=0)
    covers, shares, weights = covers[:, covered], shares[covered], weights[covered]
    if not len(shares):
        return covers, shares, weights
    packed = np.ascontiguousarray(np.packbits(covers, axis=0).T)
    rows = packed.view(np.dtype((np.void, packed.shape[1]))).ravel()
    _, first, same = np.unique(rows, return_index=True, return_inverse=True)
    return covers[:, first], _summed(same, shares), _summed(same, weights)


def _summed(same: Indices, values: Floats) -> Floats:
    return np.asarray(np.bincount(same, values), dtype=np.float64)


def affordable(captures: int, money: float, prices: Floats) -> int:
    """How many captures can be had for the money."""
    least = float(prices.min(initial=np.inf))
    return captures if not np.isfinite(money) or least <= 0 else max(0, min(captures, int((money + _CENT) // least)))


class Search:
    """One search through all sets of a problem.

    Args:
        problem: The problem.
        goal: The most coverage (a set that covers `target` is good enough), the least price of those that cover
            `target`, or any one that does.
        captures: Of how many candidates a set may consist.
        budget: What it may cost; infinite for any price.
        target: Least coverage, percent of the area.
        best: A set that is known.
    """

    def __init__(
        self,
        problem: Problem,
        goal: Goal,
        captures: int,
        budget: float,
        target: float,
        *,
        best: Sequence[int] | None = None,
    ) -> None:
        self._problem, self._goal, self._captures = problem, goal, captures
        self._target, self._budget, self._enough = target, budget, target
        self.best = best
        if goal == "more coverage":
            self._target = min(target, STEP_PERCENT + (problem.coverage(best) if best is not None else 0.0))
        if best is not None and goal == "less price":
            self._budget = problem.price(best) - 1

    def run(self, allowed: Bools | None = None, taken: Sequence[int] = ()) -> Sequence[int] | None:
        """The best set; ``None`` where none is.

        Args:
            allowed: Of which candidates it may be made, a mask; ``None`` for all.
            taken: What it must hold.

        Raises:
            OutOfTime: Before all sets were looked at. The best one so far is in `best`.
        """
        problem, taken = self._problem, list(taken)
        free, covered = problem.free_beside(taken), np.asarray(problem.covers[taken].any(axis=0))
        if allowed is not None:
            free &= allowed
        try:
            for group in problem.groups:
                if not set(taken) <= set(group.tolist()):
                    continue
                inside = problem.covers[group].astype(float)
                rest = _without(free[group], group, inside, problem.shares, problem.weights, covered)
                self._node(*rest, taken, float(problem.shares[covered].sum()))
        except _Enough:
            pass
        return self.best

    def _node(
        self, ids: Indices, covers: Floats, shares: Floats, weights: Floats, taken: list[int], base: float
    ) -> None:
        """Look at all sets that hold `taken` and else only some of `ids`."""
        problem = self._problem
        if time.monotonic() > problem.until:
            raise OutOfTime
        self._offer(taken, base)
        steps, at_last_merge = _STEPS, len(ids)
        while (left := self._captures - len(taken)) > 0:
            money = self._budget - problem.price(taken)
            prices = problem.prices[ids]
            left = affordable(left, money, prices)
            gains = covers @ shares
            useful = (gains > _EXACT) & (prices <= money + _CENT)
            if not useful.all():
                ids, covers, shares, weights = _without(useful, ids, covers, shares, weights)
                continue
            if not len(ids) or not left or base + float(shares.sum()) < self._target:
                return
            if self._finish(ids, prices, gains, taken, base) or left == 1:
                return
            bound = _bound(covers, shares, prices, left, money, weights, problem.rate, self._target - base, steps)
            if base + bound.value < self._target:
                return
            steps, weights = _FEW_STEPS, bound.weights
            hopeful = base + bound.with_each >= self._target
            if not hopeful.all():
                ids, covers, shares, weights = _without(hopeful, ids, covers, shares, weights)
                continue
            if len(shares) > _MANY_FACES and len(ids) < _MERGED * at_last_merge:
                inside, shares, weights = merged(covers > 0, shares, weights)
                covers, at_last_merge = inside.astype(float), len(ids)
            first = int(np.argmax(bound.scores))
            inside, others = covers[first] > 0, np.arange(len(ids)) != first
            beside = ~problem.conflicts[ids[first], ids]
            rest = _without(beside, ids, covers, shares, weights, inside)
            self._node(*rest, [*taken, int(ids[first])], base + float(shares[inside].sum()))
            ids, covers, shares, weights = _without(others, ids, covers, shares, weights)

    def _finish(self, ids: Indices, prices: Floats, gains: Floats, taken: list[int], base: float) -> bool:
        """Offer the best set with one more candidate; whether no set with more of these can be better."""
        good = np.flatnonzero(base + gains >= self._target)
        if not len(good):
            return False
        if self._goal == "more coverage":
            last = int(np.argmax(gains))
            self._offer([*taken, int(ids[last])], base + float(gains[last]))
            return False
        last = int(good[np.argmin(prices[good])])
        self._offer([*taken, int(ids[last])], base + float(gains[last]))
        return bool(prices[last] <= prices.min() + _CENT)

    def _offer(self, members: list[int], coverage: float) -> None:
        if coverage < self._target or self._problem.price(members) > self._budget + 1e-9:
            return
        self.best = members
        if self._goal == "any":
            raise _Enough
        if self._goal == "less price":
            self._budget = self._problem.price(members) - 1
        else:
            if coverage >= self._enough:
                raise _Enough
            self._target = coverage + STEP_PERCENT


class _Bound(NamedTuple):
    value: float
    weights: Floats
    scores: Floats
    with_each: Floats


def _bound(
    covers: Floats,
    shares: Floats,
    prices: Floats,
    captures: int,
    money: float,
    weights: Floats,
    rate: float,
    target: float,
    steps: int,
) -> _Bound:
    """What the rest of a set can cover at most, the bound with each candidate in it; weights improved in steps."""
    rates = rate * _RATES if rate > 0 and np.isfinite(money) else np.zeros(1)
    best, pace, stalled = _Bound(np.inf, weights, shares, shares), 1.0, 0
    many = min(captures, len(prices))
    for _ in range(steps):
        scores = covers @ weights
        net = scores[None, :] - rates[:, None] * prices[None, :]
        top = np.partition(net, -many, axis=1)[:, -many:]
        extra = rates * money if len(rates) > 1 else np.zeros(1)
        values = np.maximum(top, 0).sum(axis=1) + extra
        which = int(np.argmin(values))
        value = float((shares - weights).sum() + values[which])
        row = net[which]
        if value < best.value - 1e-9:
            least = max(0.0, float(top[which].min())) if many == captures else 0.0
            best, stalled = _Bound(value, weights, row, value - np.maximum(least - row, 0)), 0
        else:
            stalled += 1
            if stalled == 4:
                pace, stalled = pace * 0.6, 0
        if best.value < target:
            break
        chosen = np.argpartition(row, -many)[-many:]
        slope = covers[chosen[row[chosen] > 0]].sum(axis=0) - 1.0
        slope[((weights <= 0) & (slope > 0)) | ((weights >= shares) & (slope < 0))] = 0
        length = float(slope @ slope)
        if length < 1e-12:
            break
        weights = np.clip(weights - pace * max(value - target, 1e-6) / length * slope, 0, shares)
    return best


def _without(
    kept: Bools, ids: Indices, covers: Floats, shares: Floats, weights: Floats, done: Bools | None = None
) -> tuple[Indices, Floats, Floats, Floats]:
    """The candidates that are kept, and the faces that one of them covers, without those that are done."""
    covers = covers[kept]
    open_faces = covers.sum(axis=0) > 0
    if done is not None:
        open_faces &= ~done
    return ids[kept], covers[:, open_faces], shares[open_faces], weights[open_faces]
