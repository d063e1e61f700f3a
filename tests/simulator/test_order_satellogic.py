"""One Satellogic order from analysis to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.order_satellogic import order_satellogic
from tasking.delivery.verify import verify
from tasking.simulator import Simulator, serve
from tests.support.installation import Installation
from tests.support.satellogic_order_runs import assert_home, order, placed, published, said, task, until, woken, words

# about 40 km wide: six strips side by side, or more
AREA = {"type": "Polygon", "coordinates": [[[10, 45], [10.51, 45], [10.51, 45.36], [10, 45.36], [10, 45]]]}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """The same days for each run of the tests, and every pass free: what goes wrong is what a test ordered."""
    switches = {"satellogic.demand": 0.0}
    with serve(seed=7, start=datetime(2026, 12, 1, tzinfo=UTC), switches=switches) as running:
        yield running


def looks(installation: Installation, run: FlowRun) -> Iterator[FlowRun]:
    """The run is woken each time a capture was published or failed, and when the task ends, until it ends itself."""
    seen: Any = None
    for _ in range(1000):
        installation.simulator.advance(3600)
        now = task(installation)
        settled = {
            one["capture_id"]: one["status"] for one in now["captures"] if one["status"] in ("published", "failed")
        }
        news = settled, now["status"] in ("completed", "partially_completed")
        if news != seen:
            seen = news
            run = woken(installation, run)
            yield run
        assert run.state is not None
        if run.state.is_final():
            return
    raise AssertionError(f"it never ends: {run.state}")


def test_a_narrow_order_of_the_earliest_pass_comes_home(installation: Installation) -> None:
    wanted = order(installation, begins=0, narrow=True, select="earliest")
    state = installation.to_the_end(installation.start(order_satellogic, order=wanted))
    assert state.is_completed(), state
    assert task(installation)["end"] - task(installation)["start"] < 1500
    assert_home(installation, published(installation))


SERIES: dict[str, dict[str, Any]] = {
    "area": {"area": AREA, "product": "area", "days": 21},
    "recurrence": {"expected_age_days": 5, "days": 20},
}


@pytest.mark.parametrize(("series", "least"), [("area", 6), ("recurrence", 4)])
def test_each_capture_of_a_series_is_delivered_when_it_is_published(
    installation: Installation, series: str, least: int
) -> None:
    deliveries = set()
    states = []
    for run in looks(installation, placed(installation, **SERIES[series])):
        states.append(run.state)
        delivered = frozenset(installation.ledger.read("bay").delivered)
        assert delivered == published(installation)
        deliveries.add(delivered)
    assert states[-1] is not None
    assert states[-1].is_completed(), states[-1]
    captures = task(installation)["captures"]
    assert len(deliveries - {frozenset()}) >= least, "they came one by one, while the task went on"
    assert len({one["start"][:10] for one in captures}) >= least
    assert_home(installation, {one["capture_id"] for one in captures})


@pytest.mark.parametrize("before", ["pending", "in_progress"])
def test_going_back_to_planning_is_shown_and_waited_on(installation: Installation, before: str) -> None:
    run = placed(installation, begins=2)
    until(installation, before)
    run = woken(installation, run)
    assert before in said(run.state)
    installation.simulator.satellogic.decide(task(installation)["task_id"], "planning")
    run = woken(installation, run)
    assert "(planning)" in said(run.state)
    assert f"{before} -> planning" in words(installation)
    assert installation.to_the_end(run).is_completed()
    assert_home(installation, published(installation))


def test_failures_in_orbit_and_in_quality_control_are_tried_again(installation: Installation) -> None:
    waiting = placed(installation)
    installation.simulator.satellogic.fail_next_captures(1)
    installation.simulator.satellogic.reject_qc(1)
    states = [run.state for run in looks(installation, waiting)]
    shown = [said(state) for state in states]
    assert states[-1] is not None
    assert states[-1].is_completed(), states[-1]
    assert [one["status"] for one in task(installation)["captures"]] == ["failed", "failed", "published"]
    assert any("1 failed" in one for one in shown)
    assert any("2 failed" in one for one in shown)
    assert_home(installation, published(installation))


def test_fewer_captures_than_wanted_are_a_success_that_says_how_many_are_missing(installation: Installation) -> None:
    run = placed(installation, max_captures=40, days=3)
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    there = published(installation)
    assert 0 < len(there) < 40
    assert f"{len(there)} of 40 captures published; {40 - len(there)} missing when the window ended" in said(state)
    assert_home(installation, there)


def test_a_window_that_ends_with_nothing_published_fails_and_says_so(installation: Installation) -> None:
    run = placed(installation, days=2)
    installation.simulator.satellogic.reject_qc(50)
    state = installation.to_the_end(run)
    assert state.is_failed()
    assert f"request {task(installation)['task_id']}: failed" in said(state)
    assert installation.ledger.read("bay").status == "expired"
    assert not (installation.archive / "bay").exists()


def test_a_status_word_nobody_knows_is_shown_and_waited_on(installation: Installation) -> None:
    installation.simulator.satellogic.switch(unknown_status_word="pondering")
    run = placed(installation)
    until(installation, "in_progress")
    run = woken(installation, run)
    assert "pondering" in said(run.state)
    assert "pondering (a word we do not know)" in words(installation)
    assert installation.ledger.read("bay").status is None
    assert installation.to_the_end(run).is_completed()


@pytest.mark.parametrize(
    ("trap", "why"), [("parent_path", "leads out of its folder"), ("bomb", "bytes together"), ("symlink", "is a link")]
)
def test_a_hostile_zip_fails_the_run_and_retry_fetches_it_again(
    installation: Installation, trap: str, why: str
) -> None:
    installation.simulator.satellogic.trap_next_zips(trap)
    run = placed(installation)
    state = installation.to_the_end(run)
    assert state.is_failed()
    assert why in said(state)
    assert "nothing was unpacked" in said(state)
    assert "Retry on this run" in said(state)
    files = [one for one in installation.folder.rglob("*") if one.is_file() and one.suffix in (".txt", ".tif", ".zip")]
    assert files == []
    assert not (installation.archive / "bay" / "catalog.json").exists()
    installation.retry(run)
    state = installation.to_the_end(installation.go_on(run.id))
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []
    assert task(installation)["task_name"] == "bay"


def test_a_hostile_zip_keeps_no_other_capture_from_coming_home(installation: Installation) -> None:
    run = placed(installation, max_captures=3)
    until(installation, "completed")
    installation.simulator.satellogic.trap_next_zips("parent_path", 1)  # of the first capture
    run = woken(installation, run)
    assert run.state is not None
    assert run.state.is_failed()
    assert len(published(installation)) == 3
    assert len(installation.ledger.read("bay").delivered) == 2
    assert verify(installation.archive / "bay") == []
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert set(installation.ledger.read("bay").delivered) == published(installation)
