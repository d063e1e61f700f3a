"""Every fault is what it says it is, seen with a plain HTTP client and with a bare socket."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, get_args

import httpx
import pytest

from tasking.simulator import Simulator
from tasking.simulator.faults import Fault, Kind
from tests.support.simulator_story import BASE, Caller, captured, first_candidate, story

PLANS = f"{BASE}collections/plans/items"


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Simulator, Caller]]:
    with story() as both:
        yield both


@pytest.fixture
def told(shared: tuple[Simulator, Caller]) -> Iterator[tuple[Simulator, Caller]]:
    yield shared
    shared[0].world.faults.clear()


def raw(simulator: Simulator, caller: Caller, path: str) -> bytes:
    """The answer to a GET as bytes, read until the server closes; a reset raises."""
    with socket.create_connection(("127.0.0.1", simulator.port), timeout=10) as sock:
        head = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: {caller.http.headers['Authorization']}\r\n"
        sock.sendall(f"{head}Connection: close\r\n\r\n".encode())
        parts = []
        while part := sock.recv(65536):
            parts.append(part)
    return b"".join(parts)


def test_the_table_in_the_docstring_names_every_kind() -> None:
    import tasking.simulator.faults as module

    assert all(f"\n{kind} " in (module.__doc__ or "") for kind in get_args(Kind))


def test_a_status_does_not_act_unless_told_to(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    count = len(simulator.axelglobe.plans())
    simulator.fault("status", method="POST", path=PLANS, code=503, retry_after=3)
    answer = caller.post_plan()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert len(simulator.axelglobe.plans()) == count
    simulator.fault(
        "status", method="POST", path=PLANS, code=502, after_acting=True, body="<h1>", content_type="text/html"
    )
    answer = caller.post_plan(name="after 502")
    assert (answer.status_code, answer.text) == (502, "<h1>")
    assert simulator.axelglobe.plans()[-1]["name"] == "after 502"
    last = simulator.journal()[-1]
    assert (last["status"], last["acted"], last["fault"]) == (502, True, "status")
    assert last["created_ids"] == [simulator.axelglobe.plans()[-1]["id"]]


def test_retry_after_can_be_a_date_of_the_simulated_clock(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    simulator.fault("status", code=429, retry_after=5, retry_after_form="date")
    answer = caller.get("")
    wait = parsedate_to_datetime(answer.headers["Retry-After"]) - parsedate_to_datetime(answer.headers["Date"])
    assert timedelta(seconds=5) <= wait <= timedelta(seconds=7)


def test_a_reset_before_did_not_act_and_a_reset_after_did(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    for kind, name in [("reset_before", "not made"), ("reset_after", "made")]:
        simulator.fault(kind, method="POST", path=PLANS)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            caller.post_plan(name=name)
        last = simulator.journal()[-1]
        assert (last["status"], last["acted"]) == ("reset", kind == "reset_after")
    assert "not made" not in simulator.axelglobe.summary()["plans_by_name"]
    assert len(simulator.axelglobe.summary()["plans_by_name"]["made"]) == 1


@pytest.mark.parametrize("kind", ["reset_before", "reset_after"])
def test_a_reset_is_a_reset_on_the_wire(told: tuple[Simulator, Caller], kind: str) -> None:
    told[0].fault(kind)
    with pytest.raises(ConnectionResetError):
        raw(told[0], told[1], BASE)


def test_a_delay_acts_after_the_client_has_gone(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    simulator.fault("delay", method="POST", path=PLANS, seconds=0.3)
    caller.http.timeout = httpx.Timeout(0.1)
    try:
        with pytest.raises(httpx.ReadTimeout):
            caller.post_plan(name="acted late")
    finally:
        caller.http.timeout = httpx.Timeout(10)
    assert "acted late" not in simulator.axelglobe.summary()["plans_by_name"]
    simulator.fault("delay", path=BASE, seconds=0.5)  # a later call, delayed longer, ends after it
    caller.get("")
    assert "acted late" in simulator.axelglobe.summary()["plans_by_name"]


def test_a_delayed_answer_comes_after_the_work(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    simulator.fault("delay_answer", method="POST", path=PLANS, seconds=30)
    caller.http.timeout = httpx.Timeout(0.3)
    try:
        with pytest.raises(httpx.ReadTimeout):
            caller.post_plan(name="answered late")
    finally:
        caller.http.timeout = httpx.Timeout(10)
    assert "answered late" in simulator.axelglobe.summary()["plans_by_name"]


@pytest.mark.parametrize(
    ("how", "status"),
    [("cut", 201), ("html", 201), ("wrong_shape", 201), ("empty", 201), ("null", 201), ("not_utf8", 201)],
)
def test_a_malformed_answer_has_the_right_status_and_acted(
    told: tuple[Simulator, Caller], how: str, status: int
) -> None:
    simulator, caller = told
    simulator.fault("malformed", method="POST", path=PLANS, how=how)
    answer = caller.post_plan(name=f"malformed {how}")
    assert answer.status_code == status
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert f"malformed {how}" in simulator.axelglobe.summary()["plans_by_name"]
    if how in ("wrong_shape", "null"):
        assert not isinstance(answer.json(), dict) or "id" not in answer.json()
    else:
        with pytest.raises(ValueError, match=r"char|decode"):
            json.loads(answer.content)


def test_deep_and_huge_json_are_as_deep_and_huge_as_ordered(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    simulator.fault("deep_json", depth=5000)
    assert caller.get("").content.count(b"{") == 5000
    simulator.fault("huge_json", bytes=300_000)
    answer = caller.get("")
    assert len(answer.content) == 300_000
    assert len(answer.json()["features"]) > 3


def test_a_slow_body_is_whole_in_the_end(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    whole = caller.get("").content
    simulator.fault("slow_body", seconds=0.1, pieces=5)
    assert caller.get("").content == whole


def test_a_cut_body_promises_more_than_it_sends(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    whole = len(caller.get("").content)
    simulator.fault("cut_body", keep=0.4, times=2)
    head, _, body = raw(simulator, caller, BASE).partition(b"\r\n\r\n")
    assert f"content-length: {whole}".encode() in head
    assert len(body) == int(whole * 0.4)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.get("")


def test_a_wrong_length_agrees_with_the_short_body(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    whole = caller.get("").content
    simulator.fault("wrong_length", keep=0.9)
    answer = caller.get("")
    assert answer.content == whole[: int(len(whole) * 0.9)]
    assert int(answer.headers["content-length"]) == len(answer.content)


def test_a_close_delimited_answer_names_no_length(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    whole = caller.get("").content
    simulator.fault("close_delimited", keep=0.5)
    answer = caller.get("")
    assert "content-length" not in answer.headers
    assert answer.content == whole[: len(whole) // 2]


def test_flipped_bytes_keep_length_and_etag() -> None:
    with story() as (simulator, caller):
        captured(simulator, caller)
        href = caller.get("/stac/v1/catalogs/axelglobe/search").json()["features"][0]["assets"]["band1"]["href"]
        good = caller.http.get(href)
        simulator.fault("flip_bytes", path="*/assets/*", count=3)
        bad = caller.http.get(href)
    assert len(good.content) == len(bad.content)
    assert sum(a != b for a, b in zip(good.content, bad.content, strict=True)) == 3
    assert good.headers["etag"] == bad.headers["etag"]


def links(page: dict[str, Any]) -> list[str]:
    return [link["href"] for link in page["links"] if link["rel"] == "next"]


def test_the_next_link_can_lead_back_or_away(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    simulator.fault("next_to_self", path="*/satellites/items")
    answer = caller.get("collections/satellites/items", limit=2, offset=1)
    assert links(answer.json()) == [str(answer.request.url)]
    simulator.fault("next_to_other_host", path="*/satellites/items", host="https://evil.example")
    assert links(caller.items("satellites", limit=2)) == [
        "https://evil.example/wfs/tasking/v2/collections/satellites/items?limit=2&offset=2"
    ]
    assert links(caller.items("satellites")) == []


def test_a_redirect_leads_where_it_was_told(told: tuple[Simulator, Caller]) -> None:
    told[0].fault("redirect", location="https://evil.example/", code=307)
    answer = told[1].get("")
    assert (answer.status_code, answer.headers["location"]) == (307, "https://evil.example/")


def test_faults_count_down_skip_and_choose_their_calls(told: tuple[Simulator, Caller]) -> None:
    simulator, caller = told
    simulator.fault("status", code=500, path="*/conformance", times=2, skip=1)
    simulator.fault("status", code=418, method="post")
    simulator.fault("status", code=409, query="limit=3*", times=-1)
    assert [caller.get("conformance").status_code for _ in range(4)] == [200, 500, 500, 200]
    assert caller.get("").status_code == 200
    assert caller.post_plan().status_code == 418
    assert [caller.get("collections/satellites/items", limit=3).status_code for _ in range(3)] == [409] * 3
    assert [fault.query for fault in simulator.world.faults.waiting()] == ["limit=3*"]


def test_a_wrong_order_for_trouble_is_refused(told: tuple[Simulator, Caller]) -> None:
    for wrong in ({"kind": "nonsense"}, {"kind": "delay", "second": 1}, {"kind": "delay", "times": -2}, {}):
        answer = told[1].http.post("/_sim/faults", json=wrong)
        assert answer.status_code == 400
        assert answer.json()["detail"]
    assert told[0].world.faults.waiting() == []


def test_faults_are_ordered_listed_and_taken_back_over_http(told: tuple[Simulator, Caller]) -> None:
    made = told[1].http.post("/_sim/faults", json={"kind": "status", "code": 500}).json()
    assert told[1].http.get("/_sim/faults").json()["faults"] == [made]
    assert Fault.model_validate(made).code == 500
    assert told[1].http.request("DELETE", "/_sim/faults").json() == {"cleared": 1}
    assert told[1].get("").status_code == 200


def test_the_journal_holds_calls_and_no_secret() -> None:
    with story() as (simulator, caller):
        candidate = first_candidate(simulator, caller)
        caller.request(candidate["id"], name="judged")
        told = caller.http.get("/_sim/journal").text
        token = caller.http.headers["Authorization"].removeprefix("Bearer ")
        assert "demo-secret" not in told
        assert token not in told
        made = simulator.journal(method="POST", path="*/requests/items")
        assert [call["body"]["properties"]["name"] for call in made] == ["judged"]
        assert made[0]["client_id"] == "demo-client"
        assert made[0]["created_ids"] == [simulator.axelglobe.requests()[0]["id"]]
        assert simulator.journal(since=made[0]["index"]) == []
        assert caller.http.delete("/_sim/journal").json()["cleared"] > 0
        assert simulator.journal() == []
        caller.get("")
        assert simulator.journal()[0]["index"] > made[0]["index"]
