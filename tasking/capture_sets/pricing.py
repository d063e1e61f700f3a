"""What candidates cost, in whole numbers that can be added and compared without rounding."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from tasking.candidate import Candidate

_MOST = Decimal(10) ** 12
_DECIMALS = 6


class Prices(NamedTuple):
    """The candidates' prices.

    Attributes:
        units: Of each candidate, in units; ``None`` for one that cannot be in a set, as its price cannot be compared.
        unit: What one unit is worth; ``None`` where captures are counted, because prices tell nothing.
        currency: Of the unit.
        notes: What a person should know.
    """

    units: tuple[int | None, ...]
    unit: Decimal | None
    currency: str | None
    notes: tuple[str, ...]


def price_units(candidates: Sequence[Candidate], budget: Decimal | None, currency: str | None) -> Prices:
    """The prices of candidates, comparable.

    Currencies are never converted. With a budget, a price in another currency cannot be held to it, nor can any where
    none is known. Without one, captures are counted where currencies differ.

    Args:
        candidates: The candidates.
        budget: What a set may cost; ``None`` for any price.
        currency: Of the budget.
    """
    known = {one.currency: None for one in candidates if _known(one)}
    priced = [one for one in candidates if _known(one)]
    if budget is not None:
        if currency is None and len(known) == 1:
            currency = next(iter(known))
        priced = [one for one in priced if one.currency == currency]
        if not priced:
            note = "No price is known in the budget's currency, so nothing can be held to the budget."
            return Prices((None,) * len(candidates), None, currency, (note,))
    elif len(known) > 1:
        named = ", ".join(sorted(each or "no currency" for each in known))
        note = f"The prices have several currencies ({named}), which are not compared: captures are counted instead."
        return Prices((1,) * len(candidates), None, None, (note,))
    elif not priced:
        return Prices((1,) * len(candidates), None, None, ())
    else:
        currency = next(iter(known))
    scale = max(0, min(_DECIMALS, max(-_exponent(one) for one in priced)))
    unit = Decimal(1).scaleb(-scale)
    highest = max(_units(one, unit) for one in priced)
    units = tuple(
        (_units(one, unit) if one.currency == currency else None) if _known(one) else highest for one in candidates
    )
    unknown = sum(not _known(one) for one in candidates)
    other = units.count(None)
    notes = []
    if unknown:
        notes.append(f"{unknown} of {len(units)} prices are not known and count as the highest one that is.")
    if other:
        notes.append(f"{other} candidates are left out: their prices are not in the budget's currency.")
    return Prices(units, unit, currency, tuple(notes))


def _known(one: Candidate) -> bool:
    return one.price is not None and one.price.is_finite() and 0 <= one.price < _MOST


def _exponent(one: Candidate) -> int:
    assert one.price is not None
    exponent = one.price.normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # it is finite
    return exponent


def _units(one: Candidate, unit: Decimal) -> int:
    assert one.price is not None
    return int((one.price / unit).to_integral_value(ROUND_CEILING))
