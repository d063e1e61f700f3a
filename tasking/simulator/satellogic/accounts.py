"""Satellogic's accounts: tokens, the two headers every call needs, and the contracts that decide how a task is planned.

Documented: the token request and answer, ``AuthorizationToken: Bearer`` in place of ``Authorization``, the contract
header on all calls but the list of contracts. Assumed: what the contracts are called, and the words of a refusal.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections import deque
from typing import Any

from fastapi import Request, Response

from tasking.simulator.features import Json, json_answer
from tasking.simulator.journal import token_mark
from tasking.simulator.satellogic.answers import Asked, Refusal
from tasking.simulator.world import World

AUDIENCE = "https://api.satellogic.com/"
_KIND = "satellogic token"
# name, priority of its tasks, footprint of a point (km), whether it goes before others' orders
_CONTRACTS = (
    ("Standard tasking", 13, (5, 5), False),
    ("Rush tasking", 14, (5, 5), True),
    ("Standard tasking, long footprint", 13, (5, 10), False),
)


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


class Accounts:
    """Who may call, on which contract, and how often."""

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

    def contracts(self, client_id: str) -> list[Json]:
        """An account's contracts: standard, rush, and standard with a long footprint."""
        return [
            {
                "contract_id": f"cont.{self._id(client_id, name)}",
                "name": name,
                "priority": priority,
                "footprint_km": footprint,
                "rush": rush,
            }
            for name, priority, footprint, rush in _CONTRACTS
        ]

    def _id(self, client_id: str, name: str) -> str:
        text = f"{self._world.chance('contract', client_id, name).getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], "4" + text[13:16], "a" + text[17:20], text[20:]))

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
        request.state.client_id = client_id = asked["client_id"]
        if self._world.clients.get(client_id) != asked["client_secret"]:
            return self._no(401, "access_denied", "Unauthorized")
        if asked.get("audience", AUDIENCE) != AUDIENCE:
            return self._no(403, "access_denied", f"Service not found: {asked['audience']}")
        return self._issue(request, client_id)

    @staticmethod
    def _no(status: int, error: str, description: str) -> Response:
        return json_answer({"error": error, "error_description": description}, status)

    def _issue(self, request: Request, client_id: str) -> Response:
        switches, now = self._world.switches.now, self._world.clock.seconds()
        life = switches.token_life_seconds
        with self._world.store.together():
            number = self._world.store.next_number("satellogic token")
            claims = {"sub": client_id, "aud": AUDIENCE, "iat": int(now), "exp": int(now + life), "jti": str(number)}
            signature = self._world.chance("satellogic token", number).randbytes(32)
            signed = base64.urlsafe_b64encode(signature).decode().rstrip("=")
            token = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}.{signed}"
            dies = now + (switches.token_dies_after_seconds or life)
            self._world.store.put(_KIND, token, {"client_id": client_id, "dies": dies})
        request.state.created_ids = [token_mark(token)]
        answer = json_answer(
            {
                "access_token": token,
                "scope": "api:tasking api:delivery",
                "expires_in": life,
                "token_type": "Bearer",
            }
        )
        answer.headers["cache-control"] = "no-store"
        return answer

    def enter(self, request: Request, *, contract_needed: bool = True) -> Asked:
        """Let a call in; raises `Refusal` 401 without token or contract, 403 for another's contract, 429."""
        scheme, _, token = request.headers.get("authorizationtoken", "").partition(" ")
        if not scheme:
            raise Refusal(401, "Unauthorized: the AuthorizationToken header is missing")
        known = self._world.store.get(_KIND, token.strip()) if scheme.lower() == "bearer" else None
        if known is None or known["dies"] <= self._world.clock.seconds():
            raise Refusal(401, "Unauthorized: the token is unknown or has expired")
        request.state.client_id = client_id = known["client_id"]
        self._count(client_id)
        contract_id = request.headers.get("x-satellogic-contract-id")
        if contract_id is None and contract_needed:
            raise Refusal(401, "Unauthorized: the X-Satellogic-Contract-Id header is missing")
        mine = {contract["contract_id"]: contract for contract in self.contracts(client_id)}
        if contract_id is not None and contract_id not in mine:
            raise Refusal(403, "You do not have permission to use this contract.")
        return Asked(request, client_id, mine[contract_id] if contract_id else {})

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
                message = f"Request was throttled. Expected available in {wait} seconds."
                raise Refusal(429, message, {"Retry-After": str(wait)})
            calls.append(now)
