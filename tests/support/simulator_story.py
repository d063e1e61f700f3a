"""A plain caller of the simulated AxelGlobe for the simulator's own tests: httpx and the document, not our client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from tasking.simulator import Simulator, serve
from tasking.simulator.switches import Switches

START = datetime(2026, 12, 1, tzinfo=UTC)
BASE = "/wfs/tasking/v2/"
TOKYO = [[[139.5, 35.5], [139.9, 35.5], [139.9, 35.8], [139.5, 35.8], [139.5, 35.5]]]
ALL = ["GRUS-1A", "GRUS-1B", "GRUS-1C", "GRUS-1D", "GRUS-1E"]


class Caller:
    """One account's calls."""

    def __init__(self, url: str, client: tuple[str, str] = ("demo-client", "demo-secret")) -> None:
        # No certificates are loaded: the simulator speaks plain HTTP, and loading takes longer than most tests.
        self.http = httpx.Client(base_url=url, timeout=10, verify=False)
        self.client = client
        self.renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()

    def token(self, **changes: Any) -> httpx.Response:
        body = {
            "grant_type": "client_credentials",
            "audience": "https://api.axelglobe.com",
            "client_id": self.client[0],
            "client_secret": self.client[1],
            **changes,
        }
        return self.http.post("/oauth/token", json={name: value for name, value in body.items() if value is not None})

    def renew(self) -> None:
        self.http.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def get(self, path: str, **params: Any) -> httpx.Response:
        return self.http.get(path if path.startswith(("http", "/")) else BASE + path, params=params or None)

    def items(self, collection: str, **params: Any) -> dict[str, Any]:
        answer = self.get(f"collections/{collection}/items", **params)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    def post_plan(self, geometry: Any = None, **changes: Any) -> httpx.Response:
        properties = {
            "name": "July rice crop monitoring",
            "valid_start": "2026-12-01T00:00:00Z",
            "valid_end": "2026-12-08T00:00:00Z",
            "off_nadir_range": [0, 25],
            "satellites": ALL,
            **changes,
        }
        geometry = geometry or {"type": "Polygon", "coordinates": TOKYO}
        feature = {"type": "Feature", "geometry": geometry, "properties": properties}
        return self.http.post(f"{BASE}collections/plans/items", json=feature)

    def plan(self, **changes: Any) -> str:
        answer = self.post_plan(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def candidates(self, plan_id: str, **params: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.items(
            "candidates", filter=f"task_plan_id = '{plan_id}'", limit=100, **params
        )["features"]
        return found

    def post_request(self, candidate_id: str, name: str = "one", **changes: Any) -> httpx.Response:
        properties = {"name": name, "candidate_id": candidate_id, "priority": "NORMAL", **changes}
        feature = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}, "properties": properties}
        return self.http.post(f"{BASE}collections/requests/items", json=feature)

    def request(self, candidate_id: str, **changes: Any) -> str:
        answer = self.post_request(candidate_id, **changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def standing(self, request_id: str) -> dict[str, Any]:
        answer = self.get(f"collections/requests/items/{request_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["properties"]
        return found


@contextmanager
def story(**switches: Any) -> Iterator[tuple[Simulator, Caller]]:
    """A fresh simulator that starts on 2026-12-01, whose tokens last, and a caller of it."""
    named = {name if name in Switches.model_fields else f"axelglobe.{name}": value for name, value in switches.items()}
    settings = {"axelglobe.token_life_seconds": 86400 * 60, **named}
    with serve(start=START, switches=settings) as simulator, Caller(simulator.url) as caller:
        yield simulator, caller


def first_candidate(simulator: Simulator, caller: Caller) -> dict[str, Any]:
    """Make a plan, wait until it is ready, and take its first candidate."""
    plan_id = caller.plan()
    simulator.advance(1200)
    return caller.candidates(plan_id)[0]


def captured(simulator: Simulator, caller: Caller) -> dict[str, Any]:
    """Order one capture and let time pass until its data is there; the request's properties."""
    request_id = caller.request(first_candidate(simulator, caller)["id"])
    simulator.advance(4 * 86400)
    return caller.standing(request_id)
