"""An order of each provider, for tests that hold for all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prefect.flows import Flow

from flows.order_axelglobe import order_axelglobe
from flows.order_iceye import order_iceye
from flows.order_satellogic import order_satellogic
from tasking.iceye.order import IceyeOrder
from tasking.order import Order
from tasking.satellogic.order import SatellogicOrder
from tasking.simulator import Simulator
from tests.support.installation import Installation

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
