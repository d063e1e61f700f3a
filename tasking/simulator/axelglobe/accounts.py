"""AxelGlobe's accounts: tokens for client credentials, and the gate that every call passes.

The token answer is the documented one. What a refusal looks like is not documented; the shapes are those of the kind of
authentication server the documented request suggests.
"""

from __future__ import annotations

import json

from fastapi import Request, Response

from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.features import Call, json_answer
from tasking.simulator.problem import Problem
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.tokens import Tokens
from tasking.simulator.world import World

AUDIENCE = "https://api.axelglobe.com"


class Accounts:
    """Who may call, and how often."""

    def __init__(self, world: World, switches: SwitchBoard[AxelGlobeSwitches], tokens: Tokens) -> None:
        self._world, self._switches, self._tokens = world, switches, tokens

    def token(self, request: Request) -> Response:
        """``POST /oauth/token``."""
        try:
            asked = json.loads(request.state.body)
        except (ValueError, RecursionError):
            asked = None
        if not isinstance(asked, dict):
            return self._no(400, "invalid_request", "the body must be a JSON object")
        needed = ["grant_type", "client_id", "client_secret"]
        if self._switches.now.require_audience:
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
        life = self._switches.now.token_life_seconds
        token = self._tokens.issue(request, client_id, life, aud=AUDIENCE)
        answer = json_answer({"access_token": token, "expires_in": life, "token_type": "Bearer"})
        answer.headers["cache-control"] = "no-store"
        return answer

    def enter(self, request: Request) -> Call:
        """Let a call in; raises `Problem` 401 without a living token and 429 above the rate limit."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        client_id = self._tokens.holder(token) if scheme.lower() == "bearer" else None
        if client_id is None:
            said = "a Bearer token is required" if not token else "the token is unknown or has expired"
            raise Problem(401, said, {"WWW-Authenticate": "Bearer"})
        request.state.client_id = client_id
        if wait := self._tokens.too_many(client_id):
            limit = self._world.switches.now.rate_limit_per_minute
            raise Problem(429, f"more than {limit} calls a minute", {"Retry-After": str(wait)})
        return Call(request, client_id)
