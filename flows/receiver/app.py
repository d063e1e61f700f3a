"""The receiver as a web application.

``POST /<provider>`` with a bearer token, or ``POST /<provider>/<secret path>``. The answer says nothing about whether
an order is known: 202 it was taken, 401 not from whom we expect, 404 no such provider, 408 too slow, 413 too large, 429
too many, 503 ledger or Prefect is away. ``POST /token`` gives our OAuth2 client its token; ``GET /health`` says that it
listens.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from urllib.parse import parse_qsl

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from blocks.account import Account
from flows.receiver.auth import TOKEN_SECONDS, Auth, load_auth
from flows.receiver.notification import LARGEST_BODY, extract_ids
from flows.receiver.wake_queue import BackendUnavailable, Find, QueueFull, Wake, WakeQueue
from flows.receiver.waking import find_orders, wake_orders

READ_SECONDS = 10.0
"""How long a caller may take to send a body."""

A_SECOND, AT_ONCE = 50.0, 200.0
"""Notifications a second in the long run, and in one burst."""


class _Refusal(Exception):
    def __init__(self, status: int, said: str) -> None:
        self.status = status
        super().__init__(said)


class _Pace:
    """A bucket of permissions that fills again with time."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._left, self._at = clock, AT_ONCE, clock()

    def allows(self) -> bool:
        now = self._clock()
        self._left, self._at = min(AT_ONCE, self._left + (now - self._at) * A_SECOND), now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def receiver(
    keys: Auth,
    find: Find = find_orders,
    wake: Wake = wake_orders,
    clock: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The application.

    Args:
        keys: Who may notify us.
        find: Tells for a provider and ids which open orders have them.
        wake: Marks orders as due and starts their runs.
        clock: Seconds that only grow.
    """
    desk, pace = WakeQueue(find, wake, clock), _Pace(clock)
    providers = {one.get_block_type_slug().removesuffix("-tasking") for one in Account.__subclasses__()}

    @asynccontextmanager
    async def at_work(_app: FastAPI) -> AsyncIterator[None]:
        work = asyncio.create_task(desk.work())
        yield
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    app = FastAPI(title="Webhook receiver", lifespan=at_work, docs_url=None, redoc_url=None, openapi_url=None)
    app.router.redirect_slashes = False  # a redirect would say the secret path again, to whatever host was named

    async def take(request: Request, provider: str, secret_path: str | None) -> Response:
        if not keys.fits(request.headers.get("authorization", ""), secret_path):
            raise _Refusal(401, "not from whom we expect")
        if provider not in providers:
            raise _Refusal(404, "no such provider")
        if not pace.allows():
            raise _Refusal(429, "too many")
        if ids := extract_ids(await _body(request)):
            await desk.take(provider, ids)
        return JSONResponse({"status": "accepted"}, 202)

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/token")
    async def token(request: Request) -> Response:
        form = dict(parse_qsl((await _body(request)).decode("latin-1")))
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        granted = keys.grant(request.headers.get("authorization", ""), form)
        if granted is None:
            return JSONResponse({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
        answer = {"access_token": granted, "token_type": "bearer", "expires_in": TOKEN_SECONDS}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    @app.post("/{provider}")
    async def by_bearer(request: Request, provider: str) -> Response:
        return await take(request, provider, None)

    @app.post("/{provider}/{secret_path}")
    async def by_path(request: Request, provider: str, secret_path: str) -> Response:
        return await take(request, provider, secret_path)

    @app.exception_handler(_Refusal)
    async def refuse(_request: Request, no: _Refusal) -> Response:
        headers = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": "1"}, 503: {"Retry-After": "60"}}
        return JSONResponse({"status": str(no)}, no.status, headers.get(no.status))

    @app.exception_handler(QueueFull)
    async def too_many(request: Request, _full: QueueFull) -> Response:
        return await refuse(request, _Refusal(429, "too many"))

    @app.exception_handler(BackendUnavailable)
    async def away(request: Request, _away: BackendUnavailable) -> Response:
        return await refuse(request, _Refusal(503, "away; nothing is lost"))

    return app


async def _body(request: Request) -> bytes:
    """The body, bounded in size and time."""
    said = request.headers.get("content-length", "0")
    if said.isdecimal() and int(said[:20]) > LARGEST_BODY:
        raise _Refusal(413, "too large")
    body = b""
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > LARGEST_BODY:
                    raise _Refusal(413, "too large")
    except TimeoutError:
        raise _Refusal(408, "too slow") from None
    except ClientDisconnect:
        raise _Refusal(400, "broken off") from None
    return body


def from_settings() -> FastAPI:
    """The application with the secrets of environment or block, for ``uvicorn --factory``."""
    logging.getLogger("uvicorn.access").disabled = True  # its lines hold addresses, and one of them is the secret
    return receiver(load_auth())
