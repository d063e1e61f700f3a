"""HTTP calls that are struck: the real call is made, or not, and its caller is killed or told something else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx

from chaos import late_call
from chaos.fail_point import path_pattern
from chaos.fault_plan import IN_DOUBT, Fault, FaultKind
from chaos.held_calls import held, through_many_addresses
from chaos.trace import Trace

Handle = Callable[[httpx.HTTPTransport, httpx.Request], httpx.Response]

_SENT = "http11.send_request_body.complete"
_STATUS: dict[FaultKind, tuple[int, bool, dict[str, str]]] = {
    "429": (429, False, {}),
    "429 with Retry-After": (429, False, {"Retry-After": "1"}),
    "500": (500, False, {}),
    "500 after acting": (500, True, {}),
    "502 after acting": (502, True, {}),
    "503": (503, False, {}),
    "504": (504, False, {}),
    "401": (401, False, {}),
}
"""Status, whether the server acted, and headers."""

LATE_SECONDS = 8.0
"""After which a late call is made. The harness' time-outs of a create are 20 s together, the settle time is more."""

_RUN_MARKS = ("PREFECT__", "CHAOS_")
"""How what names a run in the environment begins: a late call is nobody's, so that no run seems alive by it."""

_sent_late: list[subprocess.Popen[bytes]] = []


def die() -> None:
    """SIGKILL to this process, now."""
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()


def inject_http(trace: Trace, prefect_url: str) -> None:
    """From now on each call of this process to a provider, and each that sets a state in Prefect, is a point."""
    original: Handle = httpx.HTTPTransport.handle_request
    prefect = httpx.URL(prefect_url)

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if (request.url.host, request.url.port) != (prefect.host, prefect.port):
            path = path_pattern(request.url.path)
            fault = trace.reach("provider", f"{request.method} {path}")
            if fault is None and request.method == "GET" and (refused := trace.refused_look(path)) is not None:
                return httpx.Response(refused, json={"detail": "refused"}, request=request)
        elif request.url.path.endswith("/set_state") and "/flow_runs/" in request.url.path:
            fault = trace.reach("prefect", f"set state {_state(request)}")
        else:
            fault = None
        if fault is None:
            return original(self, request)
        if fault.kind in IN_DOUBT:
            trace.refuse_looks(fault)
        return _struck(fault, trace, original, self, request)

    httpx.HTTPTransport.handle_request = handle_request  # type: ignore[method-assign]


def _state(request: httpx.Request) -> str:
    state: dict[str, Any] = json.loads(request.content)["state"]
    return str(state.get("name") or state.get("type"))


def _struck(
    fault: Fault, trace: Trace, original: Handle, transport: httpx.HTTPTransport, request: httpx.Request
) -> httpx.Response:
    kind = IN_DOUBT[fault.kind][0] if fault.kind in IN_DOUBT else fault.kind
    if kind == "killed before":
        die()
    if kind == "no connection":
        raise httpx.ConnectError("Connection refused", request=request)
    if kind == "reset before":
        raise httpx.ReadError("Connection reset by peer", request=request)
    if kind == "late" and request.method == "POST":
        _send_late(request)
        raise httpx.ReadTimeout("timed out", request=request)
    if kind in ("1xx", "slow head"):
        return held(kind, original, transport, request)
    if kind == "many addresses":
        return through_many_addresses(original, transport, request)
    status, acts, headers = _STATUS.get(kind, (0, True, {}))
    if not acts:
        return httpx.Response(status, headers=headers, json={"detail": kind}, request=request)
    if kind == "killed while sent":
        request.extensions = {**request.extensions, "trace": _die_when_sent}
    try:
        real = original(transport, request)
        assert isinstance(real.stream, httpx.SyncByteStream)
        body = b"".join(real.stream)
        real.close()
    except httpx.TransportError:  # the server is away: its caller is told that, and nothing else
        trace.missed(fault)
        raise
    return _told(kind, request, real, body, status)


def _send_late(request: httpx.Request) -> None:
    """Have the call made by a process of its own, which outlives this one."""
    call = {
        "seconds": LATE_SECONDS,
        "method": request.method,
        "url": str(request.url),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in request.headers.raw],
        "body": request.read().decode("latin-1"),
    }
    sender = subprocess.Popen(  # noqa: S603 # our own program
        [sys.executable, "-I", "-S", str(late_call.__file__)],
        env={name: value for name, value in os.environ.items() if not name.startswith(_RUN_MARKS)},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    assert sender.stdin is not None
    with sender.stdin as given:
        given.write(json.dumps(call).encode())
    _sent_late.append(sender)


def _die_when_sent(event: str, _info: object) -> None:
    if event == _SENT:
        die()


def _told(kind: FaultKind, request: httpx.Request, real: httpx.Response, body: bytes, status: int) -> httpx.Response:
    """What its caller is told of a call that was made."""
    headers = [(name, value) for name, value in real.headers.raw if name.lower() != b"content-length"]
    match kind:
        case "killed after" | "killed while sent":
            die()
        case "answer lost":
            raise httpx.ReadError("Connection reset by peer", request=request)
        case "timed out" | "late":
            raise httpx.ReadTimeout("timed out", request=request)
        case "cut" | "killed halfway":
            stream = _Half(body, request, kill=kind == "killed halfway")
            return httpx.Response(real.status_code, headers=real.headers, stream=stream, extensions=real.extensions)
        case "malformed":
            return httpx.Response(real.status_code, headers=headers, content=body[: len(body) // 2])
        case "wrong content type":
            page = b"<!doctype html><title>Back soon</title>"
            return httpx.Response(real.status_code, headers={"Content-Type": "text/html"}, content=page)
    return httpx.Response(status, json={"detail": kind})


class _Half(httpx.SyncByteStream):
    """The first half of a body, and then the connection breaks or the process is killed."""

    def __init__(self, body: bytes, request: httpx.Request, *, kill: bool) -> None:
        self._body, self._request, self._kill = body, request, kill

    def __iter__(self) -> Iterator[bytes]:
        yield self._body[: len(self._body) // 2]
        if self._kill:
            die()
        raise httpx.RemoteProtocolError("peer closed connection", request=self._request)
