"""What the demo needs to know about Satellogic: an account at the simulator, an order, and what the provider made."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx

from tasking.ledger import OrderRecord

DEPLOYMENT = "order-satellogic/order"
"""The deployment that takes orders, as flow/deployment."""

PRODUCTS_AFTER = timedelta(hours=8)
"""From the capture to its publication at the latest, as the simulator has it: the document gives no number."""

MUMBAI_HARBOUR = [72.905273, 19.023001]


def blocks(simulator_url: str) -> dict[str, dict[str, Any]]:
    """The account's block, ready to be saved.

    Candidates come from the can-add analysis: those are passes that no other order has, so the one that is chosen is
    not lost to another. The poll interval is five minutes of the provider's time instead of 30, because its
    clock is turned fast.
    """
    api = f"{simulator_url}/satellogic"
    return {
        "satellogic-tasking/default": {
            "api_url": f"{api}/",
            "token_url": f"{api}/oauth/token",
            "client_id": "demo-client",
            "client_secret": "demo-secret",
            "contract_id": _contract(api),
            "analysis": "can-add",
            "poll_interval_seconds": 300,
            "http": {"own_clock": True},
        }
    }


def _contract(api: str) -> str:
    """The account's first contract, as the provider lists them."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        asked = {
            "grant_type": "client_credentials",
            "audience": "https://api.satellogic.com/",
            "client_id": "demo-client",
            "client_secret": "demo-secret",
        }
        token = client.post(f"{api}/oauth/token", json=asked).raise_for_status().json()["access_token"]
        listed = client.get(f"{api}/contracts", headers={"AuthorizationToken": f"Bearer {token}"})
        return str(listed.raise_for_status().json()[0]["contract_id"])


def order(reference: str | None, now: datetime) -> dict[str, Any]:
    """An order for Mumbai's harbour in the week that begins a day from ``now`` (the provider's time)."""
    start = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    return {
        "name": "Mumbai Harbour",
        **({} if reference is None else {"reference": reference}),
        "point": {"type": "Point", "coordinates": MUMBAI_HARBOUR},
        "window": {"start": start.isoformat(), "end": (start + timedelta(days=7)).isoformat()},
        "narrow": True,
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
    summary = simulator.get("/_sim/satellogic").raise_for_status().json()
    return {"tasks": len(summary["tasks_by_name"].get(reference, []))}
