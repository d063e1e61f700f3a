"""What is done to an order, and when."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from chaos.fail_point import FailPoint, Kind

FaultKind = Literal[
    "killed before",
    "killed while sent",
    "killed halfway",
    "killed after",
    "answer lost",
    "reset before",
    "no connection",
    "timed out",
    "late",
    "answer lost, looks 403",
    "answer lost, looks 404",
    "reset before, looks 404",
    "429",
    "429 with Retry-After",
    "500",
    "500 after acting",
    "502 after acting",
    "503",
    "504",
    "401",
    "cut",
    "malformed",
    "wrong content type",
    "1xx",
    "slow head",
    "many addresses",
    "called crashed",
    "disk full",
    "read-only",
    "full for a while",
    "read-only for a while",
    "locked",
]

DEADLY: tuple[FaultKind, ...] = ("killed before", "killed while sent", "killed halfway", "killed after")

HELD: tuple[FaultKind, ...] = ("1xx", "slow head", "many addresses")
"""A call that the network holds for longer than it may take; each POST to a provider is held in each way."""

CALLED_CRASHED: FaultKind = "called crashed"
"""Somebody calls the run Crashed while its process lives, and that process stands still for a minute. Another one is
started, looks and settles; then the first goes on: it sends what it announced, or writes down a yes that comes late."""

EXHAUSTIVE: dict[Kind, tuple[FaultKind, ...]] = {
    "provider": ("killed before", "killed while sent", "killed after", "answer lost"),
    "prefect": ("killed before", "killed after", "answer lost"),
    "ledger": ("killed before", "killed after", "answer lost"),
    "disk": ("killed before",),
    "process": (CALLED_CRASHED,),
}
"""Every way in which each point of a recorded order is struck."""

ANY: dict[Kind, tuple[FaultKind, ...]] = {
    "provider": (
        *EXHAUSTIVE["provider"],
        *("killed halfway", "reset before", "no connection", "timed out", "429", "429 with Retry-After"),
        *("500 after acting", "502 after acting", "503", "504", "401", "cut", "malformed", "wrong content type"),
        *HELD,
    ),
    "prefect": (*EXHAUSTIVE["prefect"], "500 after acting", "500", "503"),
    "ledger": (*EXHAUSTIVE["ledger"], "locked"),
    "disk": ("killed before", "disk full", "read-only", "full for a while", "read-only for a while"),
    "process": EXHAUSTIVE["process"],
}
"""What may be drawn at random for each kind of point; for a POST to a provider `LATE`, too, for a create `IN_DOUBT`."""

LATE: FaultKind = "late"
"""The caller's time is over at once, and the call arrives some seconds later, whatever became of the caller."""

IN_DOUBT: dict[FaultKind, tuple[FaultKind, int]] = {
    "answer lost, looks 403": ("answer lost", 403),
    "answer lost, looks 404": ("answer lost", 404),
    "reset before, looks 404": ("reset before", 404),
}
"""For creates that can be looked for: how such a call is struck, and what the next looks are refused with.

Where no create is in doubt, such an answer is a clear no, and the order ends: nothing that must be survived.
"""


class Fault(BaseModel):
    """One fault: a way, at a point."""

    model_config = ConfigDict(frozen=True)

    at: FailPoint
    kind: FaultKind = Field(validation_alias=AliasChoices("kind", "way"))

    def __str__(self) -> str:
        return f"{self.kind} at {self.at}"


class FaultPlan(BaseModel):
    """All that is done to one order from inside its processes."""

    model_config = ConfigDict(frozen=True)

    faults: tuple[Fault, ...] = Field(default=(), validation_alias=AliasChoices("faults", "strikes"))
