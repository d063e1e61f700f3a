"""Satellogic's accounts: tokens, the two headers every call needs, and the contracts that decide how a task is planned.

Documented: the token request and answer, ``AuthorizationToken: Bearer`` in place of ``Authorization``, the contract
header on all calls but the list of contracts. Assumed: what the contracts are called, and the words of a refusal.
"""

from __future__ import annotations

import json

from fastapi import Request, Response

from tasking.simulator.features import Json, json_answer
from tasking.simulator.satellogic.answers import Asked, Refusal
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.tokens import Tokens
from tasking.simulator.world import World

AUDIENCE = "https://api.satellogic.com/"
# name, priority of its tasks, footprint of a point (km), whether it goes before others' orders
_CONTRACTS = (
    ("Standard tasking", 13, (5, 5), False),
    ("Rush tasking", 14, (5, 5), True),
    ("Standard tasking, long footprint", 13, (5, 10), False),
)


class Accounts:
    """Who may call, on which contract, and how often."""

    def __init__(self, world: World, switches: SwitchBoard[SatellogicSwitches], tokens: Tokens) -> None:
        self._world, self._switches, self._tokens = world, switches, tokens

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
        if self._switches.now.require_audience:
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
        life = self._switches.now.token_life_seconds
        answer = json_answer(
            {
                "access_token": self._tokens.issue(request, client_id, life, aud=AUDIENCE),
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
        client_id = self._tokens.holder(token) if scheme.lower() == "bearer" else None
        if client_id is None:
            raise Refusal(401, "Unauthorized: the token is unknown or has expired")
        request.state.client_id = client_id
        if wait := self._tokens.too_many(client_id):
            message = f"Request was throttled. Expected available in {wait} seconds."
            raise Refusal(429, message, {"Retry-After": str(wait)})
        contract_id = request.headers.get("x-satellogic-contract-id")
        if contract_id is None and contract_needed:
            raise Refusal(401, "Unauthorized: the X-Satellogic-Contract-Id header is missing")
        mine = {contract["contract_id"]: contract for contract in self.contracts(client_id)}
        if contract_id is not None and contract_id not in mine:
            raise Refusal(403, "You do not have permission to use this contract.")
        return Asked(request, client_id, mine[contract_id] if contract_id else {})
