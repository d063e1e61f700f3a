"""Satellogic's answers, as documented and otherwise: what is sent, what is read, and what each word means."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from tasking.candidate import Candidate
from tasking.errors import NotFound, ReferenceTaken, UnexpectedAnswer, UnsafeAsset
from tasking.http.api import HttpSettings
from tasking.provider import Items
from tasking.satellogic.analysis import AnalysisName, Stage, candidates_of, stage
from tasking.satellogic.client import SatellogicClient, task_payload
from tasking.satellogic.conversions import STATUS, request_of
from tasking.satellogic.matching import our_task
from tasking.satellogic.models import Analysis, Capture, Task
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings
from tasking.status import StatusCode

NOW = datetime(2026, 12, 3, 12, tzinfo=UTC)
QUICK = HttpSettings(
    attempts=2,
    wait_initial_seconds=0,
    wait_max_seconds=0,
    wait_jitter_seconds=0,
    requests_per_second=10_000,
    own_clock=True,
)
SAID: dict[str, Any] = {
    "client_id": "me",
    "client_secret": SecretStr("top-secret-value"),
    "contract_id": "cont.1",
    "http": QUICK,
}
SETTINGS = SatellogicSettings(**SAID)
TASK: dict[str, Any] = {
    "task_id": 299035,
    "task_name": "bay",
    "project_name": "Theme parks",
    "product": 169,
    "start": "2026-12-01T00:00:00",
    "end": "2026-12-15T03:00:00+03:00",
    "priority": 13,
    "client": "me",
    "target": {"type": "Point", "coordinates": [139.7, 35.6, 0.0]},
    "created_time": "2026-11-30T10:00:00Z",
    "status": "received",
}
ORDER = SatellogicOrder.model_validate(
    {
        "name": "Bay",
        "point": {"lat": 35.6, "lon": 139.7},
        "window": {"start": "2026-12-01T00:00:00Z", "end": "2026-12-15T00:00:00Z"},
    }
)
NARROW = ORDER.model_copy(update={"narrow": True})

Answer = Callable[[httpx.Request], httpx.Response]


class Served:
    """Answers by path, and what was asked."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers, self.asked = answers, list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path == "/oauth/token":
            return httpx.Response(200, json={"access_token": "the-token", "expires_in": 86400, "token_type": "Bearer"})
        answer = self.answers.get(request.url.path)
        if answer is None:
            return httpx.Response(404, json={"detail": "Not found."})
        return answer(request) if callable(answer) else httpx.Response(200, json=answer)

    def calls(self, path: str) -> list[httpx.Request]:
        return [each for each in self.asked if each.url.path == path]


@pytest.fixture(autouse=True)
def home_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))


def provider_for(answers: dict[str, Any], **more: Any) -> tuple[Satellogic, Served]:
    served = Served(answers)
    return Satellogic(SatellogicSettings(**{**SAID, **more}), transport=httpx.MockTransport(served)), served


# what is sent ---------------------------------------------------------------------------------------------------------


def test_calls_carry_the_token_in_its_own_header_and_the_contract() -> None:
    provider, served = provider_for({"/tasking/tasks/1": TASK})
    provider.client.task("1")
    token, call = served.asked
    assert str(token.url) == "https://auth.platform.satellogic.com/oauth/token"
    assert json.loads(token.content) == {
        "client_id": "me",
        "client_secret": "top-secret-value",
        "audience": "https://api.satellogic.com/",
        "grant_type": "client_credentials",
    }
    assert call.headers["AuthorizationToken"] == "Bearer the-token"
    assert call.headers["X-Satellogic-Contract-Id"] == "cont.1"
    assert "Authorization" not in call.headers
    assert not {"AuthorizationToken", "X-Satellogic-Contract-Id"} & set(token.headers)


@pytest.mark.parametrize("shape", [[{"contract_id": "c", "name": "n"}], {"results": [{"contract_id": "c"}]}])
def test_contracts_are_asked_for_without_a_contract(shape: Any) -> None:
    provider, served = provider_for({"/contracts": shape})
    assert [each.contract_id for each in provider.client.contracts()] == ["c"]
    (call,) = served.calls("/contracts")
    assert call.headers["AuthorizationToken"] == "Bearer the-token"
    assert "X-Satellogic-Contract-Id" not in call.headers


def test_a_task_is_sent_as_the_document_writes_it() -> None:
    provider, served = provider_for({"/tasking/tasks/": lambda _: httpx.Response(201, json=TASK)})
    start = datetime(2026, 12, 5, 1, 2, tzinfo=UTC)
    candidate = Candidate(id="c", start=start, end=start + timedelta(minutes=1), platform="NewSat31")
    whole, one = (provider.request(each, None, candidate, "bay") for each in (ORDER, NARROW))
    for call, begin, end in zip(
        served.calls("/tasking/tasks/"),
        ("2026-12-01T00:00:00Z", "2026-12-05T00:52:00Z"),
        ("2026-12-15T00:00:00Z", "2026-12-05T01:13:00Z"),
        strict=True,
    ):
        assert json.loads(call.content) == {
            "task_name": "bay",
            "project_name": "Bay",
            "product": 169,
            "target": {"type": "Point", "coordinates": [139.7, 35.6]},
            "start": begin,
            "end": end,
        }
    assert (whole.id, whole.status) == (one.id, one.status) == ("299035", StatusCode.RECEIVED)


def test_a_margin_does_not_leave_the_orders_window() -> None:
    provider, served = provider_for({"/tasking/tasks/": TASK})
    start = ORDER.window.start + timedelta(minutes=4)
    provider.request(NARROW, None, Candidate(id="c", start=start, end=start), "bay")
    assert json.loads(served.calls("/tasking/tasks/")[0].content)["start"] == "2026-12-01T00:00:00Z"


def test_optional_fields_are_sent_only_when_set() -> None:
    end = NOW + timedelta(days=1)
    bare = task_payload("n", "p", 169, {}, NOW, end)
    full = task_payload("n", "p", 169, {}, NOW, end, max_captures=4, expected_age="7 days, 00:00:00")
    assert full == {**bare, "max_captures": 4, "expected_age": "7 days, 00:00:00"}


def test_codes_and_paths_are_settings() -> None:
    provider, served = provider_for(
        {"/v9/look": {"analysis_id": 7}}, point_code=170, opportunities_path="/v9/look/", analysis="opportunities"
    )
    assert provider.plan(ORDER, "bay").id.startswith("opportunities/7/")
    assert json.loads(served.calls("/v9/look")[0].content)["product"] == 170


BAD: list[dict[str, Any]] = [
    {"api_url": "http://api.satellogic.com"},
    {"api_url": "api.satellogic.com"},
    {"token_url": "https://me:pw@auth.example.com"},
    {"contract_id": ""},
    {"contract_id": "two words"},
    {"contract_id": "cont\n1"},
    {"opportunities_path": "../x"},
    {"opportunities_path": "https://elsewhere.example.com/x"},
    {"can_add_path": "a?b"},
    {"can_add_path": ""},
    {"point_code": 0},
    {"area_code": 169},
    {"settle_seconds": 1},
    {"poll_interval_seconds": 0},
    {"analysis": "guess"},
    {"products_from": "disk"},
    {"client_id": ""},
    {"trusted_urls": ("http://elsewhere.example.com",)},
    {"unknown": 1},
]


@pytest.mark.parametrize("wrong", BAD)
def test_settings_that_cannot_work_are_refused_without_a_secret(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        SatellogicSettings(**{**SAID, **wrong})
    assert "top-secret-value" not in str(caught.value)


# lists ----------------------------------------------------------------------------------------------------------------


def paged(tasks: list[dict[str, Any]], size: int, link: Callable[[int], str | None]) -> Answer:
    def answer(request: httpx.Request) -> httpx.Response:
        offset = int(request.url.params.get("offset", 0))
        more = link(offset + size) if offset + size < len(tasks) else None
        page = {"count": len(tasks), "next": more, "previous": None, "results": tasks[offset : offset + size]}
        return httpx.Response(200, json=page)

    return answer


MANY = [{**TASK, "task_id": number, "task_name": f"bay-{number}"} for number in range(7)]
LINKS: dict[str, Callable[[int], str | None]] = {
    "absolute": lambda offset: f"https://api.satellogic.com/tasking/tasks/?limit=100&offset={offset}",
    "http behind a proxy": lambda offset: f"http://api.satellogic.com/tasking/tasks/?offset={offset}",
    "relative": lambda offset: f"/tasking/tasks/?offset={offset}",
    "only a count": lambda _: None,
}


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())
def test_a_list_is_read_to_its_end(link: Callable[[int], str | None]) -> None:
    provider, served = provider_for({"/tasking/tasks/": paged(MANY, 2, link)})
    assert [each.task_id for each in provider.client.tasks()] == [str(number) for number in range(7)]
    assert {each.url.scheme for each in served.calls("/tasking/tasks/")} == {"https"}


@pytest.mark.parametrize(
    "href", ["https://elsewhere.example.com/?offset=2", "https://api.satellogic.com:444/?offset=2"]
)
def test_a_list_that_goes_on_elsewhere_is_not_followed_with_our_token(href: str) -> None:
    provider, served = provider_for({"/tasking/tasks/": paged(MANY, 2, lambda _: href)})
    with pytest.raises(UnexpectedAnswer, match="another host"):
        provider.find_request(ORDER, None, "bay-6")
    assert {each.url.host for each in served.asked} <= {"api.satellogic.com", "auth.platform.satellogic.com"}


def test_all_tasks_are_read_when_the_filter_is_refused() -> None:
    whole = paged([TASK, *MANY], 3, LINKS["absolute"])

    def answer(request: httpx.Request) -> httpx.Response:
        if "task_name" in request.url.params:
            return httpx.Response(400, json={"task_name": ["Unknown filter."]})
        return whole(request)

    provider, _ = provider_for({"/tasking/tasks/": answer})
    found = provider.find_request(ORDER, None, "bay")
    assert found is not None
    assert found.id == "299035"


def test_a_list_that_may_hide_our_task_is_an_error_and_no_absence() -> None:
    broken = {"results": [{"task_name": "bay", "status": "received"}]}
    provider, _ = provider_for({"/tasking/tasks/": broken})
    with pytest.raises(UnexpectedAnswer, match="task_id"):
        provider.find_request(ORDER, None, "bay")
    provider, _ = provider_for({"/tasking/tasks/": {"results": [{"task_name": "another"}]}})
    assert provider.find_request(ORDER, None, "bay") is None


@pytest.mark.parametrize("body", [{}, {"results": None}, {"results": [1]}, "text", None, {"tasks": []}])
def test_an_answer_of_another_shape_is_no_empty_list(body: Any) -> None:
    provider, _ = provider_for({"/tasking/tasks/": lambda _: httpx.Response(200, json=body)})
    with pytest.raises(UnexpectedAnswer):
        provider.find_request(ORDER, None, "bay")


# objects --------------------------------------------------------------------------------------------------------------


def test_times_with_and_without_a_zone_are_utc() -> None:
    task = Task.model_validate(TASK)
    assert (task.start, task.end) == (datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC))


def test_what_a_task_leaves_out_or_garbles_does_not_hide_it() -> None:
    odd = {"product": "x", "start": "soon", "end": 5e99, "target": [], "max_captures": "many", "status": 7, "new": 1}
    task = Task.model_validate({"task_id": 299035, "task_name": "bay", **odd})
    assert our_task([task], ORDER, "bay", 169) is task
    assert (task.start, task.max_captures, task.status) == (None, None, "7")


@pytest.mark.parametrize("task_id", [None, True, "", [], 1.5])
def test_a_task_without_an_id_is_none(task_id: Any) -> None:
    with pytest.raises(ValidationError):
        Task.model_validate({**TASK, "task_id": task_id})


def test_a_narrow_order_is_known_by_a_window_inside_its_own() -> None:
    inside = Task.model_validate({**TASK, "start": "2026-12-05T00:00:00Z", "end": "2026-12-05T00:20:00Z"})
    assert our_task([inside], NARROW, "bay", 169) is inside
    assert our_task([inside], NARROW, "ba", 169) is None
    assert our_task([inside], NARROW, "bay-2", 169) is None
    with pytest.raises(ReferenceTaken, match="its window"):
        our_task([inside], ORDER, "bay", 169)


def test_the_oldest_task_is_taken_also_without_a_time_of_creation() -> None:
    tasks = [Task.model_validate({**TASK, "task_id": number, "created_time": None}) for number in (10, 9, 100)]
    found = our_task(tasks, ORDER, "bay", 169)
    assert found is not None
    assert found.task_id == "9"


# words ----------------------------------------------------------------------------------------------------------------


WORDS = [
    ("received", StatusCode.RECEIVED),
    ("planning", StatusCode.ACCEPTED),
    ("pending", StatusCode.SCHEDULED),
    ("in_progress", StatusCode.PROCESSING),
    ("completed", StatusCode.COMPLETED),
    ("partially_completed", StatusCode.COMPLETED),
    ("failed", StatusCode.EXPIRED),
    ("canceled", StatusCode.USER_CANCELLED),
    ("rejected", StatusCode.REJECTED),
    ("COMPLETED", None),
    ("cancelled", None),
    ("on_hold", None),
    ("", None),
    (None, None),
]


@pytest.mark.parametrize(("word", "code"), WORDS)
def test_each_word_means_what_the_table_says_and_no_other_is_guessed(word: str | None, code: StatusCode | None) -> None:
    request = request_of(Task.model_validate({**TASK, "status": word}), (), SETTINGS, NOW + timedelta(days=60))
    assert (request.status, request.provider_status) == (code, word or "")
    assert request.final == (word == "rejected")
    assert {word for word, code in WORDS if code} == set(STATUS)


def capture(name: str, day: int, status: str, **more: Any) -> Capture:
    return Capture.model_validate(
        {
            "capture_id": name,
            "start": f"2026-12-{day:02}T01:00:00",
            "satellite_name": f"S{day}",
            "status": status,
            **more,
        }
    )


def stands(word: str, *captures: Capture, **more: Any) -> Any:
    return request_of(Task.model_validate({**TASK, "status": word, **more}), captures, SETTINGS, NOW)


AREA_TARGET = {"type": "Polygon", "coordinates": [[[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 0]]]}
DONE = [capture(f"c{day}", day, "published") for day in (1, 2, 3)]
NOTES: list[tuple[str, list[Capture], dict[str, Any], str]] = [
    ("completed", DONE[:1], {}, ""),
    ("planning", [], {}, ""),
    ("planning", [capture("x", 2, "failed")], {}, "1 failed"),
    ("pending", [*DONE[:2], capture("x", 9, "queued")], {"max_captures": 4}, "2 of 4 captures published"),
    ("completed", DONE, {"max_captures": 3}, "3 of 3 captures published"),
    ("partially_completed", DONE, {"max_captures": 4}, "3 of 4 captures published; 1 missing when the window ended"),
    (
        "partially_completed",
        [*DONE, capture("x", 2, "failed")],
        {"expected_age": "7 days, 00:00:00"},
        "3 captures published; 1 failed; a recurring task always ends as partially completed",
    ),
    (
        "partially_completed",
        DONE,
        {"target": AREA_TARGET},
        "3 captures published; the area is not covered whole; Satellogic does not say how many strips are missing",
    ),
    ("canceled", DONE[:1], {}, "1 capture published"),
    ("failed", DONE[:1], {}, "1 capture published"),
    (
        "partially_completed",
        [*DONE[:1], capture("x", 3, "processing")],
        {"max_captures": 2},
        "1 of 2 captures published; 1 still in processing though the task is partially_completed",
    ),
    (
        "completed",
        DONE,
        {"max_captures": 4},
        "3 of 4 captures published; 1 not listed as published though the task is completed",
    ),
]


@pytest.mark.parametrize(("word", "captures", "more", "note"), NOTES)
def test_the_note_says_how_far_a_task_has_come(
    word: str, captures: list[Capture], more: dict[str, Any], note: str
) -> None:
    assert stands(word, *captures, **more).note == note


def test_only_published_captures_can_be_fetched_oldest_first_and_each_once() -> None:
    captures = [
        *reversed(DONE),
        DONE[0],
        capture("q", 9, "queued"),
        capture("p", 3, "processing"),
        capture("f", 1, "failed"),
    ]
    assert stands("in_progress", *captures).capture_ids == ("c1", "c2", "c3")
    assert stands("planning", *captures).capture_ids == ("c1", "c2", "c3")
    assert stands("canceled", *captures).capture_ids == ("c1", "c2", "c3")


@pytest.mark.parametrize("word", ["completed", "partially_completed", "failed", "canceled"])
@pytest.mark.parametrize("stage", ["queued", "processing"])
def test_a_capture_that_was_taken_before_the_task_ended_is_waited_for(word: str, stage: str) -> None:
    published, taken = DONE[0], capture("late", 3, stage)
    going = stands(word, published, taken, max_captures=2)
    assert (going.status, going.capture_ids) == (StatusCode.PROCESSING, ("c1",))
    ended = stands(word, published, capture("late", 3, "published"), max_captures=2)
    assert ended.status is (StatusCode.USER_CANCELLED if word == "canceled" else StatusCode.COMPLETED)
    assert ended.capture_ids == ("c1", "late")


@pytest.mark.parametrize(("word", "code"), [
    ("partially_completed", StatusCode.COMPLETED),
    ("failed", StatusCode.EXPIRED),
    ("canceled", StatusCode.USER_CANCELLED),
])  # fmt: skip
def test_a_capture_that_is_never_published_is_not_waited_for_for_ever_and_named(word: str, code: StatusCode) -> None:
    published = [DONE[0]] if word != "failed" else []
    task = Task.model_validate({**TASK, "status": word, "max_captures": 2})
    captures = [*published, capture("late", 3, "processing")]
    patient, over = (request_of(task, captures, SETTINGS, NOW + timedelta(days=days)) for days in (13, 14))
    assert (patient.status, over.status) == (StatusCode.PROCESSING, code)
    assert "1 taken and never published (late)" in over.note


def test_a_capture_that_was_never_taken_does_not_hold_up_a_task_that_ended() -> None:
    for word, code in (("partially_completed", StatusCode.COMPLETED), ("rejected", StatusCode.REJECTED)):
        assert stands(word, DONE[0], capture("q", 9, "queued")).status is code


def test_completed_with_fewer_captures_than_ordered_is_waited_for_until_the_patience_ends() -> None:
    task = Task.model_validate({**TASK, "status": "completed", "max_captures": 2})
    now = request_of(task, DONE[:1], SETTINGS, NOW)
    assert (now.status, now.capture_ids) == (StatusCode.PROCESSING, ("c1",))
    assert request_of(task, DONE[:2], SETTINGS, NOW).status is StatusCode.COMPLETED
    over = request_of(task, DONE[:1], SETTINGS, now.give_up_at)
    assert over.status is StatusCode.COMPLETED
    assert "1 not listed as published" in over.note


def test_the_next_look_is_at_the_next_thing_that_happens() -> None:
    cycle = NOW + timedelta(minutes=30)
    assert stands("received").next_look_at == cycle
    assert stands("planning", capture("f", 2, "failed")).next_look_at == cycle
    ahead = stands("pending", capture("q", 5, "queued"), capture("r", 9, "queued"))
    assert ahead.next_look_at == datetime(2026, 12, 5, 4, tzinfo=UTC)
    assert (ahead.start, ahead.platform) == (datetime(2026, 12, 5, 1, tzinfo=UTC), "S5")
    assert ahead.cancel_until == datetime(2026, 12, 4, 13, tzinfo=UTC)
    assert stands("in_progress", capture("p", 3, "processing"), capture("q", 9, "queued")).next_look_at == cycle
    assert stands("in_progress", capture("q", 3, "queued")).next_look_at == cycle
    assert stands("received").give_up_at == datetime(2026, 12, 29, tzinfo=UTC)
    assert stands("completed", capture("q", 9, "queued")).cancel_until is None


# analyses -------------------------------------------------------------------------------------------------------------


PASS = {"start": "2026-12-05T01:00:00Z", "end": "2026-12-05T01:01:00Z", "satellite_name": "NewSat31"}
SHAPES: list[dict[str, Any]] = [
    {"analysis_id": 7, "status": "finished", "opportunities": [PASS]},
    {"id": "7", "status": "COMPLETED", "results": [PASS]},
    {"id": "7", "status": "done", "result": {"opportunities": [PASS]}},
    {"id": "7", "status": "done", "result": [PASS]},
    {"type": "Feature", "id": "7", "properties": {"status": "completed", "result": {"results": [PASS]}}},
    {"id": "7", "status": "ready", "features": [{"type": "Feature", "geometry": None, "properties": PASS}]},
    {"id": "7", "opportunities": [PASS]},
]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_opportunities_are_found_wherever_they_are(shape: dict[str, Any]) -> None:
    (found,) = candidates_of(Analysis.model_validate(shape), SETTINGS)
    assert (found.id, found.platform) == ("7/20261205T010000Z/NewSat31", "NewSat31")
    assert found.valid_until == found.start - timedelta(hours=6)


@pytest.mark.parametrize("status", ["in_progress", "pending", "queued", "a new word"])
def test_an_analysis_that_is_not_finished_has_no_candidates_yet(status: str) -> None:
    analysis = Analysis.model_validate({"id": 7, "status": status, "result": None})
    assert stage(analysis) is Stage.GOING_ON
    assert stage(analysis, patience_is_over=True) is Stage.UNREAD
    name = AnalysisName("opportunities", "7", NOW)
    assert AnalysisName.read(str(name)) == name


def test_opportunities_get_ids_of_their_own_and_those_without_a_time_are_left_out() -> None:
    given = [PASS, PASS, {**PASS, "satellite_name": "NewSat32"}, {"end": PASS["end"]}, {**PASS, "start": "soon"}]
    found = candidates_of(Analysis.model_validate({"id": 7, "status": "finished", "results": given}), SETTINGS)
    assert len({each.id for each in found}) == len(found) == 3


# deliveries -----------------------------------------------------------------------------------------------------------


def scene(name: str, *urls: str, **more: Any) -> dict[str, Any]:
    attachments = [{"name": "delivery_zip", "url": url, "file_name": "x.zip"} for url in urls]
    return {"scene_id": name, "sceneset_id": "c1", "attachments": [{"name": "log"}, *attachments], **more}


def delivered(*scenes: dict[str, Any], start: str = "2026-12-02T01:00:00Z", **noted: Any) -> list[dict[str, Any]]:
    captures = [{"capture_id": "c1", "start": start, "satellite_name": "S1", "status": "published"}]
    provider, _ = provider_for(
        {
            "/tasking/tasks/299035/captures/": captures,
            "/telluric/scenes/": {"count": len(scenes), "next": None, "results": list(scenes)},
        }
    )
    provider.clock.observe({"Date": "Thu, 03 Dec 2026 12:00:00 GMT"})
    request = stands("completed", DONE[0]).model_copy(update=noted)
    assert request.capture_ids == ("c1",)
    return provider.products(request)


def test_each_scene_with_a_zip_is_an_item_that_carries_its_capture() -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    first, second = delivered(
        scene("s1", "https://files.example.com/a.zip?sig=1", footprint=square),
        scene("s2", "/telluric/s2.zip", "/b.zip"),
    )
    assert (first["id"], first["bbox"], first["geometry"]) == ("c1_s1", [0.0, 0.0, 1.0, 1.0], square)
    assert first["properties"]["datetime"] == "2026-12-02T01:00:00Z"
    assert first["properties"]["platform"] == "S1"
    assert second["geometry"] is None
    assert second["assets"]["delivery"]["href"] == "https://api.satellogic.com/telluric/s2.zip"
    assert set(second["assets"]) == {"delivery", "delivery-2"}


def test_a_capture_is_not_delivered_in_half_while_a_zip_may_still_come() -> None:
    scenes = (scene("s1", "https://files.example.com/a.zip"), scene("s2"))
    assert delivered(*scenes) == []
    assert [each["id"] for each in delivered(*scenes, start="2026-11-30T00:00:00Z")] == ["c1_s1"]
    assert delivered() == []


def test_patience_for_the_last_zip_counts_from_when_the_capture_was_seen_published_and_ends_with_its_name() -> None:
    scenes = (scene("s1", "https://files.example.com/a.zip"), scene("s2"))
    old: dict[str, Any] = {"start": "2026-11-20T00:00:00Z"}  # we were away, or processing was slow
    assert delivered(*scenes, **old, available_since={"c1": NOW - timedelta(hours=47)}) == []
    for ends in ({"available_since": {"c1": NOW - timedelta(hours=49)}}, {"give_up_at": NOW}):
        listed = delivered(*scenes, **{**old, "available_since": {"c1": NOW}, **ends})
        assert [each["id"] for each in listed] == ["c1_s1"]
        assert isinstance(listed, Items)
        assert listed.left_out == ("scene s2 of capture c1",)


def test_a_scene_of_another_capture_is_left_out() -> None:
    assert delivered({**scene("s1", "https://files.example.com/a.zip"), "sceneset_id": "c2"}) == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://files.example.com/a.zip", "https://127.0.0.1/a.zip"])
def test_an_address_that_leads_where_it_must_not_is_not_opened(url: str) -> None:
    (item,) = delivered(scene("s1", url))
    provider, served = provider_for({})
    with pytest.raises(UnsafeAsset), provider.open_asset(item, "delivery"):
        pass
    with pytest.raises(UnexpectedAnswer, match="no such asset"), provider.open_asset(item, "other"):
        pass
    assert served.asked == []


def test_a_signed_address_gets_no_token() -> None:
    (item,) = delivered(scene("s1", "https://files.example.com/a.zip?sig=1"))
    provider, served = provider_for({"/a.zip": lambda _: httpx.Response(200, content=b"PK")})
    with provider.open_asset(item, "delivery") as response:
        assert response.read() == b"PK"
    assert not {"AuthorizationToken", "X-Satellogic-Contract-Id", "Authorization"} & set(served.asked[-1].headers)


TILE: dict[str, Any] = {
    "type": "Feature",
    "id": "t1",
    "collection": "l1d",
    "properties": {"satl:outcome_id": "c1"},
    "assets": {"visual": {"href": "/files/t1.tif"}},
}


def test_the_archive_is_searched_by_post_page_by_page() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        sent = json.loads(request.content)
        if sent.get("token"):
            other = {**TILE, "id": "t3", "properties": {"satl:outcome_id": "c9"}}
            return httpx.Response(200, json={"features": [{**TILE, "id": "t2"}, other], "links": []})
        link = {"rel": "next", "href": "/archive/stac/search", "method": "POST", "body": {"token": "2"}, "merge": True}
        return httpx.Response(200, json={"features": [TILE], "links": [link]})

    provider, served = provider_for({"/archive/stac/search": answer}, products_from="archive")
    items = provider.products(stands("completed", DONE[0]))
    assert [each["id"] for each in items] == ["t1", "t2"]
    assert items[0]["assets"]["visual"]["href"] == "https://api.satellogic.com/files/t1.tif"
    first, second = (json.loads(each.content) for each in served.calls("/archive/stac/search"))
    assert first["filter"] == {"op": "=", "args": [{"property": "satl:outcome_id"}, "c1"]}
    assert "query" not in first
    assert second == {**first, "token": "2"}


def test_a_next_link_that_leaves_its_method_open_is_followed() -> None:
    link = {"rel": "next", "href": "/archive/stac/search?page=2", "method": None}
    pages = [{"features": [TILE], "links": [link]}, {"features": [{**TILE, "id": "t2"}], "links": []}]
    provider, _ = provider_for(
        {"/archive/stac/search": lambda _: httpx.Response(200, json=pages.pop(0))}, products_from="archive"
    )
    assert [each["id"] for each in provider.products(stands("completed", DONE[0]))] == ["t1", "t2"]


def test_a_search_by_post_makes_nothing_and_is_repeated_when_the_server_is_away() -> None:
    answers = [httpx.Response(503), httpx.Response(200, json={"features": [TILE]})]
    provider, served = provider_for({"/archive/stac/search": lambda _: answers.pop(0)}, products_from="archive")
    assert len(provider.products(stands("completed", DONE[0]))) == 1
    assert [each.method for each in served.calls("/archive/stac/search")] == ["POST", "POST"]


@pytest.mark.parametrize(
    ("page", "why"),
    [
        (
            {"features": [], "links": [{"rel": "next", "href": "/archive/stac/search", "method": "POST"}]},
            "read already",
        ),
        ({"features": [], "links": [{"rel": "next", "href": "https://elsewhere.example.com/"}]}, "another host"),
        (
            {"features": [TILE], "links": [{"rel": "next", "href": "/tasking/tasks/", "method": "POST", "body": {}}]},
            "POST at another address",
        ),
        ({"items": []}, "not what the API promises"),
        ({"features": [TILE], "links": [{"rel": "next"}]}, "after 1 items, has no address"),
        ({"features": [TILE], "links": [{"rel": "next", "href": None}], "numberMatched": 2}, "1 of 2 items"),
        ({"features": [TILE, TILE], "numberMatched": 2}, "1 of 2 items"),
        ({"features": [], "numberMatched": 2}, "0 of 2 items"),
    ],
)
def test_an_archive_that_answers_oddly_is_an_error(page: dict[str, Any], why: str) -> None:
    provider, _ = provider_for({"/archive/stac/search": page}, products_from="archive")
    with pytest.raises(UnexpectedAnswer, match=why):
        provider.products(stands("completed", DONE[0]))


@pytest.mark.parametrize("matched", [0, 1, "many", None])
def test_an_archive_that_lists_all_it_counts_is_taken(matched: Any) -> None:
    page = {
        "features": [TILE],
        "links": [{"rel": "next"}] if isinstance(matched, int) else [],
        "numberMatched": matched,
    }
    provider, _ = provider_for({"/archive/stac/search": page}, products_from="archive")
    assert [each["id"] for each in provider.products(stands("completed", DONE[0]))] == ["t1"]


def test_captures_that_are_not_found_are_none_and_a_new_task_is_not_asked_for_any() -> None:
    provider, served = provider_for({"/tasking/tasks/1": {**TASK, "task_id": 1, "status": "planning"}})
    assert provider.read(["1"])["1"].capture_ids == ()
    provider, served = provider_for({"/tasking/tasks/1": {**TASK, "task_id": 1}})
    provider.read(["1"])
    assert served.calls("/tasking/tasks/1/captures/") == []


def test_an_empty_id_is_not_the_whole_list() -> None:
    with SatellogicClient(SETTINGS, transport=httpx.MockTransport(Served({}))) as client:
        for ask in (client.task, client.captures, client.cancel_task):
            with pytest.raises(NotFound, match="an empty id"):
                ask("")


# cancelling -----------------------------------------------------------------------------------------------------------


def test_the_twelve_hour_rule_is_said_before_a_cancel() -> None:
    captures = [
        {"capture_id": "a", "start": "2026-12-03T20:00:00Z", "status": "queued"},
        {"capture_id": "b", "start": "2026-12-09T20:00:00Z", "status": "queued"},
        {"capture_id": "c", "start": "2026-12-03T01:00:00Z", "status": "processing"},
    ]
    provider, served = provider_for(
        {"/tasking/tasks/1": {**TASK, "status": "in_progress"}, "/tasking/tasks/299035/captures/": captures}
    )
    provider.clock.observe({"Date": "Thu, 03 Dec 2026 12:00:00 GMT"})
    terms = provider.cancel_terms("1")
    assert terms.allowed
    assert terms.fee_percent is None
    assert "1 capture more than 12 hours away will not be taken" in terms.message
    assert "1 capture within 12 hours will be taken all the same" in terms.message
    assert "1 capture taken already and being processed may still be published" in terms.message
    assert all(each.method == "GET" for each in served.asked[1:])
