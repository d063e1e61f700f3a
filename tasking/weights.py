"""What counts how much when candidates are ranked, as an order may say it."""

from __future__ import annotations

from pydantic import ConfigDict, Field, model_validator

from tasking.errors import InvalidOrder
from tasking.form import Form

HEAVIEST = 1000.0


def _weight(title: str, description: str) -> float:
    weight: float = Field(default=0.0, ge=0, le=HEAVIEST, title=title, description=description, examples=[0.5])
    return weight


class Weights(Form):
    """What counts how much. Only the proportions matter: 6 and 2 are as good as 0.6 and 0.2."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="Weights")

    coverage: float = _weight("Covered share", "The share of the area that is covered: 1 for all of it.")
    time: float = _weight("Time", "1 at the begin of the window, 0 at its end.")
    off_nadir: float = _weight("Steep view", "1 for straight down, 0 at the horizon.")
    sun_elevation: float = _weight("High sun", "1 for the sun overhead, 0 for the horizon.")
    price: float = _weight("Low price", "1 for the cheapest candidate, 0.5 for one that is twice as dear.")
    cloud: float = _weight("Clear sky", "1 for no clouds, 0 for full cover, where the provider tells.")

    @model_validator(mode="after")
    def _something_counts(self) -> Weights:
        if not any(self.shares().values()):
            raise InvalidOrder("weights", "all are 0", "give at least one above 0, or leave the field empty")
        return self

    def shares(self) -> dict[str, float]:
        """Each weight as its share of all, 0..1."""
        given = {name: float(getattr(self, name)) for name in type(self).model_fields}
        total = sum(given.values())
        return {name: weight / total if total else 0.0 for name, weight in given.items()}


def none_if_untouched(value: object) -> object:
    """A form sends zeros for weights that were opened and left alone."""
    if isinstance(value, dict) and not any(value.values()):
        return None
    return value
