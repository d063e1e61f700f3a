"""Satellogic's verbs against the served simulator, which knows nothing of our client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from blocks.satellogic_tasking import SatellogicTasking
from tasking.candidate import Candidate
from tasking.delivery.verify import verify
from tasking.errors import (
    CredentialsRefused,
    DeliveryFailed,
    InvalidOrder,
    NotFound,
    ReferenceTaken,
    Refused,
    Unavailable,
    Uncertain,
    UnsafeAsset,
)
from tasking.http.api import HttpSettings
from tasking.provider import Cancels, Plans, Provider, Quotes, TaskingRequest
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings
from tasking.simulator import Simulator, serve
from tasking.status import StatusCode
from tests.support.delivery import deliver

START = datetime(2026, 12, 1, tzinfo=UTC)
HTTP = HttpSettings(
    attempts=3,
    wait_initial_seconds=0,
    wait_max_seconds=0,
    wait_jitter_seconds=0,
    requests_per_second=10_000,
    own_clock=True,
    read_seconds=5,
)
TASKS = "/satellogic/tasking/tasks/"


@pytest.fixture(scope="module")
def shared_simulator() -> Iterator[Simulator]:
    with serve(start=START) as simulator:
        yield simulator


@pytest.fixture
def simulator(shared_simulator: Simulator) -> Iterator[Simulator]:
    """The module's simulator; faults and switches of a test end with it."""
    shared, own = (
        shared_simulator.world.switches.now.model_dump(),
        shared_simulator.satellogic.switches.now.model_dump(),
    )
    yield shared_simulator
    shared_simulator.world.switches.change(**shared)
    shared_simulator.satellogic.switches.change(**own)
    shared_simulator.world.faults.clear()


def settings_for(simulator: Simulator, **more: Any) -> SatellogicSettings:
    client_id, secret = simulator.credentials
    said = {
        "api_url": simulator.satellogic.api_url,
        "token_url": simulator.satellogic.token_url,
        "client_id": client_id,
        "client_secret": SecretStr(secret),
        "contract_id": simulator.satellogic.contracts()[0]["contract_id"],
        "http": HTTP,
    }
    return SatellogicSettings(**{**said, **more})


def opened(simulator: Simulator, **more: Any) -> Satellogic:
    plain = httpx.HTTPTransport(verify=False)  # there is no https here; loading certificates costs most of a test
    return Satellogic(settings_for(simulator, **more), transport=plain)


@pytest.fixture
def satellogic(simulator: Simulator) -> Iterator[Satellogic]:
    with opened(simulator) as provider:
        yield provider


def order_at(simulator: Simulator, days: float = 5, **more: Any) -> SatellogicOrder:
    now = simulator.clock.now().replace(microsecond=0)
    said = {
        "name": "Tokyo Bay",
        "point": {"lat": 35.6, "lon": 139.7},
        "window": {"start": now, "end": now + timedelta(days=days)},
    }
    return SatellogicOrder.model_validate({**said, **more})


def area_at(simulator: Simulator, **more: Any) -> SatellogicOrder:
    ring = [[139.7, 35.6], [139.85, 35.6], [139.85, 35.7], [139.7, 35.7], [139.7, 35.6]]
    return order_at(simulator, point=None, area={"type": "Polygon", "coordinates": [ring]}, product="area", **more)


def chosen(provider: Satellogic, simulator: Simulator, order: SatellogicOrder, label: str) -> Candidate:
    plan = provider.plan(order, label)
    simulator.advance(61)
    now = simulator.clock.now()
    return next(each for each in provider.candidates(plan.id) if each.start > now + timedelta(hours=36))


def requested(provider: Satellogic, simulator: Simulator, order: SatellogicOrder, label: str) -> TaskingRequest:
    """The order's task; which opportunity was chosen only matters to a narrow one."""
    if order.narrowed:
        return provider.request(order, None, chosen(provider, simulator, order, label), label)
    return provider.request(order, None, Candidate(id="any", start=START, end=START), label)


def seen_until_end(
    provider: Satellogic, simulator: Simulator, request: TaskingRequest, hours: float = 6
) -> list[TaskingRequest]:
    """The task as it is read again and again, until it ends."""
    seen = [request]
    for _ in range(200):
        simulator.advance(hours * 3600)
        seen.append(provider.read([request.id])[request.id])
        if seen[-1].provider_status in ("completed", "partially_completed", "failed", "canceled"):
            return seen
    raise AssertionError(f"never ended: {seen[-1]}")


def sent(simulator: Simulator, since: int, method: str = "POST", path: str = TASKS) -> int:
    return len(simulator.journal(path=path, method=method, since=since))


def last_call(simulator: Simulator) -> int:
    calls = simulator.journal()
    return int(calls[-1]["index"]) if calls else 0


def at_provider(simulator: Simulator, label: str) -> list[int]:
    return list(simulator.satellogic.summary()["tasks_by_name"].get(label, []))


def test_it_plans_and_cancels_and_gives_no_quotes(satellogic: Satellogic) -> None:
    provider: Provider = satellogic
    assert provider.name == "satellogic"
    assert isinstance(provider, Plans)
    assert isinstance(provider, Cancels)
    assert not isinstance(provider, Quotes)


def test_contracts_are_listed_without_one_and_products_have_codes(satellogic: Satellogic, simulator: Simulator) -> None:
    assert [each.name for each in satellogic.client.contracts()][:2] == ["Standard tasking", "Rush tasking"]
    simulator.satellogic.switches.change(contracts_shape="results")
    assert len(satellogic.client.contracts()) == 3
    assert {(each.code, each.is_area) for each in satellogic.client.products()} == {(169, False), (178, True)}


def test_a_point_goes_from_analysis_to_verified_files(
    satellogic: Satellogic, simulator: Simulator, tmp_path: Path
) -> None:
    order = order_at(simulator, narrow=True)
    satellogic.check(order)
    assert satellogic.find_plan(order, "whole") is None
    plan = satellogic.plan(order, "whole")
    assert not plan.ready
    assert satellogic.candidates(plan.id) == []
    simulator.advance(61)
    assert satellogic.read_plan(plan.id).ready
    assert satellogic.read_plan(plan.id).created == plan.created
    candidates = satellogic.candidates(plan.id)
    assert satellogic.candidates(plan.id) == candidates
    assert len({each.id for each in candidates}) == len(candidates) > 1
    picked = next(each for each in candidates if each.start > simulator.clock.now() + timedelta(hours=36))
    assert picked.valid_until == picked.start - timedelta(hours=6)

    assert satellogic.find_request(order, plan.id, "whole") is None
    request = satellogic.request(order, plan.id, picked, "whole")
    assert (request.status, request.start, request.platform) == (StatusCode.RECEIVED, picked.start, picked.platform)
    found = satellogic.find_request(order, plan.id, "whole")
    assert found is not None
    assert found.id == request.id
    (task,) = [each for each in simulator.satellogic.tasks() if each["task_name"] == "whole"]
    assert task["start"] == pytest.approx((picked.start - timedelta(minutes=10)).timestamp())
    assert task["end"] == pytest.approx((picked.end + timedelta(minutes=10)).timestamp())

    seen = seen_until_end(satellogic, simulator, request, hours=2)
    words = list(dict.fromkeys(each.provider_status for each in seen))
    assert [each for each in words if each != "planning"] == ["received", "pending", "in_progress", "completed"]
    assert len(seen[-1].capture_ids) == 1
    (item,) = satellogic.products(seen[-1])
    assert seen[-1].capture_ids[0] in item["id"]
    delivery = deliver(
        "whole", [item], tmp_path, satellogic.open_asset, title="Bay", description="Bay", order_facts={}, wait_seconds=0
    )
    assert verify(delivery.folder) == []
    assert {"delivery/visual.tif", "delivery/analytic.tif"} <= {each.asset_key for each in delivery.files}


def test_each_capture_of_a_series_can_be_fetched_as_soon_as_it_is_published(
    satellogic: Satellogic, simulator: Simulator
) -> None:
    order = order_at(simulator, days=14, max_captures=3, expected_age_days=3)
    seen = seen_until_end(satellogic, simulator, requested(satellogic, simulator, order, "series"), hours=12)
    counts = [len(each.capture_ids) for each in seen]
    assert counts == sorted(counts)
    assert set(counts) == {0, 1, 2, 3}
    early = next(each for each in seen if each.capture_ids)
    assert early.status not in (StatusCode.COMPLETED, StatusCode.FAILED)
    assert early.note.startswith("1 of 3 captures")
    assert len(satellogic.products(early)) == 1
    assert seen[-1].status is StatusCode.COMPLETED


def test_an_area_comes_strip_by_strip_and_takes_the_whole_window(satellogic: Satellogic, simulator: Simulator) -> None:
    order = area_at(simulator, days=14)
    request = requested(satellogic, simulator, order, "area")
    assert (request.start, request.end) == (order.window.start, order.window.end)
    seen = seen_until_end(satellogic, simulator, request, hours=12)
    assert seen[-1].status is StatusCode.COMPLETED
    assert len({len(each.capture_ids) for each in seen}) > 2
    assert len(satellogic.products(seen[-1])) == len(seen[-1].capture_ids)


def test_a_failed_capture_is_shown_while_another_is_sought(satellogic: Satellogic, simulator: Simulator) -> None:
    request = requested(satellogic, simulator, order_at(simulator, days=7, narrow=False), "retry")
    simulator.satellogic.fail_next_captures(1)
    seen = seen_until_end(satellogic, simulator, request)
    assert any(each.provider_status in ("planning", "pending") and "1 failed" in each.note for each in seen)
    assert seen[-1].status is StatusCode.COMPLETED


def test_fewer_captures_than_wanted_is_a_delivery_with_a_note(satellogic: Satellogic, simulator: Simulator) -> None:
    request = requested(satellogic, simulator, order_at(simulator, days=3, max_captures=9, expected_age_days=1), "few")
    last = seen_until_end(satellogic, simulator, request)[-1]
    assert (last.provider_status, last.status) == ("partially_completed", StatusCode.COMPLETED)
    assert last.note.startswith(f"{len(last.capture_ids)} of 9 captures published; ")
    assert "missing when the window ended" in last.note


def test_a_narrow_task_whose_word_says_failed_while_its_capture_is_processed_still_delivers_it(
    satellogic: Satellogic, simulator: Simulator
) -> None:
    simulator.satellogic.switches.change(ends_with_window=True)
    request = requested(satellogic, simulator, order_at(simulator, narrow=True), "narrow")
    seen = [request]
    for _ in range(80):
        simulator.advance(3600)
        seen.append(satellogic.read([request.id])[request.id])
        if seen[-1].capture_ids:
            break
    told = {each.status for each in seen if each.provider_status == "failed" and not each.capture_ids}
    assert told == {StatusCode.PROCESSING}, "the window ended before the capture was published"
    assert (seen[-1].provider_status, seen[-1].status) == ("failed", StatusCode.COMPLETED)
    assert len(satellogic.products(seen[-1])) == 1


def test_the_archive_serves_where_the_settings_say_so(simulator: Simulator) -> None:
    with opened(simulator, products_from="archive") as provider:
        request = requested(provider, simulator, order_at(simulator), "archive")
        done = seen_until_end(provider, simulator, request)[-1]
        items = provider.products(done)
        assert items
        assert {each["properties"]["satl:outcome_id"] for each in items} == set(done.capture_ids)
        with provider.open_asset(items[0], "visual") as response:
            assert response.read()[:2] in (b"II", b"MM")


def test_an_address_that_expired_is_asked_for_anew(satellogic: Satellogic, simulator: Simulator) -> None:
    simulator.satellogic.switches.change(attachment_access="signed", signed_seconds=600)
    request = requested(satellogic, simulator, order_at(simulator), "signed")
    done = seen_until_end(satellogic, simulator, request)[-1]
    (item,) = satellogic.products(done)
    simulator.advance(3600)
    with satellogic.open_asset(item, "delivery") as response:
        assert response.read().startswith(b"PK")


TRAPS: list[tuple[str, type[DeliveryFailed]]] = [
    ("parent_path", UnsafeAsset),
    ("absolute_path", UnsafeAsset),
    ("backslash_path", UnsafeAsset),
    ("symlink", UnsafeAsset),
    ("huge_declared", UnsafeAsset),
    ("bomb", UnsafeAsset),
    ("duplicate", UnsafeAsset),
    ("many_entries", UnsafeAsset),
    ("wrong_crc", DeliveryFailed),
    ("understated", DeliveryFailed),
    ("truncated", DeliveryFailed),
    ("not_a_zip", DeliveryFailed),
    ("cut_tiff", DeliveryFailed),
]


def test_no_trap_of_the_provider_comes_home(satellogic: Satellogic, simulator: Simulator, tmp_path: Path) -> None:
    request = requested(satellogic, simulator, order_at(simulator), "traps")
    items = satellogic.products(seen_until_end(satellogic, simulator, request)[-1])

    def bring(reference: str) -> list[str]:
        how: dict[str, Any] = {"title": "Bay", "description": "Bay", "order_facts": {}, "wait_seconds": 0, "tries": 1}
        delivery = deliver(reference, items, tmp_path, satellogic.open_asset, **how)
        return verify(delivery.folder)

    for trap, error in TRAPS:
        simulator.satellogic.switches.change(zip_trap=trap)
        with pytest.raises(error):
            bring(trap)
        assert not (tmp_path / trap / "catalog.json").exists(), trap
    simulator.satellogic.switches.change(zip_trap="encrypted")  # nobody can judge it: kept as it came
    assert bring("encrypted") == []
    assert list((tmp_path / "encrypted").rglob("*.zip"))
    simulator.satellogic.switches.change(zip_trap="")
    assert bring("wrong_crc") == []
    known = {*(trap for trap, _ in TRAPS), "encrypted", "home"}
    outside = [each for each in tmp_path.iterdir() if each.name not in known]
    assert outside == []


# what is ours ---------------------------------------------------------------------------------------------------------


def test_the_oldest_of_several_tasks_of_ours_is_taken(satellogic: Satellogic, simulator: Simulator) -> None:
    order = order_at(simulator, narrow=False)
    first = requested(satellogic, simulator, order, "twice")
    requested(satellogic, simulator, order, "twice")
    found = satellogic.find_request(order, None, "twice")
    assert found is not None
    assert found.id == first.id


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"point": {"lat": 35.7, "lon": 139.7}}, "its target lies within"),
        ({"max_captures": 2}, "wants 2 captures, this order 1"),
        ({"days": 2}, "its window is"),
        ({"area": True}, "its product is 178, this order's is 169"),
    ],
)
def test_another_orders_task_of_our_name_is_not_taken(
    satellogic: Satellogic, simulator: Simulator, changes: dict[str, Any], why: str
) -> None:
    label = f"other-{why[:16]}".replace(" ", "-")
    changes = dict(changes)
    ours = order_at(simulator, narrow=False)
    other = area_at(simulator) if changes.pop("area", False) else order_at(simulator, narrow=False, **changes)
    requested(satellogic, simulator, other, label)
    with pytest.raises(ReferenceTaken, match=why):
        satellogic.find_request(ours, None, label)


@pytest.mark.parametrize("filters", ["honoured", "ignored"])
def test_our_task_is_found_among_many_whatever_the_filter_does(
    satellogic: Satellogic, simulator: Simulator, filters: str
) -> None:
    order = order_at(simulator, narrow=False)
    payload = {"task_name": "", "project_name": "p", "product": 169, "target": order.target}
    window = {"start": order.window.start.isoformat(), "end": order.window.end.isoformat()}
    for number in range(6):
        satellogic.client.create_task({**payload, **window, "task_name": f"needle-{filters}-{number}"})
    simulator.satellogic.switches.change(filters=filters, page_size_max=4)
    found = satellogic.find_request(order, None, f"needle-{filters}-5")
    assert found is not None
    assert satellogic.find_request(order, None, f"needle-{filters}") is None


def test_many_tasks_are_read_by_pages_and_unknown_ones_are_absent(satellogic: Satellogic, simulator: Simulator) -> None:
    order = order_at(simulator, narrow=False)
    ids = [requested(satellogic, simulator, order, f"many-{number}").id for number in range(5)]
    since = last_call(simulator)
    found = satellogic.read([*ids, "999999"])
    assert set(found) == set(ids)
    lists = simulator.journal(path=TASKS, since=since)
    single = [each for each in simulator.journal(path=f"{TASKS}*", since=since) if not each["path"].endswith("/")]
    assert len(lists) >= 1
    assert len(single) == 1


# never twice ----------------------------------------------------------------------------------------------------------


LOST: list[tuple[str, dict[str, Any], type[Exception], int]] = [
    ("no answer", {"kind": "reset_after"}, Uncertain, 1),
    ("nothing arrived", {"kind": "reset_before"}, Uncertain, 0),
    ("503 although made", {"kind": "status", "code": 503, "after_acting": True}, Uncertain, 1),
    ("503", {"kind": "status", "code": 503}, Uncertain, 0),
    ("an answer that cannot be read", {"kind": "malformed", "how": "cut"}, Uncertain, 1),
    ("a shape that is not a task", {"kind": "malformed", "how": "wrong_shape"}, Uncertain, 1),
    ("429", {"kind": "status", "code": 429}, Unavailable, 0),
    ("400", {"kind": "status", "code": 400}, Refused, 0),
    ("403", {"kind": "status", "code": 403}, CredentialsRefused, 0),
]


@pytest.mark.parametrize(("name", "fault", "error", "made"), LOST, ids=[each[0] for each in LOST])
def test_a_create_is_sent_once_whatever_comes_back(
    satellogic: Satellogic, simulator: Simulator, name: str, fault: dict[str, Any], error: type[Exception], made: int
) -> None:
    order, label = order_at(simulator, narrow=False), "once-" + name.replace(" ", "-")
    satellogic.learn_time()
    since = last_call(simulator)
    simulator.fault(**fault, method="POST", path=TASKS, times=-1)
    with pytest.raises(error):
        requested(satellogic, simulator, order, label)
    simulator.world.faults.clear()
    assert sent(simulator, since) == 1
    assert len(at_provider(simulator, label)) == made
    found = satellogic.find_request(order, None, label)
    assert [found.id for found in [found] if found] == [str(each) for each in at_provider(simulator, label)]


# cancelling -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["task", "empty"])
def test_a_cancel_is_sent_once_and_read_back(satellogic: Satellogic, simulator: Simulator, answer: str) -> None:
    request = requested(satellogic, simulator, order_at(simulator), f"cancel-{answer}")
    simulator.satellogic.switches.change(cancel_answer=answer)
    assert satellogic.cancel_terms(request.id).allowed
    since = last_call(simulator)
    canceled = satellogic.cancel(request.id)
    assert canceled.status is StatusCode.USER_CANCELLED
    assert sent(simulator, since, "PATCH", f"{TASKS}*") == 1
    assert not satellogic.cancel_terms(request.id).allowed
    assert satellogic.cancel(request.id).status is StatusCode.USER_CANCELLED  # again does no harm


def test_a_task_that_is_complete_cannot_be_canceled(satellogic: Satellogic, simulator: Simulator) -> None:
    request = requested(satellogic, simulator, order_at(simulator), "late")
    seen_until_end(satellogic, simulator, request)
    with pytest.raises(Refused, match="the task is completed"):
        satellogic.cancel(request.id)


def test_what_was_published_before_a_cancel_is_delivered(satellogic: Satellogic, simulator: Simulator) -> None:
    request = requested(
        satellogic, simulator, order_at(simulator, days=14, max_captures=4, expected_age_days=3), "part"
    )
    for _ in range(100):
        simulator.advance(6 * 3600)
        if satellogic.read([request.id])[request.id].capture_ids:
            break
    assert "1 capture published already stays yours" in satellogic.cancel_terms(request.id).message
    canceled = satellogic.cancel(request.id)
    assert canceled.status is StatusCode.USER_CANCELLED
    assert canceled.note.startswith("1 of 4 captures")
    assert len(satellogic.products(canceled)) == 1


# the rest -------------------------------------------------------------------------------------------------------------


def test_an_analysis_is_forgotten_after_a_day(satellogic: Satellogic, simulator: Simulator) -> None:
    plan = satellogic.plan(order_at(simulator), "forgotten")
    simulator.advance(25 * 3600)
    with pytest.raises(NotFound):
        satellogic.read_plan(plan.id)
    for strange in ("", "1", "opportunities/1", "other/1/20261201T000000Z", "opportunities//20261201T000000Z"):
        with pytest.raises(NotFound):
            satellogic.read_plan(strange)


def test_a_can_add_analysis_gives_no_more_than_what_is_possible(simulator: Simulator) -> None:
    order = order_at(simulator)
    found = {}
    for kind in ("opportunities", "can-add"):
        with opened(simulator, analysis=kind) as provider:
            plan = provider.plan(order, "kinds")
            simulator.advance(61)
            assert plan.id.startswith(f"{kind}/")
            found[kind] = {(each.platform, each.start) for each in provider.candidates(plan.id)}
    assert found["can-add"] < found["opportunities"]


def test_an_unknown_word_is_reported_and_waited_on(
    satellogic: Satellogic, simulator: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    request = requested(satellogic, simulator, order_at(simulator), "word")
    simulator.satellogic.decide(int(request.id), "on_hold")
    read = satellogic.read([request.id])[request.id]
    assert (read.status, read.provider_status) == (None, "on_hold")
    assert "on_hold" in caplog.text
    assert read.next_look_at > simulator.clock.now()


def test_a_wrong_secret_says_so_and_shows_none(simulator: Simulator) -> None:
    with (
        opened(simulator, client_secret=SecretStr("not-the-secret")) as provider,
        pytest.raises(CredentialsRefused) as caught,
    ):
        provider.learn_time()
    assert "not-the-secret" not in str(caught.value)


def test_a_contract_that_is_not_ours_is_refused(simulator: Simulator) -> None:
    with opened(simulator, contract_id="cont.another") as provider, pytest.raises(Refused):
        provider.find_request(order_at(simulator), None, "x")


def test_a_window_that_is_over_is_refused_without_a_call(satellogic: Satellogic, simulator: Simulator) -> None:
    order = order_at(simulator)
    satellogic.learn_time()
    simulator.advance(15 * 86400)
    satellogic.client.contracts()
    since = last_call(simulator)
    with pytest.raises(InvalidOrder, match="past"):
        satellogic.check(order)
    assert last_call(simulator) == since


def test_the_block_opens_the_provider(simulator: Simulator) -> None:
    said = settings_for(simulator)
    block = SatellogicTasking(**{name: getattr(said, name) for name in SatellogicSettings.model_fields})
    with block.open() as provider:
        provider.learn_time()
        assert provider.clock.known
    shown = json.dumps(block.model_json_schema())
    assert said.client_secret.get_secret_value() not in shown + repr(block)
    fields = block.model_json_schema()["properties"]
    assert all(fields[name]["description"].endswith(".") for name in SatellogicSettings.model_fields)
