"""A Satellogic written from the document alone, for what it leaves open: a test says how it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from pydantic import SecretStr

from tasking.http.api import HttpSettings
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings

NOW = datetime(2026, 12, 3, 12, tzinfo=UTC)
QUICK = HttpSettings(
    attempts=2,
    wait_initial_seconds=0,
    wait_max_seconds=0,
    wait_jitter_seconds=0,
    requests_per_second=10_000,
    own_clock=True,
)
SAID: dict[str, Any] = {
    "client_id": SecretStr("me"),
    "client_secret": SecretStr("top-secret-value"),
    "contract_id": "cont.1",
    "http": QUICK,
}
TASKS, ANALYSES = "/tasking/tasks/", "/v2/analysis/opportunities"
PASS: dict[str, Any] = {
    "start": "2026-12-05T01:00:00Z",
    "end": "2026-12-05T01:01:00Z",
    "satellite_name": "NewSat31",
    "off_nadir_deg": 12,
    "sun_elevation_deg": 40.5,
}
ORDER = SatellogicOrder.model_validate(
    {
        "name": "Bay",
        "point": {"lat": 35.6, "lon": 139.7},
        "window": {"start": "2026-12-01T00:00:00Z", "end": "2026-12-15T00:00:00Z"},
    }
)

Answer = Callable[[httpx.Request], httpx.Response]


def task(number: int = 1, **more: Any) -> dict[str, Any]:
    """A task as the document's examples show one."""
    return {
        "task_id": number,
        "task_name": f"bay-{number}",
        "project_name": "Bay",
        "product": 169,
        "target": {"type": "Point", "coordinates": [139.7, 35.6, 0.0]},
        "start": "2026-12-01T00:00:00Z",
        "end": "2026-12-15T00:00:00Z",
        "created_time": "2026-11-30T10:00:00Z",
        "status": "received",
        **more,
    }


class Server:
    """Answers by method and path; everything else is 404. Its time is `now`."""

    def __init__(self, **answers: Any) -> None:
        self.now, self.asked = NOW, list[httpx.Request]()
        self.answers: dict[str, Any] = {"GET /contracts": [{"contract_id": "cont.1", "name": "Standard"}], **answers}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "the-token", "expires_in": 86400, "token_type": "Bearer"})
        self.asked.append(request)
        answer = self.answers.get(f"{request.method} {request.url.path}", httpx.Response(404, json={"detail": "No."}))
        if callable(answer):
            answer = answer(request)
        if not isinstance(answer, httpx.Response):
            answer = httpx.Response(200, json=answer)
        said = httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)
        said.headers["Date"] = f"{self.now:%a, %d %b %Y %H:%M:%S} GMT"
        return said

    def open(self, **settings: Any) -> Satellogic:
        """A provider of it that knows its time."""
        provider = Satellogic(SatellogicSettings(**{**SAID, **settings}), transport=httpx.MockTransport(self))
        provider.learn_time()
        self.asked.clear()
        return provider

    def count(self, method: str, path: str) -> int:
        """How many calls were made since it was opened."""
        return sum(each.method == method and each.url.path == path for each in self.asked)

    def sent(self, method: str, path: str) -> dict[str, Any]:
        """The body of the only such call."""
        (call,) = [each for each in self.asked if each.method == method and each.url.path == path]
        found: dict[str, Any] = json.loads(call.content)
        return found


def pages(tasks: list[dict[str, Any]], most: int = 100, *, filters: bool = True) -> Answer:
    """The list of tasks: pages of ``most`` at most, narrowed as documented."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = dict(request.url.params)
        offset, size = int(asked.pop("offset", 0)), min(int(asked.pop("limit", 25)), most)
        found = [each for each in tasks if not filters or all(each[key] == value for key, value in asked.items())]
        more = offset + size < len(found)
        link = str(request.url.copy_merge_params({"limit": str(size), "offset": str(offset + size)})) if more else None
        page = {"count": len(found), "next": link, "previous": None, "results": found[offset : offset + size]}
        return httpx.Response(200, json=page)

    return answer


def order(days: float = 14, **changes: Any) -> SatellogicOrder:
    """A point for two weeks around `NOW`."""
    start = datetime(2026, 12, 1, tzinfo=UTC)
    given = {
        "name": "Bay",
        "point": {"lat": 35.6, "lon": 139.7},
        "window": {"start": start, "end": start + timedelta(days=days)},
    }
    return SatellogicOrder.model_validate({**given, **changes})
