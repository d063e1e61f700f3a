"""The network below the HTTP library: each wait ends by the deadline, and no name leads where it must not.

The library gives each single wait its time-out: for each address of a name, each piece of a head, each answer before
the answer (1xx). All of them together have no end. Here each wait gets what is left until the deadline
(`tasking.http.deadline`), also the resolution of a name, which knows no time-out of its own.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from collections.abc import Callable, Iterable
from typing import Any

import httpcore
import httpx

from tasking.http.deadline import left, within

MayConnect = Callable[[str, int, str], str | None]
"""Host, port and the address that the host's name stands for: why there must be no connection, or ``None``."""

_WRITE = 4096
"""Bytes written at a time. The library's own loop over a long text begins its time-out anew after each part."""


class Forbidden(Exception):
    """The name of a host stands for an address that must not be connected to. Nothing was sent."""


def put_below(transport: httpx.BaseTransport, may_connect: MayConnect) -> None:
    """Put this network below the library's transport, which offers no way to be handed one; tests bring their own."""
    if isinstance(transport, httpx.HTTPTransport):
        transport._pool._network_backend = Network(may_connect)


class Network(httpcore.NetworkBackend):
    """Connects to the addresses of a name in turn, each with its share of the time that is left."""

    def __init__(self, may_connect: MayConnect) -> None:
        self._may_connect, self._sockets = may_connect, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to one of the host's addresses.

        Raises:
            Forbidden: All of its addresses lead where they must not.
            httpcore.ConnectTimeout, httpcore.ConnectError: There is none, within the time for all of them together.
        """
        with within(float("inf") if timeout is None else timeout):
            addresses = _addresses(host, port)
            if not addresses:
                raise httpcore.ConnectError("the name has no address")
            refused = {address: self._may_connect(host, port, address) for address in addresses}
            allowed = [address for address, why in refused.items() if why is None]
            if not allowed:
                raise Forbidden(f"{host[:200]} is not asked: {next(iter(refused.values()))}")
            failure: Exception = httpcore.ConnectTimeout("its time is over")
            for number, address in enumerate(allowed):
                try:
                    share = _left(None, httpcore.ConnectTimeout)
                    if share is not None:
                        share /= len(allowed) - number
                    return Stream(self._sockets.connect_tcp(address, port, share, local_address, socket_options))
                except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                    failure = error
            raise failure

    def sleep(self, seconds: float) -> None:
        """Not used: the library repeats nothing here."""
        self._sockets.sleep(seconds)


class Stream(httpcore.NetworkStream):
    """A connection whose reads and writes get what is left until the deadline."""

    def __init__(self, inner: httpcore.NetworkStream) -> None:
        self._inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next piece."""
        return self._inner.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """All of it, piece by piece."""
        for start in range(0, len(buffer), _WRITE):
            self._inner.write(buffer[start : start + _WRITE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        """Give the socket back."""
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same, encrypted."""
        seconds = _left(timeout, httpcore.ConnectTimeout)
        return Stream(self._inner.start_tls(ssl_context, server_hostname, seconds))

    def get_extra_info(self, info: str) -> Any:
        """What the library asks about its sockets."""
        return self._inner.get_extra_info(info)


def _left(timeout: float | None, over: type[httpcore.TimeoutException]) -> float | None:
    seconds = left(timeout)
    if seconds is not None and seconds <= 0:
        raise over("its time is over")
    return seconds if seconds is None or seconds < threading.TIMEOUT_MAX else None


def _addresses(host: str, port: int) -> list[str]:
    """What a name stands for. The system's resolver cannot be given up on, so it is asked beside us.

    Raises:
        httpcore.ConnectTimeout: It does not answer in time.
        httpcore.ConnectError: There is no such name.
    """
    answers: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(each[4][0]) for each in found)))
        except (OSError, ValueError) as error:
            answers.put(error)

    threading.Thread(target=ask, daemon=True, name="resolve").start()
    try:
        answer = answers.get(timeout=_left(None, httpcore.ConnectTimeout))
    except queue.Empty:
        raise httpcore.ConnectTimeout("its name is not resolved in time") from None
    if isinstance(answer, Exception):
        raise httpcore.ConnectError(str(answer)) from answer
    return answer
