"""HTTP for a receiver that stands open to the world: a connection on which no request comes gives way.

uvicorn itself waits for ever for the first request of a connection, and counts such connections against its limit. So
some hundred silent callers would shut out the provider. ``uvicorn --http flows.receiver.serving:BoundedHttp`` has the
same limits under a server of your own.
"""

from __future__ import annotations

import asyncio
import time

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

HEAD_SECONDS = 10.0
"""How long the head of a request may take to arrive, from the connection or from the answer before it."""

MOST_CONNECTIONS = 500
"""Connections at once; with more, the one that has waited longest for its request is closed."""


class BoundedHttp(H11Protocol):
    """HTTP/1.1 as uvicorn speaks it, with a limit of time for each head and room for the next caller."""

    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, and close another connection that waits if there are too many."""
        super().connection_made(transport)
        self.access_log = False  # its lines hold addresses, and one of them is the secret
        self._expect_head()
        if len(self.connections) > MOST_CONNECTIONS:
            waiting = [
                one
                for one in self.connections
                if isinstance(one, BoundedHttp) and one.conn.their_state in (h11.IDLE, h11.SEND_BODY)
            ]
            min(waiting, key=lambda one: one._since, default=self).transport.abort()

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._expect_head()

    def _expect_head(self) -> None:
        self._since = time.monotonic()
        self.loop.call_later(HEAD_SECONDS, self._give_up, self._since)

    def _give_up(self, since: float) -> None:
        """Close the connection when no head has come since then; the application limits the body."""
        if self._since == since and (self.cycle is None or self.cycle.response_complete):
            self.transport.abort()


def config(app: FastAPI, host: str, port: int) -> uvicorn.Config:
    """How the receiver is served: no addresses in the log (one is a secret), no WebSockets, bounded connections."""
    return uvicorn.Config(app, host=host, port=port, access_log=False, http=BoundedHttp, ws="none")
