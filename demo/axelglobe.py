"""What the demo needs to know about AxelGlobe: an account at the simulator, an order, and what the provider made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx

from tasking.ledger import OrderRecord

DEPLOYMENT = "order-axelglobe/order"
"""The deployment that takes orders, as flow/deployment."""

PRODUCTS_AFTER = timedelta(hours=48)
"""From the capture to its products at the latest (Tasking API 2.1, 'Check Status': 24 to 48 hours)."""

TOKYO_BAY = [[139.76, 35.42], [140.0, 35.42], [140.0, 35.66], [139.76, 35.66], [139.76, 35.42]]


def blocks(simulator_url: str) -> dict[str, dict[str, Any]]:
    """The account's block, ready to be saved.

    The poll interval is five minutes of the provider's time instead of the documented hour: its clock is turned so fast
    that an hour would be either nothing or too long.
    """
    return {
        "axelglobe-tasking/default": {
            "api_url": f"{simulator_url}/wfs/tasking/v2/",
            "token_url": f"{simulator_url}/oauth/token",
            "client_id": "demo-client",
            "client_secret": "demo-secret",
            "poll_interval_seconds": 300,
            "http": {"own_clock": True},
        }
    }


def order(reference: str | None, now: datetime) -> dict[str, Any]:
    """An order for Tokyo Bay in the week that begins a day from ``now`` (the provider's time)."""
    start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    return {
        "name": "Tokyo Bay",
        **({} if reference is None else {"reference": reference}),
        "area": {"type": "Polygon", "coordinates": [TOKYO_BAY]},
        "window": {"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()},
        "select": "earliest",
    }


def products_due(record: OrderRecord) -> datetime | None:
    """When the products are there at the latest (the provider's time), once something was requested."""
    current = record.current_request
    if current is None or current.candidate is None:
        return None
    return current.candidate.end + PRODUCTS_AFTER


def made(simulator: httpx.Client, reference: str) -> dict[str, int]:
    """What the provider made for one order, counted by the provider."""
    summary = simulator.get("/_sim/axelglobe").raise_for_status().json()
    return {
        "plans": len(summary["plans_by_name"].get(reference, [])),
        "requests": len(summary["requests_by_name"].get(reference, [])),
        "credits": summary["credits_spent"],
    }
