"""A dry run does everything but the request, and holds nothing back: the order itself may come later."""

from __future__ import annotations

from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from tasking.ledger import Filter, OrderRecord
from tasking.status import OrderStatus
from tests.support.local_installation import LocalInstallation
from tests.support.order_kinds import KINDS, Kind


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def dry_run(installation: LocalInstallation, kind: Kind, **changes: Any) -> FlowRun:
    """A dry run, through all its waits."""
    order = kind.order(installation).model_dump(mode="json") | changes
    run = installation.start(kind.flow, order=order, dry_run=True)
    installation.to_the_end(run)
    return installation.read(run.id)


def of_run(installation: LocalInstallation, run: FlowRun) -> OrderRecord:
    (record,) = installation.ledger.orders(Filter(flow_run_id=str(run.id)))
    return record


def test_it_ends_with_what_would_be_ordered_and_orders_nothing(installation: LocalInstallation, kind: Kind) -> None:
    run = dry_run(installation, kind, require_approval=True, site="Bay")
    assert run.state is not None
    assert run.state.is_completed(), run.state
    said = str(run.state.message)
    assert "nothing was ordered. It would order" in said
    assert "A person would be asked first" in said
    assert kind.made(installation.simulator) == []
    assert installation.simulator.journal(method="POST", path=kind.create) == []
    record = of_run(installation, run)
    assert (record.order_status, record.site, record.requests) == (OrderStatus.DRY_RUN, None, [])
    study = installation.study
    assert study is not None
    assert study.would_order is not None
    assert study.would_order.candidate.id == (record.candidate and record.candidate.id)
    assert study.would_order.usable
    (kept,) = (one.detail for one in installation.ledger.journal(record.reference) if one.event == "dry run")
    assert kept == study.model_dump(mode="json")
    assert not installation.archive.exists()


def test_the_order_itself_comes_later_under_its_own_reference(installation: LocalInstallation, kind: Kind) -> None:
    dry = dry_run(installation, kind)
    assert of_run(installation, dry).reference.startswith("dry-run-bay-")
    assert installation.ledger.find("bay") is None
    state = installation.to_the_end(installation.start(kind.flow, order=kind.order(installation)))
    assert state.is_completed(), state
    assert kind.made(installation.simulator) == ["bay"]


def test_an_order_that_would_be_refused_says_why(installation: LocalInstallation, kind: Kind) -> None:
    run = dry_run(installation, kind, account=f"{kind.kit.name}-tasking/nowhere")
    assert run.state is not None
    assert run.state.is_failed()
    assert "there is no such block" in str(run.state.message)
    assert installation.simulator.journal() == []


def test_a_run_in_place_of_a_lost_one_is_a_dry_run_too(installation: LocalInstallation, kind: Kind) -> None:
    """The watcher starts it with the order as the ledger has it, and knows of no parameter beside it."""
    order = kind.order(installation)
    lost = installation.start(kind.flow, order=order, dry_run=True)
    record = of_run(installation, lost)
    if record.ended is None:
        installation.ledger.record(record.reference, flow_run_id=str(lost.id))
    held = {**record.order, "reference": record.reference}
    again = installation.create(kind.flow, order=held)
    installation.cancel_by_hand(lost)
    state = installation.to_the_end(installation.go_on(again.id))
    assert state.is_completed(), state
    assert installation.ledger.read(record.reference).order_status is OrderStatus.DRY_RUN
    assert kind.made(installation.simulator) == []
