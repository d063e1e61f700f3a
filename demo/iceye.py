"""What the demo needs to know about ICEYE: an account at the simulator, an order, and what the provider made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx

from tasking.ledger import OrderRecord

DEPLOYMENT = "order-iceye/order"
"""The deployment that takes orders, as flow/deployment."""

DELIVERIES = 2
"""The products of the SLA come first, the others into the same catalog later."""

SLA = timedelta(hours=8)
OTHERS_AFTER = timedelta(hours=24)
"""From the products of the SLA to the others: the document gives no time; long enough to see both deliveries here."""

HAMBURG_HARBOUR = [9.93, 53.53]


def blocks(simulator_url: str) -> dict[str, dict[str, Any]]:
    """The account's block, ready to be saved.

    The poll interval is five minutes of the provider's time instead of ten: its clock is turned fast.
    """
    with httpx.Client(base_url=simulator_url, timeout=30, trust_env=False) as simulator:
        switches = {"other_products_seconds": int(OTHERS_AFTER.total_seconds())}
        simulator.patch("/_sim/iceye/switches", json=switches).raise_for_status()
        contracts = simulator.get("/_sim/iceye/contracts").raise_for_status().json()
    return {
        "iceye-tasking/default": {
            "api_url": f"{simulator_url}/iceye/api",
            "auth_url": f"{simulator_url}/iceye/auth",
            "client_id": "demo-client",
            "client_secret": "demo-secret",
            "contract_id": next(one["id"] for one in contracts if one["pricing"] is not None),
            "poll_interval_seconds": 300,
            "http": {"own_clock": True},
        }
    }


def register_webhook(simulator: httpx.Client, address: str) -> dict[str, Any]:
    """Let ICEYE notify this address; what an order says so that it is told of."""
    made = simulator.post("/_sim/iceye/webhooks", json={"url": address}).raise_for_status().json()
    return {"webhook_id": made["id"]}


def order(reference: str | None, now: datetime) -> dict[str, Any]:
    """An order for Hamburg's harbour in the week that begins two days from ``now`` (the provider's time)."""
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


def products_due(record: OrderRecord) -> datetime | None:
    """When the next products are there at the latest (the provider's time), once the imaging is planned."""
    current = record.current_request
    if current is None or current.last.end is None or current.last.provider_status not in ("ACTIVE", "FULFILLED"):
        return None
    return current.last.end + SLA + (OTHERS_AFTER if record.delivered else timedelta())


def made(simulator: httpx.Client, reference: str) -> dict[str, int]:
    """What the provider made for one order, counted by the provider."""
    summary = simulator.get("/_sim/iceye").raise_for_status().json()
    return {"tasks": len(summary["tasks_by_reference"].get(reference, []))}
