"""Oriole's API, call by call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import httpx
from pydantic import AwareDatetime, BaseModel, ConfigDict

from tasking.clock import ProviderClock
from tasking.http.api import Api, Call
from tasking.http.tokens import SharedTokens
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


class OrioleClient:
    """The API of one account; close it after use."""

    def __init__(self, settings: OrioleSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self.clock = ProviderClock(own=settings.http.own_clock)
        client_id, secret = settings.client_id.get_secret_value(), settings.client_secret.get_secret_value()
        self.api = Api(
            "oriole",
            settings.api_url,
            settings=settings.http,
            clock=self.clock,
            account=client_id,
            secrets=[secret],
            transport=transport,
        )
        where, body = f"{settings.api_url}/token", {"client_id": client_id, "client_secret": secret}
        self.api.tokens = SharedTokens(
            lambda: self.api.ask_token(where, json=body),
            token_url=where,
            client_id=client_id,
            audience="",
            client_secret=secret,
            clock=self.clock,
            margin_seconds=60.0,
        )

    def close(self) -> None:
        """Give back the connections."""
        self.api.close()

    def orders(self, **which: str) -> list[Taken]:
        """The account's orders: by ``label``, or those of ``ids``."""
        found, _ = self.api.get(
            self.api.url("orders", which), Listed, Call("list orders", reference=which.get("label"))
        )
        return found.orders

    def create(self, body: Mapping[str, Any]) -> Taken:
        """Place an order; sent once."""
        return self.api.create(self.api.url("orders"), body, Taken, Call("create order", reference=body["label"]))

    def order(self, order_id: str) -> Taken:
        """One order."""
        return self.api.get(self.api.url(f"orders/{order_id}"), Taken, Call("read order", provider_id=order_id))[0]

    def cancel(self, order_id: str) -> Taken:
        """Cancel one; sent once."""
        call = Call("cancel order", provider_id=order_id)
        return self.api.create(self.api.url(f"orders/{order_id}"), {"state": "cancelled"}, Taken, call, method="PATCH")

    def item(self, order_id: str) -> dict[str, Any]:
        """The STAC item of a delivered order."""
        call = Call("read item", provider_id=order_id)
        return self.api.get(self.api.url(f"orders/{order_id}/item"), Item, call)[0].model_dump()


def ids(many: Collection[str]) -> str:
    """Ids as the API takes them."""
    return ",".join(many)
