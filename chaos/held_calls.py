"""Calls that the network holds: answers before the answer, a head without end, a name of many silent addresses."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import httpx

Handle = Callable[[httpx.HTTPTransport, httpx.Request], httpx.Response]

HELD_SECONDS = 25.0
"""So long a caller is held, if it stays: longer than a create may take in a campaign."""
SILENT_ADDRESSES = 6

_PIECES = {"1xx": b"HTTP/1.1 102 Processing\r\n\r\n", "slow head": b"x"}


def held(kind: str, original: Handle, transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
    """Make the call through a relay that holds its caller.

    With ``1xx`` it goes on to the server only if the caller is there to the end; with ``slow head`` at once, and the
    answer is what is held.
    """
    body = request.read()
    listener = socket.create_server(("127.0.0.1", 0))

    def relay() -> None:
        connection, _ = listener.accept()
        with listener, connection, suppress(OSError):
            connection.recv(65536)
            if kind == "slow head":
                answer = _answer(original, request, body)
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Held: ")
            end = time.monotonic() + HELD_SECONDS
            while time.monotonic() < end:
                connection.sendall(_PIECES[kind])
                time.sleep(0.1)
            if kind == "1xx":
                connection.sendall(_answer(original, request, body))
            else:
                connection.sendall(b"\r\n" + answer.partition(b"\r\n")[2])

    threading.Thread(target=relay, daemon=True).start()
    url = request.url.copy_with(scheme="http", host="127.0.0.1", port=listener.getsockname()[1])
    headers = [(name, value) for name, value in request.headers.raw if name.lower() != b"host"]
    return original(
        transport, httpx.Request(request.method, url, headers=headers, content=body, extensions=request.extensions)
    )


def _answer(original: Handle, request: httpx.Request, body: bytes) -> bytes:
    """The server's answer to the call, made now."""
    again = httpx.Request(request.method, request.url, headers=request.headers, content=body)
    with httpx.HTTPTransport() as own:
        real = original(own, again)
        text = real.read()
    return b"HTTP/1.1 %d Made\r\nContent-Length: %d\r\n\r\n" % (real.status_code, len(text)) + text


def through_many_addresses(original: Handle, transport: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
    """Make the call on a new connection to a name that has some silent addresses before the right one."""
    fresh = httpx.HTTPTransport()
    fresh._pool._network_backend = transport._pool._network_backend
    with _silent(request.url.port or 80) as silent:
        real = socket.getaddrinfo

        def many(host: str, port: int, *rest: Any, **more: Any) -> Any:
            found = real(host, port, *rest, **more)
            return [(*found[0][:4], (each, port)) for each in silent] + found if host == request.url.host else found

        socket.getaddrinfo = many  # type: ignore[assignment]
        try:
            return original(fresh, request)
        finally:
            socket.getaddrinfo = real


@contextmanager
def _silent(port: int) -> Iterator[list[str]]:
    """Addresses of this machine at which no connection is answered: what waits to be accepted there is full."""
    with ExitStack() as sockets:
        found = []
        for number in range(SILENT_ADDRESSES):
            address = f"127.77.{time.monotonic_ns() % 250}.{number + 1}"
            listener = sockets.enter_context(socket.socket())
            with suppress(OSError):  # another process holds its caller there
                listener.bind((address, port))
                listener.listen(0)
                found.append(address)
            for _ in range(3):
                waiting = sockets.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))
        yield found
