"""The webhook receiver, served on this machine."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from flows.receiver.serving import config

PATH, BEARER, CLIENT = "a-secret-path-of-ours", "a-bearer-token-of-ours", "an-oauth2-secret-of-ours"


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a loopback port, by a thread that knows this test's Prefect server."""
    server = uvicorn.Server(config(app, "127.0.0.1", 0))
    started = threading.Event()
    original = server.startup

    async def startup(sockets: Any = None) -> None:
        await original(sockets)
        started.set()

    server.startup = startup  # type: ignore[method-assign]
    thread = threading.Thread(target=contextvars.copy_context().run, args=(server.run,), daemon=True)
    thread.start()
    assert started.wait(20)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
