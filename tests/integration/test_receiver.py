"""The webhook receiver: whoever may notify us wakes an order, and nobody can do harm."""

from __future__ import annotations

import logging
import socket
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.webhook_receiver import WebhookReceiver
from flows.receiver import receiver, serving, wake_queue
from flows.receiver.app import AT_ONCE
from flows.receiver.auth import Auth, load_auth
from flows.receiver.notification import LARGEST_BODY, extract_ids
from flows.receiver.wake_queue import SPACING_SECONDS, Due, WakeQueue
from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable
from tests.support.receiver import BEARER, CLIENT, PATH, served

TASK = "46ec5793-3b29-4fff-90e5-360fae4be57d"
DOOR = f"/iceye/{PATH}"


class Office:
    """Ledger and Prefect as the receiver sees them, and its clock."""

    def __init__(self, orders: dict[str, str]) -> None:
        self.orders, self.now, self.away, self.prefect_away = orders, 0.0, False, False
        self.looks = 0
        self.woken: list[str] = []
        self.queue = WakeQueue(self.find, self.wake, self.clock)

    def find(self, provider: str, ids: frozenset[str]) -> list[Due]:
        self.looks += 1
        if self.away:
            raise LedgerUnavailable("the ledger did not answer")
        return [Due(name, "run") for known, name in self.orders.items() if known in ids and provider == "iceye"]

    def wake(self, orders: Sequence[Due]) -> None:
        if self.prefect_away:
            raise httpx.ConnectError("Prefect is away")
        self.woken += [one.reference for one in orders]

    def clock(self) -> float:
        return self.now


def keys() -> Auth:
    return Auth(
        WebhookReceiver.model_validate(
            {"secret_path": PATH, "bearer_token": BEARER, "client_id": "iceye", "client_secret": CLIENT}
        )
    )


@pytest.fixture
def office() -> Office:
    return Office({TASK: "bay"})


@pytest.fixture
def caller(office: Office) -> Iterator[httpx.Client]:
    app = receiver(keys(), office.queue)
    with served(app) as address, httpx.Client(base_url=address, timeout=20, trust_env=False, verify=False) as client:
        yield client


@pytest.mark.parametrize(
    "body",
    [
        {"taskID": TASK, "status": "DONE"},
        {"event": {"data": [{"resource": f"https://platform.iceye.com/api/tasking/v2/tasks/{TASK.upper()}"}]}},
        f"task_{TASK} is done",
        b"\xff\xfe" + TASK.encode("utf-16-le"),
        b'{"broken": "' + TASK.encode(),
        b"[" * 30_000 + TASK.encode() + b"]" * 30_000,
    ],
    ids=["flat", "nested", "glued", "utf-16", "cut", "deep"],
)
def test_an_order_is_woken_by_its_id_wherever_it_stands_in_the_body(
    caller: httpx.Client, office: Office, body: Any
) -> None:
    given = {"json": body} if isinstance(body, dict) else {"content": body}
    assert caller.post(DOOR, **given).status_code == 202
    assert office.woken == ["bay"]


def test_each_documented_way_to_prove_oneself_is_enough(caller: httpx.Client, office: Office) -> None:
    asked = caller.post("/token", data={"grant_type": "client_credentials"}, auth=("iceye", CLIENT))
    granted = asked.json()["access_token"]
    for token in (BEARER, granted):
        answer = caller.post("/iceye", json={"id": TASK}, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 202
    assert asked.json()["expires_in"] == 3600
    assert office.woken == ["bay"]


@pytest.mark.parametrize(
    ("path", "authorization"),
    [
        ("/iceye", ""),
        ("/iceye", "Bearer wrong"),
        ("/iceye", "Bearer"),
        ("/iceye", f"Bearer {PATH}"),
        ("/iceye", f"Basic {BEARER}"),
        ("/iceye", "Bearer 99999999999.0000"),
        ("/iceye", "Bearer \xff\xfe"),
        ("/iceye/wrong", ""),
        (f"/iceye/{BEARER}", ""),
        (f"/iceye/{PATH}x", ""),
        (f"/iceye?secret_path={PATH}", ""),
        ("/nobody/wrong", ""),
    ],
)
def test_whoever_does_not_prove_himself_is_turned_away_unread(
    caller: httpx.Client, office: Office, path: str, authorization: str
) -> None:
    headers = {b"Authorization": authorization.encode("latin-1")}
    answer = caller.post(path, content=TASK * 5000, headers=headers)
    assert answer.status_code == 401
    assert (office.looks, office.woken) == (0, [])


def test_a_token_that_has_expired_is_worth_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = keys()
    granted = ours.grant("", {"client_id": "iceye", "client_secret": CLIENT})
    assert ours.fits(f"Bearer {granted}", None)
    assert ours.grant("", {"client_id": "iceye", "client_secret": "wrong"}) is None
    monkeypatch.setattr("time.time", lambda: utc_now().timestamp() + 3601)
    assert not ours.fits(f"Bearer {granted}", None)


def test_a_client_with_a_wrong_secret_gets_no_token(caller: httpx.Client) -> None:
    for auth in (("iceye", "wrong"), ("nobody", CLIENT), ("", "")):
        answer = caller.post("/token", data={"grant_type": "client_credentials"}, auth=auth)
        assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_a_body_that_is_too_large_is_refused_also_when_it_does_not_say_so(caller: httpx.Client, office: Office) -> None:
    def parts() -> Iterator[bytes]:
        for _ in range(2 * LARGEST_BODY // 1024):
            yield TASK.encode() * 28

    assert caller.post(DOOR, content=b"x" * (LARGEST_BODY + 1)).status_code == 413
    assert caller.post(DOOR, content=parts()).status_code == 413
    assert office.woken == []


@pytest.mark.parametrize(
    "body", [b"", b"\x00\xff\xfe", b"{", b"null", b'{"id": "' + b"9" * 60_000 + b'"}', b"\xf0\x9f" * 9]
)
def test_what_names_no_order_of_ours_is_taken_and_wakes_nobody(
    caller: httpx.Client, office: Office, body: bytes
) -> None:
    assert caller.post(DOOR, content=body).status_code == 202
    assert caller.post(DOOR, json={"taskID": str(uuid.uuid4())}).status_code == 202
    assert office.woken == []


def test_an_unknown_provider_is_said_so_that_a_mistyped_address_is_noticed(caller: httpx.Client) -> None:
    assert caller.post(f"/icey/{PATH}", json={"id": TASK}).status_code == 404


def test_an_order_is_not_woken_again_and_again_and_the_last_hint_is_not_lost(
    caller: httpx.Client, office: Office
) -> None:
    for _ in range(50):
        assert caller.post(DOOR, json={"id": TASK}).status_code == 202
    assert office.woken == ["bay"]
    office.now += SPACING_SECONDS
    assert caller.post(DOOR, json={"id": str(uuid.uuid4())}).status_code == 202
    assert office.woken == ["bay", "bay"]


def test_a_flood_is_turned_away_and_passes(caller: httpx.Client, office: Office) -> None:
    answers = [caller.post(DOOR, json={"id": str(uuid.uuid4())}).status_code for _ in range(int(AT_ONCE) + 20)]
    assert set(answers) == {202, 429}
    office.now += 1
    assert caller.post(DOOR, json={"id": TASK}).status_code == 202
    assert office.woken == ["bay"]


def test_while_the_ledger_is_away_the_caller_hears_so_and_may_come_again(caller: httpx.Client, office: Office) -> None:
    office.away = True
    answer = caller.post(DOOR, json={"id": TASK})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    office.away = False
    assert caller.post(DOOR, json={"id": TASK}).status_code == 202
    assert office.woken == ["bay"]


def test_a_wake_that_failed_is_done_again_without_another_hint(caller: httpx.Client, office: Office) -> None:
    office.prefect_away = True
    assert caller.post(DOOR, json={"id": TASK}).status_code == 503
    office.prefect_away = False
    office.now += SPACING_SECONDS
    assert caller.post(DOOR, json={"id": str(uuid.uuid4())}).status_code == 202
    assert office.woken == ["bay"]


def test_a_ledger_that_hangs_holds_up_few_callers_and_the_notification_counts_once_it_answers(
    caller: httpx.Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake_queue, "MOST_WAITING", 1)
    asked, hangs, done, found = threading.Event(), threading.Event(), threading.Event(), office.find

    def slow(provider: str, ids: frozenset[str]) -> list[Due]:
        asked.set()
        assert hangs.wait(20)
        return found(provider, ids)

    def woken(orders: Sequence[Due]) -> None:
        office.wake(orders)
        done.set()

    monkeypatch.setattr(office.queue, "_find", slow)
    monkeypatch.setattr(office.queue, "_wake", woken)
    monkeypatch.setattr(wake_queue, "PATIENCE_SECONDS", 1.0)
    first = list[httpx.Response]()
    thread = threading.Thread(target=lambda: first.append(httpx.post(f"{caller.base_url}{DOOR}", json={"id": TASK})))
    thread.start()
    assert asked.wait(20)
    turned_away = caller.post(DOOR, json={"id": TASK})
    thread.join(20)
    assert (first[0].status_code, turned_away.status_code) == (503, 429)
    assert caller.post(DOOR, json={"id": TASK}).status_code == 429, "nobody waits any more, and what was told is kept"
    hangs.set()
    assert done.wait(20)
    assert caller.post(DOOR, json={"id": str(uuid.uuid4())}).status_code == 202
    assert office.woken == ["bay"]


@given(st.binary(max_size=300))
def test_an_id_is_found_between_any_bytes(noise: bytes) -> None:
    assert TASK in extract_ids(noise + b' "' + TASK.encode() + b'" ' + noise)


def test_secrets_come_from_the_environment_and_are_never_shown(caplog: pytest.LogCaptureFixture) -> None:
    ours = load_auth({"TASKING_WEBHOOK_SECRET_PATH": PATH})
    assert ours.fits("", PATH)
    assert not ours.fits("Bearer ", None)
    for wrong in ({"secret_path": "guess-me"}, {"secret_path": PATH + "/x"}, {"client_secret": CLIENT}, {}):
        with pytest.raises(ValueError, match=r"secret_path|client_id") as caught:
            WebhookReceiver.model_validate(wrong)
        assert "guess-me" not in str(caught.value)
        assert CLIENT not in str(caught.value)
        assert PATH not in str(caught.value)


def _connected(caller: httpx.Client) -> socket.socket:
    return socket.create_connection((caller.base_url.host, caller.base_url.port or 80), timeout=20)


@pytest.mark.parametrize("begun", [b"", b"POST /iceye HTTP/1.1\r\nHost: x\r\nX-A: "], ids=["silent", "half a head"])
def test_a_connection_without_a_whole_request_is_closed(
    caller: httpx.Client, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.05)
    with _connected(caller) as held:
        held.sendall(begun)
        with suppress(ConnectionResetError):
            assert held.recv(1000) == b""


def test_a_second_request_on_a_connection_has_no_longer_than_the_first(
    caller: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _connected(caller) as held:
        monkeypatch.setattr(serving, "HEAD_SECONDS", 0.05)
        held.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\nGET /hea")
        said = b""
        with suppress(ConnectionResetError):
            while part := held.recv(1000):
                said += part
    assert said.startswith(b"HTTP/1.1 200")


def test_silent_connections_do_not_shut_out_the_provider(
    caller: httpx.Client, office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MOST_CONNECTIONS", 20)
    with ExitStack() as held:
        for _ in range(45):
            held.enter_context(_connected(caller))
        assert caller.post(DOOR, json={"id": TASK}).status_code == 202
    assert office.woken == ["bay"]


@pytest.mark.parametrize("path", [f"{DOOR}/", "/iceye/", "/token/", f"/{DOOR}"])
def test_no_answer_says_the_secret_again(caller: httpx.Client, path: str) -> None:
    answer = caller.post(path, json={"id": TASK}, headers={"Host": "evil.example"})
    assert "location" not in answer.headers
    assert answer.status_code in (401, 404, 405)
    assert PATH not in answer.text


def test_a_web_socket_leaves_no_address_in_the_log(caller: httpx.Client, caplog: pytest.LogCaptureFixture) -> None:
    asked = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    with caplog.at_level(logging.DEBUG):
        answer = caller.get(DOOR, headers={**asked, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="})
    assert answer.status_code in (404, 405)
    ours = [one.getMessage() for one in caplog.records if one.name.startswith("uvicorn")]
    assert not [line for line in ours if PATH in line]
