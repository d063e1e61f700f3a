"""An API without a network for the tests of `tasking.http`: answers in turn, secrets to look for, what can go wrong."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from tasking.errors import (
    CredentialsRefused,
    NotFound,
    ProviderError,
    Refused,
)
from tasking.http.api import Api, Call, HttpSettings

SECRET = "s3cret/with+odd=chars"
TOKEN = "eyJhbGciOi.first-token.sig"
FRESH = "eyJhbGciOi.fresh-token.sig"
SIGNATURE = "X-Signature=abcdef0123456789"
BASE = "https://api.example.com/v2/"

QUICK = HttpSettings(
    attempts=3,
    wait_initial_seconds=0,
    wait_max_seconds=0,
    wait_jitter_seconds=0,
    requests_per_second=10_000,
    answer_max_bytes=100_000,
    max_pages=5,
    read_seconds=5,
)

Handler = Callable[[httpx.Request], httpx.Response]


class Thing(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str


class Sheet(BaseModel):
    things: list[str]
    next: str | None = None


class OneToken:
    """Hands out one token, and another after it was refused."""

    def __init__(self) -> None:
        self.refreshed = 0

    def get(self) -> str:
        return TOKEN if not self.refreshed else FRESH

    def refresh(self, bad: str) -> str:
        self.refreshed += 1
        return FRESH

    def renewed(self, bad: str) -> str | None:
        return None


def api_for(handler: Handler, settings: HttpSettings = QUICK, base: str = BASE, **more: Any) -> Api:
    api = Api("example", base, settings=settings, secrets=[SECRET], transport=httpx.MockTransport(handler), **more)
    api.tokens = OneToken()
    return api


def answering(*answers: httpx.Response | Exception) -> tuple[Handler, list[httpx.Request]]:
    """A handler that gives these answers in turn (the last one for ever), and what it was sent."""
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        answer = answers[min(len(sent), len(answers)) - 1]
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    return handler, sent


def every_text(error: BaseException) -> str:
    """All that could be shown of an error, its causes and contexts included."""
    texts, queue, seen = [], [error], set()
    while queue:
        each = queue.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        texts += [str(each), repr(each), repr(each.args), repr(vars(each)), "".join(traceback.format_exception(each))]
        queue += [other for other in (each.__cause__, each.__context__) if other is not None]
    return "\n".join(texts)


def text_answer(status: int, text: str, kind: str = "text/html", **headers: str) -> httpx.Response:
    return httpx.Response(status, content=text.encode(), headers={"Content-Type": kind, **headers})


DEEP = "[" * 5000 + "]" * 5000
HUGE = '{"id": "' + "x" * 200_000 + '"}'
ECHO = json.dumps({"code": "bad", "message": f"secret {SECRET}, {TOKEN}, see https://x.example.com/a?{SIGNATURE}"})

NOT_PROMISED = {
    "html": text_answer(200, "<html>Welcome</html>"),
    "empty": text_answer(200, ""),
    "204": httpx.Response(204),
    "null": text_answer(200, "null"),
    "a list": text_answer(200, "[]"),
    "another shape": text_answer(200, f'{{"id": {{"x": "{SECRET} {TOKEN}"}}}}'),
    "not utf-8": httpx.Response(200, content=b'{"id": "\xff"}'),
    "not a number": text_answer(200, '{"id": "a", "n": NaN}'),
    "lone surrogate": text_answer(200, '{"id": "\\ud800"}'),
    "nested deeply": text_answer(200, '{"id": "a", "n": ' + DEEP + "}"),
    "huge": text_answer(200, HUGE),
    "half": text_answer(200, '{"id": "a'),
    "more behind": text_answer(200, '{"id": "a"} {"id": "b"}'),
    "not gzip": httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no")),
    "redirect without an address": httpx.Response(302),
    "304": httpx.Response(304),
}

NOES: list[tuple[int, type[ProviderError]]] = [
    (400, Refused),
    (401, CredentialsRefused),
    (402, Refused),
    (403, CredentialsRefused),
    (404, NotFound),
    (409, Refused),
    (410, NotFound),
    (413, Refused),
    (418, Refused),
    (422, Refused),
]

AWAY: list[httpx.Response | Exception] = [
    text_answer(500, "oops"),
    text_answer(502, "<html><body>Bad gateway</body></html>"),
    httpx.Response(503),
    httpx.Response(504),
    httpx.Response(408),
    httpx.Response(425),
    httpx.Response(429),
    httpx.ConnectError("refused"),
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("Server disconnected"),
    httpx.WriteTimeout("slow"),
    httpx.PoolTimeout("busy"),
]


def create(api: Api) -> Thing:
    return api.create(api.url("things"), {"name": "ref"}, Thing, Call("create thing", reference="ref"))
