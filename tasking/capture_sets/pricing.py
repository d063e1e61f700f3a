"""What candidates cost, in whole numbers that can be added and compared without rounding."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal
from typing import NamedTuple

from tasking.candidate import Candidate
from tasking.money import currency_word

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

    Currencies are never converted. With a budget, a candidate whose price is not known, or is in another currency, is
    left out, as it cannot be held to it. Without one, captures are counted where currencies differ.

    Args:
        candidates: The candidates.
        budget: What a set may cost; ``None`` for any price.
        currency: Of the budget.
    """
    known = {_currency(one): None for one in candidates if _known(one)}
    currency = currency_word(currency) if currency is not None else None
    priced = [one for one in candidates if _known(one)]
    if budget is not None:
        if currency is None and len(known) == 1:
            currency = next(iter(known))
        priced = [one for one in priced if _currency(one) == currency]
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
    of_unknown = highest if budget is None else None
    units = tuple(
        (_units(one, unit) if _currency(one) == currency else None) if _known(one) else of_unknown for one in candidates
    )
    notes = []
    if budget is not None and None in units:
        notes.append(
            f"{units.count(None)} candidates are left out: what they cost in the budget's currency is not known."
        )
    elif unknown := sum(not _known(one) for one in candidates):
        notes.append(f"{unknown} of {len(units)} prices are not known and count as the highest one that is.")
    return Prices(units, unit, currency, tuple(notes))


def _known(one: Candidate) -> bool:
    return one.price is not None and one.price.is_finite() and 0 <= one.price < _MOST


def _currency(one: Candidate) -> str | None:
    return currency_word(one.currency) if one.currency is not None else None


def _exponent(one: Candidate) -> int:
    assert one.price is not None
    exponent = one.price.normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # it is finite
    return exponent


def _units(one: Candidate, unit: Decimal) -> int:
    assert one.price is not None
    return int((one.price / unit).to_integral_value(ROUND_CEILING))
