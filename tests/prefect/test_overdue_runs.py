"""The watcher's alarm: it reads which steps were begun."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId, TaskRunFilter
from prefect.states import AwaitingRetry

from flows.order_axelglobe import order_axelglobe
from tasking.clock import utc_now
from tasks.recovery import stalled_runs
from tests.support.installation import Installation


def test_more_orders_at_once_than_are_started_in_time_are_told_and_no_alarm(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert installation.created == (1, 1)
    monkeypatch.setattr(stalled_runs, "_watched", lambda *_: True)
    installation.set_state(run.id, AwaitingRetry(scheduled_time=utc_now() - timedelta(minutes=20)))
    this, give_up = FlowRunFilter(id=FlowRunFilterId(any_=[run.id])), time.monotonic() + 120
    began = TaskRunFilter.model_validate({"start_time": {"after_": utc_now() - timedelta(minutes=15)}})
    with get_client(sync_client=True) as client:  # Prefect writes down that a step began when it comes to it
        while not client.read_task_runs(flow_run_filter=this, task_run_filter=began) and time.monotonic() < give_up:
            time.sleep(0.1)
    assert "1 overdue, the first since" in installation.watch()  # and steps of orders began just now: its own did
