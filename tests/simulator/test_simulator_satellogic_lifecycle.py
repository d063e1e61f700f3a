"""What becomes of a task at the simulated Satellogic: the document's statuses, and the moves between them."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from tasking.simulator import serve
from tests.support.satellogic_story import AREA, CALM, CONTRACT, DAY, HOUR, START, Caller, payload, story

FOUR_WEEKS = {"end": "2026-12-29T00:00:00Z"}
LATER = {"start": "2026-12-02T00:00:00Z"}


def text(when: datetime) -> str:
    return when.isoformat()


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_task_goes_from_received_to_completed() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(**LATER)
        words = caller.until(task_id, "completed", step=HOUR / 2)
        assert words == ["received", "planning", "pending", "in_progress", "completed"]
        assert caller.words(task_id) == ["published"]
        simulator.advance(30 * DAY)
        assert caller.status(task_id) == "completed"


@pytest.mark.parametrize(("wanted", "word"), [(None, "failed"), (2, "partially_completed")])
def test_the_end_of_the_window_can_end_a_task_whose_captures_are_published_later(wanted: int | None, word: str) -> None:
    with story(**{"satellogic.ends_with_window": True}) as (simulator, caller):
        analysis = caller.http.post("/v2/analysis/can-add", json=payload(**LATER)).json()["analysis_id"]
        simulator.advance(60)
        looks = caller.http.get(f"/v2/analysis/can-add/{analysis}").json()["result"]["opportunities"]
        ends = [datetime.fromisoformat(each["end"]) for each in looks]
        end = next(each for each in ends if each > START + timedelta(days=wanted or 1)) + timedelta(minutes=10)
        age = "1 day, 00:00:00" if wanted else None
        task_id = caller.order(**{**LATER, "end": text(end), "max_captures": wanted, "expected_age": age})
        simulator.clock.move(now=end + timedelta(minutes=1))
        assert caller.status(task_id) == word
        assert caller.words(task_id)[-1] == "queued"
        simulator.advance(DAY)
        assert caller.status(task_id) == word
        assert set(caller.words(task_id)) == {"published"}


def test_in_progress_begins_twelve_hours_before_the_first_queued_capture() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(**LATER)
        caller.until(task_id, "pending", step=HOUR / 2)
        start = simulator.satellogic.tasks()[0]["captures"][0]["start"]
        left = seconds(start) - simulator.clock.seconds()
        simulator.advance(left - 12 * HOUR - 60)
        assert caller.status(task_id) == "pending"
        simulator.advance(120)
        assert caller.status(task_id) == "in_progress"


def test_a_pass_six_hours_after_the_order_was_placed_is_in_time_however_long_planning_takes() -> None:
    with story() as (simulator, caller):
        seen = []
        for _ in range(6):
            now = simulator.clock.now()
            asked = payload(start=text(now + timedelta(hours=6, minutes=1)), end=text(now + timedelta(days=5)))
            analysis = caller.http.post("/v2/analysis/can-add", json=asked).json()["analysis_id"]
            simulator.advance(60)
            first = caller.http.get(f"/v2/analysis/can-add/{analysis}").json()["result"]["opportunities"][0]
            begin, end = (datetime.fromisoformat(first[name]) for name in ("start", "end"))
            simulator.clock.move(now=begin - timedelta(hours=6))
            around = {"start": text(begin - timedelta(minutes=10)), "end": text(end + timedelta(minutes=10))}
            task_id = caller.order(**around)
            seen += [caller.until(task_id, "completed", step=HOUR / 2)]
        assert all("in_progress" in words for words in seen)


def test_a_capture_is_queued_then_processing_then_published() -> None:
    with story() as (simulator, caller):
        task_id = caller.order()
        caller.until(task_id, "in_progress", step=HOUR / 2)
        seen = []
        while "published" not in seen:
            seen += [word for word in caller.words(task_id) if word not in seen]
            simulator.advance(HOUR / 2)
        assert seen == ["queued", "processing", "published"]


@pytest.mark.parametrize(("before", "after"), [("pending", "planning"), ("in_progress", "planning")])
def test_a_lost_allocation_moves_back_to_planning_and_another_pass_is_found(before: str, after: str) -> None:
    with story() as (simulator, caller):
        task_id = caller.order(**LATER)
        caller.until(task_id, before, step=HOUR / 2)
        lost = caller.captures(task_id)[0]["capture_id"]
        simulator.satellogic.decide(task_id, "planning")
        assert caller.status(task_id) == after
        assert caller.captures(task_id) == []
        caller.until(task_id, "completed", step=HOUR / 2)
        assert caller.captures(task_id)[0]["capture_id"] != lost


def test_failed_captures_move_back_to_planning_and_are_tried_again() -> None:
    with story() as (simulator, caller):
        task_id = caller.order()
        simulator.satellogic.fail_next_captures(1)
        simulator.satellogic.reject_qc(1)
        words = caller.until(task_id, "completed", step=HOUR / 2)
        assert words.count("planning") == 3
        assert caller.words(task_id) == ["failed", "failed", "published"]


def test_a_failure_ordered_before_the_task_meets_the_next_one_made() -> None:
    with story() as (simulator, caller):
        assert simulator.satellogic.fail_next_captures(1) == []
        first, second = caller.order(), caller.order()
        simulator.advance(5 * DAY)
        assert caller.words(first)[0] == "failed"
        assert "failed" not in caller.words(second)


def test_a_window_that_ends_with_nothing_published_is_failed() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(end="2026-12-04T00:00:00Z")
        simulator.satellogic.reject_qc(50, task_id=task_id)
        caller.until(task_id, "failed", step=6 * HOUR)
        assert set(caller.words(task_id)) == {"failed"}


def test_a_fixed_number_of_captures_is_completed_at_that_number() -> None:
    with story() as (_, caller):
        task_id = caller.order(max_captures=3)
        caller.until(task_id, "completed", step=6 * HOUR)
        assert caller.words(task_id) == ["published"] * 3


def test_fewer_captures_than_wanted_are_partially_completed() -> None:
    with story() as (_, caller):
        task_id = caller.order(max_captures=60, end="2026-12-05T00:00:00Z")
        caller.until(task_id, "partially_completed", step=6 * HOUR)
        assert 0 < caller.words(task_id).count("published") < 60


def test_recurrence_publishes_one_capture_of_every_age_and_ends_partially_completed() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(expected_age="7 days, 00:00:00", **FOUR_WEEKS)
        published = []
        for _ in range(28):
            simulator.advance(DAY)
            published.append(caller.words(task_id).count("published"))
            if simulator.clock.now() < START.replace(day=29):
                assert caller.status(task_id) not in ("completed", "partially_completed")
        simulator.advance(DAY)
        assert caller.status(task_id) == "partially_completed"
        starts = [capture["start"][:10] for capture in caller.captures(task_id)]
        assert len(starts) == 4
        assert [(int(day[-2:]) - 1) // 7 for day in starts] == [0, 1, 2, 3]
        assert sorted(set(published)) == list(range(published[0], 5))


def test_an_area_is_taken_in_strips_on_different_days() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(product=178, target=AREA)
        simulator.satellogic.reject_qc(1, task_id=task_id)
        caller.until(task_id, "completed", step=6 * HOUR)
        published = [one for one in caller.captures(task_id) if one["status"] == "published"]
        assert len(published) >= 6
        assert len({one["start"][:10] for one in published}) == len(published)
        assert len(simulator.satellogic.tasks()[0]["captures"]) == len(published) + 1


def test_an_area_not_wholly_taken_is_partially_completed() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(product=178, target=AREA, end="2026-12-05T00:00:00Z")
        caller.until(task_id, "partially_completed", step=6 * HOUR)
        assert 0 < len(caller.captures(task_id)) < simulator.satellogic.tasks()[0]["places"]


def test_a_cancel_drops_only_captures_more_than_twelve_hours_away() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(max_captures=8)
        while not {"queued", "published"} <= set(caller.words(task_id)):
            simulator.advance(HOUR)
        before = caller.captures(task_id)
        limit = (simulator.clock.now().timestamp() + 12 * HOUR) // 1
        answer = caller.http.patch(f"/tasking/tasks/{task_id}/cancel/")
        assert answer.status_code == 200
        assert answer.json()["status"] == "canceled"
        kept = [one for one in before if seconds(one["start"]) <= limit]
        assert [one["capture_id"] for one in caller.captures(task_id)] == [one["capture_id"] for one in kept]
        assert 0 < len(kept) < len(before)
        simulator.advance(10 * DAY)
        assert set(caller.words(task_id)) == {"published"}
        assert caller.status(task_id) == "canceled"
        again = caller.http.patch(f"/tasking/tasks/{task_id}/cancel/")
        assert again.status_code == 400


def test_a_capture_less_than_twelve_hours_away_is_taken_despite_the_cancel() -> None:
    with story() as (simulator, caller):
        task_id = caller.order(**LATER)
        caller.until(task_id, "in_progress", step=HOUR)
        caller.http.patch(f"/tasking/tasks/{task_id}/cancel")
        assert caller.words(task_id) == ["queued"]
        simulator.advance(2 * DAY)
        assert (caller.status(task_id), caller.words(task_id)) == ("canceled", ["published"])


def test_any_word_can_be_shown_until_it_is_taken_back() -> None:
    with story() as (simulator, caller):
        task_id = caller.order()
        simulator.satellogic.decide(task_id, "on_hold")
        assert caller.status(task_id) == "on_hold"
        simulator.satellogic.decide(task_id, "", in_seconds=3 * HOUR)
        simulator.advance(3 * HOUR)
        assert caller.status(task_id) in ("planning", "in_progress")
        control = httpx.post(f"{simulator.url}/_sim/satellogic/tasks/{task_id}", json={"status": "rejected"})
        assert control.status_code == 200
        assert caller.status(task_id) == "rejected"
        assert httpx.post(f"{simulator.url}/_sim/satellogic/tasks/1", json={"status": "x"}).status_code == 404


def test_a_rush_contract_gets_passes_that_others_wanted() -> None:
    with story(**{"satellogic.demand": 1.0}) as (_, caller):
        standard = caller.order()
        rush = {CONTRACT: caller.contracts[1]["contract_id"]}
        task_id = caller.http.post("/tasking/tasks/", json=payload(), headers=rush).json()["task_id"]
        caller.until(standard, "failed", step=DAY)
        assert caller.http.get(f"/tasking/tasks/{task_id}", headers=rush).json()["status"] == "completed"


def test_what_chance_brings_does_not_depend_on_who_looks() -> None:
    chances = {"satellogic.qc_rejection_probability": 0.3, "satellogic.lost_allocation_probability": 0.3}
    told = []
    for looks in (24, 1):
        with story(**chances) as (simulator, caller):
            task_id = caller.order(max_captures=12)
            for _ in range(looks):
                simulator.advance(12 * DAY / looks)
                shown = [(one["start"], one["status"]) for one in caller.captures(task_id)]
            told.append([one for one in shown if one[0] < "2026-12-11"])
    assert {"failed", "published"} <= {status for _, status in told[0]}
    assert told[0] == told[1]


def test_everything_is_as_it_was_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with serve(start=START, state=state, switches=CALM) as simulator, Caller(simulator) as caller:
        area = caller.order(product=178, target=AREA)
        point = caller.order(max_captures=3)
        simulator.satellogic.reject_qc(2, task_id=point)
        simulator.satellogic.trap_next_zips("truncated")
        simulator.satellogic.switch(page_size=3)
        simulator.advance(4 * DAY)
        before = [(caller.task(one), caller.captures(one)) for one in (area, point)]
        headers = dict(caller.http.headers)
    with serve(state=state) as simulator, httpx.Client(base_url=simulator.satellogic.api_url) as again:
        again.headers.update({name: headers[name] for name in ("authorizationtoken", CONTRACT.lower())})
        after = [
            (
                again.get(f"/tasking/tasks/{one}").json(),
                again.get(f"/tasking/tasks/{one}/captures/?limit=100").json()["results"],
            )
            for one in (area, point)
        ]
        assert after == before
        assert simulator.satellogic.switches.now.page_size == 3
