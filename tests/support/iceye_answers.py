"""A stand-in for ICEYE that answers what a test tells it to, and remembers what it was asked.

Every call to the Tasking API has to be one that its published text describes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from pydantic import SecretStr

from tasking.http.settings import HttpSettings
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tests.support.openapi_contract import assert_request_valid

API, AUTH = "http://localhost:9/api", "https://auth.example.com"  # on this machine no proxies are set up, which is slow
SECRET = "s3cr3t-of-the-test"
CONTRACT = "11111111-1111-4111-8111-111111111111"
TASK = "22222222-2222-4222-8222-222222222222"
NOW = "Tue, 01 Dec 2026 00:00:00 GMT"
HTTP = HttpSettings(
    attempts=3,
    wait_initial_seconds=0,
    wait_max_seconds=0,
    wait_jitter_seconds=0,
    requests_per_second=10_000,
    own_clock=True,
    read_seconds=5,
)
Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def json_answer(status: int, body: object, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers={"Date": NOW, **headers})


def contract(**changes: Any) -> dict[str, Any]:
    return {
        "id": CONTRACT,
        "name": "Test contract",
        "imagingModes": {"allowed": ["SPOTLIGHT", "SCAN"], "default": "SCAN"},
        "priority": {"allowed": ["COMMERCIAL", "BACKGROUND"], "default": "COMMERCIAL"},
        "sla": {"allowed": ["SLA_8H", "SLA_24H"], "default": "SLA_24H"},
        "exclusivity": {"allowed": ["PRIVATE"]},
        "eula": {"allowed": ["STANDARD", "MULTI"], "default": "STANDARD"},
        **changes,
    }


def task(**changes: Any) -> dict[str, Any]:
    return {
        "id": TASK,
        "pointOfInterest": {"lat": 60.17, "lon": 24.94},
        "acquisitionWindow": {"start": "2026-12-03T00:00:00Z", "end": "2026-12-06T00:00:00Z"},
        "createdAt": "2026-12-01T00:00:00Z",
        "updatedAt": "2026-12-01T00:00:00Z",
        "imagingMode": "SCAN",
        "contractID": CONTRACT,
        "reference": "ref",
        "status": "RECEIVED",
        "sla": "SLA_24H",
        **changes,
    }


SCENE = {
    "imagingTime": {"start": "2026-12-04T10:00:00Z", "end": "2026-12-04T10:00:15Z"},
    "duration": 15,
    "incidenceAngle": "37.38",
    "lookSide": "RIGHT",
    "passDirection": "ASCENDING",
}


class Answers:
    """Answers by method and path; the last of a list is given again and again."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self._answers: dict[tuple[str, str], list[Answer]] = {}
        self.on("POST", "/v1/token", json_answer(200, {"access_token": "t0ken-of-the-test", "expires_in": 3600}))
        self.on("GET", "/api/company/v1/contracts", json_answer(200, {"data": [contract()]}))
        summary = {"contractID": CONTRACT, "currency": "EUR", "consolidatedSpent": 900_000, "onHold": 100_000}
        self.on("GET", f"/api/company/v1/contracts/{CONTRACT}/summary", json_answer(200, summary))
        self.on("GET", "/api/tasking/v2/price", json_answer(200, {"amount": 123_456, "currency": "EUR"}))
        feasible = {"feasibility": [{"id": "0", "result": "FEASIBLE"}]}
        self.on("POST", "/api/tasking/v2/feasibility", json_answer(200, feasible))

    def on(self, method: str, path: str, *answers: Answer) -> None:
        self._answers[method, path] = list(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        if "/tasking/v2/" in request.url.path:
            body = json.loads(request.content) if request.content else None
            assert_request_valid(request.method, request.url.path, body, dict(request.url.params))
        answers = self._answers.get((request.method, request.url.path))
        if answers is None:
            return json_answer(404, {"code": "not_found", "message": f"nothing at {request.url.path}"})
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            return answer(request)
        return httpx.Response(answer.status_code, content=answer.content, headers=answer.headers)

    def calls(self, method: str, path: str) -> list[httpx.Request]:
        return [each for each in self.asked if each.method == method and each.url.path == path]


@contextmanager
def iceye(answers: Answers, **settings: Any) -> Iterator[Iceye]:
    account = IceyeSettings(
        **{
            "client_id": "me",
            "client_secret": SecretStr(SECRET),
            "auth_url": AUTH,
            "api_url": API,
            "http": HTTP,
            **settings,
        }
    )
    with Iceye(account, transport=httpx.MockTransport(answers)) as provider:
        yield provider
