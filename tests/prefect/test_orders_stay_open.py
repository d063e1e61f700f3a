"""An order is not closed because a worker could not read it, or use the ledger, its deployment or Prefect."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Failed, Running
from pydantic import SecretStr
from sqlalchemy.exc import InternalError

from blocks.order_ledger import OrderLedger
from flows import parking
from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import HUNG, watch_orders
from tasking.clock import utc_now
from tasking.ledger import Ledger
from tasking.lock import locked
from tasks.recovery import recover_runs
from tests.support.installation import Installation, ledger_url


def paid(installation: Installation) -> FlowRun:
    """The parked run of an order whose request is made."""
    run = wake(installation, installation.start(order_axelglobe, deployed=True, order=installation.order()))
    assert installation.created == (1, 1)
    return run


def wake(installation: Installation, run: FlowRun) -> FlowRun:
    """Let its wait pass, and start it again."""
    installation.pass_time(run)
    return installation.go_on(run.id)


def waits(run: FlowRun) -> str:
    """What a parked run says."""
    assert run.state is not None
    assert run.state.name == "AwaitingRetry", run.state
    return str(run.state.message)


def set_state(run_id: UUID, state: State) -> None:
    """What a person, or a worker, does to a run."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, state, force=True)


def in_place_of(run_id: UUID) -> set[UUID]:
    """The runs that were started instead of this one."""
    which = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"in place of {run_id}"]))
    with get_client(sync_client=True) as client:
        return {run.id for run in client.read_flow_runs(flow_run_filter=which)}


def test_a_paid_order_that_this_workers_code_cannot_read_is_left_to_code_that_can(installation: Installation) -> None:
    run = paid(installation)
    as_given = installation.runs[run.id]
    of_other_code = {**installation.order().model_dump(mode="json"), "field_of_tomorrow": 7}
    installation.runs[run.id] = (order_axelglobe, {"order": of_other_code})
    run = wake(installation, run)
    assert "field_of_tomorrow" in waits(run)
    assert "0 reconciled" in installation.watch()
    record = installation.ledger.read("bay")
    assert (record.ended, record.waits_message) == (None, waits(run))
    installation.runs[run.id] = as_given
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (1, 1)


def test_an_order_that_only_newer_code_can_read_stays_open_and_stops_no_other(installation: Installation) -> None:
    run = paid(installation)
    other = installation.start(order_axelglobe, order=installation.order(reference="cape"))
    with closing(sqlite3.connect(installation.folder / "ledger.sqlite")) as ledger, ledger:
        (as_written,) = ledger.execute("SELECT last FROM requests WHERE reference = 'bay'").fetchone()
        of_tomorrow = as_written.replace('"status": "', '"status": "held at customs, ')
        assert of_tomorrow != as_written
        ledger.execute("UPDATE requests SET last = ? WHERE reference = 'bay'", (of_tomorrow,))
    set_state(run.id, Running())  # on the machine with the newer code
    said = installation.watch(lost_after_seconds=0.0)
    assert said.startswith("1 open orders")
    assert "0 recovered" in said
    set_state(other.id, Cancelled(message="by hand"))
    assert "1 reconciled" in installation.watch()
    run = wake(installation, run)
    assert "cannot read order bay" in waits(run)
    with closing(sqlite3.connect(installation.folder / "ledger.sqlite")) as ledger, ledger:
        ledger.execute("UPDATE requests SET last = ? WHERE reference = 'bay'", (as_written,))
    assert "0 reconciled" in installation.watch()
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (2, 1)


def test_orders_that_wake_while_the_ledgers_block_is_gone_come_home_once_it_is_back(installation: Installation) -> None:
    run = paid(installation)
    OrderLedger.delete("default")
    run = wake(installation, run)
    assert "there is no such block" in waits(run)
    OrderLedger(url=SecretStr(ledger_url(installation.folder))).save("default")
    assert "0 reconciled" in installation.watch()
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (1, 1)


def test_orders_that_wake_while_the_ledger_takes_no_writes_come_home_once_it_does(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = paid(installation)

    def read_only(*_args: object) -> None:
        raise InternalError("UPDATE", {}, Exception("cannot execute UPDATE in a read-only transaction"))

    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "locked", read_only)
        run = wake(installation, run)
    assert "read-only transaction" in waits(run)
    assert "0 reconciled" in installation.watch()
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (1, 1)


def test_a_new_order_is_told_that_the_ledgers_block_is_missing_and_goes_on_once_it_is_made(
    installation: Installation,
) -> None:
    OrderLedger.delete("default")
    run = installation.start(order_axelglobe, order=installation.order())
    assert "make a block of type order-ledger named default" in waits(run)
    assert installation.created == (0, 0)
    OrderLedger(url=SecretStr(ledger_url(installation.folder))).save("default")
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (1, 1)


def test_a_run_that_prefect_cancels_because_its_deployment_is_gone_is_replaced(installation: Installation) -> None:
    run = paid(installation)
    # what a worker does to a due run: prefect.workers.base.BaseWorker._submit_run
    gone = f"Deployment {run.deployment_id} no longer exists, cancelled run."
    set_state(run.id, Cancelled(message=gone))
    assert "1 reconciled" in installation.watch()
    (new,) = in_place_of(run.id)
    set_state(new, Cancelled(message=gone))
    assert "1 reconciled" in installation.watch()
    (new,) = in_place_of(run.id) - {new}
    assert installation.ledger.read("bay").ended is None
    installation.runs[new] = installation.runs[run.id]
    assert installation.to_the_end(installation.go_on(new)).is_completed()
    assert installation.created == (1, 1)


def test_an_open_order_whose_end_prefect_did_not_take_is_brought_back_also_days_later(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = paid(installation)
    set_state(run.id, Failed(message="Flow run encountered an exception: ReadTimeout: no answer"))
    monkeypatch.setattr(recover_runs, "RECENT", timedelta(0))  # as if nobody had watched since the day before
    assert "1 recovered" in installation.watch()
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_watch_that_hangs_is_not_shown_as_if_all_were_well(installation: Installation, home: Path) -> None:
    lock = home / "watch.lock"
    assert "0 open orders" in installation.watch()
    with locked(lock, 0.0) as held:
        os.utime(held)
        assert "still at work" in installation.watch()
        long_ago = (utc_now() - HUNG).timestamp() - 1
        os.utime(held, (long_ago, long_ago))
        state = installation.start(watch_orders).state
    assert state is not None
    assert state.is_failed()
    assert "seems to hang" in str(state.message)
    assert "0 open orders" in installation.watch()
    assert lock.stat().st_mtime > long_ago + 60


def test_a_paid_order_that_meets_one_404_of_a_proxy_before_prefect_is_brought_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, answers = SyncPrefectClient.request, [404]

    def request(self: SyncPrefectClient, method: Any, path: Any, *args: Any, **rest: Any) -> httpx.Response:
        if method == "PATCH" and rest.get("json") == {"infrastructure_pid": None} and answers:
            asked = httpx.Request(method, "http://proxy/api/flow_runs")
            answer = httpx.Response(answers.pop(), text="404 page not found", request=asked)
            raise PrefectHTTPStatusError("404 page not found", request=asked, response=answer)
        return original(self, method, path, *args, **rest)

    run = paid(installation)
    installation.pass_time(run)
    with monkeypatch.context() as patch:
        patch.setattr(SyncPrefectClient, "request", request)
        installation.go_on(run.id)
    assert answers == []
    assert "1 recovered, 0 reconciled" in installation.watch()
    assert installation.ledger.read("bay").ended is None
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


@pytest.mark.parametrize("refused", [401, 403])
def test_a_run_whose_credentials_prefect_refuses_leaves_its_process_and_is_started_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    original, asked = SyncPrefectClient.set_flow_run_state, []

    def set_flow_run_state(self: SyncPrefectClient, run_id: UUID, state: State[Any], **rest: Any) -> Any:
        if state.name != "AwaitingRetry":
            return original(self, run_id, state, **rest)
        asked.append(state)
        assert len(asked) < 200, "it asks for ever"
        request = httpx.Request("POST", "http://prefect/set_state")
        answer = httpx.Response(refused, request=request)
        raise PrefectHTTPStatusError("Unauthorized", request=request, response=answer)

    run = paid(installation)
    installation.pass_time(run)
    with monkeypatch.context() as patch:
        patch.setattr(SyncPrefectClient, "set_flow_run_state", set_flow_run_state)
        patch.setattr(parking, "AGAIN_SECONDS", 0.01)
        patch.setattr(parking, "REFUSED_SECONDS", 0.2)
        run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.is_running()
    assert installation.ledger.read("bay").ended is None
    assert "1 recovered" in installation.watch(lost_after_seconds=0.0)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)
