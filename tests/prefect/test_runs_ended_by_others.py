"""Only a person's word ends an order that was bought, or may have been: never Prefect's, nor an automation's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Cancelled, Cancelling, Completed, Failed, Suspended

from flows.cancel_order import cancel_order
from flows.order_axelglobe import order_axelglobe
from tasking.clock import utc_now
from tasks.ended_by import EndedBy, ended_by
from tests.support.installation import Installation
from tests.support.run_states import set_state

PATH = "/wfs/tasking/v2/collections/requests/items"
AUTOMATION = "Automation 0197a7b2-0000-7000-8000-000000000000"


def paid(installation: Installation) -> FlowRun:
    """The parked run of an order whose request is made."""
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert installation.created == (1, 1)
    return run


def state_of(installation: Installation, run: FlowRun) -> State[Any]:
    state = installation.read(run.id).state
    assert state is not None
    return state


OTHERS: dict[str, Callable[[UUID], None]] = {
    "an automation, or the command line": lambda run: set_state(run, Cancelling(), force=False),
    "perhaps a person, in the UI": lambda run: set_state(run, Cancelling()),
    "a cancel without a message": lambda run: set_state(run, Cancelled()),
    "an automation's own words": lambda run: set_state(run, Cancelled(message="was late")),
    "a concurrency limit": lambda run: set_state(run, Cancelled(message="Deployment concurrency limit reached.")),
    "set to failed": lambda run: set_state(run, Failed(message="stuck for long")),
    "set to completed": lambda run: set_state(run, Completed()),
    "paused by an automation": lambda run: set_state(run, Suspended(timeout_seconds=3600)),
}


@pytest.mark.parametrize("how", OTHERS)
def test_a_paid_order_goes_on_when_others_end_its_run(installation: Installation, how: str) -> None:
    run = paid(installation)
    OTHERS[how](run.id)
    assert "1 tended" in installation.watch()
    record, state = installation.ledger.read("bay"), state_of(installation, run)
    assert (record.ended, state.name) == (None, "AwaitingRetry")
    assert str(state.message).startswith("Not ended: ")
    assert state.message in [one.message for one in installation.ledger.journal("bay")]
    assert "0 tended" in installation.watch()
    assert installation.to_the_end(installation.read(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_person_is_asked_how_the_order_is_to_end_and_the_answer_counts(installation: Installation) -> None:
    run = paid(installation)
    set_state(run.id, Cancelling(), force=False)
    installation.watch()
    state, request = state_of(installation, run), installation.ledger.read("bay").requests[-1].last.id
    assert state.state_details.scheduled_time is not None
    assert state.state_details.scheduled_time > utc_now() + timedelta(minutes=55)
    for told in ("is order bay to end?", request, "cancel-order", "stop_waiting", "Otherwise it goes on at"):
        assert told in str(state.message)
    installation.start(cancel_order, reference="bay", dry_run=False, stop_waiting=True)
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert state_of(installation, run).is_cancelled()
    assert "0 tended" in installation.watch()
    run = installation.go_on(run.id)  # on its way to a worker already
    assert installation.ledger.read("bay").ended is not None


def test_an_order_that_may_be_bought_goes_on_when_others_end_its_run(installation: Installation) -> None:
    installation.simulator.fault("reset_after", method="POST", path=PATH)
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert installation.ledger.read("bay").requests == []
    set_state(run.id, Cancelled())
    assert "1 tended" in installation.watch()
    assert "not known yet whether its request arrived" in str(state_of(installation, run).message)
    assert installation.to_the_end(installation.read(run.id)).is_completed()
    assert installation.created == (1, 1)


@pytest.mark.parametrize("message", ["Deployment concurrency limit reached.", f"Cancelled by {AUTOMATION}"])
def test_prefects_cancel_loses_no_order_either_of_which_nothing_was_bought(
    installation: Installation, message: str
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    set_state(run.id, Cancelled(message=message))
    assert "1 tended" in installation.watch()
    assert installation.ledger.read("bay").ended is None
    assert installation.to_the_end(installation.read(run.id)).is_completed()
    assert installation.created == (1, 1)


@pytest.mark.parametrize("bought", [True, False])
def test_a_persons_cancel_of_a_run_at_work_ends_the_order_and_retry_goes_on(
    installation: Installation, bought: bool
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    if bought:
        installation.pass_time(run)
        run = installation.go_on(run.id)
    installation.cancel_by_hand(run)
    assert "1 tended" in installation.watch()
    assert installation.ledger.read("bay").status == "user_cancelled"
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_run_that_a_person_presses_retry_on_meanwhile_is_left_alone(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = paid(installation)
    set_state(run.id, Cancelled())

    def retried_first(states: list[State[Any]]) -> EndedBy:
        installation.retry(run)
        return ended_by(states)

    monkeypatch.setattr("tasks.stranded.ended_by", retried_first)
    assert "0 tended" in installation.watch()
    assert state_of(installation, run).message is None
