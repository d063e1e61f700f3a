"""An order for several accounts on a Prefect server: its run is one, whatever its parts are."""

from __future__ import annotations

import re
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
from tests.support.approval import answer
from tests.support.installation import Installation
from tests.support.order_kinds import KINDS
from tests.support.paid_requests import paid_requests


def start(installation: Installation, **said: Any) -> FlowRun:
    """ICEYE by preference, then Satellogic."""
    orders = [KINDS[one].order(installation) for one in ("iceye", "satellogic")]
    given = [{**one.model_dump(mode="json", exclude={"reference"}), **said} for one in orders]
    wish: Any = {"name": "Bay", "reference": "need", "orders": given, "mix_sensors": True}
    return installation.start(order_anywhere, deployed=True, order=wish)


def ordered(installation: Installation) -> FlowRun:
    """An order whose first part is requested at ICEYE."""
    run = start(installation)
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
    told = r"Order need\.1: A cancel 4[78] hours before the window starts costs 20 %"
    assert re.search(told, str(asked.state.message))
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


def test_a_person_is_asked_about_each_part_and_a_decline_ends_the_order(installation: Installation) -> None:
    run = start(installation, require_approval=True)
    assert run.state is not None
    assert run.state.name == "Suspended", run.state
    assert "0 reconciled" in installation.watch(), "it is our own question that the run waits for"
    run = answer(installation, run, "approve")
    (first,) = parts(installation)
    assert len(first.requests) == 1
    installation.simulator.iceye.decide(first.requests[0].last.id, "REJECTED")
    for _ in range(5):
        installation.pass_time(run)
        run = installation.go_on(run.id)
        assert run.state is not None
        if run.state.name == "Suspended":
            break
    assert run.state is not None
    assert run.state.name == "Suspended", "the yes to the first part is none to the next"
    run = answer(installation, run, "decline")
    assert run.state is not None
    assert run.state.is_cancelled(), run.state
    assert [len(one.requests) for one in parts(installation)] == [1, 0]
    with paid_requests(installation.simulator, "need") as judge:
        assert judge.all() == {"need.1": "REJECTED"}
