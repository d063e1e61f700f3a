"""ICEYE's accounts: tokens for client credentials (Basic and a form), and the gate that every call passes."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs

from fastapi import Request, Response

from tasking.simulator.iceye.calls import Call, Refusal, answer
from tasking.simulator.iceye.switches import IceyeSwitches
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.tokens import Tokens
from tasking.simulator.world import World

_SCOPE = "catalog.read contracts.read deliveries.read orders.read tasking.read tasking.write"


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

    def __init__(self, world: World, switches: SwitchBoard[IceyeSwitches], tokens: Tokens) -> None:
        self._world, self._switches, self._tokens = world, switches, tokens

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
        life = self._switches.now.token_life_seconds
        token = self._tokens.issue(request, client_id, life, scope=_SCOPE)
        given = answer({"access_token": token, "expires_in": life, "token_type": "bearer", "scope": _SCOPE})
        given.headers["cache-control"] = "no-store"
        return given

    def enter(self, request: Request) -> Call:
        """Let a call in; raises `Refusal` 401 without a living token and 429 above the rate limit."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        client_id = self._tokens.holder(token) if scheme.lower() == "bearer" else None
        if client_id is None:
            said = "a Bearer token is required" if not token else "the token is unknown or has expired"
            raise Refusal(401, said, headers={"WWW-Authenticate": "Bearer"})
        request.state.client_id = client_id
        if wait := self._tokens.too_many(client_id):
            limit = self._world.switches.now.rate_limit_per_minute
            raise Refusal(429, f"more than {limit} calls a minute", headers={"Retry-After": str(wait)})
        return Call(request, client_id)
