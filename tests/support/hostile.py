"""Answers of a provider that means harm: what it may say, and transports that say it.

Each property runs a fixed set of examples, so that a run can be repeated. To search for longer, each time elsewhere:

    HOSTILE_EXAMPLES=5000 pytest tests/fuzz
"""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from tasking.http.address import origin
from tasking.http.settings import HttpSettings
from tests.support.hostile_values import (
    ADDRESSES,
    BASE,
    DATES,
    GEOMETRIES,
    HEADERS,
    NUMBERS,
    SHAPES,
    TEXTS,
    Raw,
    encoded,
)

ASKED = os.environ.get("HOSTILE_EXAMPLES")

HTTP = HttpSettings(
    attempts=2,
    wait_initial_seconds=0,
    wait_max_seconds=0,
    wait_jitter_seconds=0,
    retry_after_max_seconds=0,
    requests_per_second=10_000,
    own_clock=True,
    answer_max_bytes=1_000_000,
    list_max_bytes=4_000_000,
    max_pages=20,
    read_seconds=5,
)


def examples(usual: int) -> settings:
    """How many examples a property is tried with: ``usual`` of them, always the same, unless more are asked for."""
    return settings(
        max_examples=int(ASKED or usual),
        derandomize=ASKED is None,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


anything: SearchStrategy[Any] = st.one_of(
    *(st.sampled_from(kind) for kind in (NUMBERS, DATES, TEXTS, ADDRESSES, GEOMETRIES, SHAPES)),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=6,
    ),
)


def _places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where a value can be changed; of a long list its begin, so that one geometry does not draw all the fire."""
    yield here
    inner = value.items() if isinstance(value, dict) else enumerate(value[:3]) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _places(each, (*here, key))


def _alike(value: Any) -> list[Any]:
    """Hostile values of the kind that stands there, which come further than a wrong type does."""
    if isinstance(value, dict):
        return GEOMETRIES if "coordinates" in value else SHAPES
    if isinstance(value, list):
        return SHAPES
    if isinstance(value, str):
        return DATES if value[:4].isdigit() and "T" in value else ADDRESSES if "://" in value else TEXTS
    return NUMBERS if value is not None else TEXTS + DATES


@st.composite
def changed(draw: DrawFn, honest: Any) -> Any:
    """An honest value with one to three of its places replaced, left out, given twice, swapped or put in a list."""
    value = copy.deepcopy(honest)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(list(_places(value))))
        if not place:
            value = copy.deepcopy(draw(anything)) if draw(st.integers(0, 5)) == 0 else value
            continue
        around = value
        for key in place[:-1]:
            around = around[key]
        key, how = place[-1], draw(st.integers(0, 8))
        if how == 0 and isinstance(around, dict):
            del around[key]
        elif how == 1:
            around[key] = [around[key], around[key]]
        elif how == 2 and isinstance(around, list):
            around.extend(copy.deepcopy(around) * 3)
        elif how == 3 and isinstance(around, dict):
            around[draw(st.sampled_from([each for each in TEXTS if not isinstance(each, Raw)]))] = around.pop(key)
        elif how == 4:
            around[key] = str(around[key])[:1000]
        elif how < 7:
            around[key] = copy.deepcopy(draw(st.sampled_from(_alike(around[key]))))
        else:
            around[key] = copy.deepcopy(draw(anything))
    return value


@dataclass(frozen=True)
class Said:
    """One answer of a provider, and what it was asked."""

    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_body(self, value: Any) -> Said:
        """The same with another JSON."""
        return replace(self, body=encoded(value))


@st.composite
def hostile(draw: DrawFn, honest: Said) -> Said:
    """A hostile answer in place of an honest one: mostly another body; sometimes other headers or another status."""
    try:
        body = encoded(draw(changed(json.loads(honest.body))))
    except ValueError:
        body = draw(st.sampled_from([honest.body, b"", b"{}", b"\xff\xfe", b"<html>"]))
    headers, status = list(honest.headers), honest.status
    if draw(st.integers(0, 3)) == 0:
        headers = list((dict(headers) | dict(draw(st.lists(st.sampled_from(HEADERS), min_size=1, max_size=3)))).items())
    if draw(st.integers(0, 7)) == 0:
        status = draw(
            st.sampled_from([200, 201, 202, 204, 206, 302, 307, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503])
        )
    return replace(honest, body=body, headers=tuple(headers), status=status)


class Recorder(httpx.BaseTransport):
    """Asks a real server and keeps what it says, as if the server were at `BASE`."""

    def __init__(self, url: str) -> None:
        self._inner, self._url = httpx.HTTPTransport(verify=False), url
        self.heard: list[Said] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        body = answer.read()
        kept = tuple((name, answer.headers[name]) for name in ("Content-Type", "Date") if name in answer.headers)
        moved = body.replace(self._url.encode(), BASE.encode())
        self.heard.append(Said(request.method, request.url.path, answer.status_code, kept, moved))
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body))

    def close(self) -> None:
        self._inner.close()


@dataclass
class Replay(httpx.BaseTransport):
    """Says what was heard, by method and path, in turn and then the last one for ever; all else it does not know."""

    answers: list[Said]
    sent: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._waiting: dict[tuple[str, str], list[Said]] = {}
        for each in self.answers:
            self._waiting.setdefault((each.method, each.path), []).append(each)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(request)
        known = self._waiting.get((request.method, request.url.path))
        if known is None or origin(request.url) != origin(BASE):
            return httpx.Response(404, json={"code": "not_found"})
        said = known.pop(0) if len(known) > 1 else known[0]
        headers = [(name.encode(), value.encode("latin-1", "replace")) for name, value in said.headers]
        return httpx.Response(said.status, headers=headers, stream=httpx.ByteStream(said.body))

    def strangers(self) -> list[httpx.Request]:
        """Requests to somebody else that carried a token, a cookie or the account."""
        ours = ("authorization", "authorizationtoken", "x-satellogic-contract-id", "cookie")
        return [
            each
            for each in self.sent
            if origin(each.url) != origin(BASE) and any(name in each.headers for name in ours)
        ]


@dataclass(frozen=True)
class Step:
    """One call and what the honest provider answered to it."""

    name: str
    call: Callable[[Any], Any]
    heard: tuple[Said, ...]
