"""A plain caller of the simulated Satellogic for the simulator's own tests: httpx and the document, not our client."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from tasking.simulator import Simulator, serve

START = datetime(2026, 12, 1, tzinfo=UTC)
POINT = {"type": "Point", "coordinates": [72.905273, 19.023001]}
# About 40 km wide and 40 km high.
AREA = {"type": "Polygon", "coordinates": [[[10, 45], [10.51, 45], [10.51, 45.36], [10, 45.36], [10, 45]]]}
# No chance: what happens is what a test ordered, and every pass is free.
CALM = {"satellogic.token_life_seconds": 86400 * 90, "satellogic.demand": 0.0}
CONTRACT = "X-Satellogic-Contract-Id"
HOUR, DAY = 3600, 86400


class Caller:
    """One account's calls, on its first contract."""

    def __init__(self, simulator: Simulator, client: tuple[str, str] = ("demo-client", "demo-secret")) -> None:
        self.simulator, self.client = simulator, client
        # No certificates are loaded: the simulator speaks plain HTTP, and loading takes longer than most tests.
        self.http = httpx.Client(base_url=simulator.satellogic.api_url, timeout=10, verify=False)
        self.http.headers["AuthorizationToken"] = f"Bearer {self.token().json()['access_token']}"
        self.contracts: list[dict[str, Any]] = self.http.get("/contracts").json()
        self.http.headers[CONTRACT] = self.contracts[0]["contract_id"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def token(self, **changes: Any) -> httpx.Response:
        body = {
            "grant_type": "client_credentials",
            "audience": "https://api.satellogic.com/",
            "client_id": self.client[0],
            "client_secret": self.client[1],
            **changes,
        }
        sent = {name: value for name, value in body.items() if value is not None}
        return self.http.post(self.simulator.satellogic.token_url, json=sent)

    def post(self, **changes: Any) -> httpx.Response:
        return self.http.post("/tasking/tasks/", json=payload(**changes))

    def order(self, **changes: Any) -> int:
        answer = self.post(**changes)
        assert answer.status_code == 201, answer.text
        return int(answer.json()["task_id"])

    def task(self, task_id: int) -> dict[str, Any]:
        answer = self.http.get(f"/tasking/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def status(self, task_id: int) -> str:
        return str(self.task(task_id)["status"])

    def captures(self, task_id: int) -> list[dict[str, Any]]:
        answer = self.http.get(f"/tasking/tasks/{task_id}/captures/", params={"limit": 100})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["results"]
        return found

    def words(self, task_id: int) -> list[str]:
        return [capture["status"] for capture in self.captures(task_id)]

    def until(self, task_id: int, status: str, *, step: float = HOUR, most: int = 1000) -> list[str]:
        """Let time pass until a task has a status; all different words on the way."""
        seen = [self.status(task_id)]
        for _ in range(most):
            if seen[-1] == status:
                return seen
            self.simulator.advance(step)
            now = self.status(task_id)
            seen += [now] if now != seen[-1] else []
        raise AssertionError(f"never {status}: {seen}")

    def scenes(self, capture_id: str) -> list[dict[str, Any]]:
        answer = self.http.get("/telluric/scenes/", params={"sceneset_id": capture_id})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["results"]
        return found

    def zip_url(self, capture_id: str) -> str:
        return str(self.scenes(capture_id)[0]["attachments"][0]["url"])

    def search(self, **body: Any) -> dict[str, Any]:
        answer = self.http.post("/archive/stac/search", json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def payload(**changes: Any) -> dict[str, Any]:
    """A task for a point in the first two weeks of December, as the document's example; ``None`` leaves a field out."""
    body = {
        "task_name": "Disney Land",
        "project_name": "Theme parks",
        "product": 169,
        "target": POINT,
        "start": "2026-12-01T00:00:00",
        "end": "2026-12-15T00:00:00",
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


def unpacked(data: bytes) -> dict[str, bytes]:
    """Files of a delivery zip by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@contextmanager
def story(**switches: Any) -> Iterator[tuple[Simulator, Caller]]:
    """A fresh simulator that starts on 2026-12-01 without chance, and a caller of it."""
    with serve(start=START, switches={**CALM, **switches}) as simulator, Caller(simulator) as caller:
        yield simulator, caller


def delivered(simulator: Simulator, caller: Caller, **changes: Any) -> str:
    """Order one capture and let time pass until it is published; its id."""
    task_id = caller.order(**changes)
    simulator.advance(3 * DAY)
    captures = [one for one in caller.captures(task_id) if one["status"] == "published"]
    return str(captures[0]["capture_id"])
