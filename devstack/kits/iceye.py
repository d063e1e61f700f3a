"""ICEYE's kit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx

from devstack.kit import DEMO_CLIENT, Json, Kit
from tasking.iceye.order import IceyeOrder
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tasking.ledger import OrderRecord

SLA = timedelta(hours=8)
OTHERS_AFTER = timedelta(hours=24)
"""From the products of the SLA to the others: the document gives no time; long enough to see both deliveries here."""

HAMBURG_HARBOUR = [9.93, 53.53]
SPEND_LIMIT = 10**10
"""Of each contract where there is to be room for any number of orders, minor units."""

_COSTS_NOTHING = ("REJECTED", "FAILED")


class IceyeKit(Kit):
    """ICEYE; the products of the SLA come first, the others into the same catalog later."""

    name = "iceye"
    entrypoint = "flows.order_iceye.order_iceye"
    order_kind = IceyeOrder
    deliveries = 2
    creates: ClassVar = {"tasks_by_reference": "/iceye/api/tasking/v2/tasks"}
    paid = ("tasks", "id")
    calls = "/iceye/api/*"
    paths = ("/iceye/*",)
    cancel_call = "PATCH /iceye/api/tasking/v2/tasks/*"

    def account(self, simulator: httpx.Client, client: tuple[str, str] = DEMO_CLIENT) -> Json:
        """Addresses, credentials, and the client's first contract with a price."""
        url = str(simulator.base_url).rstrip("/")
        mine = [one for one in _contracts(simulator) if one["client_id"] == client[0] and one["pricing"] is not None]
        return {
            "api_url": f"{url}/iceye/api",
            "auth_url": f"{url}/iceye/auth",
            "client_id": client[0],
            "client_secret": client[1],
            "contract_id": mine[0]["id"],
        }

    def open(self, account: Json, transport: httpx.BaseTransport | None = None) -> Iceye:
        """The provider as this account sees it; close it after use."""
        return Iceye(IceyeSettings(**account), transport=transport)

    def order(self, reference: str | None, now: datetime) -> Json:
        """An order for Hamburg's harbour in the week that begins two days from ``now``."""
        start = (now + timedelta(days=2)).replace(minute=0, second=0, microsecond=0)
        return {
            "name": "Hamburg Harbour",
            **({} if reference is None else {"reference": reference}),
            "point": {"type": "Point", "coordinates": HAMBURG_HARBOUR},
            "window": {"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()},
            "imaging_mode": "SPOTLIGHT",
            "sla": f"SLA_{SLA // timedelta(hours=1)}H",
            "product_types": ["GRD", "SLC"],
        }

    def products_due(self, record: OrderRecord) -> datetime | None:
        """When the next products are there at the latest, once the imaging is planned."""
        current = record.current_request
        if current is None or current.last.end is None or current.last.provider_status not in ("ACTIVE", "FULFILLED"):
            return None
        return current.last.end + SLA + (OTHERS_AFTER if record.delivered else timedelta())

    def set_up(self, simulator: httpx.Client) -> None:
        """The other products come late enough for two deliveries to be seen."""
        switches = {"other_products_seconds": int(OTHERS_AFTER.total_seconds())}
        simulator.patch("/_sim/iceye/switches", json=switches).raise_for_status()

    def make_room(self, simulator: httpx.Client) -> None:
        """The contracts pay for as many orders as there may be."""
        for contract in _contracts(simulator):
            if contract["pricing"] is not None:
                url = f"/_sim/iceye/contracts/{contract['id']}"
                simulator.patch(url, json={"spend_limit": SPEND_LIMIT}).raise_for_status()

    def register_webhook(self, simulator: httpx.Client, address: str) -> Json:
        """Have ICEYE notify this address; an order names the webhook by its id."""
        made = simulator.post("/_sim/iceye/webhooks", json={"url": address}).raise_for_status().json()
        return {"webhook_id": made["id"]}

    def notifications(self, simulator: httpx.Client) -> list[Json]:
        """The bodies of the notifications that were sent, oldest first."""
        return [one["body"] for one in simulator.get("/_sim/iceye/webhooks").raise_for_status().json()]

    def spending(self, summary: Json, references: Collection[str]) -> list[str]:
        """Where a contract paid something else than one task for each order."""
        ids = summary["tasks_by_reference"]
        firsts = {ids[one][0] for one in references if ids.get(one)}
        found = []
        for contract in summary["contracts"]:
            budget = summary["budgets"][contract["id"]]
            if budget is None:
                continue
            tasks = [one for one in summary["tasks"] if one["id"] in firsts and one["contract_id"] == contract["id"]]
            due = contract["pricing"]["spent"] + sum(map(_cost, tasks))
            spent = budget["consolidatedSpent"] + budget["onHold"]
            if spent != due:
                found.append(
                    f"contract {contract['id']}: {spent} spent or held, and its {len(tasks)} orders cost {due}"
                )
        return found


def _contracts(simulator: httpx.Client) -> list[Json]:
    held: list[Json] = simulator.get("/_sim/iceye/contracts").raise_for_status().json()
    return held


def _cost(task: Mapping[str, Any]) -> int:
    if task["status"] in _COSTS_NOTHING:
        return 0
    return int(task["fee"] if task["status"] == "CANCELED" else task["price"] or 0)


KIT = IceyeKit()
