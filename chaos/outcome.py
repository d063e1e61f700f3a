"""What a campaign brought, as it is kept in a file."""

from __future__ import annotations

from pydantic import AliasChoices, BaseModel, Field

from chaos.checker import Verdict
from chaos.fault_plan import Fault
from chaos.orders import Detour


class Outcome(BaseModel):
    """What a campaign brought.

    Attributes:
        verdicts: One for each order.
        faults: What hit each order from inside its processes, by reference.
        disturbances: What happened to the stack meanwhile, and how often.
        ended: Programs of the stack that ended by themselves, and how often.
        asleep: Orders and runs seen waiting without a time at which they wake.
        unfinished: What had not come to its end when the time was over.
        strangers: What the providers made for nobody.
        spending: Where what was spent is not what was ordered.
        detours: Where orders came to that undisturbed ones never do.
        seconds: Wall time.
    """

    verdicts: list[Verdict] = Field(default_factory=list)
    faults: dict[str, list[Fault]] = Field(default_factory=dict, validation_alias=AliasChoices("faults", "strikes"))
    disturbances: dict[str, int] = Field(default_factory=dict, validation_alias=AliasChoices("disturbances", "unrest"))
    ended: dict[str, int] = Field(default_factory=dict)
    asleep: list[str] = Field(default_factory=list)
    unfinished: list[str] = Field(default_factory=list)
    strangers: list[str] = Field(default_factory=list)
    spending: list[str] = Field(default_factory=list)
    detours: list[Detour] = Field(default_factory=list)
    seconds: float = 0.0
