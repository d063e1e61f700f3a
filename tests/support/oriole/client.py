"""Oriole's API, call by call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict

from tasking.client_base import ClientBase
from tasking.http.api import Operation
from tests.support.oriole.settings import OrioleSettings


class Taken(BaseModel):
    """An order as Oriole has it."""

    model_config = ConfigDict(frozen=True)

    id: str
    label: str
    state: str
    point: tuple[float, float]
    start: AwareDatetime
    end: AwareDatetime


class Listed(BaseModel):
    """A list of orders."""

    orders: list[Taken]


class Item(BaseModel):
    """A STAC item, kept as it came."""

    model_config = ConfigDict(extra="allow")


class OrioleClient(ClientBase[OrioleSettings]):
    """The API of one account."""

    provider = "oriole"

    def touch(self) -> object:
        """A list without orders, for the time that comes with it."""
        return self.orders(ids="none")

    def _token_question(self) -> dict[str, Any]:
        client_id, secret = self.settings.client_id, self.settings.client_secret
        return {"json": {"client_id": client_id.get_secret_value(), "client_secret": secret.get_secret_value()}}

    def orders(self, **which: str) -> list[Taken]:
        """The account's orders: by ``label``, or those of ``ids``."""
        found, _ = self.api.get(
            self.api.url("orders", which), Listed, Operation("list orders", reference=which.get("label"))
        )
        return found.orders

    def create(self, body: Mapping[str, Any]) -> Taken:
        """Place an order; sent once."""
        return self.api.create(self.api.url("orders"), body, Taken, Operation("create order", reference=body["label"]))

    def order(self, order_id: str) -> Taken:
        """One order."""
        return self._one(self.api.url(f"orders/{order_id}"), order_id, Taken, "read order")

    def cancel(self, order_id: str) -> Taken:
        """Cancel one; sent once."""
        operation = Operation("cancel order", provider_id=order_id)
        return self.api.create(
            self.api.url(f"orders/{order_id}"), {"state": "cancelled"}, Taken, operation, method="PATCH"
        )

    def item(self, order_id: str) -> dict[str, Any]:
        """The STAC item of a delivered order."""
        return self._one(self.api.url(f"orders/{order_id}/item"), order_id, Item, "read item").model_dump()


def ids(many: Collection[str]) -> str:
    """Ids as the API takes them."""
    return ",".join(many)
