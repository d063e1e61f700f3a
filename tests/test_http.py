from __future__ import annotations

import gzip
import json
import logging
import socket
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import stamina
from pydantic import BaseModel, ConfigDict
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from tasking.errors import (
    CredentialsRefused,
    NotFound,
    ProviderError,
    Refused,
    Unavailable,
    Uncertain,
    UnexpectedAnswer,
    UnsafeAsset,
)
from tasking.http.api import Api, Call, HttpSettings
from tests.odd_server import OddServer, hangs_up, odd_server, reply, resets, sends

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


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))


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


# reading ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", NOT_PROMISED.values(), ids=NOT_PROMISED.keys())
def test_a_read_that_is_not_what_the_api_promises_is_its_own_error(answer: httpx.Response) -> None:
    def handler(_: httpx.Request) -> httpx.Response:
        if isinstance(answer.stream, httpx.ByteStream) and "Content-Encoding" in answer.headers:
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip at all"))
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    api = api_for(handler)
    with pytest.raises(UnexpectedAnswer) as caught:
        api.get(api.url("things/1"), Thing, Call("read thing", reference="ref", provider_id="1"))
    assert (caught.value.provider, caught.value.verb, caught.value.reference) == ("example", "read thing", "ref")
    assert SECRET not in every_text(caught.value)
    assert TOKEN not in every_text(caught.value)


def test_unknown_fields_a_byte_order_mark_and_compression_are_no_trouble() -> None:
    body = gzip.compress(b'\xef\xbb\xbf{"id": "a", "new": {"x": [1]}}')

    def raw(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(body))

    thing, _ = api_for(raw).get(httpx.URL(BASE), Thing, Call("read"))
    assert thing.model_extra == {"new": {"x": [1]}}


@pytest.mark.parametrize(("status", "kind"), NOES)
def test_a_clear_no_is_said_once_and_keeps_the_servers_words_without_secrets(
    status: int, kind: type[ProviderError]
) -> None:
    handler, sent = answering(text_answer(status, ECHO, "application/json"))

    def read(api: Api) -> object:
        return api.get(api.url("things/1"), Thing, Call("read", provider_id="1"))

    for act in (read, create):
        sent.clear()
        with pytest.raises(ProviderError) as caught:
            act(api_for(handler))
        assert type(caught.value) is kind
        assert caught.value.status == status
        assert caught.value.said is not None
        assert caught.value.said.startswith("bad: secret ***")
        assert not caught.value.retryable
        assert len(sent) == (2 if status == 401 else 1)
        for hidden in (SECRET, TOKEN, FRESH, SIGNATURE):
            assert hidden not in every_text(caught.value)


@pytest.mark.parametrize("answer", AWAY, ids=lambda each: getattr(each, "status_code", type(each).__name__))
def test_a_read_is_repeated_while_the_server_is_away(answer: httpx.Response | Exception) -> None:
    handler, sent = answering(answer, answer, httpx.Response(200, json={"id": "a"}))
    assert api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))[0].id == "a"
    assert len(sent) == 3
    handler, sent = answering(answer)
    with pytest.raises(Unavailable) as caught:
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert len(sent) == QUICK.attempts
    assert caught.value.retryable
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.fixture
def pauses() -> Iterator[list[float]]:
    seen: list[float] = []

    def note(details: RetryDetails) -> None:
        seen.append(details.wait_for)

    set_on_retry_hooks([note])
    yield seen
    set_on_retry_hooks(None)


def test_retry_after_is_waited_for_before_the_next_try(pauses: list[float]) -> None:
    handler, _ = answering(
        httpx.Response(429, headers={"Retry-After": "0.02"}),
        httpx.Response(
            503, headers={"Retry-After": "Tue, 01 Dec 2026 00:00:00 GMT", "Date": "Tue, 01 Dec 2026 00:00:30 GMT"}
        ),
        httpx.Response(200, json={"id": "a"}),
    )
    api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert pauses == [pytest.approx(0.02), pytest.approx(0.0)]


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_a_long_retry_after_is_handed_up_instead_of_slept(form: str, pauses: list[float]) -> None:
    asked = {"seconds": "3600", "date": "Tue, 01 Dec 2026 01:00:00 GMT"}[form]
    handler, sent = answering(
        httpx.Response(429, headers={"Retry-After": asked, "Date": "Tue, 01 Dec 2026 00:00:00 GMT"})
    )
    with pytest.raises(Unavailable) as caught:
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert caught.value.retry_after == pytest.approx(3600, abs=5)
    assert len(sent) == 1
    assert pauses == []


@pytest.mark.parametrize("nonsense", ["soon", "-5", "nan", "1e9", "Xxx, 99 Foo", "9" * 40, ""])
def test_a_retry_after_that_cannot_be_read_is_no_trouble(nonsense: str) -> None:
    handler, sent = answering(httpx.Response(503, headers={"Retry-After": nonsense}))
    with pytest.raises(Unavailable):
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert len(sent) == 3


def test_the_jitter_is_added_to_what_the_server_asks_for(pauses: list[float]) -> None:
    settings = QUICK.model_copy(update={"wait_jitter_seconds": 0.001})
    handler, _ = answering(httpx.Response(429, headers={"Retry-After": "0"}))
    with pytest.raises(Unavailable):
        api_for(handler, settings).get(httpx.URL(BASE), Thing, Call("read"))
    assert len(set(pauses)) == 2
    assert all(0 < pause <= 0.001 for pause in pauses)


def test_the_providers_clock_is_learned_from_its_own_answers_only() -> None:
    date = "Tue, 01 Dec 2026 00:00:00 GMT"
    handler, _ = answering(httpx.Response(404, headers={"Date": date, "X-Clock-Rate": "60"}))
    api = api_for(handler)
    with pytest.raises(NotFound):
        api.get(httpx.URL("https://other.example.com/"), Thing, Call("read"), anywhere=True)
    assert not api.clock.known
    with pytest.raises(NotFound):
        api.get(httpx.URL(BASE), Thing, Call("read"))
    assert api.clock.rate == 60
    assert api.clock.local(datetime(2026, 12, 1, 1, tzinfo=UTC)) < api.clock.local(datetime(2026, 12, 1, 2, tzinfo=UTC))


# the token ----------------------------------------------------------------------------------------------------------


def test_one_401_leads_to_one_fresh_token_and_one_more_try() -> None:
    for act in ("get", "create"):
        handler, sent = answering(httpx.Response(401), httpx.Response(201, json={"id": "a"}))
        api = api_for(handler)
        if act == "get":
            api.get(httpx.URL(BASE), Thing, Call("read"))
        else:
            api.create(httpx.URL(BASE), {}, Thing, Call("create"))
        assert [request.headers["Authorization"] for request in sent] == [f"Bearer {TOKEN}", f"Bearer {FRESH}"]


@pytest.mark.parametrize("away", [httpx.Response(503), text_answer(200, "<html>login</html>")], ids=["503", "html"])
def test_a_create_without_a_token_was_not_sent(away: httpx.Response) -> None:
    posts: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        posts.append(request.url.path)
        return httpx.Response(away.status_code, content=away.content)

    api = api_for(handler)

    class Broken(OneToken):
        def get(self) -> str:
            return api.ask_token("https://auth.example.com/token", json={"client_secret": SECRET}).access_token

    api.tokens = Broken()
    with pytest.raises(Unavailable) as caught:
        api.create(api.url("things"), {}, Thing, Call("create"))
    assert set(posts) == {"/token"}
    assert len(posts) in (1, 3)
    assert SECRET not in every_text(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403])
def test_wrong_credentials_are_refused_at_once(status: int) -> None:
    body = {"error": "invalid_client", "error_description": f"no client with {SECRET}"}
    handler, sent = answering(httpx.Response(status, json=body))
    with pytest.raises(CredentialsRefused, match="invalid_client: no client with") as caught:
        api_for(handler).ask_token("https://auth.example.com/token", json={"client_secret": SECRET})
    assert len(sent) == 1
    assert SECRET not in every_text(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": ""},
        {"access_token": None},
        {"access_token": 5},
        {"access_token": "a b"},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "ü"},
        {"token": TOKEN},
        {"access_token": TOKEN, "expires_in": "soon"},
        [],
    ],
)
def test_a_token_answer_that_is_none_is_an_unexpected_answer(body: Any) -> None:
    handler, _ = answering(httpx.Response(200, json=body))
    with pytest.raises(UnexpectedAnswer) as caught:
        api_for(handler).ask_token("https://auth.example.com/token")
    assert TOKEN not in every_text(caught.value)


# pages and addresses ------------------------------------------------------------------------------------------------


def pages_of(handler: Handler) -> list[str]:
    api = api_for(handler)
    pages = api.pages(api.url("list"), Sheet, lambda page: page.next, Call("list"))
    return [one for page in pages for one in page.things]


@pytest.mark.parametrize(
    "href",
    [
        "/v2/list?filter=task_plan_id = 'a+b=='&page=2",
        "https://api.example.com/v2/list?filter=task_plan_id = 'a+b=='&page=2",
        "https://api.example.com:443/v2/list?filter=task_plan_id+=+'a+b=='&page=2",
        "/v2/list?filter=task_plan_id+=+%27a%2Bb%3D%3D%27&page=2",
        "?filter=task_plan_id%20=%20'a%2Bb=='&page=2",
        " /v2/list?filter=task_plan_id = 'a+b=='&page=2#top ",
    ],
)
def test_next_links_with_raw_spaces_quotes_and_pluses_mean_what_they_say(href: str) -> None:
    asked: list[httpx.URL] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(request.url)
        first = len(asked) == 1
        return httpx.Response(200, json={"things": [str(len(asked))], "next": href if first else None})

    assert pages_of(handler) == ["1", "2"]
    assert dict(asked[1].params) == {"filter": "task_plan_id = 'a+b=='", "page": "2"}
    assert b" " not in asked[1].raw_path


@pytest.mark.parametrize(
    ("href", "why"),
    [
        ("/v2/list", "read already"),
        ("https://api.example.com/v2/list", "read already"),
        ("https://evil.example.com/v2/list", "another host"),
        ("http://api.example.com/v2/list?p=2", "another host"),
        ("https://api.example.com:8443/v2/list?p=2", "another host"),
        ("//evil.example.com/v2/list", "another host"),
        ("https://api.example.com@evil.example.com/", "user in it"),
        ("https://user:pw@api.example.com/v2/list?p=2", "user in it"),
        ("ftp://api.example.com/list", "cannot be followed"),
        ("file:///etc/passwd", "cannot be followed"),
        ("https://[::1", "cannot be followed"),
        ("/v2/li\x00st", "cannot be followed"),
    ],
)
def test_a_next_link_that_leads_astray_is_not_followed(href: str, why: str) -> None:
    handler, sent = answering(httpx.Response(200, json={"things": ["1"], "next": href}))
    with pytest.raises(UnexpectedAnswer, match=why):
        pages_of(handler)
    assert len(sent) == 1


def test_a_list_without_end_ends() -> None:
    asked: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"things": [], "next": f"/v2/list?page={len(asked)}"})

    with pytest.raises(UnexpectedAnswer, match="goes on after 5 pages"):
        pages_of(handler)
    assert len(asked) == 5


def test_a_page_seen_before_ends_the_list_with_an_error() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"things": [], "next": f"?p={'ba'['p=b' in str(request.url)]}"})

    with pytest.raises(UnexpectedAnswer, match="read already"):
        pages_of(handler)


def test_a_redirect_is_followed_on_the_same_origin_only() -> None:
    handler, sent = answering(
        httpx.Response(307, headers={"Location": "/v2/there"}), httpx.Response(200, json={"id": "a"})
    )
    api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert sent[1].url.path == "/v2/there"
    handler, sent = answering(httpx.Response(302, headers={"Location": f"https://evil.example.com/?{SIGNATURE}"}))
    with pytest.raises(UnexpectedAnswer, match="another host") as caught:
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert len(sent) == 1
    assert SIGNATURE not in every_text(caught.value)
    handler, sent = answering(httpx.Response(302, headers={"Location": "/round"}))
    with pytest.raises(UnexpectedAnswer, match="redirects"):
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))


def test_an_address_elsewhere_never_receives_the_token() -> None:
    handler, sent = answering(httpx.Response(200, json={"id": "a"}))
    api = api_for(handler, trusted=["https://files.example.com"])
    with pytest.raises(UnexpectedAnswer, match="another host"):
        api.get(httpx.URL("https://other.example.com/"), Thing, Call("read"))
    assert sent == []
    api.get(httpx.URL("https://other.example.com/"), Thing, Call("read"), anywhere=True)
    assert "Authorization" not in sent[0].headers
    api.get(httpx.URL("https://files.example.com/x"), Thing, Call("read"))
    assert sent[1].headers["Authorization"] == f"Bearer {TOKEN}"
    with pytest.raises(UnexpectedAnswer, match="private network"):
        api.get(httpx.URL("https://169.254.169.254/"), Thing, Call("read"), anywhere=True)


# creating -----------------------------------------------------------------------------------------------------------


def create(api: Api) -> Thing:
    return api.create(api.url("things"), {"name": "ref"}, Thing, Call("create thing", reference="ref"))


@pytest.mark.parametrize("answer", NOT_PROMISED.values(), ids=NOT_PROMISED.keys())
def test_a_create_whose_yes_cannot_be_read_is_uncertain_and_sent_once(answer: httpx.Response) -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if "Content-Encoding" in answer.headers:
            return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(b"no gzip at all"))
        return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

    with pytest.raises(Uncertain) as caught:
        create(api_for(handler))
    assert len(sent) == 1
    assert caught.value.reference == "ref"
    assert not caught.value.retryable
    assert SECRET not in every_text(caught.value)


CREATES: list[tuple[httpx.Response | Exception, type[ProviderError]]] = [
    (httpx.Response(500), Uncertain),
    (httpx.Response(502), Uncertain),
    (httpx.Response(503, headers={"Retry-After": "1"}), Uncertain),
    (httpx.Response(504), Uncertain),
    (httpx.Response(408), Uncertain),
    (httpx.Response(425), Uncertain),
    (httpx.Response(302, headers={"Location": "/v2/elsewhere"}), Uncertain),
    (httpx.Response(307, headers={"Location": "/v2/elsewhere"}), Uncertain),
    (httpx.Response(429, headers={"Retry-After": "7"}), Unavailable),
    (httpx.ReadTimeout("slow"), Uncertain),
    (httpx.WriteTimeout("slow"), Uncertain),
    (httpx.ReadError("reset"), Uncertain),
    (httpx.WriteError("reset"), Uncertain),
    (httpx.RemoteProtocolError("gone"), Uncertain),
    (httpx.ProxyError("gone"), Uncertain),
    (httpx.ConnectError("refused"), Unavailable),
    (httpx.ConnectTimeout("slow"), Unavailable),
    (httpx.PoolTimeout("busy"), Unavailable),
]


@pytest.mark.parametrize(("answer", "kind"), CREATES, ids=lambda each: getattr(each, "status_code", None) or str(each))
def test_a_create_is_sent_once_whatever_happens(answer: httpx.Response | Exception, kind: type[ProviderError]) -> None:
    handler, sent = answering(answer)
    with pytest.raises(ProviderError) as caught:
        create(api_for(handler))
    assert type(caught.value) is kind
    assert len(sent) == 1
    if isinstance(answer, httpx.Response) and answer.status_code == 429:
        assert getattr(caught.value, "retry_after", None) == 7


@pytest.mark.parametrize(
    ("behave", "kind"),
    [
        (resets, Uncertain),
        (hangs_up, Uncertain),
        (sends(b"HTTP/1.1 201 Created\r\nContent-Length: 100\r\n\r\n{"), Uncertain),
        (sends(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"), Uncertain),
        (sends(b"SSH-2.0-OpenSSH_9.6\r\n"), Uncertain),
        (sends(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{"), Refused),
        (sends(b"HTTP/1.1 100 Continue\r\n\r\n"), Uncertain),
        (sends(reply("502 Bad Gateway")), Uncertain),
    ],
)
def test_on_a_real_socket_a_create_arrives_once(behave: Any, kind: type[ProviderError]) -> None:
    with odd_server(behave) as server:
        with pytest.raises(kind), closing(Api("example", server.url, settings=QUICK)) as api:
            create(api)
        assert server.count("POST") == 1


def test_a_create_that_gets_no_answer_in_time_arrives_once() -> None:
    over = threading.Event()

    def waits(_: socket.socket, __: bytes) -> bool:
        over.wait(10)
        return False

    with odd_server(waits) as server:
        hasty = QUICK.model_copy(update={"read_seconds": 0.1})
        with (
            pytest.raises(Uncertain, match="no answer in time"),
            closing(Api("example", server.url, settings=hasty)) as api,
        ):
            create(api)
        over.set()
        assert server.count("POST") == 1


def test_a_create_on_a_connection_that_dies_under_it_is_uncertain_and_arrives_once() -> None:
    with odd_server(sends(reply("200 OK", b'{"id": "a"}'), stay=True)) as server:
        api = Api("example", server.url, settings=QUICK)
        api.get(api.url("things/1"), Thing, Call("read"))
        server.behave = resets
        with pytest.raises(Uncertain):
            create(api)
        assert server.count("POST") == 1
        api.close()


def test_a_create_to_nobody_was_not_sent() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    listener.close()
    with pytest.raises(Unavailable, match="was not sent"), closing(Api("example", url, settings=QUICK)) as api:
        create(api)


def test_a_create_that_took_too_long_to_get_ready_is_given_up_unsent() -> None:
    handler, sent = answering(httpx.Response(201, json={"id": "a"}))
    api = api_for(handler, QUICK.model_copy(update={"create_start_seconds": 1e-9}))
    with pytest.raises(Unavailable, match="was not sent"):
        create(api)
    assert sent == []


def test_repeating_switched_on_elsewhere_does_not_reach_a_create() -> None:
    handler, sent = answering(httpx.Response(500))
    with stamina.set_testing(True, attempts=10), pytest.raises(Uncertain):
        create(api_for(handler))
    assert len(sent) == 1


# downloads ----------------------------------------------------------------------------------------------------------


def test_a_download_follows_redirects_and_drops_the_token_on_the_way() -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.host == "api.example.com":
            return httpx.Response(302, headers={"Location": f"https://bucket.example.net/a.tif?{SIGNATURE}"})
        return httpx.Response(200, content=b"image")

    with api_for(handler).stream(f"{BASE}a.tif", Call("download")) as response:
        assert response.read() == b"image"
    assert [request.headers.get("Authorization") for request in sent] == [f"Bearer {TOKEN}", None]
    assert {request.headers["Accept-Encoding"] for request in sent} == {"identity"}
    assert sent[1].url.query.decode() == SIGNATURE


@pytest.mark.parametrize(
    "hop",
    [
        "http://bucket.example.net/a",
        "https://127.0.0.1/a",
        "http://127.0.0.1:8080/a",
        "https://localhost/a",
        "https://10.0.0.1/a",
        "https://[fe80::1]/a",
        "https://169.254.169.254/latest",
        "file:///etc/passwd",
        "s3://bucket/a",
        "https://user:pw@bucket.example.net/a",
        "",
    ],
)
def test_a_download_never_goes_where_it_must_not(hop: str) -> None:
    handler, sent = answering(httpx.Response(302, headers={"Location": hop}))
    api = api_for(handler)
    with pytest.raises((UnsafeAsset, UnexpectedAnswer)), api.stream(f"{BASE}a.tif", Call("download")):
        pass
    if hop:
        with pytest.raises(UnsafeAsset), api.stream(hop, Call("download")):
            pass
    assert {request.url.host for request in sent} == {"api.example.com"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [*NOES, (500, Unavailable), (429, Unavailable), (204, UnexpectedAnswer), (206, UnexpectedAnswer)],
)
def test_a_download_that_does_not_begin_says_why(status: int, kind: type[ProviderError]) -> None:
    handler, _ = answering(text_answer(status, ECHO, "application/json"))
    with pytest.raises(ProviderError) as caught, api_for(handler).stream(f"{BASE}a?{SIGNATURE}", Call("download")):
        pass
    assert type(caught.value) is kind
    for hidden in (SECRET, TOKEN, SIGNATURE):
        assert hidden not in every_text(caught.value)


def test_a_download_that_is_cut_is_unavailable() -> None:
    with odd_server(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")) as server:
        api = Api("example", server.url, settings=QUICK)
        with pytest.raises(Unavailable, match="broke"), api.stream(server.url + "a.tif", Call("download")) as response:
            response.read()
        api.close()


# what is shown ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ('{"code": "InvalidParameter", "description": "limit is 1 to 20"}', "InvalidParameter: limit is 1 to 20"),
        ('{"code": "ERR_FUNDS", "message": "insufficient funds"}', "ERR_FUNDS: insufficient funds"),
        ('{"title": "Not Found", "code": "not_found", "details": "no rows"}', "Not Found: not_found: no rows"),
        ('{"detail": "Expired"}', "Expired"),
        ('{"detail": [{"loc": ["body", "name"], "msg": "field required"}]}', "body.name: field required"),
        ('{"target": ["not closed"], "start": ["is past"]}', "target: not closed; start: is past"),
        ('{"error": {"code": 7, "message": "no"}}', "7: no"),
        ('{"error": "invalid_grant"}', "invalid_grant"),
        ("<html><style>p{}</style><h1>Bad</h1>\n<p>gateway</p></html>", "Bad gateway"),
        ("plain\r\n\x1b[31mwords", "plain [31mwords"),
        ("", None),
        ("{}", None),
    ],
)
def test_the_servers_own_words_are_kept(body: str, words: str | None) -> None:
    handler, _ = answering(text_answer(409, body, "application/json"))
    with pytest.raises(Refused) as caught:
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert caught.value.said == words


def test_long_words_are_shortened() -> None:
    handler, _ = answering(text_answer(400, json.dumps({"message": "x" * 10_000})))
    with pytest.raises(Refused) as caught:
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert caught.value.said is not None
    assert len(caught.value.said) == 300


def test_no_secret_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    def behave(connection: socket.socket, request: bytes) -> bool:
        if b"/token" in request:
            connection.sendall(reply("200 OK", json.dumps({"access_token": TOKEN}).encode()))
        elif b"/signed" in request:
            connection.sendall(reply("200 OK"))
        else:
            connection.sendall(reply("302 Found", b"", f"Location: /signed?{SIGNATURE}"))
        return False

    with odd_server(behave) as server:
        api = Api("example", server.url, settings=QUICK, secrets=[SECRET])
        assert api.ask_token(server.url + "token", json={"client_secret": SECRET}).access_token == TOKEN
        api.tokens = OneToken()
        with api.stream(server.url + "file", Call("download")) as response:
            response.read()
        api.close()
    assert "/signed" in caplog.text
    for hidden in (SECRET, TOKEN, SIGNATURE):
        assert hidden not in caplog.text


@pytest.fixture
def quiet_server() -> Iterator[OddServer]:
    with odd_server(sends(reply("200 OK", b'{"id": "a"}'))) as server:
        yield server


def test_a_proxy_of_the_environment_does_not_stand_before_this_machine(
    quiet_server: OddServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    api = Api("example", quiet_server.url, settings=QUICK)
    assert api.get(httpx.URL(quiet_server.url), Thing, Call("read"))[0].id == "a"
    api.close()
