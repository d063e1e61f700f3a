"""What may be repeated is repeated, and an answer that is not what the API promises is its own error."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest
from stamina.instrumentation import RetryDetails, set_on_retry_hooks

from tasking.clock import ProviderClock
from tasking.errors import (
    NotFound,
    ProviderError,
    Unavailable,
    UnexpectedAnswer,
)
from tasking.http.api import Api, Call
from tests.support.http_calls import (
    AWAY,
    BASE,
    ECHO,
    FRESH,
    NOES,
    NOT_PROMISED,
    QUICK,
    SECRET,
    SIGNATURE,
    TOKEN,
    Thing,
    answering,
    api_for,
    create,
    every_text,
    text_answer,
)


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


@pytest.mark.parametrize("own", [True, False])
def test_a_pause_is_told_in_our_seconds_also_by_a_clock_of_another_speed(own: bool) -> None:
    told = {"Date": "Tue, 01 Dec 2026 00:00:00 GMT", "X-Clock-Rate": "60", "Retry-After": "120"}
    handler, _ = answering(httpx.Response(429, headers=told))
    with pytest.raises(Unavailable) as caught:
        api_for(handler, clock=ProviderClock(own=own)).get(httpx.URL(BASE), Thing, Call("read"))
    assert caught.value.retry_after == 120


def test_a_date_to_come_back_at_is_one_of_the_servers_clock() -> None:
    wrong = {"Date": "Tue, 01 Dec 2099 00:00:00 GMT", "Retry-After": "Tue, 01 Dec 2099 00:02:00 GMT"}
    for clock, pause in ((ProviderClock(), 120), (ProviderClock(own=True), 2)):
        handler, _ = answering(httpx.Response(503, headers={**wrong, "X-Clock-Rate": "60"}))
        settings = QUICK.model_copy(update={"retry_after_max_seconds": 0})
        with pytest.raises(Unavailable) as caught:
            api_for(handler, settings, clock=clock).get(httpx.URL(BASE), Thing, Call("read"))
        assert caught.value.retry_after == pytest.approx(pause)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"id": "東京 Ü"}'.encode(), "application/json; charset=iso-8859-1"),  # JSON is UTF-8, whatever is said
        ('{"id": "東京 Ü"}'.encode("utf-16"), "application/json"),
        ('{"id": "東京 Ü"}'.encode("utf-16-be"), "application/json; charset=UTF-16BE"),
        ('{"id": "東京 Ü"}'.encode("utf-32"), "application/json"),
        ('{"id": "東京"}'.encode("shift_jis"), "application/json;charset=Shift_JIS"),
        ('{"id": "Ü"}'.encode("latin-1"), 'application/problem+json; charset="ISO-8859-1"'),
        (b'\xef\xbb\xbf{"id": "a"}', "text/html"),
    ],
)
def test_an_answer_is_read_in_the_encoding_it_is_in(body: bytes, kind: str) -> None:
    handler, _ = answering(httpx.Response(200, content=body, headers={"Content-Type": kind}))
    assert api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))[0].id in ("東京 Ü", "東京", "Ü", "a")


@pytest.mark.parametrize("charset", ["idna", "punycode", "rot13", "base64", "unicode_escape", "x" * 5000])
def test_an_answer_in_an_encoding_that_is_none_is_unexpected(charset: str) -> None:
    kind = f"application/json; charset={charset}"
    handler, _ = answering(httpx.Response(200, content=b'{"id": "\xff"}', headers={"Content-Type": kind}))
    with pytest.raises(UnexpectedAnswer):
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))


ITEM = '{"id": "i", "assets": {}, "properties": {"gsd": %s, "x": [1, %s, {"y": %s}]}}'


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", "1e999", "1" + "0" * 400])
def test_an_odd_number_about_a_file_is_read_as_nothing_and_anywhere_else_refused(odd: str) -> None:
    item = ITEM % (odd, odd, odd)
    answer = text_answer(200, f'{{"id": "a", "features": [{item}, {ITEM % (1, 2, 3)}]}}')
    handler, _ = answering(answer)
    thing, _ = api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    first, second = (thing.model_extra or {})["features"]
    assert first["properties"] == {"gsd": None, "x": [1, None, {"y": None}]}
    assert second["properties"] == {"gsd": 1, "x": [1, 2, {"y": 3}]}
    for other in (f'{{"id": "a", "price": {odd}}}', f'{{"id": "a", "features": [{{"price": {odd}}}]}}'):
        handler, _ = answering(text_answer(200, other))
        with pytest.raises(UnexpectedAnswer):
            api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))


def test_what_an_http_library_repeats_of_a_server_is_cut() -> None:
    handler, _ = answering(httpx.RemoteProtocolError("illegal status line: " + "x" * 100_000))
    with pytest.raises(Unavailable) as caught:
        api_for(handler).get(httpx.URL(BASE), Thing, Call("read"))
    assert len(str(caught.value)) < 400


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
    api = api_for(handler, clock=ProviderClock(own=True))
    with pytest.raises(NotFound):
        api.get(httpx.URL("https://other.example.com/"), Thing, Call("read"), anywhere=True)
    assert not api.clock.known
    with pytest.raises(NotFound):
        api.get(httpx.URL(BASE), Thing, Call("read"))
    assert api.clock.rate == 60
    assert api.clock.local(datetime(2026, 12, 1, 1, tzinfo=UTC)) < api.clock.local(datetime(2026, 12, 1, 2, tzinfo=UTC))
