"""What stands before every provider: journal, faults and the clock's headers.

Calls under ``/_sim`` pass straight through and only get the clock's headers.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus

from tasking.simulator.faults import Fault
from tasking.simulator.tamper import Answer, ordered_redirect, ordered_status, tampered
from tasking.simulator.wire import App, Message, Receive, Scope, Send, reset, write_and_close
from tasking.simulator.world import World

MAX_BODY_BYTES = 5_000_000


class Front:
    """The ASGI application around the providers."""

    def __init__(self, inner: App, world: World) -> None:
        self._inner, self._world = inner, world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
        elif scope["path"].startswith("/_sim"):
            await self._control(scope, receive, send)
        else:
            await self._provider(scope, receive, send)

    def _clock_headers(self) -> list[tuple[bytes, bytes]]:
        return self._world.clock.headers(self._world.switches.now.date_header_skew_seconds)

    async def _control(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_clock(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *self._clock_headers()]
            await send(message)

        await self._inner(scope, receive, with_clock)

    async def _provider(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _whole_body(receive)
        if body is None:
            return  # the client went away before the call was complete: it never arrived
        method, path = scope["method"], scope["path"]
        query = unquote_plus(scope["query_string"].decode("latin-1"))
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        entry = self._world.journal.open(method, path, query, headers, body)
        fault = self._world.faults.take(method, path, query)
        state: dict[str, Any] = {"body": body}
        scope["state"] = state

        acted, answer = False, Answer(500)
        if fault and fault.kind == "delay":
            await asyncio.sleep(fault.seconds)
        if fault and fault.kind == "status" and not fault.after_acting:
            answer = ordered_status(fault, self._world.clock)
        elif fault and fault.kind == "redirect":
            answer = ordered_redirect(fault)
        elif fault is None or fault.kind != "reset_before":
            try:
                answer = await self._act(scope, body)
            except Exception:
                self._world.journal.close(entry, status=500, fault=fault.kind if fault else None)
                raise
            acted = answer.status < 400
            if fault and fault.kind == "status":
                answer = ordered_status(fault, self._world.clock)

        if fault:
            answer = tampered(fault, answer, _address(scope, headers))
        answer = replace(answer, headers=[*answer.headers, *self._clock_headers()])
        self._world.journal.close(
            entry,
            status="reset" if fault and fault.kind in ("reset_before", "reset_after") else answer.status,
            acted=acted,
            fault=fault.kind if fault else None,
            client_id=state.get("client_id"),
            created_ids=state.get("created_ids", []),
        )
        if fault and fault.kind == "delay_answer":
            await asyncio.sleep(fault.seconds)
        await _leave(scope, receive, send, answer, fault)

    async def _act(self, scope: Scope, body: bytes) -> Answer:
        parts: list[bytes] = []
        start: dict[str, Any] = {}
        asked = False

        async def receive() -> Message:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._inner(scope, receive, send)
        return Answer(start["status"], list(start.get("headers", [])), b"".join(parts))


async def _whole_body(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        if len(body) < MAX_BODY_BYTES:
            body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)


def _address(scope: Scope, headers: dict[str, str]) -> str:
    query = scope["query_string"].decode("latin-1")
    path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
    return f"{scope['scheme']}://{headers.get('host', '')}{path}" + (f"?{query}" if query else "")


async def _leave(scope: Scope, receive: Receive, send: Send, answer: Answer, fault: Fault | None) -> None:
    kind = fault.kind if fault else ""
    keep = fault.keep if fault else 1.0
    if kind in ("reset_before", "reset_after"):
        await reset(scope, receive)
    elif kind == "cut_body":
        cut = answer.body[: int(len(answer.body) * keep)]
        await write_and_close(scope, receive, answer.status, answer.headers, cut)
    elif kind == "close_delimited":
        cut = answer.body[: int(len(answer.body) * keep)]
        await write_and_close(scope, receive, answer.status, answer.without(b"content-length").headers, cut)
    elif fault and kind == "huge_json":
        await _send_huge(send, answer.without(b"content-length"), fault.bytes)
    elif fault and kind == "slow_body":
        await _send_slowly(send, answer, fault)
    else:
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})


async def _send_huge(send: Send, answer: Answer, size: int) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    piece = b'"' + b"x" * 65533 + b'",'
    sent = len(b'{"features":[null]}')
    await send({"type": "http.response.body", "body": b'{"features":[', "more_body": True})
    while sent + len(piece) <= size:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        sent += len(piece)
        await asyncio.sleep(0)
    await send({"type": "http.response.body", "body": b"null]}" + b" " * max(0, size - sent)})


async def _send_slowly(send: Send, answer: Answer, fault: Fault) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    step = max(1, -(-len(answer.body) // fault.pieces))
    for first in range(0, len(answer.body), step):
        await asyncio.sleep(fault.seconds / fault.pieces)
        await send({"type": "http.response.body", "body": answer.body[first : first + step], "more_body": True})
    await send({"type": "http.response.body", "body": b""})
