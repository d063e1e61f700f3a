"""Other legal answers of a Satellogic: nothing is bought twice, lost, closed or misread because of how it writes."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.candidate import Candidate
from tasking.errors import CredentialsRefused, ReferenceTaken, Uncertain, UnexpectedAnswer
from tasking.satellogic.conversions import request_of
from tasking.satellogic.models import Capture, Scene, Task
from tasking.satellogic.order import SatellogicOrder
from tasking.satellogic.settings import SatellogicSettings
from tasking.status import StatusCode
from tests.support.satellogic_answers import NOW, ORDER, SAID, TASKS, Server, order, pages, task

SETTINGS = SatellogicSettings(**SAID)
BEGAN, AHEAD = "2026-12-03T01:00:00Z", "2026-12-09T01:00:00Z"


@pytest.fixture(autouse=True)
def home_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))


# a create whose answer was lost ---------------------------------------------------------------------------------------

OURS = {"task_name": "bay"}
NORMALISED: dict[str, dict[str, Any]] = {
    "no number of captures is zero": {"max_captures": 0},
    "is null": {"max_captures": None},
    "is one as text": {"max_captures": "1"},
    "is one as a float": {"max_captures": 1.0},
    "begins when it was made": {"start": "2026-12-03T12:00:07Z"},
    "begins with the next cycle": {"start": "2026-12-03T12:30:00Z"},
    "whole days": {"start": "2026-12-01", "end": "2026-12-15T23:59:59Z"},
    "cut by the contract": {"end": "2026-12-08T00:00:00Z"},
    "offsets and fractions": {"start": "2026-12-01T03:00:00.000001+03:00", "end": "2026-12-15T03:00:00.999+03:00"},
    "no zone": {"start": "2026-12-01T00:00:00", "end": "2026-12-15T00:00:00"},
    "no window": {"start": None, "end": None},
    "a rounded target": {"target": {"type": "Point", "coordinates": [139.7, 35.605, 0]}},
    "a target in a feature": {
        "target": {"type": "Feature", "geometry": {"type": "Point", "coordinates": [139.7, 35.6]}}
    },
    "no target": {"target": None},
    "a product as an object": {"product": {"pk": 169, "name": "Multispectral 70cm"}},
    "a product as text": {"product": "169"},
    "numbers as floats": {"task_id": 1.0, "product": 169.0},
    "an id as text": {"task_id": "1"},
    "further fields": {"links": [], "cost": {"amount": None}, "recurrence": False},
}


@pytest.mark.parametrize("echo", NORMALISED.values(), ids=NORMALISED.keys())
def test_what_a_server_may_normalise_is_ours_once_it_was_announced_under_our_label(echo: dict[str, Any]) -> None:
    server = Server(**{f"GET {TASKS}": pages([task(5), task(1, **OURS, **echo), task(6, task_name="bay#2")])})
    found = server.open().find_request(ORDER, None, "bay", announced=True)
    assert found is not None
    assert found.id == "1"


FOREIGN: dict[str, dict[str, Any]] = {
    "another product": {"product": 178},
    "another place": {"target": {"type": "Point", "coordinates": [139.8, 35.6]}},
    "another month": {"start": "2027-02-01T00:00:00Z", "end": "2027-02-15T00:00:00Z"},
    "a window of months": {"end": "2027-06-15T00:00:00Z"},
    "a series": {"max_captures": 4},
}


@pytest.mark.parametrize("echo", FOREIGN.values(), ids=FOREIGN.keys())
@pytest.mark.parametrize("announced", [True, False])
def test_what_no_server_makes_of_our_order_is_a_persons_case(echo: dict[str, Any], announced: bool) -> None:
    server = Server(**{f"GET {TASKS}": pages([task(1, **OURS, **echo)])})
    with pytest.raises(ReferenceTaken):
        server.open().find_request(ORDER, None, "bay", announced=announced)


def test_without_an_announcement_a_task_of_our_name_with_another_window_is_another_orders() -> None:
    server = Server(**{f"GET {TASKS}": pages([task(1, **OURS, end="2026-12-08T00:00:00Z")])})
    with pytest.raises(ReferenceTaken, match="its window"):
        server.open().find_request(ORDER, None, "bay")


def test_a_recurrence_is_ours_whatever_number_of_captures_is_made_of_it() -> None:
    recurring = order(expected_age_days=7)
    for number in (0, 2, None):
        server = Server(**{f"GET {TASKS}": pages([task(1, **OURS, max_captures=number, expected_age="7 00:00:00")])})
        assert server.open().find_request(recurring, None, "bay", announced=True) is not None


# lists with other people's tasks --------------------------------------------------------------------------------------

ODD: dict[str, Any] = {
    "an id that is none": {"task_name": "theirs", "task_id": None},
    "no id and no name": {"status": "received"},
    "no object": None,
    "a text": "removed",
    "an id of a thousand digits": {"task_name": "theirs", "task_id": "9" * 1000},
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_what_is_not_ours_and_cannot_be_read_keeps_no_order_from_being_placed(odd: Any) -> None:
    server = Server(
        **{f"GET {TASKS}": lambda _: httpx.Response(200, json={"count": 2, "results": [odd, task(1, **OURS)]})}
    )
    provider = server.open()
    assert provider.find_request(ORDER, None, "other") is None
    found = provider.find_request(ORDER, None, "bay")
    assert found is not None
    assert set(provider.read(["1", "2", "3"])) == {"1"}


def test_ours_that_cannot_be_read_is_not_taken_for_absent() -> None:
    server = Server(**{f"GET {TASKS}": {"count": 1, "results": [{"task_name": "bay", "task_id": {}}]}})
    with pytest.raises(UnexpectedAnswer, match="task_id"):
        server.open().find_request(ORDER, None, "bay", announced=True)


def test_a_create_that_is_answered_oddly_is_found_and_not_sent_again() -> None:
    odd: list[Any] = [
        {"id": 1, "name": "bay"},
        [task(1)],
        {"task": task(1)},
        httpx.Response(202),
        httpx.Response(200, text="ok"),
    ]
    for answer in odd:
        server = Server(**{f"POST {TASKS}": answer, f"GET {TASKS}": pages([task(1, **OURS)])})
        provider = server.open()
        with pytest.raises(Uncertain):
            provider.request(ORDER, None, Candidate(id="c", start=NOW, end=NOW), "bay")
        assert server.count("POST", TASKS) == 1
        assert provider.find_request(ORDER, None, "bay", announced=True) is not None


# words and captures ---------------------------------------------------------------------------------------------------


def stands(word: str | None, *captures: dict[str, Any], days: float = 0, **more: Any) -> Any:
    given = Task.model_validate(task(1, status=word, **more))
    listed = [Capture.model_validate({"capture_id": f"c{n}", **each}) for n, each in enumerate(captures)]
    return request_of(given, listed, SETTINGS, NOW + timedelta(days=days))


@pytest.mark.parametrize("ended", ["completed", "partially_completed", "failed", "canceled"])
@pytest.mark.parametrize("word", ["downlinked", "DOWNLOADED", "in_qc", "", None, 7, "queued", "processing", "x" * 5000])
def test_a_capture_that_began_and_is_neither_published_nor_failed_is_waited_for(ended: str, word: Any) -> None:
    more = {"max_captures": 2} if ended == "completed" else {}
    now = stands(ended, {"start": BEGAN, "status": word}, **more)
    assert now.status is StatusCode.PROCESSING
    assert len(now.note) < 1000
    over = stands(ended, {"start": BEGAN, "status": word}, days=15, **more)
    assert over.status is not StatusCode.PROCESSING
    assert "taken and never published (c0)" in over.note


@pytest.mark.parametrize("ended", ["failed", "partially_completed"])
def test_what_was_never_taken_holds_nothing_up_and_what_failed_is_no_delivery(ended: str) -> None:
    code = StatusCode.EXPIRED if ended == "failed" else StatusCode.COMPLETED
    assert stands(ended, {"start": AHEAD, "status": "queued"}, {"start": BEGAN, "status": "failed"}).status is code
    assert stands(ended, {"start": AHEAD, "status": "replanned"}).status is code


def test_a_failed_task_is_not_over_while_its_captures_may_only_be_missing_in_the_list() -> None:
    end = task(1)["end"]
    over = datetime.fromisoformat(end.replace("Z", "+00:00")) - NOW
    at_once = stands("failed", days=over / timedelta(days=1))
    assert at_once.status is StatusCode.PROCESSING  # else the next opportunity would be bought beside what was taken
    assert at_once.quiet_until is None
    assert stands("failed", days=(over + timedelta(hours=2)) / timedelta(days=1)).status is StatusCode.EXPIRED


def test_a_capture_of_an_unknown_word_without_a_time_is_taken_for_one_that_began() -> None:
    assert stands("failed", {"status": "downlinked"}).status is StatusCode.PROCESSING
    assert stands("failed", {"status": "queued"}).status is StatusCode.EXPIRED


def test_one_cloudy_capture_within_the_window_ends_nothing() -> None:
    for word in ("planning", "pending", "in_progress", "retrying"):
        cloudy = stands(word, {"start": BEGAN, "status": "failed"})
        assert cloudy.status not in (StatusCode.EXPIRED, StatusCode.FAILED, StatusCode.COMPLETED)
        assert not cloudy.final
        assert "1 failed" in cloudy.note


def test_captures_are_read_in_any_order_with_nulls_and_without_those_that_have_no_id() -> None:
    listed = [
        {"capture_id": None, "status": "queued", "start": AHEAD},
        None,
        {"capture_id": "late", "status": "published", "start": "2026-12-03T04:00:00.123456+03:00", "cloud": 1},
        {"capture_id": 17, "status": "published", "start": None, "satellite_name": None},
        {"capture_id": "c0", "status": "published", "start": "2026-12-02T01:00:00", "end": "2026-12-02T01:00:10Z"},
    ]
    server = Server(**{f"GET {TASKS}1": task(1, status="completed"), f"GET {TASKS}1/captures/": {"results": listed}})
    found = server.open().read(["1"])["1"]
    assert found.capture_ids == ("c0", "late", "17")
    assert found.status is StatusCode.COMPLETED


def test_words_are_cut_and_ids_are_whole() -> None:
    long = "w" * 100_000
    server = Server(**{f"GET {TASKS}1": task(1, status=long), f"GET {TASKS}1/captures/": []})
    found = server.open().read(["1"])["1"]
    assert len(found.provider_status) == 200
    assert found.status is None
    assert Task.model_validate(task(1, task_name="b" * 90)).task_name == "b" * 90
    assert (
        Scene.model_validate({"scene_id": "s", "attachments": [{"url": "https://x.example.com/" + long}]})
        .attachments[0]
        .url
    )


def test_a_compact_day_is_no_moment_of_1970() -> None:
    assert Task.model_validate(task(1, start="20261201")).start is None
    assert Task.model_validate(task(1, start=None, end="2026-12-15T00:00:00.5-02:00")).end is not None


# deliveries -----------------------------------------------------------------------------------------------------------


def test_scenes_of_other_captures_and_odd_attachments_keep_nothing_from_coming_home() -> None:
    url = "https://files.example.com/a.zip"
    scenes = [
        {"sceneset_id": "c9", "attachments": 3},
        {"scene_id": None, "sceneset_id": "c1", "attachments": [None, "x", {"name": "delivery_zip", "url": url}]},
        {"id": "s2", "sceneset_id": "c1", "attachments": [{"name": "delivery_zip", "url": url, "size": None}]},
    ]
    server = Server(
        **{
            f"GET {TASKS}1": task(1, status="completed"),
            f"GET {TASKS}1/captures/": [{"capture_id": "c1", "status": "published", "start": BEGAN}],
            "GET /telluric/scenes/": {"results": scenes},
        }
    )
    provider = server.open()
    items = provider.products(provider.read(["1"])["1"])
    assert [each["id"] for each in items] == ["c1-1", "c1_s2"]
    assert [each["assets"]["delivery"]["href"] for each in items] == [url, url]


# the account ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_contract_that_is_refused_is_named(status: int) -> None:
    no = httpx.Response(status, json={"detail": "You do not have permission."})
    server = Server(**{f"GET {TASKS}": no, f"POST {TASKS}": no, f"GET {TASKS}1": no})
    provider = server.open()
    for ask in (
        lambda: provider.find_request(ORDER, None, "bay"),
        lambda: provider.request(ORDER, None, Candidate(id="c", start=NOW, end=NOW), "bay"),
        lambda: provider.read(["1"]),
    ):
        with pytest.raises(CredentialsRefused, match=r"under contract cont\.1 \(contract_id of the account's block"):
            ask()


@pytest.mark.parametrize(
    "answer",
    [
        [{"contract_id": "cont.1", "name": "Standard"}, {"name": "no id"}, None],
        {"count": 1, "results": [{"contract_id": "cont.1", "name": "Standard", "rush": None}]},
    ],
)
def test_contracts_are_listed_for_a_person_and_an_odd_one_is_left_out(answer: Any) -> None:
    server = Server(**{"GET /contracts": answer})
    assert [(each.id, each.name) for each in server.open().contracts()] == [("cont.1", "Standard")]


def test_the_time_is_learned_from_any_answer() -> None:
    server = Server(**{"GET /contracts": {"contracts": []}})
    assert server.open().clock.known


def test_an_order_of_a_version_before_is_read_as_it_was_written() -> None:
    stored = {**ORDER.model_dump(mode="json"), "narrow": True}
    for name in (
        "analysis",
        "off_nadir_min_deg",
        "off_nadir_max_deg",
        "sun_elevation_min_deg",
        "sun_elevation_max_deg",
    ):
        stored.pop(name)
    assert SatellogicOrder.model_validate(stored).narrowed
