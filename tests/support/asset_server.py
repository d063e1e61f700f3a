"""A file server on this machine that can be told to lie, for the delivery tests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Looks its answer up by path."""

    server: FileServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer and count."""
        path = self.path.split("?")[0]
        self.server.hits[path] += 1
        self.server.answers[path](self)

    def log_message(self, format: str, *args: object) -> None:
        """Tests are quiet."""

    def say(self, body: bytes, status: int = 200, **headers: str) -> None:
        """Send an answer as it is told; ``content_length`` may be a lie or ``""`` for none."""
        self.send_response(status)
        headers.setdefault("content_length", str(len(body)))
        for name, value in headers.items():
            if value:
                self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)
        if headers["content_length"] != str(len(body)):
            self.close_connection = True


class FileServer(ThreadingHTTPServer):
    """The server, with what it answers and how often it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Answer] = {}
        self.hits: Counter[str] = Counter()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up in the middle is what some tests are about."""

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def file(self, path: str, body: bytes, **said: Any) -> str:
        """Serve ``body`` at ``path``; returns its address."""
        self.answers[path] = lambda handler: handler.say(body, **said)
        return self.url(path)


@contextmanager
def file_server() -> Iterator[FileServer]:
    """A running server on a free port."""
    server = FileServer()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def opener(client: httpx.Client) -> Callable[[Mapping[str, Any], str], AbstractContextManager[httpx.Response]]:
    """What a provider's ``open_asset`` does, without credentials."""
    return lambda item, key: client.stream("GET", item["assets"][key]["href"])
