"""One exchange with a server: sent once, over by its deadline, and its answer read within bounds.

The HTTP library sits on top of this: whatever it reads of an answer, also on the way to another try, is read already.
"""

from __future__ import annotations

import os
from contextlib import closing
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Literal

import httpx

from tasking.errors import TaskingError
from tasking.excerpt import excerpt
from tasking.http.deadline import left, within
from tasking.http.decompression import pieces
from tasking.http.network import Forbidden, MayConnect, put_below
from tasking.http.settings import HttpSettings
from tasking.http.urls import is_loopback

Flaw = Literal["cut", "too long", "not decodable"]

_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

_WORDS: dict[type[Exception], str] = {
    httpx.ConnectTimeout: "no connection in time",
    httpx.PoolTimeout: "all connections are busy",
    httpx.ReadTimeout: "no answer in time",
    httpx.WriteTimeout: "could not be sent in time",
    httpx.ConnectError: "no connection",
    httpx.ReadError: "the connection broke",
    httpx.WriteError: "the connection broke",
    httpx.RemoteProtocolError: "the connection ended in the middle, or the answer is not HTTP",
}


_OF_THE_WIRE = (b"content-encoding", b"content-length", b"transfer-encoding")
"""Headers of a body, not to be told once it has been read and unpacked."""
_REFUSAL_MOST_BYTES = 64 * 1024
"""Of an answer that is not the file that was asked for."""


class NotSent(Exception):
    """Nothing reached the server."""


class NoResponse(Exception):
    """It was sent, at least in part, and no answer came."""


Purpose = Literal["read", "create", "download"]
"""What a request is for. A create has the whole of its answer by when others have its head; a file that is downloaded
is handed on as it comes, for its reader to bound, and of an answer that is none its words are read."""


def flaw_of(response: httpx.Response) -> Flaw | None:
    """Why the body of an answer is not whole; ``None`` when it is."""
    flaw: Flaw | None = response.extensions.get("flaw")
    return flaw


class BoundedTransport(httpx.BaseTransport):
    """Gives out answers that are read already, unpacked by ourselves, within bounds of size and time.

    A flaw of the body is noted, not raised: the status says something even so. A 401 with half a body is a 401.

    Args:
        inner: Sends them.
        settings: The bounds.
    """

    def __init__(self, inner: httpx.BaseTransport, settings: HttpSettings) -> None:
        self._inner, self._settings = inner, settings

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request once; its extensions tell its `Purpose`, and ``read_seconds`` where its answer is slow."""
        settings, purpose = self._settings, request.extensions["purpose"]
        read = request.extensions["read_seconds"] or settings.read_seconds
        with within(settings.head_seconds if purpose == "create" else float("inf")):
            with within(settings.head_seconds - settings.read_seconds + read):
                times = request.extensions["timeout"]
                request.extensions["timeout"] = {**times, "read": read, "pool": _left(times["pool"])}
                response = self._inner.handle_request(request)
            if purpose == "download" and response.status_code == 200:
                return response
            with closing(response):
                if purpose == "download":
                    body, flaw = _read(response, _REFUSAL_MOST_BYTES, settings.read_seconds)
                else:
                    body, flaw = _read(response, settings.answer_max_bytes, settings.answer_seconds)
        headers = [each for each in response.headers.raw if each[0].lower() not in _OF_THE_WIRE]
        extensions = {**response.extensions, "flaw": flaw}
        return httpx.Response(response.status_code, headers=headers, content=body, extensions=extensions)

    def close(self) -> None:
        """Give back the connections."""
        self._inner.close()


def _read(response: httpx.Response, most_bytes: int, most_seconds: float) -> tuple[bytes, Flaw | None]:
    body = bytearray()
    flaw: Flaw | None = None
    try:
        with within(most_seconds):
            for piece in pieces(response):
                body += piece
                if max(len(body), response.num_bytes_downloaded) > most_bytes:
                    flaw = "too long"
                    break
                if _left(None) == 0:
                    flaw = "cut"
                    break
    except httpx.DecodingError:
        flaw = "not decodable"
    except (httpx.HTTPError, httpx.StreamError):
        flaw = "cut"
    return bytes(body[:most_bytes]), flaw


def open_client(
    base: httpx.URL, settings: HttpSettings, transport: httpx.BaseTransport | None, may_connect: MayConnect
) -> httpx.Client:
    """The one connection pool of an account: no redirects, no cookies, HTTP/1.1, our time-outs and our network.

    Proxies of the environment are used, but never to reach a server on this machine. A proxy is the operator's choice:
    its own address is not judged, and it resolves the names behind it itself.
    """
    trust_env = not is_loopback(base.host)
    named = (os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")) if trust_env else (None, None)
    client = httpx.Client(
        transport=transport,
        verify=_trusted(trust_env, *named) if transport is None else True,
        http2=False,
        follow_redirects=False,
        trust_env=trust_env,
        headers={"User-Agent": "tasking-flows", "Accept-Encoding": "gzip, deflate"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=httpx.Timeout(
            connect=settings.connect_seconds,
            read=settings.read_seconds,
            write=settings.write_seconds,
            pool=settings.pool_seconds,
        ),
        limits=httpx.Limits(max_connections=20, max_keepalive_connections=10, keepalive_expiry=5.0),
    )
    # the library offers no way to stand between itself and the transports that it makes for proxies
    put_below(client._transport, may_connect)
    client._transport = BoundedTransport(client._transport, settings)
    for pattern, proxy in client._mounts.items():
        if proxy is not None:
            put_below(proxy, lambda _host, _port, _address: None)
            client._mounts[pattern] = BoundedTransport(proxy, settings)
    return client


@lru_cache(maxsize=4)
def _trusted(trust_env: bool, _file: str | None, _folder: str | None) -> SSLContext:
    """Who is trusted: what these variables of the environment name, else certifi's. Read once, as reading costs most.

    A process opens a client for each step. To load the certificates takes some 40 ms of processor time.
    """
    return httpx.create_ssl_context(trust_env=trust_env)


def send(client: httpx.Client, request: httpx.Request, auth: httpx.Auth | None = None) -> httpx.Response:
    """Send a request, and once more where ``auth`` says so.

    Args:
        client: From `open_client`.
        request: Of this client, with its `Purpose` among its extensions.
        auth: What it is signed with.

    Raises:
        Forbidden: Its host stands for an address that must not be connected to.
        NotSent: Nothing reached the server.
        NoResponse: No answer, and the server may have acted.
        TaskingError: There is no token.
    """
    problem: Exception
    try:
        return client.send(request, stream=True, auth=auth)
    except TaskingError:
        raise
    except Forbidden as why:
        problem = Forbidden(str(why))
    except _NOT_SENT as error:
        problem = NotSent(in_words(error))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError) as error:
        # beside the library's errors also its parser's: of a redirect's address, which it reads though it follows none
        problem = NoResponse(in_words(error))
    raise problem  # outside of the handler: the library's error holds the request with its token


def in_words(error: Exception) -> str:
    """The HTTP library's error in a few words, with its own: those may repeat what the server sent."""
    words, said = _WORDS.get(type(error), type(error).__name__), excerpt(str(error))
    return f"{words} ({said})" if said else words


def _left(most: float | None) -> float | None:
    seconds = left(most)
    return None if seconds is None else max(seconds, 0.0)
