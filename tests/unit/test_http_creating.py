"""A create is sent once, whatever happens."""

from __future__ import annotations

import socket
import threading
from contextlib import closing
from typing import Any

import httpx
import pytest
import stamina

from tasking.errors import (
    ProviderError,
    Refused,
    Unavailable,
    Uncertain,
)
from tasking.http.api import Api, Call
from tests.support.http_calls import NOT_PROMISED, QUICK, SECRET, Thing, answering, api_for, create, every_text
from tests.support.odd_server import hangs_up, odd_server, reply, resets, sends


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
    (httpx.Response(303, headers={"Location": "/v2/elsewhere"}), Uncertain),
    (httpx.Response(302, headers={"Location": "/v2/things/made-just-now"}), Uncertain),
    (httpx.Response(302, headers={"Location": "/v2/elsewhere"}), Refused),
    (httpx.Response(307, headers={"Location": "https://elsewhere.example.com/"}), Refused),
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
