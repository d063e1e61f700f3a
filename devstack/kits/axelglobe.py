"""AxelGlobe's kit."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import ClassVar

import httpx

from devstack.kit import DEMO_CLIENT, Json, Kit
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.ledger import OrderRecord

PRODUCTS_AFTER = timedelta(hours=48)
"""From the capture to its products at the latest (Tasking API 2.1, 'Check Status': 24 to 48 hours)."""

TOKYO_BAY = [[139.76, 35.42], [140.0, 35.42], [140.0, 35.66], [139.76, 35.66], [139.76, 35.42]]
CREDITS = 100_000
"""Of each account where there is to be room for any number of orders."""

ITEMS = "/wfs/tasking/v2/collections/{}/items"


class AxelGlobeKit(Kit):
    """AxelGlobe; the poll interval of a fast clock is five minutes of its time instead of the documented hour."""

    name = "axelglobe"
    entrypoint = "flows.order_axelglobe.order_axelglobe"
    order_kind = AxelGlobeOrder
    creates: ClassVar = {"plans_by_name": ITEMS.format("plans"), "requests_by_name": ITEMS.format("requests")}
    paid = ("requests", "id")
    calls = "/wfs/*"
    paths = ("/wfs/*", "/oauth/*", "/stac/*")

    def account(self, simulator: httpx.Client, client: tuple[str, str] = DEMO_CLIENT) -> Json:
        """Addresses and credentials."""
        url = str(simulator.base_url).rstrip("/")
        return {
            "api_url": f"{url}/wfs/tasking/v2/",
            "token_url": f"{url}/oauth/token",
            "client_id": client[0],
            "client_secret": client[1],
        }

    def open(self, account: Json, transport: httpx.BaseTransport | None = None) -> AxelGlobe:
        """The provider as this account sees it; close it after use."""
        return AxelGlobe(AxelGlobeSettings(**account), transport=transport)

    def order(self, reference: str | None, now: datetime) -> Json:
        """An order for Tokyo Bay in the week that begins a day from ``now``."""
        start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
        return {
            "name": "Tokyo Bay",
            **({} if reference is None else {"reference": reference}),
            "area": {"type": "Polygon", "coordinates": [TOKYO_BAY]},
            "window": {"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()},
            "select": "earliest",
        }

    def products_due(self, record: OrderRecord) -> datetime | None:
        """When the products are there at the latest, once something was requested."""
        ends = [one.candidate.end for one in record.requests if one.candidate is not None]
        return max(ends) + PRODUCTS_AFTER if ends else None

    def make_room(self, simulator: httpx.Client) -> None:
        """The accounts have credits for as many orders as there may be."""
        simulator.patch("/_sim/axelglobe/switches", json={"credits": CREDITS}).raise_for_status()

    def spending(self, summary: Json, references: Collection[str]) -> list[str]:
        """Where the accounts paid something else than one credit for each order that made a request."""
        spent = summary["credits_total"] - sum(summary["credits_left"].values())
        asked = sum(bool(summary["requests_by_name"].get(one)) for one in references)
        return [f"{spent} credits spent by {asked} orders that made a request"] if spent != asked else []


KIT = AxelGlobeKit()
