"""ICEYE as a provider: found again, read, cancelled, and one order from quote to files against the simulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from blocks.iceye_tasking import IceyeTasking
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.errors import CredentialsRefused, InvalidOrder, ReferenceTaken, Refused, Uncertain
from tasking.iceye.order import IceyeOrder
from tasking.iceye.settings import IceyeSettings
from tasking.provider import Cancels, Plans, Provider, Quotes, TaskingRequest
from tasking.status import StatusCode
from tests.support.iceye_answers import CONTRACT, SCENE, TASK, Answers, iceye, json_answer, task
from tests.support.iceye_orders import order

TASKS, ONE = "/api/tasking/v2/tasks", f"/api/tasking/v2/tasks/{TASK}"
NOW = datetime(2026, 12, 1, tzinfo=UTC)


def uuid_of(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def found(answers: Answers, label: str = "ref", wanted: IceyeOrder | None = None) -> str | None:
    with iceye(answers) as provider:
        request = provider.find_request(wanted or order(), None, label)
    return request.id if request is not None else None


def read(answers: Answers, **changes: Any) -> TaskingRequest:
    answers.on("GET", ONE, json_answer(200, task(**changes)))
    with iceye(answers) as provider:
        return provider.read([TASK])[TASK]


def test_it_is_a_provider_that_quotes_and_cancels_and_does_not_plan() -> None:
    with iceye(Answers()) as made:
        provider: Provider = made
        assert provider.name == "iceye"
        assert isinstance(provider, Quotes)
        assert isinstance(provider, Cancels)
        assert not isinstance(provider, Plans)


def test_another_providers_order_is_refused() -> None:
    ring = [[1, 1], [1.1, 1], [1.1, 1.1], [1, 1]]
    window = {"start": "2026-12-03T00:00:00Z", "end": "2026-12-06T00:00:00Z"}
    area = {"type": "Polygon", "coordinates": [ring]}
    other = AxelGlobeOrder.model_validate({"name": "x", "area": area, "window": window})
    with iceye(Answers()) as provider, pytest.raises(InvalidOrder, match="give an IceyeOrder"):
        provider.check(other)


def test_a_block_opens_the_provider_with_its_settings() -> None:
    block = IceyeTasking(client_id=SecretStr("a"), client_secret=SecretStr("b"), auth_url="https://auth.example.com")
    with block.open() as provider:
        assert provider.settings.token_url == "https://auth.example.com/v1/token"
    assert all((field.description or "").endswith(".") for field in IceyeSettings.model_fields.values())


# found again ---------------------------------------------------------------------------------------------------------


def test_the_oldest_task_of_the_reference_is_ours_wherever_it_is_listed() -> None:
    answers = Answers()
    listed = [task(id=uuid_of(n), reference="other") for n in range(3)]
    young = task(id=uuid_of(7), createdAt="2026-12-02T00:00:00+02:00")
    old = task(id=uuid_of(8), createdAt="2026-12-01T10:00:00Z")
    pages = [
        json_answer(200, {"data": [*listed, young], "cursor": "2"}),
        json_answer(200, {"data": [old, task(id=uuid_of(9), createdAt=None)]}),
    ]
    answers.on("GET", TASKS, *pages)
    assert found(answers) == uuid_of(8)


def test_tasks_made_since_the_order_can_have_been_placed_are_listed() -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": []}))
    assert found(answers) is None
    (asked,) = answers.calls("GET", TASKS)
    # its window ends on the 6th, so it was placed after 22 November; three days more for clocks that disagree
    assert dict(asked.url.params) == {"createdAfter": "2026-11-19T00:00:00Z", "limit": "100"}
    assert found(answers, wanted=order(contract_id=CONTRACT)) is None
    assert answers.calls("GET", TASKS)[-1].url.params["contractID"] == CONTRACT


def test_a_list_that_takes_no_filters_is_read_whole() -> None:
    answers = Answers()
    no = json_answer(400, {"code": "E", "message": "limit out of range"})
    answers.on("GET", TASKS, no, json_answer(200, {"data": [task()]}))
    assert found(answers) == TASK
    assert dict(answers.calls("GET", TASKS)[1].url.params) == {}


def test_a_task_without_reference_in_the_list_is_read_before_it_counts_as_anothers() -> None:
    answers = Answers()
    bare = {key: value for key, value in task().items() if key != "reference"}
    elsewhere = {**bare, "id": uuid_of(1), "pointOfInterest": {"lat": 1, "lon": 1}}
    answers.on("GET", TASKS, json_answer(200, {"data": [elsewhere, bare]}))
    answers.on("GET", ONE, json_answer(200, task()))
    assert found(answers) == TASK
    assert not answers.calls("GET", f"{TASKS}/{uuid_of(1)}")


@pytest.mark.parametrize(
    "same",
    [
        {"pointOfInterest": {"lat": 60.169998, "lon": 24.940001}},  # single precision
        {"acquisitionWindow": {"start": "2026-12-03T02:00:00+02:00", "end": "2026-12-06T00:00:00.4Z"}},
        {"acquisitionWindow": {}, "pointOfInterest": {}},
        {"imagingMode": "SPOTLIGHT"},  # the order leaves it to the contract
        {"contractID": uuid_of(5)},
    ],
)
def test_a_task_that_says_the_same_in_other_words_is_ours(same: dict[str, Any]) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [task(**same)]}))
    assert found(answers) == TASK


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"pointOfInterest": {"lat": 60.2, "lon": 24.94}}, "its point is 60.2, 24.94"),
        ({"pointOfInterest": {"lat": 60.17, "lon": -24.94}}, "its point is 60.17, -24.94"),
        ({"acquisitionWindow": {"start": "2026-12-02T00:00:00Z"}}, "its window's start is 2026-12-02"),
        ({"acquisitionWindow": {"end": "2026-12-07T00:00:00Z"}}, "its window's end is 2026-12-07"),
        ({"imagingMode": "SPOTLIGHT"}, "its imaging mode is SPOTLIGHT, this order's is SCAN"),
    ],
)
def test_another_orders_task_under_our_reference_is_said_to_be_one(other: dict[str, Any], said: str) -> None:
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [task(**other)]}))
    with pytest.raises(ReferenceTaken, match=said):
        found(answers, wanted=order(imaging_mode="SCAN"))
    both = [task(id=uuid_of(1), createdAt="2026-11-30T00:00:00Z", **other), task()]
    answers.on("GET", TASKS, json_answer(200, {"data": both}))
    assert found(answers, wanted=order(imaging_mode="SCAN")) == TASK


def test_references_are_told_apart_exactly() -> None:
    answers = Answers()
    others = [task(id=uuid_of(n), reference=each) for n, each in enumerate(("ref#2", "REF", "ref ", "reff"))]
    answers.on("GET", TASKS, json_answer(200, {"data": others}))
    assert found(answers) is None
    assert found(answers, "ref#2") == uuid_of(0)


# read ----------------------------------------------------------------------------------------------------------------

STORY: dict[str, tuple[StatusCode | None, tuple[str, ...], bool]] = {
    "RECEIVED": (StatusCode.RECEIVED, (), False),
    "ACTIVE": (StatusCode.ACCEPTED, (), False),
    "FULFILLED": (StatusCode.PROCESSING, ("sla-products",), False),
    "DONE": (StatusCode.COMPLETED, ("sla-products", "all-products"), False),
    "REJECTED": (StatusCode.REJECTED, (), True),
    "FAILED": (StatusCode.FAILED, (), False),
    "CANCELED": (StatusCode.USER_CANCELLED, (), False),
    "PAUSED": (None, (), False),
}


@pytest.mark.parametrize("word", STORY)
def test_each_word_means_one_thing_and_the_scene_is_asked_only_where_there_is_one(word: str) -> None:
    answers = Answers()
    answers.on("GET", f"{ONE}/scene", json_answer(200, SCENE))
    request = read(answers, status=word)
    assert (request.status, request.capture_ids, request.final) == STORY[word]
    assert request.provider_status == word
    assert len(answers.calls("GET", f"{ONE}/scene")) == (word in ("ACTIVE", "FULFILLED", "DONE"))


def test_a_scene_gives_the_time_and_the_angle_of_the_image() -> None:
    answers = Answers()
    answers.on("GET", f"{ONE}/scene", json_answer(200, SCENE))
    planned, imaged = read(answers, status="ACTIVE"), read(answers, status="DONE")
    assert planned.start == datetime(2026, 12, 4, 10, tzinfo=UTC)
    assert planned.cancel_until == planned.start
    assert planned.note == "planned at 37.38° incidence, right looking, ascending"
    assert imaged.note == "imaged at 37.38° incidence, right looking, ascending"


@pytest.mark.parametrize(
    "scene",
    [
        json_answer(404, {"code": "ERR_SCENE_UNAVAILABLE", "message": "no"}),
        json_answer(200, []),
        json_answer(200, {"imagingTime": None, "incidenceAngle": "steep", "lookSide": 7}),
    ],
)
def test_an_order_is_read_also_while_its_scene_is_not_there(scene: httpx.Response) -> None:
    answers = Answers()
    answers.on("GET", f"{ONE}/scene", scene)
    request = read(answers, status="ACTIVE")
    assert (request.start, request.note) == (datetime(2026, 12, 3, tzinfo=UTC), "")
    assert abs(request.next_look_at - NOW - timedelta(minutes=10)) < timedelta(seconds=5)


@pytest.mark.parametrize(("now", "changes", "look"), [
    ("2026-12-01T00:05:00Z", {}, "2026-12-01T00:20:00Z"),  # the decision
    ("2026-12-01T00:30:00Z", {}, "2026-12-01T00:40:00Z"),  # late: by the poll interval
    ("2026-12-02T00:00:00Z", {"status": "ACTIVE"}, "2026-12-04T10:00:15Z"),  # the imaging
    ("2026-12-04T10:01:00Z", {"status": "ACTIVE"}, "2026-12-05T10:00:15Z"),  # the SLA, by its name
    ("2026-12-04T10:01:00Z", {"status": "ACTIVE", "productsAvailableInSeconds": 3600}, "2026-12-04T11:00:15Z"),
    ("2026-12-04T10:01:00Z", {"status": "ACTIVE", "sla": "FAST"}, "2026-12-05T10:00:15Z"),  # the settings
    ("2026-12-05T11:00:00Z", {"status": "ACTIVE"}, "2026-12-05T11:10:00Z"),
    ("2026-12-05T00:00:00Z", {"status": "FULFILLED"}, "2026-12-05T00:10:00Z"),
])  # fmt: skip
def test_the_next_look_is_at_the_orders_next_event(now: str, changes: dict[str, Any], look: str) -> None:
    moment = datetime.fromisoformat(now)
    date = {"Date": moment.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    answers = Answers()
    answers.on("GET", ONE, json_answer(200, task(**changes), **date))
    answers.on("GET", f"{ONE}/scene", json_answer(200, SCENE, **date))
    with iceye(answers) as provider:
        request = provider.read([TASK])[TASK]
    assert abs(request.next_look_at - datetime.fromisoformat(look)) < timedelta(seconds=5)
    assert request.give_up_at > datetime(2026, 12, 20, tzinfo=UTC)


def test_many_are_read_in_pages_and_few_singly() -> None:
    ids = [uuid_of(n) for n in range(150)]
    answers = Answers()
    pages = [
        json_answer(200, {"data": [task(id=each) for each in ids[:100]], "cursor": "2"}),
        json_answer(200, {"data": [task(id=each) for each in ids[100:149]], "cursor": "3"}),
        json_answer(200, {"data": [], "cursor": "4"}),
    ]
    answers.on("GET", TASKS, *pages)
    answers.on("GET", f"{TASKS}/{ids[149]}", json_answer(200, task(id=ids[149])))
    with iceye(answers) as provider:
        assert set(provider.read([*ids[:149], uuid_of(999)])) == set(ids[:149])
        assert len(answers.calls("GET", TASKS)) == 2
        assert set(provider.read([ids[149]])) == {ids[149]}
        assert len(answers.calls("GET", TASKS)) == 2


def test_a_list_with_an_odd_entry_does_not_stop_the_reading() -> None:
    ids = [uuid_of(n) for n in range(3)]
    answers = Answers()
    answers.on("GET", TASKS, json_answer(200, {"data": [{}]}))
    for each in ids:
        answers.on("GET", f"{TASKS}/{each}", json_answer(200, task(id=each)))
    with iceye(answers) as provider:
        assert set(provider.read(ids)) == set(ids)


# cancellation --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "created", "fee"), [
    ("2026-11-29T23:00:00Z", "2026-11-25T00:00:00Z", 0),
    ("2026-11-30T01:00:00Z", "2026-11-25T00:00:00Z", 10),
    ("2026-12-01T01:00:00Z", "2026-11-25T00:00:00Z", 20),
    ("2026-12-02T01:00:00Z", "2026-11-25T00:00:00Z", 100),
    ("2026-12-03T05:00:00Z", "2026-11-25T00:00:00Z", 100),
    ("2026-12-02T10:00:00Z", "2026-12-02T09:00:00Z", None),
])  # fmt: skip
def test_the_fee_follows_the_time_to_the_window(now: str, created: str, fee: float | None) -> None:
    date = {"Date": datetime.fromisoformat(now).strftime("%a, %d %b %Y %H:%M:%S GMT")}
    answers = Answers()
    answers.on("GET", ONE, json_answer(200, task(createdAt=created), **date))
    with iceye(answers) as provider:
        terms = provider.cancel_terms(TASK)
    assert (terms.fee_percent, terms.allowed) == (fee, fee is not None)
    assert not answers.calls("PATCH", ONE)


def test_a_task_that_was_imaged_cannot_be_cancelled() -> None:
    answers = Answers()
    after = {"Date": "Fri, 04 Dec 2026 10:01:00 GMT"}
    answers.on("GET", ONE, json_answer(200, task(status="ACTIVE"), **after))
    answers.on("GET", f"{ONE}/scene", json_answer(200, SCENE, **after))
    with iceye(answers) as provider:
        assert "Imaging of task" in provider.cancel_terms(TASK).message
        answers.on("GET", ONE, json_answer(200, task(status="DONE"), **after))
        assert provider.cancel_terms(TASK).allowed is False


CANCELED = json_answer(200, task(status="CANCELED"))
STILL = json_answer(200, task(status="ACTIVE"))
NO = json_answer(400, {"code": "E", "message": "too late"})


@pytest.mark.parametrize("answer", [CANCELED, httpx.ReadTimeout("slow"), json_answer(500, {}), STILL, NO])
def test_a_cancel_that_took_is_known_whatever_its_answer(answer: httpx.Response | Exception) -> None:
    answers = Answers()
    answers.on("PATCH", ONE, answer)
    answers.on("GET", ONE, CANCELED)
    with iceye(answers) as provider:
        assert provider.cancel(TASK).status is StatusCode.USER_CANCELLED
    assert len(answers.calls("PATCH", ONE)) == 1


@pytest.mark.parametrize(("answer", "kind"), [
    (httpx.ReadTimeout("slow"), Uncertain),
    (json_answer(500, {}), Uncertain),
    (STILL, Uncertain),
    (NO, Refused),
    (json_answer(403, {"code": "E", "message": "no"}), CredentialsRefused),
])  # fmt: skip
def test_a_cancel_that_did_not_take_is_never_said_to_have(
    answer: httpx.Response | Exception, kind: type[Exception]
) -> None:
    answers = Answers()
    answers.on("PATCH", ONE, answer)
    answers.on("GET", ONE, json_answer(200, task(status="FULFILLED")))
    with iceye(answers) as provider, pytest.raises(kind):
        provider.cancel(TASK)
    assert len(answers.calls("PATCH", ONE)) == 1
