"""A provider that answers without end: we stop reading at the limit, and our memory stays bounded."""

from __future__ import annotations

import gzip
import itertools
import json
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.delivery.download import fetch
from tasking.errors import DeliveryFailed, ProviderError, UnexpectedAnswer
from tasking.http.address import origin
from tests.support.hostile import HTTP, Replay, Step
from tests.support.hostile_outcomes import told
from tests.support.hostile_stories import STORIES, replayed
from tests.support.hostile_values import BASE

MB = 1024 * 1024
LIMIT = HTTP.answer_max_bytes
TEN_GB = 10 * 1024 * MB


@pytest.fixture(autouse=True)
def _no_proxies(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


class Endless(httpx.SyncByteStream):
    """A body that is made while it is read, and how much of it was taken."""

    def __init__(self, first: bytes, piece: bytes, length: int = TEN_GB) -> None:
        self._first, self._piece, self._length, self.served = first, piece, length, 0

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        while self.served < self._length:
            self.served += len(self._piece)
            yield self._piece


class Floods(httpx.BaseTransport):
    """Gives a token, and to all else an answer made anew."""

    def __init__(self, token: httpx.BaseTransport, answer: Callable[[httpx.Request], httpx.Response]) -> None:
        self._token, self._answer = token, answer
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if "token" in request.url.path:
            return self._token.handle_request(request)
        self.asked.append(request)
        return self._answer(request)


@contextmanager
def peak_below(most: int) -> Iterator[None]:
    """What is done inside takes less memory than this at any time."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < most


_ANALYSIS = {"plan", "read_plan", "read_plans", "candidates"}
WITHOUT = {
    "axelglobe": {"read_plans"},  # a sweep leaves out a plan that it cannot read
    "satellogic": _ANALYSIS,  # it is a help: the order goes without
    "satellogic-archive": _ANALYSIS,
}
"""What needs no answer, and so raises nothing."""


def asking(name: str) -> list[Step]:
    return [step for step in told(name).steps if step.heard and not step.name.startswith(("open_asset", "learn"))]


@pytest.mark.parametrize("name", STORIES)
@pytest.mark.parametrize("status", [200, 400])
def test_of_ten_gigabytes_of_json_no_more_than_the_limit_is_read(name: str, status: int) -> None:
    story = told(name)
    for step in asking(name):
        bodies: list[Endless] = []

        def flood(_request: httpx.Request, bodies: list[Endless] = bodies) -> httpx.Response:
            bodies.append(Endless(b"[0", b",0" * 32 * 1024))
            return httpx.Response(status, stream=bodies[-1])

        over = Floods(Replay([story.token]), flood)
        needed = step.name not in WITHOUT.get(name, ())
        ending = pytest.raises(ProviderError) if needed else nullcontext()
        with replayed(story, over) as provider, peak_below(8 * LIMIT), ending:
            step.call(provider)
        assert bodies
        assert all(each.served <= LIMIT + 64 * 1024 for each in bodies)


def packed(times: int) -> bytes:
    """A hundred megabytes of blanks, packed so often."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    data = b"".join([*(packer.compress(b" " * MB) for _ in range(100)), packer.flush()])
    for _ in range(times - 1):
        data = gzip.compress(data)
    return data


BOMBS = {
    "gzip": (packed(1), "gzip"),
    "gzip in gzip": (packed(2), "gzip, gzip"),
    "three times": (packed(3), "gzip,gzip,gzip"),
    "deflate": (zlib.compress(b" " * 100 * MB), "deflate"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_packed_answer_is_unpacked_to_the_limit_and_no_further(bomb: str) -> None:
    body, how = BOMBS[bomb]
    story = told("axelglobe")

    def flood(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": how}, stream=httpx.ByteStream(body))

    with (
        replayed(story, Floods(Replay([story.token]), flood)) as provider,
        peak_below(6 * MB),
        pytest.raises(UnexpectedAnswer),
    ):
        provider.client.landing()


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_packed_file_is_taken_to_its_limit_piece_by_piece(bomb: str, tmp_path: Path) -> None:
    body, how = BOMBS[bomb]

    @contextmanager
    def opened() -> Iterator[httpx.Response]:
        headers = {"Content-Encoding": how, "Content-Length": str(len(body))}
        yield httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))

    with peak_below(6 * MB), pytest.raises(DeliveryFailed):
        fetch(opened, tmp_path / "a.bin", max_bytes=4 * MB, tries=1)
    assert [each for each in tmp_path.iterdir() if each.is_file()] == []


def test_many_small_values_do_not_take_many_times_their_bytes() -> None:
    story = told("axelglobe")

    def flood(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b'{"links":[],"x":[' + b"{}," * (LIMIT // 4) + b"{}]}")

    with (
        replayed(story, Floods(Replay([story.token]), flood)) as provider,
        peak_below(5 * LIMIT),
        pytest.raises(UnexpectedAnswer, match="values"),
    ):
        provider.client.landing()


# lists without end ---------------------------------------------------------------------------------------------------

_FEATURE: dict[str, Any] = {"type": "Feature", "geometry": None, "links": [], "assets": {}}
LISTS: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "axelglobe": ("client.requests", lambda n: {**_FEATURE, "id": n, "properties": {}}),
    "axelglobe plans": ("find_plan", lambda n: {**_FEATURE, "id": n, "properties": {}}),
    "axelglobe candidates": ("candidates", lambda n: {**_FEATURE, "id": n, "properties": {}}),
    "axelglobe products": ("products", lambda n: {**_FEATURE, "id": n, "properties": {}}),
    "iceye": ("find_request", lambda n: {"id": n, "reference": "x"}),
    "iceye contracts": ("quote", lambda n: {"id": n}),
    "iceye products": ("products", lambda n: {"id": n, "assets": {}}),
    "satellogic": ("find_request", lambda n: {"task_id": n, "task_name": "x"}),
    "satellogic captures": ("read", lambda n: {"capture_id": n}),
    "satellogic-archive": ("products", lambda n: {**_FEATURE, "id": n, "properties": {}}),
}


def _page(request: httpx.Request, entry: dict[str, Any], number: int, more: str) -> httpx.Response:
    """A page of any provider's list, with a next link of each of their kinds."""
    href = f"{BASE}{request.url.path}?page={number}"
    links = [{"rel": "next", "href": href}]
    body = {key: [{**entry, "padding": more}] for key in ("features", "results", "data")}
    return httpx.Response(200, json={**body, "links": links, "next": href, "cursor": str(number)})


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize("padding", [0, LIMIT // 4])
def test_a_chain_of_pages_without_end_is_left(which: str, padding: int) -> None:
    verb, entry = LISTS[which]
    name = which.split()[0]
    story = told(name)
    step = next(each for each in story.steps if each.name == verb)
    numbers = itertools.count(1)
    honest = Replay([story.token, *step.heard])

    def flood(request: httpx.Request) -> httpx.Response:
        single = (request.method == "POST" and "search" not in request.url.path) or _is_one(request)
        if single:
            return honest.handle_request(request)
        number = next(numbers)
        return _page(request, entry(f"id-{number}"), number, "x" * padding)

    over = Floods(honest, flood)
    with replayed(story, over) as provider, peak_below(16 * MB), pytest.raises(UnexpectedAnswer, match=r"pages|longer"):
        step.call(provider)
    pages = next(numbers) - 1
    assert 2 < pages <= HTTP.max_pages + 1  # one more where the time is asked for first
    assert padding == 0 or pages * padding <= HTTP.list_max_bytes + LIMIT
    assert all(origin(each.url) == origin(BASE) for each in over.asked)


def _is_one(request: httpx.Request) -> bool:
    """Whether one thing is asked for, and not a list."""
    path = request.url.path.rstrip("/")
    return not path.endswith(("items", "search", "contracts", "tasks", "captures", "scenes", "products"))


def test_a_hundred_thousand_levels_are_an_error_like_any_other() -> None:
    story = told("iceye")
    deep = b'{"id":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    for status in (200, 400, 500):
        over = Floods(
            Replay([story.token]),
            lambda _request, status=status: httpx.Response(status, content=deep),  # type: ignore[misc]
        )
        with replayed(story, over) as provider, peak_below(4 * MB), pytest.raises(ProviderError):
            provider.client.task("x")


def test_an_honest_answer_may_be_packed() -> None:
    story = told("iceye")
    body = gzip.compress(json.dumps({"id": "x"}).encode() + b" " * 3 * 10**5)

    def flood(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(body))

    with replayed(story, Floods(Replay([story.token]), flood)) as provider:
        assert provider.client.task("x").id == "x"
