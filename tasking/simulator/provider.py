"""What every simulated provider has; each is a class in a folder of its own, found by `tasking.simulator.app`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic

from fastapi import FastAPI

from tasking.simulator.switches import AnySwitches, SwitchBoard
from tasking.simulator.tokens import Tokens
from tasking.simulator.world import World


class SimulatedProvider(ABC, Generic[AnySwitches]):
    """One provider of a simulator. The ``__init__`` of its folder names its class ``Provider``.

    Attributes:
        name: Its name: that of its folder, of its control routes and of its own switches.
        switches_model: Its own switches (class variable).
        shown_headers: Headers of its calls that the journal keeps beside the usual ones (class variable).
        switches: Their board.
        tokens: The tokens it gave out.
    """

    name: ClassVar[str]
    switches_model: ClassVar[type[Any]]
    shown_headers: ClassVar[tuple[str, ...]] = ()

    def __init__(self, world: World) -> None:
        self._world = world
        self.switches: SwitchBoard[AnySwitches] = world.own_switches(self.name, self.switches_model)
        self.tokens = Tokens(world, self.name)
        world.journal.show(*self.shown_headers)

    @abstractmethod
    def join(self, app: FastAPI) -> None:
        """Add the provider's routes, further control routes under ``/_sim/<name>``, and the way it says no."""

    @abstractmethod
    def summary(self) -> dict[str, Any]:
        """Counts and objects: the judge of what a client really did."""

    @abstractmethod
    def files(self, reference: str) -> list[dict[str, Any]]:
        """What is published for an order, file by file, as `tasking.simulator.manifest.listed` says it."""

    def switch(self, **changes: Any) -> AnySwitches:
        """Change its own switches."""
        return self.switches.change(**changes)

    def close(self) -> None:
        """End what runs beside the calls."""

    @property
    def url(self) -> str:
        """Address of the simulator, once it is served."""
        return self._world.url
