"""A schedule on any order deployment: each turn is an order of its own, with a window that counts from its turn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from tasking import lifecycle
from tasking.ledger import Filter, OrderRecord
from tasking.status import StatusCode
from tests.support.local_installation import LocalInstallation
from tests.support.order_kinds import KINDS, Kind

WEEK = timedelta(days=7)


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def weekly(installation: LocalInstallation, kind: Kind) -> dict[str, Any]:
    """What a schedule says: no reference, and a window that counts from each turn."""
    said = kind.order(installation).model_dump(mode="json", exclude_unset=True)
    del said["reference"]
    return {**said, "window": {"starts_in": "P2D", "lasts": "P7D"}, "needed_by": "P9D"}


def of_run(installation: LocalInstallation, run: FlowRun) -> OrderRecord:
    (record,) = installation.ledger.orders(Filter(flow_run_id=str(run.id)))
    return record


def window(record: OrderRecord) -> tuple[datetime, datetime]:
    start, end = (datetime.fromisoformat(record.order["window"][name]) for name in ("start", "end"))
    return start, end


def requested(installation: LocalInstallation, run: FlowRun) -> FlowRun:
    """Go on until the order's request was made, by whatever waits it takes."""
    for _ in range(20):
        if of_run(installation, run).requests:
            return run
        assert run.state is not None
        assert not run.state.is_final(), run.state
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(f"never requested: {run.state}")


def test_three_turns_are_three_orders_each_for_the_window_of_its_turn(
    installation: LocalInstallation, kind: Kind
) -> None:
    wish, references = weekly(installation, kind), []
    for _ in range(3):
        planned = installation.simulator.clock.now().replace(microsecond=0)
        run = installation.turn(kind.flow, planned, order=wish)
        accepted = window(of_run(installation, run))
        assert accepted == (planned + timedelta(days=2), planned + timedelta(days=9))
        run = requested(installation, run)
        # the same run, started again later by whoever it is: nothing is counted anew
        installation.held[run.id] = installation.held[run.id].model_copy(update={"expected_start_time": None})
        record = of_run(installation, installation.go_on(run.id))
        assert window(record) == accepted
        assert record.order["needed_by"] == record.order["window"]["end"]
        (request,) = record.requests
        assert accepted[0] <= request.candidate.start < request.candidate.end <= accepted[1]  # type: ignore[union-attr]
        references.append(record.reference)
        installation.simulator.clock.move(now=planned + WEEK)
    assert sorted(kind.made(installation.simulator)) == sorted(references)
    assert len(set(references)) == 3


def test_retry_keeps_the_window_that_was_accepted(installation: LocalInstallation, kind: Kind) -> None:
    planned = installation.simulator.clock.now().replace(microsecond=0)
    run = installation.turn(kind.flow, planned, order=weekly(installation, kind))
    before = of_run(installation, run)
    ledger = installation.ledger
    ledger.revise(before.reference, lambda _now: lifecycle.ending(ledger, StatusCode.FAILED, "a mistake of ours"))
    installation.simulator.advance(3600)
    installation.held[run.id] = installation.held[run.id].model_copy(update={"expected_start_time": None})
    installation.retry(run)
    run = requested(installation, installation.go_on(run.id))
    assert window(of_run(installation, run)) == window(before)
    assert len(kind.made(installation.simulator)) == 1
