"""An order for several accounts on a Prefect server: its run is one, whatever its parts are."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun

from flows.cancel_order import cancel_order
from flows.order_anywhere import order_anywhere
from flows.watch_orders import recoverable_flows
from tasking.ledger import OrderRecord
from tasking.status import OrderStatus
from tests.support.installation import Installation
from tests.support.order_kinds import KINDS
from tests.support.paid_requests import paid_requests


def ordered(installation: Installation) -> FlowRun:
    """An order whose first part is requested at ICEYE."""
    orders = [KINDS[one].order(installation) for one in ("iceye", "satellogic")]
    said = [one.model_dump(mode="json", exclude={"reference"}) for one in orders]
    wish: Any = {"name": "Bay", "reference": "need", "orders": said, "mix_sensors": True}
    run = installation.start(order_anywhere, deployed=True, order=wish)
    assert [bool(one.requests) for one in parts(installation)] == [True]
    return run


def parts(installation: Installation) -> list[OrderRecord]:
    return [one for one in installation.ledger.parts("need") if not one.is_study]


def test_a_lost_run_is_replaced_by_one_for_the_whole_order_and_none_for_its_part(installation: Installation) -> None:
    assert order_anywhere.name in recoverable_flows()
    run = ordered(installation)
    tags = installation.read(run.id).tags
    assert {"reference:need", "provider:anywhere"} <= set(tags)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)
    assert "1 reconciled" in installation.watch()
    mine = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"in place of {run.id}"]))
    with get_client(sync_client=True) as client:
        (new,) = client.read_flow_runs(flow_run_filter=mine)
    assert new.parameters["order"]["reference"] == "need"
    assert len(new.parameters["order"]["orders"]) == 2
    installation.runs[new.id] = (order_anywhere, new.parameters)
    with paid_requests(installation.simulator, "need") as judge:
        assert installation.to_the_end(installation.go_on(new.id)).is_completed()
        assert judge.all() == {"need.1": "DONE"}


def test_a_cancel_of_the_whole_order_cancels_its_part_and_ends_its_run(installation: Installation) -> None:
    run = ordered(installation)
    asked = installation.start(cancel_order, reference="need")
    assert asked.state is not None
    assert "Order need.1: A cancel 48 hours before the window starts costs 20 %" in str(asked.state.message)
    assert installation.ledger.read("need").ended is None
    done = installation.start(cancel_order, reference="need", dry_run=False)
    assert done.state is not None
    assert done.state.is_completed(), done.state
    whole, (part,) = installation.ledger.read("need"), parts(installation)
    assert (whole.order_status, part.order_status) == (OrderStatus.CANCELLED, OrderStatus.CANCELLED)
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    with paid_requests(installation.simulator, "need") as judge:
        assert judge.all() == {"need.1": "CANCELED"}


def test_a_run_that_a_person_ended_closes_all_of_it_and_retry_goes_on(installation: Installation) -> None:
    run = ordered(installation)
    installation.cancel_by_hand(run)
    installation.watch()
    assert installation.ledger.read("need").ended is not None
    assert [one.ended is not None for one in parts(installation)] == [True]
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(UUID(str(run.id)))).is_completed()
    assert len(parts(installation)) == 1
    with paid_requests(installation.simulator, "need") as judge:
        assert judge.all() == {"need.1": "DONE"}
