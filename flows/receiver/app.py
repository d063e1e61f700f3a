"""The receiver as a web application.

``POST /<provider>`` with a bearer token, or ``POST /<provider>/<secret path>``. The answer says nothing about whether
an order is known: 202 it was taken, 401 not from whom we expect, 404 no such provider, 408 too slow, 413 too large, 429
too many, 503 ledger or Prefect is away. ``POST /token`` gives our OAuth2 client its token; ``GET /health`` says that it
listens.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qsl

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from blocks.account import providers
from flows.receiver.auth import TOKEN_SECONDS, Auth, load_auth
from flows.receiver.notification import LARGEST_BODY, extract_ids
from flows.receiver.wake_queue import BackendUnavailable, QueueFull, WakeQueue

READ_SECONDS = 10.0
"""How long a caller may take to send a body."""

A_SECOND, AT_ONCE = 50.0, 200.0
"""Notifications a second in the long run, and in one burst."""


class _RateLimit:
    """A bucket of permissions that fills again with time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._left, self._at = clock, AT_ONCE, clock()

    def allows(self) -> bool:
        now = self._clock()
        self._left, self._at = min(AT_ONCE, self._left + (now - self._at) * A_SECOND), now
        allowed = self._left >= 1
        self._left -= allowed
        return allowed


def receiver(auth: Auth, queue: WakeQueue) -> FastAPI:
    """The application.

    Args:
        auth: Who may notify us.
        queue: Where notifications go.
    """
    rate = _RateLimit(queue.clock)
    known = frozenset(providers())

    @asynccontextmanager
    async def at_work(_app: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(queue.work())
        yield
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    app = FastAPI(title="Webhook receiver", lifespan=at_work, docs_url=None, redoc_url=None, openapi_url=None)
    app.router.redirect_slashes = False  # a redirect would say the secret path again, to whatever host was named

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await _body(request)).decode("latin-1")))
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        granted = auth.grant(request.headers.get("authorization", ""), form)
        if granted is None:
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        answer = {"access_token": granted, "token_type": "bearer", "expires_in": TOKEN_SECONDS}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @app.post("/{provider}", status_code=202)
    @app.post("/{provider}/{secret_path}", status_code=202)
    async def notify(request: Request, provider: str) -> dict[str, str]:
        # the secret path is no parameter of this function: where the address has none, it would count in a query
        if not auth.fits(request.headers.get("authorization", ""), request.path_params.get("secret_path")):
            raise HTTPException(401, "not from whom we expect", {"WWW-Authenticate": "Bearer"})
        if provider not in known:
            raise HTTPException(404, "no such provider")
        if not rate.allows():
            raise HTTPException(429, "too many", {"Retry-After": "1"})
        try:
            if ids := extract_ids(await _body(request)):
                await queue.put(provider, ids)
        except QueueFull:
            raise HTTPException(429, "too many", {"Retry-After": "1"}) from None
        except BackendUnavailable:
            raise HTTPException(503, "away; nothing is lost", {"Retry-After": "60"}) from None
        return {"status": "accepted"}

    return app


async def _body(request: Request) -> bytes:
    """The body, bounded in size and time."""
    stated = request.headers.get("content-length", "0")
    if stated.isdecimal() and int(stated[:20]) > LARGEST_BODY:
        raise HTTPException(413, "too large")
    body = b""
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_BODY:
                    raise HTTPException(413, "too large")
    except TimeoutError:
        raise HTTPException(408, "too slow") from None
    except ClientDisconnect:
        raise HTTPException(400, "broken off") from None
    return body


def from_settings() -> FastAPI:
    """The application with the secrets of environment or block, for ``uvicorn --factory``."""
    logging.getLogger("uvicorn.access").disabled = True  # its lines hold addresses, and one of them is the secret
    return receiver(load_auth(), WakeQueue())
