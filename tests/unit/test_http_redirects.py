"""A redirect is followed where the call was not carried out and its token may go; else it is a no that names it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tasking.clock import ProviderClock
from tasking.errors import CredentialsRefused, Refused, Unavailable, Uncertain, UnexpectedAnswer
from tasking.http.api import Api, Call
from tasking.http.redirects import MOST_REDIRECTS
from tasking.http.tokens import AFTER_403, SharedTokens, TokenAnswer
from tests.support.http_calls import (
    BASE,
    QUICK,
    SIGNATURE,
    TOKEN,
    Handler,
    Thing,
    answering,
    api_for,
    create,
    every_text,
)

THINGS = f"{BASE}things"
MADE = httpx.Response(201, json={"id": "a"})


def moved(status: int, *hops: str, then: httpx.Response = MADE) -> tuple[Handler, list[httpx.Request]]:
    """Redirects from one address to the next, and then the answer."""
    return answering(*(httpx.Response(status, headers={"Location": hop}) for hop in hops), then)


@pytest.mark.parametrize(
    ("status", "location", "there"),
    [
        (307, "/v3/things", "/v3/things"),
        (308, "/v3/things", "/v3/things"),
        (307, "things/", "/v2/things/"),
        (308, "https://api.example.com:443/v2/things/", "/v2/things/"),
        (301, "/v2/things/", "/v2/things/"),
        (302, f"{THINGS}/", "/v2/things/"),
    ],
)
def test_a_create_follows_to_where_the_same_call_is_asked_for(status: int, location: str, there: str) -> None:
    handler, sent = moved(status, location)
    assert create(api_for(handler)).id == "a"
    assert [(each.method, each.url.path) for each in sent] == [("POST", "/v2/things"), ("POST", there)]
    assert sent[1].content == sent[0].content
    assert sent[1].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize(
    ("location", "named"),
    [
        ("https://other.example.com/v2/things", "https://other.example.com"),
        ("https://login.example.com/sso?" + SIGNATURE, "https://login.example.com"),
        ("//other.example.com/v2/things/", "https://other.example.com"),
        ("http://api.example.com/v2/things", "http://api.example.com"),
        ("https://api.example.com:8443/v2/things", "https://api.example.com:8443"),
    ],
)
def test_a_create_that_is_sent_to_another_host_is_a_no_that_names_it(status: int, location: str, named: str) -> None:
    handler, sent = moved(status, location)
    with pytest.raises(Refused, match="was not carried out: redirected to another host") as caught:
        create(api_for(handler))
    assert len(sent) == 1
    assert f" {named};" in str(caught.value)
    assert SIGNATURE not in every_text(caught.value)


@pytest.mark.parametrize("status", [301, 302])
def test_a_create_whose_address_moved_is_a_no_that_names_the_new_one(status: int) -> None:
    handler, sent = moved(status, "/v9/things?" + SIGNATURE)
    with pytest.raises(Refused, match=r"redirected to https://api\.example\.com/v9/things") as caught:
        create(api_for(handler))
    assert len(sent) == 1
    assert SIGNATURE not in every_text(caught.value)


@pytest.mark.parametrize(
    ("status", "location"),
    [
        (303, "/v2/things/7"),  # carried out, and this is what was made
        (303, "./things/"),  # carried out, and this is the list of what was made
        (303, "https://other.example.com/things/7"),
        (302, "/v2/things/7"),
        (301, f"{THINGS}/7"),
        (307, None),
        (302, ""),
        (307, "https://user:pw@api.example.com/v2/things"),
        (307, "https://[::1"),
        (300, "/v2/things/"),
        (304, None),
    ],
)
def test_a_redirect_that_does_not_tell_whether_it_was_made_is_uncertain(status: int, location: str | None) -> None:
    handler, sent = answering(httpx.Response(status, headers={} if location is None else {"Location": location}))
    with pytest.raises(Uncertain):
        create(api_for(handler))
    assert len(sent) == 1


def test_redirects_of_a_create_in_a_circle_end_with_a_no() -> None:
    handler, sent = moved(308, *["/v2/things/", "/v2/things"] * 9)
    with pytest.raises(Refused, match="more than 5 redirects"):
        create(api_for(handler))
    assert len(sent) == MOST_REDIRECTS + 1


def test_an_outcome_behind_a_redirect_is_read_like_any_other() -> None:
    for answer, kind in ((httpx.Response(500), Uncertain), (httpx.ReadTimeout("slow"), Uncertain)):
        handler, sent = answering(httpx.Response(307, headers={"Location": "/v3/things"}), answer)
        with pytest.raises(kind):
            create(api_for(handler))
        assert len(sent) == 2


def test_a_token_follows_to_the_other_addresses_of_the_provider() -> None:
    handler, sent = moved(307, "https://eu.example.com/v2/things")
    assert create(api_for(handler, trusted=["https://eu.example.com"])).id == "a"
    assert sent[1].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    ("status", "method"), [(301, "POST"), (302, "POST"), (303, "GET"), (307, "POST"), (308, "POST")]
)
def test_a_question_follows_as_its_redirect_says(status: int, method: str) -> None:
    handler, sent = moved(status, "/v2/answers/7", then=httpx.Response(200, json={"id": "a"}))
    api = api_for(handler)
    assert api.ask(api.url("questions"), {"q": 1}, Thing, Call("ask")).id == "a"
    assert [each.method for each in sent] == ["POST", method]
    assert bool(sent[1].content) == (method == "POST")


@pytest.mark.parametrize("location", ["https://other.example.com/", "http://api.example.com/", None, "https://[::1"])
def test_a_question_goes_nowhere_else(location: str | None) -> None:
    handler, sent = answering(httpx.Response(302, headers={} if location is None else {"Location": location}))
    api = api_for(handler)
    with pytest.raises((UnexpectedAnswer, Unavailable)):
        api.ask(api.url("questions"), {}, Thing, Call("ask"))
    assert {each.url.host for each in sent} == {"api.example.com"}


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_secret_is_never_sent_after_a_token_address_that_moved_elsewhere(status: int) -> None:
    handler, sent = moved(status, "https://other.example.com/token", then=httpx.Response(200, json={}))
    with pytest.raises(Refused, match=r"token address is not right: redirected to another host: https://other\."):
        api_for(handler).ask_token("https://auth.example.com/token", data={"client_secret": "x"})
    assert len(sent) == 1


@pytest.mark.parametrize(("status", "location"), [(307, "/oauth/token"), (308, "/token/"), (301, "/token/")])
def test_a_token_is_asked_for_where_the_same_host_says(status: int, location: str) -> None:
    handler, sent = moved(status, location, then=httpx.Response(200, json={"access_token": TOKEN}))
    assert api_for(handler).ask_token("https://auth.example.com/token", data={"a": "b"}).access_token == TOKEN
    assert [(each.method, each.content) for each in sent] == [("POST", b"a=b")] * 2


# a token that is refused with 403 ------------------------------------------------------------------------------------

NOW = datetime(2026, 12, 1, tzinfo=UTC)


class Gateway:
    """Answers an old token with 403, as gateways with authorizers do; hands out tokens, and counts both."""

    def __init__(self) -> None:
        self.good, self.handed_out, self.calls, self.may = "token-1", 0, list[str](), True

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/token"):
            self.handed_out += 1
            self.good = f"token-{self.handed_out}"
            return httpx.Response(200, json={"access_token": self.good, "expires_in": 86400})
        self.calls.append(request.headers["Authorization"].removeprefix("Bearer "))
        if self.calls[-1] != self.good or not self.may:
            return httpx.Response(403, json={"message": "User is not authorized to access this resource"})
        return httpx.Response(201, json={"id": "a"})

    def process(self, now: datetime = NOW) -> Api:
        """What one process knows: nothing but the file."""
        api = Api("example", BASE, settings=QUICK, transport=httpx.MockTransport(self))
        api.tokens = SharedTokens(
            lambda: TokenAnswer.model_validate(json.loads(self(httpx.Request("POST", f"{BASE}token")).content)),
            token_url="https://auth.example.com/token",
            client_id="me",
            audience="",
            client_secret="a secret",
            clock=ProviderClock(),
            now=lambda: now,
        )
        return api


@pytest.fixture
def gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    return Gateway()


@pytest.mark.parametrize("act", ["get", "create", "stream"])
def test_a_token_from_the_file_that_is_refused_with_403_is_renewed_once(gateway: Gateway, act: str) -> None:
    create(gateway.process())
    gateway.good = "revoked meanwhile"
    api = gateway.process()
    if act == "get":
        api.get(api.url("things/1"), Thing, Call("read"))
    elif act == "create":
        create(api)
    else:
        with pytest.raises(UnexpectedAnswer, match="not the whole file"), api.stream(f"{BASE}f", Call("download")):
            pass
    assert gateway.calls == ["token-1", "token-1", "token-2"]


def test_a_token_asked_for_just_now_is_not_renewed_for_a_403(gateway: Gateway) -> None:
    gateway.may = False
    for _ in range(2):
        with pytest.raises(CredentialsRefused, match=r"the account may not do this.*not authorized"):
            create(gateway.process())
    assert gateway.calls == ["token-1", "token-1", "token-2"]
    for _ in range(20):  # whoever may not do it asks for no token each time
        with pytest.raises(CredentialsRefused):
            create(gateway.process())
    assert gateway.handed_out == 2
    with pytest.raises(CredentialsRefused):
        create(gateway.process(NOW + AFTER_403 + timedelta(seconds=1)))
    assert gateway.handed_out == 3


def test_a_process_that_lives_long_renews_its_own_token(gateway: Gateway) -> None:
    api = gateway.process()
    create(api)
    gateway.good = "revoked"
    with pytest.raises(CredentialsRefused):
        create(api)
    assert isinstance(api.tokens, SharedTokens)
    api.tokens._now = lambda: NOW + AFTER_403 + timedelta(seconds=1)
    assert create(api).id == "a"
    assert gateway.calls == ["token-1", "token-1", "token-1", "token-2"]
