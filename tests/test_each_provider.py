"""The contract of every provider: the same lifecycle, the same promise. The simulator's count is the judge."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from prefect.flows import Flow

from flows.order_axelglobe import order_axelglobe
from flows.order_iceye import order_iceye
from flows.order_satellogic import order_satellogic
from tasking.delivery.verify import verify
from tasking.iceye.order import IceyeOrder
from tasking.order import Order
from tasking.satellogic.order import SatellogicOrder
from tasking.simulator import Simulator
from tests.installation import Installation

POINT = {"type": "Point", "coordinates": [139.8, 35.6]}


@dataclass(frozen=True)
class Kind:
    """What differs between providers: the order, where it is created, and how the provider counts."""

    flow: Flow[..., Any]
    order: Callable[[Installation], Order]
    create: str
    made: Callable[[Simulator], list[str]]
    calls: str


def _iceye(installation: Installation) -> Order:
    return IceyeOrder.model_validate({**_common(installation), "point": POINT})


def _satellogic(installation: Installation) -> Order:
    installation.simulator.satellogic.switch(demand=0)  # no pass is lost to another order, whatever day it is
    return SatellogicOrder.model_validate({**_common(installation), "point": POINT})


def _common(installation: Installation) -> dict[str, Any]:
    now = installation.simulator.clock.now()
    window = {"start": now + timedelta(days=2), "end": now + timedelta(days=9)}
    return {"name": "Tokyo Bay", "reference": "bay", "window": window}


KINDS = {
    "axelglobe": Kind(
        order_axelglobe,
        lambda installation: installation.order(),
        "/wfs/tasking/v2/collections/requests/items",
        lambda simulator: [
            name for name, ids in simulator.axelglobe.summary()["requests_by_name"].items() for _ in ids
        ],
        "/wfs/*",
    ),
    "iceye": Kind(
        order_iceye,
        _iceye,
        "/iceye/api/tasking/v2/tasks",
        lambda simulator: [name for name, ids in simulator.iceye.summary()["tasks_by_reference"].items() for _ in ids],
        "/iceye/api/*",
    ),
    "satellogic": Kind(
        order_satellogic,
        _satellogic,
        "/satellogic/tasking/tasks/",
        lambda simulator: [task["task_name"] for task in simulator.satellogic.tasks()],
        "/satellogic/t*",
    ),
}


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
