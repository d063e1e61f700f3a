"""The watcher: few calls, the right runs woken, dead runs brought back, and one broken order stops nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect import flow, get_client
from prefect.states import Cancelled, Crashed

from flows.cancel_order import cancel_order
from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tasking.ledger import Ledger
from tasks import bring_back
from tests.installation import Installation

pytestmark = pytest.mark.server

REQUESTS = "/wfs/tasking/v2/collections/requests/items"


def watch(installation: Installation) -> str:
    """A run of the watcher; its message."""
    run = installation.start(watch_orders)
    assert run.state is not None
    assert run.state.is_completed(), run.state
    return str(run.state.message)


def forget_pauses(installation: Installation) -> None:
    """Our clock does not move in tests: as if every order's next look were due."""
    for one in installation.ledger.orders():
        installation.ledger.record(one.reference, look_after=utc_now() - timedelta(seconds=1))


def order_until_imagery(installation: Installation, reference: str = "bay", **changes: object) -> object:
    run = installation.start(order_axelglobe, order=installation.order(reference=reference, **changes))
    installation.pass_time(run)
    return installation.go_on(run.id)


def test_the_watcher_wakes_a_run_whose_imagery_is_there(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.simulator.advance(timedelta(days=14).total_seconds())
    forget_pauses(installation)
    assert "1 woken" in watch(installation)
    woken = installation.read(run.id)
    assert woken.state is not None
    due = woken.state.state_details.scheduled_time
    assert due is not None
    assert due <= utc_now()
    assert installation.go_on(run.id).state.is_completed()  # type: ignore[union-attr]


def test_a_run_that_could_do_nothing_new_is_left_asleep(installation: Installation) -> None:
    order_until_imagery(installation)
    installation.simulator.advance(3600)
    forget_pauses(installation)
    assert "1 asked about, 0 woken" in watch(installation)
    assert installation.ledger.read("bay").provider_status in ("ACCEPTED", "PROCESSING")


def test_many_open_orders_are_read_in_pages_and_not_asked_twice(installation: Installation) -> None:
    for number in range(5):
        order_until_imagery(installation, f"bay-{number}")
    forget_pauses(installation)
    before = len(installation.simulator.journal(path="*/requests/*", method="GET"))
    assert "5 asked about" in watch(installation)
    assert len(installation.simulator.journal(path="*/requests/*", method="GET")) - before == 1
    assert "0 asked about" in watch(installation)


def test_the_watcher_wakes_a_run_whose_plan_is_ready_early(installation: Installation) -> None:
    installation.simulator.switch(candidates_ready_seconds=600, candidates_ready_jitter_seconds=0)
    installation.start(order_axelglobe, order=installation.order())
    installation.simulator.advance(700)
    forget_pauses(installation)
    assert "1 woken" in watch(installation)


def test_one_broken_account_does_not_keep_the_others_from_being_looked_at(installation: Installation) -> None:
    order_until_imagery(installation)
    installation.ledger.claim(
        "broken",
        {"name": "x", "account": "axelglobe-tasking/nobody"},
        provider="axelglobe",
        flow_run_id="00000000-0000-0000-0000-000000000001",
        owner_is_gone=lambda _run: False,
    )
    installation.simulator.advance(timedelta(days=14).total_seconds())
    forget_pauses(installation)
    assert "1 woken" in watch(installation)


def test_a_crashed_run_goes_on_and_orders_nothing_twice(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message="the machine died"), force=True)
    assert "1 brought back" in watch(installation)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_run_that_always_crashes_rests_for_an_hour_and_is_tried_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    for _ in range(5):
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Crashed(message="again"), force=True)
        said = watch(installation)
    assert "0 brought back" in said
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_crashed()
    monkeypatch.setattr(bring_back, "utc_now", lambda: utc_now() + timedelta(minutes=61))
    assert "1 brought back" in watch(installation)


def test_an_order_whose_run_was_deleted_is_taken_over_by_another(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)
        known = {one.id for one in client.read_flow_runs()}
        assert "1 tended" in watch(installation)
        (new,) = (one for one in client.read_flow_runs() if one.id not in known and one.deployment_id is not None)
    installation.runs[new.id] = (order_axelglobe, new.parameters)
    assert installation.to_the_end(installation.go_on(new.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_crashed_run_of_somebody_elses_flow_is_left_alone(installation: Installation) -> None:
    @flow(name="reorder-lines")
    def reorder_lines() -> None:
        """Not ours."""

    run = installation.create(reorder_lines, deployed=True)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message="theirs"), force=True)
    assert "0 brought back" in watch(installation)


def test_a_request_made_in_the_moment_of_a_cancel_is_not_called_cancelled(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    open_intent = Ledger.open_intent

    def made_meanwhile(self: Ledger, reference: str, verb: str, label: str) -> object:
        monkeypatch.setattr(Ledger, "open_intent", open_intent)
        self.record(reference, cancel_asked=False)
        installation.pass_time(run)
        installation.go_on(run.id)
        return self.open_intent(reference, verb, label)

    monkeypatch.setattr(Ledger, "open_intent", made_meanwhile)
    cancel = installation.start(cancel_order, reference="bay")
    assert "goes on" in str(cancel.state and cancel.state.message)
    assert installation.ledger.read("bay").ended is None
    assert installation.created == (1, 1)


def test_an_order_whose_run_was_cancelled_by_hand_is_closed_and_retry_goes_on(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Cancelled(message="by hand"), force=True)
    assert "1 tended" in watch(installation)
    assert installation.ledger.read("bay").ended is not None
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_an_order_is_cancelled_before_its_request_and_nothing_is_ordered(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    cancel = installation.start(cancel_order, reference="bay")
    assert cancel.state is not None
    assert cancel.state.is_completed()
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert installation.created == (1, 0)
    assert installation.ledger.read("bay").status == "user_cancelled"


def test_a_request_that_cannot_be_cancelled_is_said_plainly_and_goes_on(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    cancel = installation.start(cancel_order, reference="bay")
    assert cancel.state is not None
    assert cancel.state.is_failed()
    assert "documents no way to cancel" in str(cancel.state.message)
    assert "takes cancellations until" in str(cancel.state.message)
    assert installation.to_the_end(run).is_completed()


def test_a_request_that_cannot_be_cancelled_can_be_given_up_on_our_side(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.start(cancel_order, reference="bay", stop_waiting=True)
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()


def test_cancelling_while_a_create_is_uncertain_never_makes_a_second_one(installation: Installation) -> None:
    installation.simulator.fault("reset_before", method="POST", path=REQUESTS)
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert installation.ledger.read("bay").waits_for == "settling"
    cancel = installation.start(cancel_order, reference="bay")
    assert "not known yet" in str(cancel.state and cancel.state.message)
    assert installation.to_the_end(run).is_cancelled()
    assert installation.created == (1, 0)


def test_an_unknown_reference_is_said(installation: Installation) -> None:
    cancel = installation.start(cancel_order, reference="nowhere")
    assert cancel.state is not None
    assert "nowhere" in str(cancel.state.message)
