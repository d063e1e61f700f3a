"""What captures cost where the provider gives no price: a price list, kept in the account block."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator

from tasking.errors import InvalidOrder
from tasking.form import Form
from tasking.money import Amount, CurrencyOrEmpty, Money

PerCapture = Annotated[
    Amount | None,
    Field(title="Per capture", description="For each capture, in the currency's main unit (not cents), or in credits."),
]
PerKm2 = Annotated[
    Amount | None,
    Field(title="Per km²", description="For each square kilometre, besides what a capture costs. See 'km² of'."),
]


class Rates(Form):
    """What a capture costs; what is left empty costs nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Rates")

    per_capture: PerCapture = None
    per_km2: PerKm2 = None

    @property
    def given(self) -> bool:
        """Whether these rates say anything."""
        return self.per_capture is not None or self.per_km2 is not None


class PriceList(Rates):
    """Prices of your contract, for a provider that tells none. Left empty, prices are not known."""

    model_config = ConfigDict(title="Price list")

    km2_of: Literal["area", "footprint"] = Field(
        default="area",
        title="km² of",
        description=(
            "Which square kilometres are paid. 'area': all of the ordered area, for each request. 'footprint': what "
            "the capture covers on the ground, inside and outside of the area. A point has no area: there it is always "
            "the footprint."
        ),
    )
    currency: CurrencyOrEmpty = Field(
        default="", title="Currency", description="Three letters of ISO 4217, e.g. EUR; or credits."
    )
    by_priority: dict[str, Rates] = Field(
        default={},
        title="By priority",
        description=(
            "Other rates for a priority, which replace those above: AxelGlobe's and ICEYE's word for the priority "
            "(EMERGENCY, BACKGROUND), Satellogic's product (rush, area)."
        ),
        examples=[{"EMERGENCY": {"per_capture": 3}}],
    )

    @model_validator(mode="after")
    def _in_a_currency(self) -> Self:
        if (self.given or self.by_priority) and not self.currency:
            fix = "name the currency of these prices, e.g. EUR or credits"
            raise InvalidOrder("price_list.currency", "(empty)", fix)
        words = [word.strip().upper() for word in self.by_priority]
        if len(set(words)) < len(words):
            raise InvalidOrder("price_list.by_priority", ", ".join(self.by_priority), "name each priority once")
        return self

    def rates_for(self, priority: str | None) -> Rates:
        """The rates of a priority, in any capitals; the common ones where it has none of its own."""
        word = (priority or "").strip().upper()
        return next((rates for key, rates in self.by_priority.items() if key.strip().upper() == word), self)

    def price(self, priority: str | None, captures: int, km2: float | None) -> Money | None:
        """What a request costs.

        Args:
            priority: The provider's word for it, if there is one.
            captures: How many captures it is for.
            km2: Square kilometres of one of them, ``None`` when they are not known.

        Returns:
            ``None`` where the list says nothing, or asks for square kilometres that are not known.
        """
        rates = self.rates_for(priority)
        if not rates.given or not self.currency:
            return None
        each = rates.per_capture or Decimal(0)
        if rates.per_km2 is not None:
            if km2 is None:
                return None
            each += rates.per_km2 * Decimal(str(km2))
        return Money((each * captures).quantize(Decimal("0.01")), self.currency)
