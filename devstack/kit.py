"""What demo, tests, chaos and benchmarks know of a provider, so that none of them has to name one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

import httpx

from tasking.ledger import OrderRecord
from tasking.order import Order
from tasking.provider import Provider

DEMO_CLIENT = ("demo-client", "demo-secret")
"""Client id and secret of the first account of every simulator."""

Json = dict[str, Any]


class Kit(ABC):
    """One provider at the simulator: its account, an order that comes home, and how to count what became of it.

    A summary is what the simulator says at ``/_sim/<name>``; references are those of orders.

    Attributes:
        name: The provider's name (class variable, like all of these).
        entrypoint: The flow that takes its orders, as in prefect.yaml.
        order_kind: Its kind of order.
        deliveries: How many deliveries the order of `order` brings at least.
        creates: For each list of a summary that holds ids by reference, the path at which such a thing is created: a
            glob over the paths of the simulator's journal. What is created last costs money.
        paid: The list of a summary that holds what costs money, and the field of its id.
        called_off: Its status there once it is cancelled.
        calls: Glob over the paths of the calls that carry an order, without those for tokens.
        paths: Globs over the paths of all its calls.
        cancel_call: Method and path of the call that cancels, ids as ``*``; empty where there is none.
        fast: Fields of an account for a clock that is turned fast.
    """

    name: ClassVar[str]
    entrypoint: ClassVar[str]
    order_kind: ClassVar[type[Order]]
    deliveries: ClassVar[int] = 1
    creates: ClassVar[Mapping[str, str]]
    paid: ClassVar[tuple[str, str]]
    called_off: ClassVar[str] = "CANCELED"
    calls: ClassVar[str]
    paths: ClassVar[Sequence[str]]
    cancel_call: ClassVar[str] = ""
    fast: ClassVar[Mapping[str, Any]] = {"poll_interval_seconds": 300}

    @property
    def deployment(self) -> str:
        """The deployment that takes its orders, as flow/deployment."""
        return f"order-{self.name}/order"

    @property
    def block(self) -> str:
        """The type of its account's block."""
        return f"{self.name}-tasking"

    @property
    def create(self) -> str:
        """Where what costs money is created."""
        return list(self.creates.values())[-1]

    @abstractmethod
    def account(self, simulator: httpx.Client, client: tuple[str, str] = DEMO_CLIENT) -> Json:
        """The fields that an account's block needs: addresses, credentials, contract."""

    @abstractmethod
    def open(self, account: Json, transport: httpx.BaseTransport | None = None) -> Provider:
        """The provider as this account sees it; close it after use."""

    @abstractmethod
    def order(self, reference: str | None, now: datetime) -> Json:
        """An order that comes home, of one ``point`` or one ``area``; ``now`` is the provider's time."""

    @abstractmethod
    def products_due(self, record: OrderRecord) -> datetime | None:
        """When the next products are there at the latest (the provider's time), once that can be known."""

    def set_up(self, simulator: httpx.Client) -> None:
        """What the order of `order` needs of the simulator to show all it can."""

    def make_room(self, simulator: httpx.Client) -> None:
        """No other customer takes a pass, and the account pays for as many orders as there may be."""

    def register_webhook(self, simulator: httpx.Client, address: str) -> Json | None:
        """Have the provider notify this address; what an order says to be told of, ``None`` where there is no such."""

    def notifications(self, simulator: httpx.Client) -> list[Json]:
        """The bodies of the notifications that were sent, oldest first."""
        return []

    def summary(self, simulator: httpx.Client) -> Json:
        """What the provider holds."""
        held: Json = simulator.get(f"/_sim/{self.name}").raise_for_status().json()
        return held

    def published(self, simulator: httpx.Client, reference: str) -> list[Json]:
        """What the provider published for an order: each file with name, size, hash and place."""
        answer = simulator.get(f"/_sim/{self.name}/files", params={"reference": reference})
        files: list[Json] = answer.raise_for_status().json()
        return files

    def made(self, summary: Json, reference: str) -> dict[str, int]:
        """What the provider made for an order, how many of each, counted by the provider."""
        return {name.partition("_by_")[0]: len(summary[name].get(reference, [])) for name in self.creates}

    def paid_for(self, summary: Json, reference: str) -> dict[str, bool]:
        """What costs money and was made for an order, by its id: whether the provider has called it off."""
        ids = summary[list(self.creates)[-1]].get(reference, [])
        kind, field = self.paid
        return {str(one[field]): one["status"] == self.called_off for one in summary[kind] if one[field] in ids}

    def spending(self, summary: Json, references: Collection[str]) -> list[str]:
        """Where what was paid is not what these orders cost, a line each."""
        return []
