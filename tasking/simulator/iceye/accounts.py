"""ICEYE's accounts: tokens for client credentials (Basic and a form), and the gate that every call passes."""

from __future__ import annotations

import base64
import binascii
import json
import threading
import time
from collections import deque
from typing import Any
from urllib.parse import parse_qs

from fastapi import Request, Response

from tasking.simulator.iceye.calls import Call, Refusal, answer
from tasking.simulator.iceye.switches import IceyeSwitches
from tasking.simulator.journal import token_mark
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

_KIND = "iceye token"
_SCOPE = "catalog.read contracts.read deliveries.read orders.read tasking.read tasking.write"


def _segment(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")


def _basic(header: str) -> tuple[str, str] | None:
    scheme, _, text = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = base64.b64decode(text.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (name, secret) if colon else None


class Accounts:
    """Who may call, and how often."""

    def __init__(self, world: World, switches: SwitchBoard[IceyeSwitches]) -> None:
        self._world, self._switches = world, switches
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
        """``POST {auth}/v1/token``."""
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media != "application/x-www-form-urlencoded":
            return self._no(400, "invalid_request", "the body must be a form")
        form = parse_qs(request.state.body.decode("latin-1"))
        if form.get("grant_type") != ["client_credentials"]:
            return self._no(400, "unsupported_grant_type", "grant_type must be client_credentials")
        given = _basic(request.headers.get("authorization", ""))
        if given is None:
            return self._no(401, "invalid_client", "client id and secret are expected as HTTP Basic authorization")
        request.state.client_id = given[0]
        if self._world.clients.get(given[0]) != given[1]:
            return self._no(401, "invalid_client", "the client is unknown or its secret is wrong")
        return self._issue(request, given[0])

    @staticmethod
    def _no(status: int, error: str, description: str) -> Response:
        refused = answer({"error": error, "error_description": description}, status)
        if status == 401:
            refused.headers["www-authenticate"] = "Basic"
        return refused

    def _issue(self, request: Request, client_id: str) -> Response:
        switches, now = self._switches.now, self._world.clock.seconds()
        life = switches.token_life_seconds
        with self._world.store.together():
            number = self._world.store.next_number(_KIND)
            claims = {"sub": client_id, "scope": _SCOPE, "iat": int(now), "exp": int(now + life), "jti": str(number)}
            signature = self._world.chance(_KIND, number).randbytes(32)
            mark = base64.urlsafe_b64encode(signature).decode().rstrip("=")
            token = f"{_segment({'alg': 'HS256', 'typ': 'JWT'})}.{_segment(claims)}.{mark}"
            dies = now + (switches.token_dies_after_seconds or life)
            self._world.store.put(_KIND, token, {"client_id": client_id, "dies": dies})
        request.state.created_ids = [token_mark(token)]
        given = answer({"access_token": token, "expires_in": life, "token_type": "bearer", "scope": _SCOPE})
        given.headers["cache-control"] = "no-store"
        return given

    def enter(self, request: Request) -> Call:
        """Let a call in; raises `Refusal` 401 without a living token and 429 above the rate limit."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = self._world.store.get(_KIND, token.strip()) if scheme.lower() == "bearer" else None
        if known is None or known["dies"] <= self._world.clock.seconds():
            said = "a Bearer token is required" if not token else "the token is unknown or has expired"
            raise Refusal(401, said, headers={"WWW-Authenticate": "Bearer"})
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
                raise Refusal(429, f"more than {limit} calls a minute", headers={"Retry-After": str(wait)})
            calls.append(now)
