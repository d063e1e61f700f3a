"""The orders of a campaign: those of the kits, each at a place of its own, so that none takes another's pass."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from chaos.fail_point import FailPoint
from chaos.fault_plan import FaultPlan
from devstack.kits import KITS

Moment = Literal["in the same second", "in the first storm", "after the jump", "at the announcement", "after the end"]
"""When people act: with the placing of the order; at some time in the first storm, or in the storm after the first jump
of the provider's time; once its request is announced in the ledger; once its run has ended."""

PROVIDERS = tuple(KITS)
WIDE = ("axelglobe",)
"""Providers with orders of a wide area, which takes several captures."""

KINDS = (*PROVIDERS, *(f"{one}-wide" for one in WIDE))
"""The kinds of orders: one of each is recorded, and its points are struck."""

AHEAD = timedelta(days=1)
"""Windows begin so much later than the kits': some hours of the provider's time pass while all are being placed."""


class TestOrder(BaseModel):
    """One order that is put to the test.

    Attributes:
        reference: Its reference, and the name of its files.
        provider: Whom it is placed with.
        wide: It is for a wide area, which takes several captures.
        plan: What is done to it from inside its processes.
        acts: What people do to it meanwhile.
        moments: When, for each act.
        own_home: Whether its processes share their token with no other order.
    """

    __test__: ClassVar[bool] = False  # no class of tests, whatever its name says to pytest

    model_config = ConfigDict(frozen=True)

    reference: str
    provider: str
    wide: bool = False
    plan: FaultPlan = FaultPlan()
    acts: tuple[str, ...] = ()
    moments: tuple[Moment, ...] = ()
    own_home: bool = False

    @property
    def kind(self) -> str:
        """One of `KINDS`."""
        return f"{self.provider}-wide" if self.wide else self.provider

    def owns(self, label: str) -> bool:
        """Whether what carries this label at a provider is the order's; only a wide one has more than one."""
        return label == self.reference or (self.wide and label.rpartition("#")[0] == self.reference)


def of_kind(kind: str, reference: str, **facts: Any) -> TestOrder:
    """An order of one of `KINDS`."""
    provider, _, wide = kind.partition("-")
    return TestOrder(reference=reference, provider=provider, wide=bool(wide), **facts)


Detour = tuple[TestOrder, FailPoint]
"""A struck order, and a point that it came to because of its faults."""


def order(subject: TestOrder, number: int, now: datetime) -> dict[str, Any]:
    """The order of a subject, JSON; ``number`` decides about its place, ``now`` is the provider's time."""
    made: dict[str, Any] = KITS[subject.provider].order(subject.reference, now + AHEAD)
    if subject.wide:
        return made | _wide(number, now + AHEAD)
    east, north = 0.9 * (number % 25) - 10, 0.7 * (number // 25 % 12) - 4
    if "point" in made:
        made["point"] = {"type": "Point", "coordinates": _moved(made["point"]["coordinates"], east, north)}
    else:
        ring = [_moved(place, east, north) for place in made["area"]["coordinates"][0]]
        made["area"] = {"type": "Polygon", "coordinates": [ring]}
    return made


def _wide(number: int, now: datetime) -> dict[str, Any]:
    """A rectangle of 219 by 166 km in the south, where no other order is, and what such an order asks for."""
    west, south = 3.0 * (number % 15) + 110, -2.0 * (number // 15 % 8) - 22
    east, north = west + 2.3, south + 1.5
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    return {
        "area": {"type": "Polygon", "coordinates": [ring]},
        "window": {"start": start.isoformat(), "end": (start + timedelta(days=13)).isoformat()},
        "max_captures": 8,
        "coverage_min_percent": 80,
        "select": "best-coverage",
    }


def _moved(place: Sequence[float], east: float, north: float) -> list[float]:
    return [round(place[0] + east, 6), round(place[1] + north, 6)]
