"""An order of each provider, for tests that hold for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from prefect.flows import Flow

from devstack.kit import Kit
from devstack.kits import KITS
from tasking.order import Order
from tasking.simulator import Simulator
from tests.support.installation import Installation
from tests.support.simulator_control import control


@dataclass(frozen=True)
class Kind:
    """A provider by its kit: the order, where it is created, and how the provider counts."""

    kit: Kit

    @property
    def flow(self) -> Flow[..., Any]:
        """The flow that takes its orders."""
        module, _, name = self.kit.entrypoint.rpartition(".")
        found: Flow[..., Any] = getattr(import_module(module), name)
        return found

    def order(self, installation: Installation) -> Order:
        """The kit's order; no pass is lost to another customer, whatever day it is."""
        with control(installation.simulator) as client:
            self.kit.make_room(client)
        return self.kit.order_kind.model_validate(self.kit.order("bay", installation.simulator.clock.now()))

    @property
    def create(self) -> str:
        """Where what costs money is created, as a glob over paths."""
        return self.kit.create

    @property
    def calls(self) -> str:
        """The calls of an order, as a glob over paths."""
        return self.kit.calls

    def made(self, simulator: Simulator) -> list[str]:
        """References of all that costs money at the provider, once for each that was made."""
        ids = simulator.providers[self.kit.name].summary()[list(self.kit.creates)[-1]]
        return [reference for reference, made in ids.items() for _ in made]


KINDS = {name: Kind(kit) for name, kit in KITS.items()}
