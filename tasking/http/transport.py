"""One request and its answer: sent once, read whole, within bounds of size and time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from ssl import SSLContext
from typing import Any, Literal

import httpx

from tasking.excerpt import excerpt
from tasking.http.deadline import left, within
from tasking.http.decompression import pieces
from tasking.http.network import Forbidden, MayConnect, guard
from tasking.http.settings import HttpSettings
from tasking.http.urls import is_loopback

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


class NotSent(Exception):
    """Nothing reached the server."""


class NoResponse(Exception):
    """It was sent, at least in part, and no answer came."""


@dataclass(frozen=True)
class Answer:
    """An answer, read as far as it could be.

    Attributes:
        status: HTTP status.
        headers: As received.
        url: Address that answered.
        body: What could be read of the body.
        flaw: Why the body is not whole; ``None`` when it is.
    """

    status: int
    headers: httpx.Headers
    url: httpx.URL
    body: bytes
    flaw: Literal["cut", "too long", "not decodable"] | None = None


def open_client(
    base: httpx.URL, settings: HttpSettings, transport: httpx.BaseTransport | None, may_connect: MayConnect
) -> httpx.Client:
    """The one connection pool of an account: no redirects, no cookies, HTTP/1.1, our time-outs and our network.

    Proxies of the environment are used, but never to reach a server on this machine.
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
    guard(client, may_connect)
    return client


@lru_cache(maxsize=4)
def _trusted(trust_env: bool, _file: str | None, _folder: str | None) -> SSLContext:
    """Who is trusted: what these variables of the environment name, else certifi's. Read once, as reading costs most.

    A process opens a client for each step. To load the certificates takes some 40 ms of processor time.
    """
    return httpx.create_ssl_context(trust_env=trust_env)


def start(client: httpx.Client, request: httpx.Request, most_seconds: float) -> httpx.Response:
    """Send a request once and wait for the head of its answer; the body is open.

    Args:
        client: From `open_client`.
        request: Of this client.
        most_seconds: From now until the head is there: name, connection, sending, and all answers before the answer.

    Raises:
        Forbidden: Its host stands for an address that must not be connected to.
        NotSent: Nothing reached the server.
        NoResponse: No answer, and the server may have acted.
    """
    problem: Exception
    try:
        with within(most_seconds):
            times = request.extensions["timeout"]
            request.extensions["timeout"] = {**times, "pool": _left(times["pool"])}
            return client.send(request, stream=True, auth=None)
    except Forbidden as why:
        problem = Forbidden(str(why))
    except _NOT_SENT as error:
        problem = NotSent(in_words(error))
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OverflowError) as error:
        # beside the library's errors also its parser's: of a redirect's address, which it reads though it follows none
        problem = NoResponse(in_words(error))
    raise problem  # outside of the handler: the library's error holds the request with its token


def exchange(
    client: httpx.Client,
    settings: HttpSettings,
    method: str,
    url: httpx.URL,
    *,
    headers: Mapping[str, str],
    json: Any = None,
    data: Mapping[str, str] | None = None,
    read_seconds: float | None = None,
) -> Answer:
    """Send a request once and read its answer, at most ``settings.answer_max_bytes`` of it.

    ``read_seconds`` is how long to wait for the answer, when the client's own time-out is not meant. Every exchange is
    over within ``settings.head_seconds`` and ``settings.answer_seconds``, or by the deadline it is made in.

    Raises:
        Forbidden: Its host stands for an address that must not be connected to.
        NotSent: Nothing reached the server.
        NoResponse: No answer, and the server may have acted.
    """
    timeout, head_seconds = client.timeout, settings.head_seconds
    if read_seconds is not None:
        timeout = httpx.Timeout(connect=timeout.connect, read=read_seconds, write=timeout.write, pool=timeout.pool)
        head_seconds += read_seconds - settings.read_seconds
    request = client.build_request(method, url, headers=dict(headers), json=json, data=data, timeout=timeout)
    response = start(client, request, head_seconds)
    with closing(response):
        return read(response, settings.answer_max_bytes, settings.answer_seconds)


def read(response: httpx.Response, most_bytes: int, most_seconds: float) -> Answer:
    """Read an open answer; a flaw is noted, not raised, because the status says something even so."""
    body = bytearray()
    flaw: Literal["cut", "too long", "not decodable"] | None = None
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
    return Answer(response.status_code, response.headers, response.url, bytes(body[:most_bytes]), flaw)


def in_words(error: Exception) -> str:
    """The HTTP library's error in a few words, with its own: those may repeat what the server sent."""
    words, said = _WORDS.get(type(error), type(error).__name__), excerpt(str(error))
    return f"{words} ({said})" if said else words


def _left(most: float | None) -> float | None:
    seconds = left(most)
    return None if seconds is None else max(seconds, 0.0)
