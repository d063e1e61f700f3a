"""What is said of a set that was chosen: its price, and how good it is, in a sentence."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tasking.capture_sets.pricing import Prices
from tasking.capture_sets.wish import CaptureSet, SetWish
from tasking.ranking import RankedCandidate

if TYPE_CHECKING:
    from tasking.capture_sets.solving import Solution


def told(
    members: tuple[RankedCandidate, ...],
    covered_percent: float,
    solution: Solution,
    price_units: int,
    prices: Prices,
    wish: SetWish,
    notes: tuple[str, ...],
) -> CaptureSet:
    """The set as it is handed out.

    Args:
        members: Its candidates.
        covered_percent: What they and the fixed captures cover.
        solution: How good it is.
        price_units: What it costs, in units of the prices.
        prices: What a unit is.
        wish: What was asked for.
        notes: How it was chosen.
    """
    bound = solution.coverage_bound
    price = None if prices.unit is None else prices.unit * price_units
    least_units = int(solution.price_bound)
    return CaptureSet(
        members=members,
        coverage_percent=covered_percent,
        enough=solution.enough,
        price=price,
        currency=prices.currency if price is not None else None,
        proven=solution.proven,
        coverage_bound_percent=None if bound is None else round(max(covered_percent, bound), 2),
        price_bound=prices.unit * least_units if solution.enough and prices.unit is not None else None,
        captures_bound=least_units if solution.enough and prices.unit is None else None,
        sentence=_sentence(len(members), covered_percent, solution, price, prices, wish),
        notes=notes,
    )


def _sentence(
    count: int, covered: float, solution: Solution, price: Decimal | None, prices: Prices, wish: SetWish
) -> str:
    if not count:
        return f"What is fixed covers {covered:.1f} % of the area, which is enough."
    verb = "covers" if count == 1 else "cover"
    cost = "" if price is None else f" for {money(price, prices.currency)}"
    done = f"{_captures(count)} {verb} {covered:.1f} % of the area{cost}"
    ended = f" (the search ended after {wish.time_limit_seconds:g} s)"
    if not solution.enough:
        limits = "no single capture" if wish.max_captures == 1 else f"no set of {_captures(wish.max_captures)}"
        if wish.budget is not None:
            limits += f" within {money(wish.budget, prices.currency)}"
        if solution.proven:
            return f"{done}; {limits} covers more."
        return f"{done}; {limits} can cover more than {solution.coverage_bound or 100.0:.1f} %{ended}."
    wanted = "all of it" if wish.coverage_min_percent is None else f"{wish.coverage_min_percent:g} %"
    least = int(solution.price_bound)
    if prices.unit is None:
        if count == 1:
            return f"{done}."
        return (
            f"{done}; no fewer cover {wanted}."
            if solution.proven
            else f"{done}; no set with fewer than {_captures(least)} covers {wanted}{ended}."
        )
    if solution.proven:
        return f"{done}; no set that covers {wanted} is cheaper."
    return f"{done}; no set that covers {wanted} costs less than {money(prices.unit * least, prices.currency)}{ended}."


def money(amount: Decimal, currency: str | None) -> str:
    """An amount with its currency, for a person."""
    return f"{amount.normalize():f} {currency}" if currency else f"{amount.normalize():f}"


def _captures(count: int) -> str:
    return "1 capture" if count == 1 else f"{count} captures"
