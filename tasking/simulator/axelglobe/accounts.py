"""AxelGlobe's accounts: tokens for client credentials, and the gate that every call passes.

The token answer is the documented one. What a refusal looks like is not documented; the shapes are those of the kind of
authentication server the documented request suggests.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from typing import Any

from fastapi import Request, Response

from tasking.simulator.features import Call, json_answer
from tasking.simulator.journal import token_mark
from tasking.simulator.problem import Problem
from tasking.simulator.world import World

AUDIENCE = "https://api.axelglobe.com"
_KIND = "axelglobe token"


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


class Accounts:
    """Who may call, and how often."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._calls: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    @property
    def tokens_issued(self) -> int:
        """How many tokens were ever given out."""
        return len(self._world.store.all(_KIND))

    def revoke(self) -> int:
        """End all tokens now; returns how many were alive."""
        now, ended = self._world.clock.seconds(), 0
        with self._world.store.together():
            for key, token in self._world.store.items(_KIND):
                if token["dies"] > now:
                    self._world.store.put(_KIND, key, {**token, "dies": now})
                    ended += 1
        return ended

    def token(self, request: Request) -> Response:
        """``POST /oauth/token``."""
        try:
            asked = json.loads(request.state.body)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            return self._no(400, "invalid_request", "the body must be a JSON object")
        needed = ["grant_type", "client_id", "client_secret"]
        if self._world.switches.now.require_audience:
            needed.append("audience")
        for name in needed:
            if not isinstance(asked.get(name), str) or not asked[name]:
                return self._no(400, "invalid_request", f"{name} is required")
        if asked["grant_type"] != "client_credentials":
            return self._no(400, "unsupported_grant_type", "grant_type must be client_credentials")
        client_id = asked["client_id"]
        request.state.client_id = client_id
        if self._world.clients.get(client_id) != asked["client_secret"]:
            return self._no(401, "access_denied", "Unauthorized")
        if asked.get("audience", AUDIENCE) != AUDIENCE:
            return self._no(403, "access_denied", "Service not found: the audience is unknown")
        return self._issue(request, client_id)

    @staticmethod
    def _no(status: int, error: str, description: str) -> Response:
        return json_answer({"error": error, "error_description": description}, status)

    def _issue(self, request: Request, client_id: str) -> Response:
        switches = self._world.switches.now
        now = self._world.clock.seconds()
        life = switches.token_life_seconds
        dies = now + (switches.token_dies_after_seconds or life)
        with self._world.store.together():
            number = self._world.store.next_number("token")
            claims = {"sub": client_id, "aud": AUDIENCE, "iat": int(now), "exp": int(now + life), "jti": str(number)}
            signature = base64.urlsafe_b64encode(self._world.chance("token", number).randbytes(32)).decode().rstrip("=")
            token = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}.{signature}"
            self._world.store.put(_KIND, token, {"client_id": client_id, "dies": dies})
        request.state.created_ids = [token_mark(token)]
        answer = json_answer({"access_token": token, "expires_in": life, "token_type": "Bearer"})
        answer.headers["cache-control"] = "no-store"
        return answer

    def enter(self, request: Request) -> Call:
        """Let a call in; raises `Problem` 401 without a living token and 429 above the rate limit."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = self._world.store.get(_KIND, token.strip()) if scheme.lower() == "bearer" else None
        if known is None or known["dies"] <= self._world.clock.seconds():
            said = "a Bearer token is required" if not token else "the token is unknown or has expired"
            raise Problem(401, said, {"WWW-Authenticate": "Bearer"})
        request.state.client_id = known["client_id"]
        self._count(known["client_id"])
        return Call(request, known["client_id"])

    def _count(self, client_id: str) -> None:
        limit = self._world.switches.now.rate_limit_per_minute
        if not limit:
            return
        now = time.monotonic()
        with self._lock:
            calls = self._calls.setdefault(client_id, deque())
            while calls and calls[0] <= now - 60:
                calls.popleft()
            if len(calls) >= limit:
                wait = max(1, int(calls[0] + 60 - now) + 1)
                raise Problem(429, f"more than {limit} calls a minute", {"Retry-After": str(wait)})
            calls.append(now)
