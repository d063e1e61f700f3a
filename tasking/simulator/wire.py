"""The lowest layer: uvicorn with a hold on the TCP connection, so that a fault can be a real reset or a real cut."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Header = tuple[bytes, bytes]

_EXTENSION = "simulator.transport"
_PATIENCE_SECONDS = 0.3


class OpenProtocol(H11Protocol):
    """HTTP/1.1 that hands its transport to the application."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        loaded: Any = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[_EXTENSION] = transport
            await loaded(scope, receive, send)

        self.app = app


def transport_of(scope: Scope) -> asyncio.Transport:
    """The TCP connection of a call; raises `RuntimeError` when it did not come over a socket."""
    transport = scope.get("extensions", {}).get(_EXTENSION)
    if transport is None:
        raise RuntimeError("this fault needs a served simulator: the call did not come over a socket")
    return transport  # type: ignore[no-any-return]


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def reset(scope: Scope, receive: Receive) -> None:
    """Reset the TCP connection: the client sees RST, and no byte more."""
    transport = transport_of(scope)
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
    await _until_gone(receive)


async def write_and_close(scope: Scope, receive: Receive, status: int, headers: list[Header], body: bytes) -> None:
    """Write an answer as it is, whatever its headers say, then close the connection in order."""
    transport = transport_of(scope)
    head = b"HTTP/1.1 %d X\r\n" % status
    head += b"".join(b"%s: %s\r\n" % header for header in headers)
    transport.write(head + b"connection: close\r\n\r\n" + body)
    transport.close()
    await _until_gone(receive)


class Server(uvicorn.Server):
    """A uvicorn server that says when it accepts connections and stops without waiting for a tick."""

    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then say so."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        await super().startup(sockets)
        self._on_started()

    async def main_loop(self) -> None:
        """Serve until told to stop, or until a signal came."""
        await self.on_tick(0)
        while not self.should_exit and self._stop is not None:
            try:
                await asyncio.wait_for(self._stop.wait(), 0.2)
            except TimeoutError:
                continue

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let running calls end for a moment, then cut what is left."""
        for listener in self.servers:
            listener.close()
        for sock in sockets or []:
            sock.close()
        connections, tasks = self.server_state.connections, self.server_state.tasks
        for connection in list(connections):
            connection.shutdown()
        patience = asyncio.get_running_loop().time() + _PATIENCE_SECONDS
        while (connections or tasks) and asyncio.get_running_loop().time() < patience:
            await asyncio.sleep(0.005)
        for task in list(tasks):
            task.cancel()
        for connection in list(connections):
            connection.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """Stop from another thread."""
        self.should_exit = True
        if self._loop is not None and self._stop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop.set)


def listening_socket(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio only then turns Nagle's delay off, which costs 40 ms a call.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def server(app: App, on_started: Callable[[], None]) -> Server:
    """A server without access log and without a ``Date`` header of its own: the simulated one is ours to say."""
    config = uvicorn.Config(
        app,
        http=OpenProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        access_log=False,
        log_level="warning",
        date_header=False,
        server_header=False,
        proxy_headers=False,
    )
    return Server(config, on_started)
