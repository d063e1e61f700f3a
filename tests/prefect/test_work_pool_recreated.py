"""Orders whose runs no worker is offered: their work pool was deleted and made again, or nobody starts them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry

from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tasks.recovery import stalled_runs
from tasks.recovery.runs import Processes
from tests.support.installation import Installation

POOL = "pool-that-is-lost"


def make_pool() -> None:
    with get_client(sync_client=True) as client:
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))


def delete_pool() -> None:
    with get_client(sync_client=True) as client:
        client.delete_work_pool(POOL)


def deploy() -> UUID:
    """`prefect deploy --all`: the same deployment each time."""
    where = "flows.order_axelglobe.order_axelglobe"
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(order_axelglobe)
        return client.create_deployment(flow_id, "order", work_pool_name=POOL, entrypoint=where)


def create(installation: Installation, **changes: object) -> FlowRun:
    given: dict[str, Any] = {"order": installation.order(**changes)}
    with get_client(sync_client=True) as client:
        run = client.create_flow_run_from_deployment(deploy(), parameters=order_axelglobe.serialize_parameters(given))
    installation.runs[run.id] = (order_axelglobe, given)
    return run


def offered() -> list[UUID]:
    """The runs that a worker of the pool is offered."""
    with get_client(sync_client=True) as client:
        return [one.flow_run.id for one in client.get_scheduled_flow_runs_for_work_pool(POOL)]


def due_since(run: FlowRun, ago: timedelta) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, AwaitingRetry(scheduled_time=utc_now() - ago))


def in_place_of(run_id: UUID) -> list[UUID]:
    which = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"in place of {run_id}"]))
    with get_client(sync_client=True) as client:
        return [run.id for run in client.read_flow_runs(flow_run_filter=which)]


@pytest.fixture
def pool(installation: Installation) -> Iterator[Installation]:
    """An installation whose orders go to a work pool."""
    make_pool()
    yield installation
    with suppress(ObjectNotFound):  # the test may have deleted it
        delete_pool()


@pytest.fixture
def parked(pool: Installation) -> FlowRun:
    """The parked run of an order whose request is made."""
    run = pool.go_on(create(pool).id)
    pool.pass_time(run)
    run = pool.go_on(run.id)
    assert pool.created == (1, 1)
    return run


def test_a_paid_order_whose_work_pool_was_deleted_and_made_again_is_carried_on(
    pool: Installation, parked: FlowRun
) -> None:
    due_since(parked, timedelta(minutes=1))
    assert offered() == [parked.id]
    delete_pool()
    assert "0 reconciled" in pool.watch()  # nobody would see another run either
    make_pool()
    deploy()
    assert offered() == []
    assert "1 reconciled" in pool.watch()
    (new,) = in_place_of(parked.id)
    assert offered() == [new]
    assert "0 reconciled" in pool.watch()
    pool.runs[new] = pool.runs[parked.id]
    assert pool.to_the_end(pool.go_on(new)).is_completed()
    assert pool.created == (1, 1)


def test_a_run_that_loses_its_pool_before_it_took_the_order_over_is_replaced(
    pool: Installation, parked: FlowRun
) -> None:
    for _ in range(2):
        delete_pool()
        make_pool()
        deploy()
        assert "1 reconciled" in pool.watch()
    (new,) = offered()
    assert new in in_place_of(parked.id)
    pool.runs[new] = pool.runs[parked.id]
    assert pool.to_the_end(pool.go_on(new)).is_completed()
    assert pool.created == (1, 1)


def test_a_run_without_a_pool_that_a_person_cancelled_ends_its_order(pool: Installation, parked: FlowRun) -> None:
    delete_pool()
    make_pool()
    deploy()
    pool.cancel_by_hand(parked)
    assert "1 reconciled" in pool.watch()
    assert in_place_of(parked.id) == []
    assert pool.ledger.read("bay").status == "user_cancelled"


def test_an_approval_is_asked_for_where_a_worker_sees_the_answer(pool: Installation) -> None:
    run = pool.go_on(create(pool, require_approval=True).id)
    pool.pass_time(run)
    run = pool.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "Suspended"
    delete_pool()
    make_pool()
    deploy()
    assert "1 reconciled" in pool.watch()
    (new,) = in_place_of(run.id)
    pool.runs[new] = pool.runs[run.id]
    asked = pool.go_on(new).state
    assert asked is not None
    assert asked.name == "Suspended"
    assert pool.created == (1, 0)


def minutes_later(monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    """For the overdue alarm, so much time has gone by."""
    monkeypatch.setattr(stalled_runs, "utc_now", lambda: utc_now() + timedelta(minutes=minutes))


def test_a_watch_fails_when_nobody_starts_the_runs_that_are_due(
    pool: Installation, parked: FlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_since(parked, timedelta(minutes=1))
    monkeypatch.setattr(stalled_runs, "_watched", lambda *_: True)  # each five minutes
    minutes_later(monkeypatch, 13)
    assert "overdue" not in pool.watch()
    minutes_later(monkeypatch, 16)
    state = pool.start(watch_orders).state
    assert state is not None
    assert state.is_failed()
    assert str(state.message).startswith("1 open orders: ")
    assert "1 overdue, the first since" in str(state.message)
    assert "no run of an order has begun for 15 minutes" in str(state.message)
    assert "overdue" not in str(pool.start(watch_orders, overdue_minutes=60.0).state)


def test_runs_that_are_due_since_long_are_no_alarm_right_after_an_outage_of_everything(
    pool: Installation, parked: FlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_since(parked, timedelta(minutes=1))
    pool.watch()
    minutes_later(monkeypatch, 30)  # nobody watched meanwhile
    assert "1 overdue" in pool.watch()


def test_runs_that_wait_while_large_images_are_downloaded_are_no_alarm(
    pool: Installation, parked: FlowRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    due_since(parked, timedelta(minutes=1))
    busy = pool.create(order_axelglobe, order=pool.order(reference="cape"))
    monkeypatch.setattr(stalled_runs, "_watched", lambda *_: True)
    monkeypatch.setattr(stalled_runs, "running_processes", lambda: Processes(True, {str(busy.id)}, None))
    minutes_later(monkeypatch, 16)
    assert "1 overdue" in pool.watch()


def test_a_watch_in_the_second_half_of_the_time_shows_that_prefect_was_there(pool: Installation) -> None:
    pool.watch()
    now, name = utc_now(), watch_orders.name
    with get_client(sync_client=True) as client:
        assert stalled_runs._watched(client, name, now - timedelta(minutes=1), now + timedelta(minutes=1))
        assert not stalled_runs._watched(client, name, now + timedelta(minutes=1), now + timedelta(minutes=2))
