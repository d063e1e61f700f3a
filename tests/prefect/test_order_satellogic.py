"""One Satellogic order from analysis to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect import get_client

from flows.cancel_order import cancel_order
from flows.order_satellogic import order_satellogic
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tests.support.installation import Installation
from tests.support.satellogic_order_runs import (
    HALF_A_CYCLE,
    assert_home,
    order,
    placed,
    published,
    said,
    task,
    until,
    woken,
    words,
)

TASKS = "/satellogic/tasking/tasks/"
ANALYSES = "/satellogic/v2/analysis/opportunities"


def cancel(installation: Installation, **how: Any) -> str:
    run = installation.start(cancel_order, reference="bay", **{"dry_run": False, **how})
    assert run.state is not None
    assert run.state.is_completed(), run.state
    return said(run.state)


def test_the_twelve_hour_rule_is_told_before_a_cancel_and_nothing_is_cancelled(installation: Installation) -> None:
    placed(installation, begins=2, max_captures=3)
    until(installation, "in_progress")
    told = cancel(installation, dry_run=True)
    assert "1 capture within 12 hours will be taken all the same" in told
    assert "2 captures more than 12 hours away will not be taken" in told
    assert task(installation)["status"] == "in_progress"


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


def test_a_cancel_in_time_ends_the_order_at_once(installation: Installation) -> None:
    run = placed(installation, begins=3)
    until(installation, "pending")
    cancel(installation)
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert (task(installation)["status"], task(installation)["captures"]) == ("canceled", [])


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
