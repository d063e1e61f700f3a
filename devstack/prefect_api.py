"""The Prefect API as the stack's users ask it, over HTTP: runs, states, slots, deployments and schedules."""

from __future__ import annotations

import time
from typing import Any

import httpx

BUSY_TRIES = 10


class PrefectApi:
    """A Prefect server's API.

    Args:
        url: The API's base, ending in ``/api``.
        password: What it asks of everybody, as ``user:password``.

    Attributes:
        url: The API's base, ending in ``/api``.
        client: For calls of other kinds.
    """

    def __init__(self, url: str, password: str) -> None:
        self.url = url
        user, _, secret = password.partition(":")
        # proxies are for the world outside; the server is on this machine
        self.client = httpx.Client(base_url=url, auth=(user, secret), timeout=150, trust_env=False)

    def ask(self, method: str, path: str, **how: Any) -> Any:
        """Ask, and again while the database is busy (503: SQLite takes one writer at a time); the answer's JSON."""
        for left in reversed(range(BUSY_TRIES)):
            answer = self.client.request(method, path, **how)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or not left:
                break
            time.sleep(0.3)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    def answers(self) -> bool:
        """Whether the server is there."""
        try:
            return self.client.get("/health").is_success
        except httpx.TransportError:
            return False

    def has_pool(self, pool: str) -> bool:
        """Whether there is a work pool of that name."""
        return self.client.get(f"/work_pools/{pool}").is_success

    def deployments(self) -> dict[str, str]:
        """Ids of all deployments by ``flow/deployment``."""
        flows = {one["id"]: one["name"] for one in self.ask("POST", "/flows/filter", json={})}
        found = self.ask("POST", "/deployments/filter", json={})
        return {f"{flows[one['flow_id']]}/{one['name']}": one["id"] for one in found}

    def start(
        self, deployment: str, parameters: dict[str, Any], idempotency_key: str | None = None, **more: Any
    ) -> str:
        """Start a run; its id. The same key gives the same run. ``more`` goes into the call's body."""
        body = {"parameters": parameters, "idempotency_key": idempotency_key, **more}
        return str(self.ask("POST", f"/deployments/{deployment}/create_flow_run", json=body)["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A flow run as the server has it."""
        read: dict[str, Any] = self.ask("GET", f"/flow_runs/{run_id}")
        return read

    def runs(self, flow: str, *states: str, **more: Any) -> list[dict[str, Any]]:
        """Runs of a flow in states of these types; ``more`` narrows further, as the API's filter for runs says it."""
        filters = {"state": {"type": {"any_": states}}, **more}
        body = {"flows": {"name": {"any_": [flow]}}, "flow_runs": filters}
        read: list[dict[str, Any]] = self.ask("POST", "/flow_runs/filter", json=body)
        return read

    def states(self, run_id: str) -> list[dict[str, Any]]:
        """All states of a run, oldest first: ``name``, ``type``, ``message``, ``timestamp``."""
        read = self.ask("GET", "/flow_run_states/", params={"flow_run_id": run_id})
        return sorted(read, key=lambda state: str(state["timestamp"]))

    def slots_held(self, pool: str) -> int:
        """How many slots of a work pool are taken, by Prefect's own count."""
        return int(self.ask("POST", f"/work_pools/{pool}/concurrency_status", json={})["active_slots"])
