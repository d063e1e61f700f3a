"""A download goes where it may, without the token where it must not; nothing secret is shown."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Iterator

import httpx
import pytest

from tasking.errors import (
    ProviderError,
    Refused,
    Unavailable,
    UnexpectedAnswer,
    UnsafeAsset,
)
from tasking.http.api import Api, Operation
from tasking.http.downloads import Downloads, stream
from tasking.http.token_endpoint import ask_token
from tests.support.http_calls import (
    BASE,
    ECHO,
    NOES,
    QUICK,
    SECRET,
    SIGNATURE,
    TOKEN,
    OneToken,
    Thing,
    answering,
    api_for,
    every_text,
    text_answer,
)
from tests.support.odd_server import OddServer, odd_server, reply, sends


def test_a_download_follows_redirects_and_drops_the_token_on_the_way() -> None:
    sent: list[httpx.Request] = []

    def handler(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.url.host == "api.example.com":
            return httpx.Response(302, headers={"Location": f"https://bucket.example.net/a.tif?{SIGNATURE}"})
        return httpx.Response(200, content=b"image")

    with stream(api_for(handler), f"{BASE}a.tif", Operation("download")) as response:
        assert response.read() == b"image"
    assert [request.headers.get("Authorization") for request in sent] == [f"Bearer {TOKEN}", None]
    assert {request.headers["Accept-Encoding"] for request in sent} == {"identity"}
    assert sent[1].url.query.decode() == SIGNATURE


def test_a_renewed_address_is_of_its_item_and_of_no_other_with_that_id_in_another_collection() -> None:
    def handler(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/old-a.tif"):
            return httpx.Response(403)
        return httpx.Response(200, content=request.url.path.rpartition("/")[2].encode())

    downloads = Downloads(api_for(handler), lambda item, _key, _refused: f"{BASE}new-{item['collection']}.tif")
    first = {"id": "1", "collection": "a", "assets": {"tci": {"href": f"{BASE}old-a.tif"}}}
    other = {"id": "1", "collection": "b", "assets": {"tci": {"href": f"{BASE}b.tif"}}}
    came = []
    for item in (first, other, first):
        with downloads.open(item, "tci") as response:
            came.append(response.read())
    assert came == [b"new-a.tif", b"b.tif", b"new-a.tif"]


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
    with pytest.raises((UnsafeAsset, UnexpectedAnswer)), stream(api, f"{BASE}a.tif", Operation("download")):
        pass
    if hop:
        with pytest.raises(UnsafeAsset), stream(api, hop, Operation("download")):
            pass
    assert {request.url.host for request in sent} == {"api.example.com"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [*NOES, (500, Unavailable), (429, Unavailable), (204, UnexpectedAnswer), (206, UnexpectedAnswer)],
)
def test_a_download_that_does_not_begin_says_why(status: int, kind: type[ProviderError]) -> None:
    handler, _ = answering(text_answer(status, ECHO, "application/json"))
    with (
        pytest.raises(ProviderError) as caught,
        stream(api_for(handler), f"{BASE}a?{SIGNATURE}", Operation("download")),
    ):
        pass
    assert type(caught.value) is kind
    for hidden in (SECRET, TOKEN, SIGNATURE):
        assert hidden not in every_text(caught.value)


def test_a_download_that_is_cut_is_unavailable() -> None:
    with odd_server(sends(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")) as server:
        api = Api("example", server.url, settings=QUICK)
        with (
            pytest.raises(Unavailable, match="broke"),
            stream(api, server.url + "a.tif", Operation("download")) as response,
        ):
            response.read()
        api.close()


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
        api_for(handler).get(httpx.URL(BASE), Thing, Operation("read"))
    assert caught.value.said == words


def test_long_words_are_shortened() -> None:
    handler, _ = answering(text_answer(400, json.dumps({"message": "x" * 10_000})))
    with pytest.raises(Refused) as caught:
        api_for(handler).get(httpx.URL(BASE), Thing, Operation("read"))
    assert caught.value.said is not None
    assert len(caught.value.said) == 200


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
        assert ask_token(api, server.url + "token", json={"client_secret": SECRET}).access_token == TOKEN
        api.auth.tokens = OneToken()
        with stream(api, server.url + "file", Operation("download")) as response:
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
    assert api.get(httpx.URL(quiet_server.url), Thing, Operation("read"))[0].id == "a"
    api.close()
