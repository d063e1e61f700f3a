"""Runs whose process died, that were deleted, or ended by hand: brought back, replaced or closed, and nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import flow, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Crashed, Failed, Running

from flows.cancel_order import cancel_order
from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable, OrderEnded
from tasking.ledger import Intent, OrderRecord, engine, open_ledger
from tasks.recovery import orphaned_orders, recover_runs, runs
from tests.support.approval import answer, ask
from tests.support.installation import Installation, ledger_url


def set_state(run_id: UUID, state: State) -> None:
    """What a person, or a worker, does to a run."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, state, force=True)


def delete(run_id: UUID) -> None:
    """A person deletes a run."""
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run_id)


def in_place_of(run_id: UUID) -> set[UUID]:
    """The runs that were started because this one was deleted."""
    which = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"in place of {run_id}"]))
    with get_client(sync_client=True) as client:
        return {run.id for run in client.read_flow_runs(flow_run_filter=which)}


def test_a_crashed_run_goes_on_and_orders_nothing_twice(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    set_state(run.id, Running())
    set_state(run.id, Crashed(message="the machine died"))
    assert "1 recovered" in installation.watch()
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


NO_HEARTBEATS = "Flow run marked as crashed due to missing heartbeats."
"""What the automation of Prefect's documentation says of a run that is parked."""


def test_a_parked_run_that_an_automation_calls_crashed_waits_on_and_is_not_started_again_and_again(
    installation: Installation,
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert run.state is not None
    for _ in range(2):
        set_state(run.id, Crashed(message=NO_HEARTBEATS))
        assert "1 recovered" in installation.watch()
        waits = installation.read(run.id).state
        assert waits is not None
        assert waits.state_details.scheduled_time == run.state.state_details.scheduled_time
        assert waits.message == f"Waits again: {run.state.message}"
    assert "0 recovered" in installation.watch()
    assert installation.to_the_end(installation.read(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_question_that_an_automation_calls_crashed_is_still_the_question(installation: Installation) -> None:
    run = ask(installation)
    set_state(run.id, Crashed(message=NO_HEARTBEATS))
    assert "1 recovered" in installation.watch()
    again = installation.read(run.id).state
    assert again is not None
    assert again.name == "Suspended"
    assert installation.to_the_end(answer(installation, run, "approve")).is_completed()
    assert installation.created == (1, 1)


def test_an_order_that_was_given_up_is_not_reopened_by_a_run_that_waits_again(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    set_state(run.id, Crashed(message=NO_HEARTBEATS))
    installation.start(cancel_order, reference="bay", dry_run=False, stop_waiting=True)
    assert "1 recovered" in installation.watch()
    installation.pass_time(installation.read(run.id))
    installation.go_on(run.id)
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert "reopened" not in [one.event for one in installation.ledger.journal("bay")]


def test_a_delivered_order_whose_end_prefect_did_not_take_is_shown_as_completed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, broken = SyncPrefectClient.set_flow_run_state, [500]

    def set_flow_run_state(self: SyncPrefectClient, run_id: UUID, state: State[Any], **rest: Any) -> Any:
        if state.is_completed() and broken:
            request = httpx.Request("POST", "http://prefect/set_state")
            raise PrefectHTTPStatusError(
                "Server error", request=request, response=httpx.Response(broken.pop(), request=request)
            )
        return original(self, run_id, state, **rest)

    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    with monkeypatch.context() as patch:
        patch.setattr(SyncPrefectClient, "set_flow_run_state", set_flow_run_state)
        with pytest.raises(PrefectHTTPStatusError):  # with it the process ends
            installation.to_the_end(run)
    set_state(run.id, Crashed(message="its process ended with status 1"))  # says the worker
    assert installation.ledger.read("bay").status == "completed"
    assert "1 recovered" in installation.watch()
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_run_that_failed_for_a_reason_is_not_started_again(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Failed(message="Not feasible: HTTPError: of the provider"), force=True)
    assert "0 recovered" in installation.watch()


@pytest.mark.parametrize(
    "end",
    [Crashed(message="again"), Failed(message="Flow run encountered an exception: ReadTimeout: no answer")],
    ids=["crashed", "not told"],
)
def test_a_run_that_always_crashes_rests_for_an_hour_and_is_tried_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, end: State[Any]
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    for _ in range(5):
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, end.fresh_copy(), force=True)
        said = installation.watch()
    assert "0 recovered" in said
    state = installation.read(run.id).state
    assert state is not None
    assert state.type == end.type
    assert installation.ledger.read("bay").ended is None  # the order stays open meanwhile
    monkeypatch.setattr(recover_runs, "utc_now", lambda: utc_now() + timedelta(minutes=61))
    assert "1 recovered" in installation.watch()


@pytest.mark.parametrize(
    ("state", "moment"), [(Crashed, "_crashes_in_a_row"), (Running, "_crashes_in_a_row"), (Running, "Crashed")]
)
def test_a_lost_run_that_a_person_cancels_meanwhile_is_not_brought_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, state: Callable[[], State], moment: str
) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order())
    set_state(run.id, state())
    then = getattr(recover_runs, moment)

    def cancelled_first(*args: object, **given: object) -> object:
        set_state(run.id, Cancelled(message="by hand"))
        return then(*args, **given)

    monkeypatch.setattr(recover_runs, moment, cancelled_first)
    assert "0 recovered" in installation.watch(lost_after_seconds=0.0)
    after = installation.read(run.id).state
    assert after is not None
    assert (after.is_cancelled(), after.message) == (True, "by hand")


def test_no_run_counts_as_lost_while_there_are_flow_runs_that_cannot_be_seen(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order())
    set_state(run.id, Running())
    for process in ("self", "42"):
        (tmp_path / process).mkdir()
        (tmp_path / process / "cmdline").write_bytes(b"python\0-m\0prefect.engine\0")
    (tmp_path / "self" / "environ").write_bytes(b"")
    (tmp_path / "42" / "environ").mkdir()  # not to be read, as another user's is not
    monkeypatch.setattr(runs, "PROCESSES", tmp_path)
    assert "0 recovered" in installation.watch(lost_after_seconds=0.0)
    monkeypatch.setattr(recover_runs, "HOST_GONE_AFTER", timedelta(0))
    assert "1 recovered" in installation.watch(lost_after_seconds=0.0)


def test_a_lost_run_that_is_deleted_meanwhile_does_not_stop_the_watcher(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order())
    set_state(run.id, Crashed())
    crashes_in_a_row = recover_runs._crashes_in_a_row

    def deleted_first(states: list[State]) -> int:
        delete(run.id)
        return crashes_in_a_row(states)

    monkeypatch.setattr(recover_runs, "_crashes_in_a_row", deleted_first)
    assert "0 recovered" in installation.watch()


def test_a_cancel_whose_process_was_lost_is_carried_out_and_a_lost_watch_is_left_alone(
    installation: Installation,
) -> None:
    order = installation.start(order_axelglobe, deployed=True, order=installation.order())
    cancel = installation.create(cancel_order, deployed=True, reference="bay", dry_run=False)
    lost_watch = installation.create(watch_orders, deployed=True)
    set_state(cancel.id, Running())
    set_state(lost_watch.id, Crashed())
    assert "1 recovered" in installation.watch(lost_after_seconds=0.0)
    left = installation.read(lost_watch.id).state
    assert left is not None
    assert left.is_crashed()
    done = installation.go_on(cancel.id).state
    assert done is not None
    assert done.is_completed()
    ended = installation.read(order.id).state
    assert ended is not None
    assert ended.is_cancelled()
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert installation.created == (1, 0)


def test_a_run_that_failed_before_it_took_an_order_over_is_replaced_five_times_and_then_each_hour(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    delete(run.id)
    seen: set[UUID] = set()
    for _ in range(5):
        assert "1 reconciled" in installation.watch()
        assert "0 reconciled" in installation.watch()  # the new run has yet to start
        (new,) = in_place_of(run.id) - seen
        set_state(new, Failed(message="before it owned the order"))
        seen.add(new)
    assert "0 reconciled" in installation.watch()
    assert in_place_of(run.id) == seen
    monkeypatch.setattr(orphaned_orders, "utc_now", lambda: utc_now() + timedelta(minutes=61))
    assert "1 reconciled" in installation.watch()
    (new,) = in_place_of(run.id) - seen
    installation.runs[new] = installation.runs[run.id]
    assert installation.to_the_end(installation.go_on(new)).is_completed()
    assert installation.created == (1, 1)


def test_a_run_cancelled_before_it_took_an_order_over_ends_the_order_and_retry_goes_on(
    installation: Installation,
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    delete(run.id)
    installation.watch()
    (new,) = in_place_of(run.id)
    set_state(new, Cancelled(message="by hand"))
    assert "1 reconciled" in installation.watch()
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert in_place_of(run.id) == {new}
    installation.runs[new] = installation.runs[run.id]
    installation.retry(installation.read(new))
    assert installation.to_the_end(installation.go_on(new)).is_completed()
    assert installation.created == (1, 1)


def test_no_request_is_announced_between_the_last_look_at_an_order_and_its_end(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    set_state(run.id, Cancelled(message="by hand"))
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
    announced: list[Intent | None] = []
    outcome = orphaned_orders._outcome

    def announced_after_the_look(record: OrderRecord, *rest: Any) -> str:
        with closing(open_ledger(ledger_url(installation.folder))) as other, suppress(LedgerUnavailable):
            announced.append(None)
            announced[-1] = other.record_intent(record.reference, "request", record.reference, utc_now())
        return outcome(record, *rest)

    monkeypatch.setattr(orphaned_orders, "_outcome", announced_after_the_look)
    assert "1 reconciled" in installation.watch()
    assert announced == [None]
    assert "before anything was ordered" in str(installation.ledger.read("bay").outcome)
    with pytest.raises(OrderEnded):
        installation.ledger.record_intent("bay", "request", "bay", utc_now())


def test_an_order_whose_run_was_deleted_is_taken_over_by_another(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)
    assert "1 reconciled" in installation.watch()
    (new_id,) = in_place_of(run.id)
    with get_client(sync_client=True) as client:
        new = client.read_flow_run(new_id)
    assert new.deployment_id is not None
    installation.runs[new_id] = (order_axelglobe, new.parameters)
    assert installation.to_the_end(installation.go_on(new_id)).is_completed()
    assert installation.created == (1, 1)


def test_a_crashed_run_of_somebody_elses_flow_is_left_alone(installation: Installation) -> None:
    @flow(name="reorder-lines")
    def reorder_lines() -> None:
        """Not ours."""

    run = installation.create(reorder_lines, deployed=True)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message="theirs"), force=True)
    assert "0 recovered" in installation.watch()
