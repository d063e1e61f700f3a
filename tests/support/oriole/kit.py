"""Oriole's kit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

import httpx

from devstack.kit import DEMO_CLIENT, Json, Kit
from tasking.ledger import OrderRecord
from tests.support.oriole.order import OrioleOrder
from tests.support.oriole.provider import Oriole
from tests.support.oriole.settings import OrioleSettings


class OrioleKit(Kit):
    """Oriole."""

    name = "oriole"
    entrypoint = "tests.support.oriole.flow.order_oriole"
    order_kind = OrioleOrder
    creates: ClassVar = {"orders_by_label": "/oriole/orders"}
    paid = ("orders", "id")
    called_off = "cancelled"
    calls = "/oriole/orders*"
    paths = ("/oriole/*",)
    cancel_call = "PATCH /oriole/orders/*"

    def account(self, simulator: httpx.Client, client: tuple[str, str] = DEMO_CLIENT) -> Json:
        """Address and credentials."""
        url = str(simulator.base_url).rstrip("/")
        return {"api_url": f"{url}/oriole", "client_id": client[0], "client_secret": client[1]}

    def open(self, account: Json, transport: httpx.BaseTransport | None = None) -> Oriole:
        """The provider as this account sees it; close it after use."""
        return Oriole(OrioleSettings(**account), transport=transport)

    def order(self, reference: str | None, now: datetime) -> Json:
        """An order for Helsinki in the week that begins a day from ``now``."""
        start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        return {
            "name": "Helsinki",
            **({} if reference is None else {"reference": reference}),
            "point": {"type": "Point", "coordinates": [24.94, 60.17]},
            "window": {"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()},
        }

    def products_due(self, record: OrderRecord) -> datetime | None:
        """A day after the window's begin, and an hour."""
        current = record.current_request
        return None if current is None or current.last.start is None else current.last.start + timedelta(hours=25)


KIT = OrioleKit()
