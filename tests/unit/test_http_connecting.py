"""What a name stands for is judged when it is connected to; nothing but the token is remembered between calls."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest

from tasking.errors import Unavailable, UnexpectedAnswer, UnsafeAsset
from tasking.http.address import host_shown, shown, why_not_connect, why_not_follow
from tasking.http.api import Api, Call
from tests.support.http_calls import QUICK, SIGNATURE, Thing, answering, api_for, create
from tests.support.odd_server import odd_server, reply, sends


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy only the proxy knows what a name stands for."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


INSIDE = [
    *("127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("100.64.0.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "fe80::1", "fe80::1%eth0", "fc00::1"),
    *("fec0::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::10.0.0.1", "::ffff:0:10.0.0.1"),
    *("64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::", "2001:db8::1"),
    *("2001:0:4136:e378:8000:63bf:3fff:fdd2", "4000::1"),
]
OUTSIDE = ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_no_address_inside_is_connected_to(address: str) -> None:
    assert why_not_connect(address) is not None


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_world_is_connected_to(address: str) -> None:
    assert why_not_connect(address) is None


def test_an_address_of_a_network_card_of_this_machine_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasking.http.address._is_of_this_machine", lambda ip: str(ip) == "8.8.4.4")
    assert why_not_connect("8.8.4.4") == "it leads to this machine"
    assert why_not_connect("64:ff9b::808:404") == "it leads to this machine"


@pytest.mark.parametrize(
    "host",
    ["worker7", "WORKER7.", "worker7.example.com", "worker7.local", "localhost", "a.localhost", "[64:ff9b::7f00:1]"],
)
def test_a_name_of_this_machine_is_not_followed(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "worker7.example.com")
    assert why_not_follow(httpx.URL(f"https://{host}/"), httpx.URL("https://api.example.com/")) is not None


def standing_for(monkeypatch: pytest.MonkeyPatch, addresses: dict[str, list[str]]) -> None:
    real = socket.getaddrinfo

    def resolved(host: str, port: int, *rest: Any, **more: Any) -> Any:
        if host not in addresses:
            return real(host, port, *rest, **more)
        return [(2, 1, 6, "", (each, port)) for each in addresses[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)


def test_a_name_that_comes_to_stand_for_an_address_inside_is_not_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    with odd_server(sends(reply("200 OK"))) as server:
        port = server.url.rstrip("/").rpartition(":")[2]
        standing_for(monkeypatch, {"files.example.net": ["127.0.0.1", "10.0.0.1"]})
        address = f"https://files.example.net:{port}/a.tif?{SIGNATURE}"
        with closing(Api("example", "https://api.example.com/", settings=QUICK)) as api:
            with (
                pytest.raises(UnsafeAsset, match=r"files\.example\.net is not asked: it leads to") as unsafe,
                api.stream(address, Call("download")),
            ):
                pass
            with pytest.raises(UnexpectedAnswer, match="is not asked: it leads to"):
                api.get(httpx.URL(address), Thing, Call("read"), anywhere=True)
        assert server.requests == []
        assert SIGNATURE not in str(unsafe.value)


def test_the_hosts_that_the_account_names_may_stand_for_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway in the company's network, say: what stands in the account is the operator's word."""
    with odd_server(sends(b"no TLS")) as server:
        port = server.url.rstrip("/").rpartition(":")[2]
        # no TLS is ever begun: each call is over when its time to connect is
        settings = QUICK.model_copy(update={"attempts": 1, "connect_seconds": 0.2})
        names = ("api.example.com", "files.example.com", "auth.example.com")
        standing_for(monkeypatch, {name: ["127.0.0.1"] for name in names})
        base, files, auth = (f"https://{name}:{port}/" for name in names)
        with closing(Api("example", base, settings=settings, trusted=[files])) as api:
            calls: list[Callable[[], object]] = [
                lambda: create(api),
                lambda: api.get(httpx.URL(files), Thing, Call("read"), anywhere=True),
                lambda: api.ask_token(auth),
            ]
            for call in calls:
                with pytest.raises(Unavailable, match=r"SSL|TLS|record|connection"):
                    call()


def test_a_provider_on_this_machine_may_lead_to_this_machine() -> None:
    with (
        odd_server(sends(reply("200 OK", b"image"))) as server,
        closing(Api("x", server.url, settings=QUICK)) as api,
        api.stream(f"{server.url}a.tif", Call("download")) as response,
    ):
        assert response.read() == b"image"


def test_no_cookie_is_kept() -> None:
    handler, sent = answering(
        httpx.Response(200, json={"id": "a"}, headers={"Set-Cookie": "session=secret; Path=/"}),
        httpx.Response(200, json={"id": "a"}),
    )
    api = api_for(handler)
    for _ in range(2):
        api.get(httpx.URL("https://api.example.com/v2/"), Thing, Call("read"))
    assert len(sent) == 2
    assert not any("Cookie" in request.headers for request in sent)


def test_an_address_that_is_not_asked_is_shown_by_scheme_and_host_only() -> None:
    address = "https://user:pw@bucket.example.net:8443/secret/path?X-Signature=abc#top"
    assert host_shown(address) == "https://bucket.example.net:8443"
    assert shown(address) == "https://bucket.example.net:8443/secret/path?…"
    handler, _ = answering(httpx.Response(302, headers={"Location": "http://bucket.example.net/secret/path?a=b"}))
    with pytest.raises(UnsafeAsset) as caught, api_for(handler).stream("https://api.example.com/f", Call("download")):
        pass
    assert "http://bucket.example.net is not followed" in str(caught.value)
    assert "secret" not in str(caught.value)
