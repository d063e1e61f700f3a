"""A capture that the provider gave up leads to the next try, one at a time, until the window ends."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasking import lifecycle
from tasking.iceye.contract_terms import LEAD
from tasking.ledger import OrderRecord
from tasking.lifecycle import Polled
from tasking.lifecycle.actions import Amend, Ask
from tasking.lifecycle.next_try import AFTER_REJECTION, MOST_TRIES
from tasking.simulator import Simulator, serve
from tasking.waiting import Wait
from tests.support.sessions import until
from tests.support.way import Way, on_its_way

HOUR = timedelta(hours=1)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serve(seed=7) as running:
        yield running


def iceye(simulator: Simulator, folder: Path, **wishes: Any) -> Any:
    return on_its_way(simulator, folder, "iceye", **{"days": 10, "imaging_mode": "SPOTLIGHT", **wishes})


def tasks(way: Way) -> list[str]:
    """The references of the tasks at ICEYE: the judge."""
    made = way.simulator.iceye.summary()["tasks_by_reference"]
    return sorted(reference for reference, ids in made.items() for _ in ids)


def decided(way: Way, word: str) -> Wait | OrderRecord:
    """ICEYE's word on the order's last task, and the run started again."""
    way.simulator.iceye.decide(way.record.requests[-1].last.id, word)
    return way.go()


def ordered(way: Way) -> None:
    assert isinstance(way.go(), Wait)
    assert len(way.record.requests) == 1


def test_a_failed_capture_is_ordered_again_for_what_is_left_of_the_window(simulator: Simulator, tmp_path: Path) -> None:
    with iceye(simulator, tmp_path) as way:
        ordered(way)
        way.advance(timedelta(days=3))
        answer = decided(way, "FAILED")
        assert isinstance(answer, Wait)
        assert "does not know" not in answer.message, "it is read before it is waited for"
        first, second = way.record.requests
        assert (first.label, second.label) == ("bay", "bay#2")
        window = second.candidate
        assert window is not None
        assert window.end == way.order.window.end
        assert window.start >= simulator.clock.now() + LEAD["COMMERCIAL"]
        assert tasks(way) == ["bay", "bay#2"]
        assert way.to_the_end().status == "completed"
        assert tasks(way) == ["bay", "bay#2"]


def test_a_rejected_wish_is_tried_again_after_a_pause_and_not_for_ever(simulator: Simulator, tmp_path: Path) -> None:
    with iceye(simulator, tmp_path, days=12) as way:
        ordered(way)
        for number in range(1, MOST_TRIES):
            assert isinstance(decided(way, "REJECTED"), Wait)
            assert len(tasks(way)) == number, "not at once"
            way.advance(AFTER_REJECTION + HOUR / 60)
            assert isinstance(way.go(), Wait)
            assert len(tasks(way)) == number + 1
        end = decided(way, "REJECTED")
        assert isinstance(end, OrderRecord)
        assert end.status == "rejected"
        assert len(tasks(way)) == MOST_TRIES


@pytest.mark.parametrize("why", ["end", "old", "cancelled", "canceled there", "too late"])
def test_nothing_is_ordered_again(simulator: Simulator, tmp_path: Path, why: str) -> None:
    with iceye(simulator, tmp_path, **({"on_failure": "end"} if why == "end" else {})) as way:
        ordered(way)
        if why == "old":  # written down before the field was there
            told = {key: value for key, value in way.record.order.items() if key != "on_failure"}
            way.ledger.record("bay", order=told)
        elif why == "cancelled":
            way.ledger.record("bay", cancel_asked=True)
        elif why == "too late":
            way.advance(way.order.window.end - simulator.clock.now() - 30 * HOUR)
        end = decided(way, "CANCELED" if why == "canceled there" else "FAILED")
        assert isinstance(end, OrderRecord)
        assert end.status == ("user_cancelled" if why == "canceled there" else "failed")
        assert len(tasks(way)) == 1


def test_a_next_try_whose_answer_is_lost_is_found_and_made_once(simulator: Simulator, tmp_path: Path) -> None:
    with iceye(simulator, tmp_path) as way:
        ordered(way)
        simulator.fault("reset_after", method="POST", path="*/tasks")
        answer = decided(way, "FAILED")
        assert isinstance(answer, Wait)
        assert answer.waits_for == "settling"
        assert way.ledger.record("bay", waits_for="settling").order_status == "ordering"
        assert way.to_the_end().status == "completed"
        assert len(tasks(way)) == 2


def test_two_processes_that_see_the_failure_at_once_order_one_next_try(simulator: Simulator, tmp_path: Path) -> None:
    with iceye(simulator, tmp_path) as way:
        ordered(way)
        simulator.iceye.decide(way.record.requests[0].last.id, "FAILED")
        late = way.record  # what a slower process has read
        assert isinstance(way.go(), Wait)
        assert len(tasks(way)) == 2
        session = way.session
        session.note(polled=Polled(frozenset({late.requests[0].last.id})))
        seen = late.model_copy(update={"requests": [way.record.requests[0]]})
        next_try = lifecycle.next_action(session.state(seen))
        assert isinstance(next_try, Amend)
        session.amend(next_try, seen)
        assert way.record.candidate == way.record.requests[1].candidate, "the other one's choice stands"
        assert isinstance(way.go(), Wait)
        assert len(tasks(way)) == 2


def test_a_person_is_asked_about_each_try(simulator: Simulator, tmp_path: Path) -> None:
    with iceye(simulator, tmp_path, require_approval=True) as way:
        assert isinstance(until(way.session, Ask), Ask)
        way.ledger.record("bay", approved_candidate_id="whole-window")
        ordered(way)
        way.simulator.iceye.decide(way.record.requests[0].last.id, "FAILED")
        assert isinstance(until(way.session, Ask), Ask)
        candidate = way.record.candidate
        assert candidate is not None
        assert "FAILED" in candidate.note
        assert not lifecycle.requested(way.record)
        lifecycle.request(way.session)
        assert len(tasks(way)) == 1


def test_when_the_next_try_is_not_to_be_had_the_order_ends_and_tells_both(simulator: Simulator, tmp_path: Path) -> None:
    with iceye(simulator, tmp_path) as way:
        ordered(way)
        no = json.dumps({"feasibility": [{"id": "0", "result": "INFEASIBLE"}]})
        simulator.fault("status", code=200, method="POST", path="*/feasibility", body=no)
        end = decided(way, "FAILED")
        assert isinstance(end, OrderRecord)
        assert end.status == "rejected"
        assert "Not feasible" in str(end.outcome)
        assert f"request {end.requests[0].last.id}: FAILED" in str(end.outcome)


def test_a_cloudy_capture_of_a_narrow_task_leads_to_the_next_opportunity(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, "satellogic", narrow=True, days=10) as way:
        while not way.record.requests:
            answer = way.go()
            assert isinstance(answer, Wait)
            way.pass_time(answer)
        simulator.satellogic.reject_qc(1)
        end = way.to_the_end()
        assert end.status == "completed"
        first, second = end.requests
        assert first.last.status == "expired"
        assert second.label == "bay#2"
        assert first.last.end is not None
        assert second.candidate is not None
        assert second.candidate.start > first.last.end


def test_between_two_tries_a_cancel_costs_nothing_and_no_other_is_made(simulator: Simulator, tmp_path: Path) -> None:
    with iceye(simulator, tmp_path) as way:
        ordered(way)
        assert not lifecycle.between_tries(way.record)
        assert isinstance(decided(way, "REJECTED"), Wait)
        assert lifecycle.between_tries(way.record)
        way.ledger.record("bay", cancel_asked=True)
        way.advance(AFTER_REJECTION + HOUR / 60)
        end = way.go()
        assert isinstance(end, OrderRecord)
        assert end.status == "user_cancelled"
        assert len(tasks(way)) == 1
