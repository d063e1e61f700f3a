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

AHEAD = timedelta(days=1)
"""Windows begin so much later than the kits': some hours of the provider's time pass while all are being placed."""


class TestOrder(BaseModel):
    """One order that is put to the test.

    Attributes:
        reference: Its reference, and the name of its files.
        provider: Whom it is placed with.
        plan: What is done to it from inside its processes.
        acts: What people do to it meanwhile.
        moments: When, for each act.
        own_home: Whether its processes share their token with no other order.
    """

    __test__: ClassVar[bool] = False  # no class of tests, whatever its name says to pytest

    model_config = ConfigDict(frozen=True)

    reference: str
    provider: str
    plan: FaultPlan = FaultPlan()
    acts: tuple[str, ...] = ()
    moments: tuple[Moment, ...] = ()
    own_home: bool = False


Detour = tuple[TestOrder, FailPoint]
"""A struck order, and a point that it came to because of its faults."""


def order(subject: TestOrder, number: int, now: datetime) -> dict[str, Any]:
    """The order of a subject, JSON; ``number`` decides about its place, ``now`` is the provider's time."""
    made: dict[str, Any] = KITS[subject.provider].order(subject.reference, now + AHEAD)
    east, north = 0.9 * (number % 25) - 10, 0.7 * (number // 25 % 12) - 4
    if "point" in made:
        made["point"] = {"type": "Point", "coordinates": _moved(made["point"]["coordinates"], east, north)}
    else:
        ring = [_moved(place, east, north) for place in made["area"]["coordinates"][0]]
        made["area"] = {"type": "Polygon", "coordinates": [ring]}
    return made


def _moved(place: Sequence[float], east: float, north: float) -> list[float]:
    return [round(place[0] + east, 6), round(place[1] + north, 6)]
