"""The contract of every provider: the same lifecycle, the same promise. The simulator's count is the judge."""

from __future__ import annotations

from typing import Any

import pytest

from tasking.delivery.catalog import verify
from tests.support.installation import Installation
from tests.support.order_kinds import KINDS, Kind


@pytest.fixture(params=KINDS, ids=str)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def test_an_order_comes_home_whole_and_is_made_once(installation: Installation, kind: Kind) -> None:
    run = installation.start(kind.flow, order=kind.order(installation))
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []
    assert kind.made(installation.simulator) == ["bay"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after"},
        {"kind": "status", "code": 502, "after_acting": True},
        {"kind": "malformed", "how": "cut"},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_a_lost_answer_makes_no_second_order(installation: Installation, kind: Kind, fault: dict[str, Any]) -> None:
    installation.simulator.switch(list_lag_seconds=60)
    installation.simulator.fault(method="POST", path=kind.create, **fault)
    state = installation.to_the_end(installation.start(kind.flow, order=kind.order(installation)))
    assert state.is_completed(), state
    assert kind.made(installation.simulator) == ["bay"]


def test_an_order_that_never_arrived_is_made_again(installation: Installation, kind: Kind) -> None:
    installation.simulator.switch(list_lag_seconds=60)
    installation.simulator.fault("reset_before", method="POST", path=kind.create)
    state = installation.to_the_end(installation.start(kind.flow, order=kind.order(installation)))
    assert state.is_completed(), state
    assert kind.made(installation.simulator) == ["bay"]
    assert len(installation.simulator.journal(method="POST", path=kind.create)) == 2


def test_an_outage_at_each_wait_is_outlived(installation: Installation, kind: Kind) -> None:
    run = installation.start(kind.flow, order=kind.order(installation))
    for _ in range(2):
        fault = installation.simulator.fault("status", code=503, times=-1, path=kind.calls)
        installation.pass_time(run)
        run = installation.go_on(run.id)
        assert "Trying again at" in str(run.state and run.state.message)
        installation.simulator.world.faults.clear(fault.id)
        installation.pass_time(run)
        run = installation.go_on(run.id)
    assert installation.to_the_end(run).is_completed()
    assert kind.made(installation.simulator) == ["bay"]


def test_a_second_run_with_one_reference_creates_nothing(installation: Installation, kind: Kind) -> None:
    first = installation.start(kind.flow, order=kind.order(installation))
    posts = len(installation.simulator.journal(method="POST"))
    second = installation.start(kind.flow, order=kind.order(installation))
    assert str(first.id) in str(second.state and second.state.message)
    assert len(installation.simulator.journal(method="POST")) == posts
