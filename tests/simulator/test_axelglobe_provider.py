from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tasking.axelglobe.matching import our_request
from tasking.axelglobe.models import TaskRequest
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.candidate import Candidate
from tasking.errors import (
    CredentialsRefused,
    InvalidOrder,
    NotFound,
    ReferenceTaken,
    Refused,
    Unavailable,
    Uncertain,
    UnexpectedAnswer,
)
from tasking.http.api import HttpSettings
from tasking.provider import Cancels, Plan, Provider, TaskingRequest
from tasking.simulator import Simulator, serve
from tasking.status import StatusCode

START = datetime(2026, 12, 1, tzinfo=UTC)
HTTP = HttpSettings(
    attempts=3,
    wait_initial_seconds=0,
    wait_max_seconds=0,
    wait_jitter_seconds=0,
    requests_per_second=10_000,
    own_clock=True,
    answer_max_bytes=1_000_000,
    read_seconds=5,
)
ITEMS = "/wfs/tasking/v2/collections/{}/items"


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    with serve(start=START, switches={"axelglobe.credits": 100_000}) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Iterator[Simulator]:
    """The module's simulator; faults and switches of a test end with it."""
    shared, own = shared_simulator.world.switches.now.model_dump(), shared_simulator.axelglobe.switches.now.model_dump()
    yield shared_simulator
    shared_simulator.world.switches.change(**shared)
    shared_simulator.axelglobe.switches.change(**own)
    shared_simulator.world.faults.clear()


def settings_for(simulator: Simulator, **more: Any) -> AxelGlobeSettings:
    client_id, secret = simulator.credentials
    return AxelGlobeSettings(
        api_url=simulator.axelglobe.api_url,
        token_url=simulator.axelglobe.token_url,
        client_id=SecretStr(client_id),
        client_secret=SecretStr(more.pop("secret", secret)),
        http=HTTP,
        **more,
    )


@pytest.fixture
def axelglobe(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AxelGlobe]:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    plain = httpx.HTTPTransport(verify=False)  # there is no https here; loading certificates costs most of a test
    with AxelGlobe(settings_for(simulator), transport=plain) as provider:
        yield provider


def order_at(now: datetime, lon: float = 139.7, days: int = 10, **more: Any) -> AxelGlobeOrder:
    ring = [[lon, 35.6], [lon + 0.15, 35.6], [lon + 0.15, 35.72], [lon, 35.72], [lon, 35.6]]
    window = {"start": now, "end": now + timedelta(days=days)}
    area = {"type": "Polygon", "coordinates": [ring]}
    return AxelGlobeOrder.model_validate({"name": "Tokyo Bay", "area": area, "window": window, **more})


@pytest.fixture
def order(simulator: Simulator) -> AxelGlobeOrder:
    return order_at(simulator.clock.now().replace(microsecond=0))


def planned(
    provider: AxelGlobe, simulator: Simulator, order: AxelGlobeOrder, label: str
) -> tuple[Plan, list[Candidate]]:
    plan = provider.plan(order, label)
    simulator.advance(1300)
    return plan, provider.candidates(plan.id)


def posts(simulator: Simulator, collection: str, since: int) -> int:
    return len(simulator.journal(path=ITEMS.format(collection), method="POST", since=since))


def last_call(simulator: Simulator) -> int:
    calls = simulator.journal()
    return int(calls[-1]["index"]) if calls else 0


def test_it_is_a_provider_that_documents_no_cancel(axelglobe: AxelGlobe) -> None:
    provider: Provider = axelglobe
    assert provider.name == "axelglobe"
    assert not isinstance(provider, Cancels)


def test_an_order_goes_from_plan_to_a_file(axelglobe: AxelGlobe, simulator: Simulator, order: AxelGlobeOrder) -> None:
    axelglobe.check(order)
    assert axelglobe.find_plan(order, "whole") is None
    plan = axelglobe.plan(order, "whole")
    assert not plan.ready
    assert plan.candidates_at == plan.created + timedelta(minutes=20)
    assert axelglobe.find_plan(order, "whole") == plan
    simulator.advance(1300)
    assert axelglobe.read_plan(plan.id).ready
    candidates = axelglobe.candidates(plan.id)
    chosen = candidates[-1]
    assert all(order.window.start <= each.start < each.end <= order.window.end for each in candidates)
    assert axelglobe.find_request(order, plan.id, "whole") is None
    request = axelglobe.request(order, plan.id, chosen, "whole")
    assert (request.status, request.start, request.end) == (StatusCode.RECEIVED, chosen.start, chosen.end)
    found = axelglobe.find_request(order, plan.id, "whole")
    assert found is not None
    assert found.id == request.id
    simulator.advance((chosen.end - simulator.clock.now()).total_seconds() + 3 * 86400)
    request = axelglobe.read([request.id], {request.id: chosen})[request.id]
    assert request.status is StatusCode.COMPLETED
    assert len(request.capture_ids) == 1
    (item,) = axelglobe.products(request)
    with axelglobe.open_asset(item, "thumbnail") as response:
        assert response.read().startswith(b"\x89PNG")
    with pytest.raises(UnexpectedAnswer, match="no such asset"):
        axelglobe.open_asset(item, "../x")


# what is ours ---------------------------------------------------------------------------------------------------------


def test_the_oldest_of_several_plans_of_ours_is_taken(
    axelglobe: AxelGlobe, simulator: Simulator, order: AxelGlobeOrder
) -> None:
    first = axelglobe.plan(order, "twice")
    simulator.advance(5)
    axelglobe.plan(order, "twice")
    found = axelglobe.find_plan(order, "twice")
    assert found is not None
    assert found.id == first.id


ANOTHER: list[tuple[str, dict[str, Any], str]] = [
    ("angle", {"off_nadir_max_deg": 12}, r"off-nadir range is \[0.0, 30.0\], this order's is \[0.0, 12.0\]"),
    ("satellite", {"satellites": ["GRUS-1A"]}, "satellites are GRUS-1A, GRUS-1B.*this order's are GRUS-1A"),
    ("window", {"days": 9}, "window's end is .*, this order's is "),
    ("area", {"lon": 139.75}, r"area is within \[139.7, .*this order's within \[139.75,"),
]


@pytest.mark.parametrize(("what", "change", "named"), ANOTHER)
def test_a_plan_of_our_name_that_asks_for_something_else_is_another_orders(
    axelglobe: AxelGlobe, order: AxelGlobeOrder, what: str, change: dict[str, Any], named: str
) -> None:
    axelglobe.plan(order, f"other-{what}")
    with pytest.raises(ReferenceTaken, match=named):
        axelglobe.find_plan(order_at(order.window.start, **change), f"other-{what}")


def test_our_plan_is_found_although_the_server_knows_no_bbox_filter(
    axelglobe: AxelGlobe, simulator: Simulator, order: AxelGlobeOrder
) -> None:
    plan = axelglobe.plan(order, "no-filter")
    simulator.fault("status", method="GET", path=ITEMS.format("plans"), query="*bbox*", code=400)
    found = axelglobe.find_plan(order, "no-filter")
    assert found is not None
    assert found.id == plan.id


def test_a_request_whose_name_does_not_come_back_is_still_found(
    axelglobe: AxelGlobe, simulator: Simulator, order: AxelGlobeOrder
) -> None:
    plan, candidates = planned(axelglobe, simulator, order, "nameless")
    simulator.axelglobe.switch(name_echo="other")
    first = axelglobe.request(order, plan.id, candidates[-1], "nameless")
    assert axelglobe.find_request(order, plan.id, "nameless#2") is None
    simulator.advance(5)
    second = axelglobe.request(order, plan.id, candidates[-2], "nameless#2")
    labels = {"nameless": first.id, "nameless#2": second.id, "nameless#3": None}
    for label, request_id in labels.items():
        found = axelglobe.find_request(order, plan.id, label)
        assert (found.id if found else None) == request_id


def listed(*requests: tuple[str, str | None, str | None]) -> list[TaskRequest]:
    """(id, name, plan) in the order they were made."""
    return [
        TaskRequest.model_validate(
            {
                "id": identifier,
                "properties": {"name": name, "task_plan_id": plan, "created": START + timedelta(minutes=number)},
            }
        )
        for number, (identifier, name, plan) in enumerate(requests)
    ]


FINDING: list[tuple[str, list[TaskRequest], str, str | None]] = [
    ("none", [], "ref", None),
    ("by name", listed(("a", "ref", "p")), "ref", "a"),
    ("the oldest of one name", listed(("a", "ref", "p"), ("b", "ref", "p")), "ref", "a"),
    ("another plan's", listed(("a", "ref", "other")), "ref", None),
    ("no plan named", listed(("a", "ref", None)), "ref", "a"),
    ("name not given back", listed(("a", "My Task", "p")), "ref", "a"),
    ("no name at all", listed(("a", None, "p")), "ref", "a"),
    ("the second by name", listed(("a", "ref", "p"), ("b", "ref#2", "p")), "ref#2", "b"),
    ("the second not made yet", listed(("a", "ref", "p")), "ref#2", None),
    ("the second not made yet, names lost", listed(("a", "x", "p")), "ref#2", None),
    ("the second, names lost", listed(("a", "x", "p"), ("b", "y", "p")), "ref#2", "b"),
    ("the second's name lost", listed(("a", "ref", "p"), ("b", "x", "p")), "ref#2", "b"),
    ("the first's name lost", listed(("a", "x", "p"), ("b", "ref#2", "p")), "ref", "a"),
    ("the third, first lost", listed(("a", "x", "p"), ("b", "ref#2", "p")), "ref#3", None),
    ("another order's reference", listed(("a", "reference", "p")), "ref", "a"),
    ("a suffix that is no number", listed(("a", "ref#x", "p")), "ref", "a"),
    ("newest first", list(reversed(listed(("a", "x", "p"), ("b", "y", "p")))), "ref", "a"),
]


@pytest.mark.parametrize(
    ("requests", "label", "found"), [case[1:] for case in FINDING], ids=[case[0] for case in FINDING]
)
def test_no_request_on_our_plan_is_overlooked(requests: list[TaskRequest], label: str, found: str | None) -> None:
    ours = our_request(requests, "p", label)
    assert (ours.id if ours else None) == found


KNOWN: list[tuple[str, list[TaskRequest], str | None]] = [
    ("the first stands on a forgotten plan, names lost", listed(("b", "x", "p")), "b"),
    ("the first stands on a forgotten plan, the second not made yet", [], None),
    ("both on one plan, names lost", listed(("a", "x", "p"), ("b", "y", "p")), "b"),
    ("the second not made yet, names lost", listed(("a", "x", "p")), None),
    ("the first is younger by its id's order", list(reversed(listed(("b", "x", "p"), ("a", "y", "p")))), "b"),
    ("the first echoes the second's name", listed(("a", "ref#2", "p")), None),
]


@pytest.mark.parametrize(("requests", "found"), [case[1:] for case in KNOWN], ids=[case[0] for case in KNOWN])
def test_the_second_request_is_told_from_the_first_by_its_id_on_whichever_plan_that_stands(
    requests: list[TaskRequest], found: str | None
) -> None:
    ours = our_request(requests, "p", "ref#2", ["a"])
    assert (ours.id if ours else None) == found


# creates --------------------------------------------------------------------------------------------------------------

CREATE_FAULTS: list[tuple[dict[str, Any], type[Exception], int]] = [
    ({"kind": "reset_before"}, Uncertain, 0),
    ({"kind": "reset_after"}, Uncertain, 1),
    ({"kind": "status", "code": 502, "after_acting": True}, Uncertain, 1),
    ({"kind": "status", "code": 502}, Uncertain, 0),
    ({"kind": "status", "code": 503, "retry_after": 1}, Uncertain, 0),
    ({"kind": "status", "code": 429, "retry_after": 5}, Unavailable, 0),
    ({"kind": "status", "code": 409}, Refused, 0),
    ({"kind": "status", "code": 403}, CredentialsRefused, 0),
    ({"kind": "malformed", "how": "html"}, Uncertain, 1),
    ({"kind": "malformed", "how": "cut"}, Uncertain, 1),
    ({"kind": "malformed", "how": "empty"}, Uncertain, 1),
    ({"kind": "malformed", "how": "null"}, Uncertain, 1),
    ({"kind": "malformed", "how": "wrong_shape"}, Uncertain, 1),
    ({"kind": "malformed", "how": "not_utf8"}, Uncertain, 1),
    ({"kind": "deep_json"}, Uncertain, 1),
    ({"kind": "huge_json", "bytes": 3_000_000}, Uncertain, 1),
    ({"kind": "cut_body"}, Uncertain, 1),
    ({"kind": "wrong_length"}, Uncertain, 1),
    ({"kind": "close_delimited"}, Uncertain, 1),
    ({"kind": "redirect"}, Refused, 0),
]


@pytest.mark.parametrize(("fault", "error", "made"), CREATE_FAULTS, ids=lambda each: str(each))
def test_a_plan_is_posted_once_whatever_happens_and_found_if_it_was_made(
    axelglobe: AxelGlobe,
    simulator: Simulator,
    order: AxelGlobeOrder,
    fault: dict[str, Any],
    error: type[Exception],
    made: int,
) -> None:
    label = f"fault-{CREATE_FAULTS.index((fault, error, made))}"
    axelglobe.find_plan(order, label)
    since = last_call(simulator)
    simulator.fault(**fault, method="POST", path=ITEMS.format("plans"), times=-1)
    with pytest.raises(error):
        axelglobe.plan(order, label)
    assert posts(simulator, "plans", since) == 1
    assert (axelglobe.find_plan(order, label) is not None) == bool(made)


def test_a_token_that_dies_early_costs_one_more_token_and_no_second_request(
    axelglobe: AxelGlobe, simulator: Simulator, order: AxelGlobeOrder
) -> None:
    plan, candidates = planned(axelglobe, simulator, order, "early")
    since = last_call(simulator)
    simulator.fault("status", method="POST", path=ITEMS.format("requests"), code=401)
    request = axelglobe.request(order, plan.id, candidates[-1], "early")
    calls = [(call["method"], call["status"]) for call in simulator.journal(since=since)]
    assert calls == [("POST", 401), ("POST", 200), ("POST", 201)]
    found = axelglobe.find_request(order, plan.id, "early")
    assert found is not None
    assert found.id == request.id


def test_a_wrong_secret_is_refused_and_not_shown(
    simulator: Simulator, order: AxelGlobeOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    wrong = settings_for(simulator, secret="wrong-secret")
    with AxelGlobe(wrong) as provider, pytest.raises(CredentialsRefused) as caught:
        provider.find_plan(order, "ref")
    assert "wrong-secret" not in str(caught.value)
    assert caught.value.reference == "ref"


# reading --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def many(shared_simulator: Simulator, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """30 requests, oldest first."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TASKING_FLOWS_HOME", str(tmp_path_factory.mktemp("home")))
        with AxelGlobe(settings_for(shared_simulator)) as provider:
            order = order_at(shared_simulator.clock.now().replace(microsecond=0))
            plan, candidates = planned(provider, shared_simulator, order, "many")
            return [provider.request(order, plan.id, candidates[-1], f"many-{number}").id for number in range(30)]


@pytest.mark.parametrize(
    ("which", "calls"),
    [
        (slice(0, 0), 0),
        (slice(0, 1), 1),  # one old one: asked singly
        (slice(28, 30), 2),
        (slice(10, 30), 1),  # the newest page
        (slice(0, 30), 2),
        (slice(8, 13), 2),  # some on each page
    ],
)
def test_many_requests_are_read_in_the_fewest_calls(
    axelglobe: AxelGlobe, simulator: Simulator, many: list[str], which: slice, calls: int
) -> None:
    since = last_call(simulator)
    assert set(axelglobe.read(many[which])) == set(many[which])
    assert len(simulator.journal(path=ITEMS.format("requests") + "*", since=since)) == calls


def test_a_request_the_lists_do_not_show_yet_is_asked_singly_before_it_counts_as_unknown(
    axelglobe: AxelGlobe, simulator: Simulator, many: list[str]
) -> None:
    plan_id = axelglobe.client.request(many[0]).properties.task_plan_id
    order = order_at(simulator.clock.now())
    assert plan_id is not None
    simulator.switch(list_lag_seconds={"requests": 3600})
    late = axelglobe.request(order, plan_id, axelglobe.candidates(plan_id)[-1], "late").id
    answer = axelglobe.read([*many[-5:], late, "VGFzazp1bmtub3du"])
    assert set(answer) == {*many[-5:], late}


@pytest.mark.parametrize(
    ("word", "after_capture", "looks"),
    [
        ("PLANNED", -100, 3600),
        ("REJECTED", -100, 3600),
        ("SOMETHING", -100, 3600),
        ("ACCEPTED", -100, 86400 + 100),  # not before data can be there
        ("PROCESSING", 100, 86400 - 100),
        ("PROCESSING", 90000, 3600),
        ("DATA_AVAILABLE", 90000, 3600),  # the capture's id is not known yet
    ],
)
def test_the_next_look_is_the_next_real_event(
    axelglobe: AxelGlobe, word: str, after_capture: float, looks: float
) -> None:
    from tasking.axelglobe.conversions import request_of

    capture = Candidate(id="c", start=START, end=START + timedelta(seconds=10))
    window = {"valid_start": START - timedelta(days=3), "valid_end": START + timedelta(days=7)}
    answer = TaskRequest.model_validate({"id": "r", "properties": {"status": word, **window}})
    now = capture.end + timedelta(seconds=after_capture)
    request: TaskingRequest = request_of(answer, axelglobe.settings, now, capture)
    assert request.next_look_at == now + timedelta(seconds=looks)
    assert request.give_up_at == window["valid_end"] + timedelta(days=14)
    assert request.start == capture.start


def test_an_unknown_plan_is_not_found(axelglobe: AxelGlobe) -> None:
    with pytest.raises(NotFound):
        axelglobe.read_plan("VGFza1BsYW46dW5rbm93bg==")


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "next_to_self"}, UnexpectedAnswer),
        ({"kind": "next_to_other_host"}, UnexpectedAnswer),
        ({"kind": "deep_json"}, UnexpectedAnswer),
        ({"kind": "huge_json", "bytes": 3_000_000}, UnexpectedAnswer),
        ({"kind": "malformed", "how": "html"}, UnexpectedAnswer),
        ({"kind": "redirect"}, UnexpectedAnswer),
        ({"kind": "reset_after"}, Unavailable),
        ({"kind": "cut_body"}, Unavailable),
        ({"kind": "status", "code": 503}, Unavailable),
    ],
    ids=lambda each: str(each),
)
def test_a_list_that_fails_says_how(
    axelglobe: AxelGlobe, simulator: Simulator, many: list[str], fault: dict[str, Any], error: type[Exception]
) -> None:
    simulator.fault(**fault, method="GET", path=ITEMS.format("requests"), times=-1)
    with pytest.raises(error):
        list(axelglobe.client.requests())


def test_a_short_trouble_is_survived_without_a_word(
    axelglobe: AxelGlobe, simulator: Simulator, many: list[str]
) -> None:
    simulator.fault("reset_after", method="GET", path=ITEMS.format("requests") + "*", times=1)
    simulator.fault("status", method="GET", path=ITEMS.format("requests") + "*", code=502, times=1)
    assert set(axelglobe.read(many[:1])) == {many[0]}


def test_the_whole_documented_api_is_spoken(axelglobe: AxelGlobe) -> None:
    client = axelglobe.client
    assert {link.rel for link in client.landing().links} >= {"self", "conformance", "data"}
    assert client.conformance()
    collections = {each.id for each in client.collections()}
    assert collections == {"satellites", "satellite_ground_tracks", "plans", "candidates", "requests"}
    assert client.collection("plans").id == "plans"
    satellites = list(client.satellites())
    assert client.satellite("grus-1b").id == "GRUS-1B"
    assert len(satellites) == 5
    tracks = list(client.ground_tracks("GRUS-1B"))
    assert {each.properties.platform for each in tracks} == {"GRUS-1B"}
    assert client.ground_track(str(tracks[0].id)).id == tracks[0].id


def test_an_order_is_checked_before_anything_is_sent(axelglobe: AxelGlobe, simulator: Simulator) -> None:
    axelglobe.client.landing()
    with pytest.raises(InvalidOrder, match="is past"):
        axelglobe.check(order_at(START - timedelta(days=40)))


def test_a_capture_that_only_the_link_names_comes_home_and_expired_addresses_are_renewed(
    axelglobe: AxelGlobe, simulator: Simulator, order: AxelGlobeOrder
) -> None:
    simulator.axelglobe.switch(capture_id_known="never", asset_life_seconds=3600)
    plan, candidates = planned(axelglobe, simulator, order, "linked")
    chosen = candidates[-1]
    request = axelglobe.request(order, plan.id, chosen, "linked")
    assert axelglobe.read([request.id])[request.id].capture_ids == (), "the link is there before there is data"
    simulator.advance((chosen.end - simulator.clock.now()).total_seconds() + 3 * 86400)
    request = axelglobe.read([request.id], {request.id: chosen})[request.id]
    assert len(request.capture_ids) == 1
    (item,) = axelglobe.products(request)
    simulator.advance(3700)
    with axelglobe.open_asset(item, "thumbnail") as response:
        assert response.read().startswith(b"\x89PNG")


def test_satellites_are_sent_only_where_the_order_names_some(axelglobe: AxelGlobe, simulator: Simulator) -> None:
    now = simulator.clock.now().replace(microsecond=0)
    cases: list[tuple[str, dict[str, Any]]] = [("all", {}), ("one", {"satellites": ["GRUS-1B"]})]
    for label, named in cases:
        since = last_call(simulator)
        axelglobe.plan(order_at(now, **named), f"satellites-{label}")
        (call,) = simulator.journal(path=ITEMS.format("plans"), method="POST", since=since)
        assert call["body"]["properties"].get("satellites") == named.get("satellites")
