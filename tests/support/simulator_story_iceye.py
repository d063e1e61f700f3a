"""A plain caller of the simulated ICEYE for tests: httpx and the documents, not our client.

Each call of the tasking API and its answer are held against the published OpenAPI text, unless ``check`` is false.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import httpx

from tasking.simulator import Simulator, serve
from tests.support.openapi_contract import assert_answer_valid, assert_request_valid

START = datetime(2026, 12, 1, tzinfo=UTC)
HELSINKI = {"lat": 60.1699, "lon": 24.9384}
TASKING = "/tasking/v2/"
BOTH = "application/json, application/problem+json"


class Caller:
    """One account's calls."""

    def __init__(self, simulator: Simulator, client: tuple[str, str] = ("demo-client", "demo-secret")) -> None:
        self.simulator, self.client = simulator, client
        # No certificates are loaded: the simulator speaks plain HTTP, and loading takes longer than most tests.
        self.http = httpx.Client(timeout=10, verify=False, headers={"Accept": "application/json"})
        self.plain = httpx.Client(timeout=10, verify=False)
        self.renew()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.http.close()
        self.plain.close()

    def token(self, auth: tuple[str, str] | None = None, **form: str) -> httpx.Response:
        url = f"{self.simulator.iceye.auth_url}/v1/token"
        return self.plain.post(url, auth=auth or self.client, data={"grant_type": "client_credentials", **form})

    def fetch(self, href: str, **headers: str) -> httpx.Response:
        """A file by its signed address, without a token."""
        return self.plain.get(href, headers=headers)

    def renew(self) -> None:
        self.http.headers["Authorization"] = f"Bearer {self.token().json()['access_token']}"

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        check: bool = True,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Call a path below ``/iceye/api``; a refusal is checked too, a request only when it was accepted."""
        content = None if body is None else json.dumps(body).encode()
        kind = {} if body is None else {"Content-Type": "application/json"}
        url = self.simulator.iceye.api_url + path
        answer = self.http.request(method, url, content=content, headers={**kind, **(headers or {})}, params=query)
        if check and TASKING in path:
            said = answer.json()
            assert_answer_valid(method, path, answer.status_code, said, answer.headers["content-type"])
            if answer.is_success:
                assert_request_valid(method, path, body, query)
        return answer

    def get(self, path: str, **query: str) -> Any:
        answer = self.call("GET", path, query=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wish(self, **changes: Any) -> dict[str, Any]:
        """A task request that is accepted; ``start`` and ``hours`` shape its window, ``None`` leaves a field out."""
        start = self.simulator.clock.now() + timedelta(hours=changes.pop("lead_hours", 13))
        end = start + timedelta(hours=changes.pop("hours", 72))
        wish = {
            "contractID": self.simulator.iceye.contract_id(client_id=self.client[0]),
            "pointOfInterest": HELSINKI,
            "imagingMode": "STRIPMAP",
            "acquisitionWindow": {"start": start.isoformat(), "end": end.isoformat()},
            "reference": "bay",
            **changes,
        }
        return {name: value for name, value in wish.items() if value is not None}

    def post(self, body: Any = None, **changes: Any) -> httpx.Response:
        return self.call("POST", "/tasking/v2/tasks", self.wish(**changes) if body is None else body)

    def create(self, **changes: Any) -> str:
        answer = self.post(**changes)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def task(self, task_id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.get(f"/tasking/v2/tasks/{task_id}")
        return found

    def status(self, task_id: str) -> str:
        return str(self.task(task_id)["status"])

    def cancel(self, task_id: str) -> httpx.Response:
        return self.call("PATCH", f"/tasking/v2/tasks/{task_id}", {"status": "CANCELED"})

    def scene(self, task_id: str) -> httpx.Response:
        return self.call("GET", f"/tasking/v2/tasks/{task_id}/scene")

    def products(self, task_id: str, kind: str = "", **query: str) -> httpx.Response:
        path = f"/tasking/v2/tasks/{task_id}/products" + (f"/{kind}" if kind else "")
        return self.call("GET", path, query=query)

    def budget(self, **which: Any) -> dict[str, Any]:
        contract_id = self.simulator.iceye.contract_id(**which)
        found: dict[str, Any] = self.get(f"/company/v1/contracts/{contract_id}/summary")
        return found

    def feasible(self, *wishes: dict[str, Any]) -> list[str]:
        answer = self.call("POST", "/tasking/v2/feasibility", list(wishes))
        assert answer.status_code == 200, answer.text
        verdicts = answer.json()["feasibility"]
        assert [one["id"] for one in verdicts] == [str(place) for place in range(len(wishes))]
        return [str(one["result"]) for one in verdicts]

    def until(self, task_id: str, *words: str) -> list[str]:
        """Let time pass from change to change until the task says one of the words; returns all it said, each once."""
        said: list[str] = []
        while True:
            answer = self.call("GET", f"/tasking/v2/tasks/{task_id}")
            if answer.status_code == 401:
                self.renew()
                continue
            status = str(answer.json()["status"])
            said += [status] if status not in said else []
            if status in words:
                return said
            ahead = [at for at in self._changes(task_id) if at > self.simulator.clock.seconds()]
            assert ahead, f"never one of {words}: {said}"
            self.simulator.clock.move(now=min(ahead))

    def _changes(self, task_id: str) -> list[float]:
        task = next(one for one in self.simulator.iceye.tasks() if one["id"] == task_id)
        times = [task["decided"], *(one["at"] for one in (*task["moves"], *task["decisions"]))]
        if task["capture"] is not None:
            ready = task["capture"]["end"] + task["sla_seconds"]
            times += [task["capture"]["start"], task["capture"]["end"], ready, ready + task["other_seconds"]]
        return [at + 1 for at in times]


@contextmanager
def iceye_story(**settings: Any) -> Iterator[tuple[Simulator, Caller]]:
    """A simulator and a caller with a token; ICEYE's switches are given by their plain names in ``iceye``."""
    own = {f"iceye.{name}": value for name, value in settings.pop("iceye", {}).items()}
    switches = {**settings.pop("switches", {}), **own}
    with serve(start=START, switches=switches, **settings) as simulator, Caller(simulator) as caller:
        yield simulator, caller
