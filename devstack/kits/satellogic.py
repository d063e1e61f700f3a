"""Satellogic's kit."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar

import httpx

from devstack.kit import DEMO_CLIENT, Json, Kit
from tasking.ledger import OrderRecord
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings

PRODUCTS_AFTER = timedelta(hours=8)
"""From the capture to its publication at the latest, as the simulator has it: the document gives no number."""

MUMBAI_HARBOUR = [72.905273, 19.023001]


class SatellogicKit(Kit):
    """Satellogic; with a fast clock, candidates are passes that no other order has, so that none is lost to another."""

    name = "satellogic"
    entrypoint = "flows.order_satellogic.order_satellogic"
    order_kind = SatellogicOrder
    creates: ClassVar = {"tasks_by_name": "/satellogic/tasking/tasks*"}
    paid = ("tasks", "task_id")
    called_off = "canceled"
    calls = "/satellogic/t*"
    paths = ("/satellogic/*",)
    cancel_call = "PATCH /satellogic/tasking/tasks/*/cancel/"
    fast: ClassVar = {"poll_interval_seconds": 300, "analysis": "can-add"}

    def account(self, simulator: httpx.Client, client: tuple[str, str] = DEMO_CLIENT) -> Json:
        """Addresses, credentials, and the client's first contract."""
        url = str(simulator.base_url).rstrip("/")
        mine = simulator.get("/_sim/satellogic/contracts", params={"client_id": client[0]}).raise_for_status().json()
        return {
            "api_url": f"{url}/satellogic/",
            "token_url": f"{url}/satellogic/oauth/token",
            "client_id": client[0],
            "client_secret": client[1],
            "contract_id": mine[0]["contract_id"],
        }

    def open(self, account: Json, transport: httpx.BaseTransport | None = None) -> Satellogic:
        """The provider as this account sees it; close it after use."""
        return Satellogic(SatellogicSettings(**account), transport=transport)

    def order(self, reference: str | None, now: datetime) -> Json:
        """An order for Mumbai's harbour in the week that begins a day from ``now``."""
        start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        return {
            "name": "Mumbai Harbour",
            **({} if reference is None else {"reference": reference}),
            "point": {"type": "Point", "coordinates": MUMBAI_HARBOUR},
            "window": {"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()},
            "narrow": True,
            "select": "earliest",
        }

    def products_due(self, record: OrderRecord) -> datetime | None:
        """When the products are there at the latest, once something was requested."""
        current = record.current_request
        if current is None or current.candidate is None:
            return None
        return current.candidate.end + PRODUCTS_AFTER

    def make_room(self, simulator: httpx.Client) -> None:
        """No other customer takes a pass."""
        simulator.patch("/_sim/satellogic/switches", json={"demand": 0}).raise_for_status()


KIT = SatellogicKit()
