"""cancel-order before, at and after the request: what a person is told is so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.states import Pending, Running

from flows.cancel_order import cancel_order
from flows.order_axelglobe import order_axelglobe
from tasking.delivery.catalog import write_catalog, write_item
from tasking.delivery.stac.item import ORDER_EXTENSION
from tasking.delivery.storage import make_folder
from tasking.ledger import Ledger, OrderRecord
from tests.support.installation import Installation

REQUESTS = "/wfs/tasking/v2/collections/requests/items"


def test_a_request_made_in_the_moment_of_a_cancel_is_not_called_cancelled(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    read = Ledger.read

    def made_meanwhile(self: Ledger, reference: str) -> OrderRecord:
        monkeypatch.setattr(Ledger, "read", read)
        self.record(reference, cancel_asked=False)
        installation.pass_time(run)
        installation.go_on(run.id)
        return self.read(reference)

    monkeypatch.setattr(Ledger, "read", made_meanwhile)
    cancel = installation.start(cancel_order, reference="bay", dry_run=False)
    assert "goes on" in str(cancel.state and cancel.state.message)
    assert installation.ledger.read("bay").ended is None
    assert installation.created == (1, 1)


def test_an_order_whose_run_was_cancelled_by_hand_is_closed_and_retry_goes_on(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.cancel_by_hand(run)
    assert "1 reconciled" in installation.watch()
    assert installation.ledger.read("bay").ended is not None
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_an_order_is_cancelled_before_its_request_and_nothing_is_ordered(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    cancel = installation.start(cancel_order, reference="bay", dry_run=False)
    assert cancel.state is not None
    assert cancel.state.is_completed()
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert installation.created == (1, 0)
    assert installation.ledger.read("bay").status == "user_cancelled"


def test_a_cancel_asks_first_and_says_how_to_cancel_for_real(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    asked = installation.start(cancel_order, reference="bay")
    assert asked.name == "what would it cost to cancel bay"
    assert asked.state is not None
    assert asked.state.is_completed()
    for told in ("free of charge: nothing was ordered yet", "Nothing was cancelled", "dry_run=false"):
        assert told in str(asked.state.message)
    installation.pass_time(run)
    installation.go_on(run.id)
    asked = installation.start(cancel_order, reference="bay", stop_waiting=True)
    for told in ("documents no way to cancel", "takes cancellations until", "stop_waiting=true, dry_run=false"):
        assert told in str(asked.state and asked.state.message)
    assert installation.ledger.read("bay").ended is None
    assert not installation.ledger.read("bay").cancel_asked
    assert installation.start(cancel_order, reference="bay", dry_run=False).name == "cancel bay"


def test_a_request_in_doubt_is_not_called_free_to_cancel(installation: Installation) -> None:
    installation.simulator.fault("reset_before", method="POST", path=REQUESTS)
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    installation.go_on(run.id)
    asked = installation.start(cancel_order, reference="bay")
    assert "whose outcome is not known yet" in str(asked.state and asked.state.message)
    assert "free of charge" not in str(asked.state and asked.state.message)


def test_a_request_that_cannot_be_cancelled_is_said_plainly_and_goes_on(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    cancel = installation.start(cancel_order, reference="bay", dry_run=False)
    assert cancel.state is not None
    assert cancel.state.is_failed()
    assert "documents no way to cancel" in str(cancel.state.message)
    assert "takes cancellations until" in str(cancel.state.message)
    assert installation.to_the_end(run).is_completed()


def test_a_request_that_cannot_be_cancelled_can_be_given_up_on_our_side(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.start(cancel_order, reference="bay", dry_run=False, stop_waiting=True)
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()


def home_in_part(installation: Installation) -> Path:
    """A catalog with a first image, as an order has one of which more is to come."""
    home = installation.archive / "bay"
    item = {
        "type": "Feature",
        "id": "first",
        "stac_extensions": [ORDER_EXTENSION],
        "properties": {"order:status": "shipping"},
        "links": [],
        "assets": {},
    }
    make_folder(home / "first")
    write_catalog(home, "bay", "Bay", "Bay", {"first": write_item(home, "first", item)})
    installation.ledger.record("bay", "delivered", "Delivered 1 file", home=str(home))
    return home / "first" / "first.json"


@pytest.mark.parametrize("by", ["cancel-order", "a person's Cancel on the run"])
def test_what_is_home_of_an_order_that_a_person_ended_is_shipping_no_more(installation: Installation, by: str) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    item = home_in_part(installation)
    if by == "cancel-order":
        installation.start(cancel_order, reference="bay", dry_run=False)
    else:
        installation.cancel_by_hand(run)
        installation.watch()
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert json.loads(item.read_text())["properties"]["order:status"] == "canceled"


def test_cancelling_while_a_create_is_uncertain_never_makes_a_second_one(installation: Installation) -> None:
    installation.simulator.fault("reset_before", method="POST", path=REQUESTS)
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert installation.ledger.read("bay").waits_for == "settling"
    cancel = installation.start(cancel_order, reference="bay", dry_run=False)
    assert "not known yet" in str(cancel.state and cancel.state.message)
    assert installation.to_the_end(run).is_cancelled()
    assert installation.created == (1, 0)


def test_an_unknown_reference_is_said(installation: Installation) -> None:
    cancel = installation.start(cancel_order, reference="nowhere", dry_run=False)
    assert cancel.state is not None
    assert "nowhere" in str(cancel.state.message)


def requested(installation: Installation) -> FlowRun:
    """The parked run of an order whose request is made, and which takes the next candidate when it is rejected."""
    order = installation.order(on_rejection="next-candidate")
    run = installation.start(order_axelglobe, deployed=True, order=order)
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert installation.created == (1, 1)
    return run


def reject(installation: Installation) -> None:
    """The provider rejects the request."""
    request = installation.ledger.read("bay").requests[-1].last
    installation.simulator.axelglobe.decide(request.id, "REJECTED")


def given_up(installation: Installation, run: FlowRun) -> None:
    """The run, when a worker starts it, leaves the order as the person was told."""
    state = installation.go_on(run.id).state
    assert state is not None
    assert state.is_cancelled(), state
    assert installation.ledger.read("bay").ended is not None
    assert installation.created == (1, 1)


@pytest.mark.parametrize("process", ["starting", "lost"])
def test_an_order_given_up_while_its_run_was_on_its_way_buys_nothing_more(
    installation: Installation, process: str
) -> None:
    run = requested(installation)
    reject(installation)
    installation.pass_time(run)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Pending() if process == "starting" else Running(), force=True)
    told = installation.start(cancel_order, reference="bay", dry_run=False, stop_waiting=True).state
    assert "was ended on our side" in str(told and told.message)
    if process == "lost":
        assert "1 recovered" in installation.watch(lost_after_seconds=0.0)
    given_up(installation, run)
    installation.retry(run)
    state = installation.go_on(run.id).state
    assert "Rejected for now" in str(state and state.message), "accepted after all it would be paid, and is waited for"
    assert installation.created == (1, 1)


def test_an_order_given_up_while_its_run_was_on_its_way_stays_ended_until_a_person_presses_retry(
    installation: Installation,
) -> None:
    run = requested(installation)
    installation.pass_time(run)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Pending(), force=True)
    installation.start(cancel_order, reference="bay", dry_run=False, stop_waiting=True)
    given_up(installation, run)
    assert "reopened" not in [one.event for one in installation.ledger.journal("bay")]
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


@pytest.mark.parametrize("arrived", [True, False])
def test_an_order_is_not_called_ended_while_its_next_request_is_in_doubt(
    installation: Installation, arrived: bool
) -> None:
    run = requested(installation)
    reject(installation)
    installation.simulator.fault("reset_after" if arrived else "reset_before", method="POST", path=REQUESTS)
    while installation.ledger.read("bay").waits_for != "settling":
        installation.pass_time(run)
        run = installation.go_on(run.id)
    told = installation.start(cancel_order, reference="bay", dry_run=False, stop_waiting=True).state
    assert "not known yet" in str(told and told.message)
    assert installation.ledger.read("bay").ended is None
    state = installation.to_the_end(run)
    assert state.is_completed() if arrived else state.is_cancelled()
    assert installation.created == (1, 2 if arrived else 1)
