"""A server on a loopback socket that misbehaves on purpose and counts what it was sent."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Behave = Callable[[socket.socket, bytes], bool]
"""Gets the connection and one whole request; hands back whether the connection stays open."""


@dataclass
class OddServer:
    """Counts requests by method; ``behave`` can be exchanged at any time."""

    url: str
    behave: Behave
    requests: list[bytes] = field(default_factory=list)

    def count(self, method: str) -> int:
        return sum(request.startswith(method.encode() + b" ") for request in self.requests)


def reply(status: str, body: bytes = b"{}", *headers: str) -> bytes:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Content-Type: application/json", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def sends(raw: bytes, *, stay: bool = False) -> Behave:
    """Answers with ``raw``, then closes (or stays)."""

    def behave(connection: socket.socket, _: bytes) -> bool:
        connection.sendall(raw)
        return stay

    return behave


def resets(connection: socket.socket, _: bytes) -> bool:
    """Takes the request and resets the connection."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def hangs_up(_: socket.socket, __: bytes) -> bool:
    """Takes the request and closes without a word."""
    return False


@contextlib.contextmanager
def odd_server(behave: Behave) -> Iterator[OddServer]:
    """Serve until the block ends."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = OddServer(f"http://127.0.0.1:{listener.getsockname()[1]}/", behave)
    ended = threading.Event()

    def serve_one(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while not ended.is_set() and (request := _whole_request(connection)):
                server.requests.append(request)
                if not server.behave(connection, request):
                    return

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve_one, args=(listener.accept()[0],), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _whole_request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body
