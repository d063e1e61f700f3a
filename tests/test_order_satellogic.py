"""One Satellogic order from analysis to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import AwaitingRetry

from flows.cancel_order import cancel_order
from flows.order_satellogic import order_satellogic
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tasking.delivery.catalog import verify
from tasking.satellogic.order import SatellogicOrder
from tasking.simulator import Simulator, serve
from tests.installation import Installation

POINT = {"type": "Point", "coordinates": [72.905273, 19.023001]}
# about 40 km wide: six strips side by side, or more
AREA = {"type": "Polygon", "coordinates": [[[10, 45], [10.51, 45], [10.51, 45.36], [10, 45.36], [10, 45]]]}
TASKS = "/satellogic/tasking/tasks/"
ANALYSES = "/satellogic/v2/analysis/opportunities"
ZIPS = "/satellogic/telluric/scenes/*/attachments/*"
HALF_A_CYCLE = 900


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """The same days for each run of the tests, and every pass free: what goes wrong is what a test ordered."""
    switches = {"satellogic.demand": 0.0}
    with serve(seed=7, start=datetime(2026, 12, 1, tzinfo=UTC), switches=switches) as running:
        yield running


def order(installation: Installation, days: float = 9, begins: float = 1, **changes: Any) -> SatellogicOrder:
    """A point near Mumbai; all of the window unless a test narrows it."""
    start = installation.simulator.clock.now() + timedelta(days=begins)
    window = {"start": start, "end": start + timedelta(days=days)}
    target = {} if "area" in changes else {"point": POINT}
    common = {"name": "Mumbai", "reference": "bay", "narrow": False, "window": window}
    return SatellogicOrder.model_validate({**common, **target, **changes})


def task(installation: Installation) -> dict[str, Any]:
    """The one task that was made."""
    made: list[dict[str, Any]] = installation.simulator.satellogic.tasks()
    assert len(made) == 1
    return made[0]


def published(installation: Installation) -> set[str]:
    return {one["capture_id"] for one in task(installation)["captures"] if one["status"] == "published"}


def woken(installation: Installation, run: FlowRun) -> FlowRun:
    """The run goes on now, as when the watcher has news for it."""
    installation.set_state(run.id, AwaitingRetry(scheduled_time=utc_now()))
    return installation.go_on(run.id)


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


def until(installation: Installation, status: str, step_seconds: float = HALF_A_CYCLE) -> None:
    """Let time pass at the provider until the task has a status."""
    for _ in range(3000):
        if task(installation)["status"] == status:
            return
        installation.simulator.advance(step_seconds)
    raise AssertionError(f"never {status}")


def placed(installation: Installation, **changes: Any) -> FlowRun:
    """An order whose task was made; its run waits for imagery."""
    run = installation.start(order_satellogic, order=order(installation, **changes))
    while not installation.simulator.satellogic.tasks():
        installation.pass_time(run)
        run = installation.go_on(run.id)
    return run


def said(state: State[Any] | None) -> str:
    assert state is not None
    return str(state.message)


def words(installation: Installation) -> str:
    """All that the journal says of the order."""
    return "\n".join(one.message or "" for one in installation.ledger.journal("bay"))


def assert_home(installation: Installation, captures: set[str]) -> None:
    """Those captures are in one catalog, whole, and each was fetched once."""
    assert verify(installation.archive / "bay") == []
    assert len(list((installation.archive / "bay").glob("*/*.json"))) == len(captures)
    assert set(installation.ledger.read("bay").delivered) == captures
    fetched = Counter(call["path"] for call in installation.simulator.journal(method="GET", path=ZIPS))
    assert set(fetched.values()) == {1}
    assert len(fetched) == len(captures)


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


def cancel(installation: Installation, **how: Any) -> str:
    run = installation.start(cancel_order, reference="bay", **{"dry_run": False, **how})
    assert run.state is not None
    assert run.state.is_completed(), run.state
    return said(run.state)


@pytest.mark.server
def test_the_twelve_hour_rule_is_told_before_a_cancel_and_nothing_is_cancelled(installation: Installation) -> None:
    placed(installation, begins=2, max_captures=3)
    until(installation, "in_progress")
    told = cancel(installation, dry_run=True)
    assert "1 capture within 12 hours will be taken all the same" in told
    assert "2 captures more than 12 hours away will not be taken" in told
    assert task(installation)["status"] == "in_progress"


@pytest.mark.server
def test_what_was_published_before_a_cancel_is_delivered_and_the_run_ends_cancelled(
    installation: Installation,
) -> None:
    run = placed(installation, max_captures=8)
    while not published(installation):
        installation.simulator.advance(HALF_A_CYCLE)
    there = published(installation)
    assert "What was captured before is delivered" in cancel(installation)
    state = installation.to_the_end(installation.read(run.id))
    assert state.is_cancelled(), state
    assert there <= published(installation)
    assert_home(installation, published(installation))
    assert task(installation)["status"] == "canceled"


@pytest.mark.server
def test_a_capture_that_a_cancel_came_too_late_for_is_brought_home(installation: Installation) -> None:
    run = placed(installation, begins=2)
    until(installation, "in_progress")
    woken(installation, run)
    told = cancel(installation)
    assert "1 capture within 12 hours will be taken all the same" in told
    assert "ends once the provider says that nothing more comes" in told
    run = woken(installation, run)
    assert "1 taken despite the cancel" in said(run.state)
    state = installation.to_the_end(run)
    assert state.is_cancelled(), state
    assert len(published(installation)) == 1
    assert_home(installation, published(installation))


@pytest.mark.server
def test_a_cancel_of_an_order_whose_run_is_over_says_what_fetches_the_captures(installation: Installation) -> None:
    run = placed(installation, max_captures=8)
    while not published(installation):
        installation.simulator.advance(HALF_A_CYCLE)
    installation.cancel_by_hand(run)
    assert "1 tended" in installation.watch()
    told = cancel(installation)
    assert f"Retry on run {run.id} fetches what was captured" in told
    assert "is delivered" not in told
    assert f"Retry on run {run.id}" in cancel(installation)
    installation.retry(run)
    state = installation.to_the_end(installation.go_on(run.id))
    assert state.is_cancelled(), state
    assert task(installation)["status"] == "canceled"
    assert_home(installation, published(installation))


@pytest.mark.server
def test_a_cancel_in_time_ends_the_order_at_once(installation: Installation) -> None:
    run = placed(installation, begins=3)
    until(installation, "pending")
    cancel(installation)
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert (task(installation)["status"], task(installation)["captures"]) == ("canceled", [])


@pytest.mark.server
def test_an_analysis_that_was_forgotten_before_the_approval_is_made_anew(installation: Installation) -> None:
    wanted = order(installation, begins=2, narrow=True, select="earliest", require_approval=True)
    run = installation.start(order_satellogic, deployed=True, order=wanted)
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "Suspended", run.state
    first = installation.ledger.read("bay").candidate
    assert first is not None
    installation.simulator.clock.move(now=first.start)
    installation.ledger.record("bay", wake_at=utc_now() - timedelta(seconds=1))
    installation.start(watch_orders)
    run = installation.go_on(run.id)
    while run.state is not None and run.state.name == "AwaitingRetry":
        installation.pass_time(run)
        run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "Suspended", run.state
    second = installation.ledger.read("bay").candidate
    assert second is not None
    assert second.start > first.start
    assert "no longer knows plan" in words(installation)
    with get_client(sync_client=True) as client:
        client.request(
            "POST",
            "/flow_runs/{id}/resume",
            path_params={"id": run.id},
            json={"run_input": {"decision": "approve", "note": ""}},
        )
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert len(installation.simulator.journal(method="POST", path=ANALYSES)) == 2
    assert len(installation.simulator.journal(method="POST", path=TASKS)) == 1
