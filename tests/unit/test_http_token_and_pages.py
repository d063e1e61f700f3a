"""The token goes to the provider alone; lists are read to their end, and no further."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tasking.errors import (
    CredentialsRefused,
    Refused,
    Unavailable,
    UnexpectedAnswer,
)
from tasking.http.api import Call
from tests.support.http_calls import (
    BASE,
    FRESH,
    SECRET,
    SIGNATURE,
    TOKEN,
    Handler,
    OneToken,
    Sheet,
    Thing,
    answering,
    api_for,
    every_text,
    text_answer,
)


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


@pytest.mark.parametrize(
    ("more", "life"),
    [
        ({"expires_in": "3600"}, 3600),
        ({"expires_in": 3599.5, "token_type": "bearer"}, 3599.5),
        ({"expires_in": None, "token_type": "BEARER", "scope": None}, None),
        ({"expires_in": ""}, None),
        ({"scope": "a b", "refresh_token": "r", "id_token": 5, "error": None}, None),
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_legal_servers_say_of_a_token_is_understood(more: dict[str, Any], life: float | None, mark: bytes) -> None:
    body = mark + json.dumps({"access_token": TOKEN, **more}).encode()
    handler, _ = answering(httpx.Response(201, content=body, headers={"Content-Type": "text/plain; charset=latin-1"}))
    answer = api_for(handler).ask_token("https://auth.example.com/token")
    assert (answer.access_token, answer.expires_in) == (TOKEN, life)


def test_a_no_that_is_told_with_200_is_a_no() -> None:
    body = {"error": "invalid_client", "error_description": f"no client with {SECRET}"}
    handler, sent = answering(httpx.Response(200, json=body))
    with pytest.raises(CredentialsRefused, match="invalid_client: no client with") as caught:
        api_for(handler).ask_token("https://auth.example.com/token", data={"client_secret": SECRET})
    assert len(sent) == 1
    assert SECRET not in every_text(caught.value)


@pytest.mark.parametrize(("given", "named"), [({"audience": "a"}, True), ({"grant_type": "client_credentials"}, False)])
def test_an_audience_is_spoken_of_only_where_one_is_sent(given: dict[str, str], named: bool) -> None:
    handler, _ = answering(httpx.Response(401, json={"error": "invalid_client"}))
    with pytest.raises(CredentialsRefused, match="client id or the client secret") as caught:
        api_for(handler).ask_token("https://auth.example.com/token", data=given)
    assert ("audience" in str(caught.value)) == named


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_wrong_token_address_is_named(status: int) -> None:
    handler, _ = answering(httpx.Response(status))
    with pytest.raises(Refused, match=r"token address is not right: https://auth\.example\.com has no such"):
        api_for(handler).ask_token("https://auth.example.com/oauth/token")


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
