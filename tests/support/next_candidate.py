"""Orders that go on with the next candidate when a request is rejected."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from prefect.client.schemas.objects import FlowRun

from flows.order_axelglobe import order_axelglobe
from tests.support.approval import answer
from tests.support.installation import Installation

REQUESTS = "/wfs/tasking/v2/collections/requests/items"


def go_on(installation: Installation, run: FlowRun) -> FlowRun:
    """Let time pass until the run is due, and run it."""
    installation.pass_time(run)
    return installation.go_on(run.id)


def decide(installation: Installation, number: int, word: str) -> None:
    """The provider's word on the order's first, second, ... request."""
    installation.simulator.axelglobe.decide(installation.ledger.read("bay").requests[number - 1].last.id, word)


def at_the_windows_end(installation: Installation) -> None:
    """The provider's clock shows the end of the order's window."""
    end = datetime.fromisoformat(installation.ledger.read("bay").order["window"]["end"])
    installation.simulator.clock.move(now=end)


def requested(installation: Installation, **changes: Any) -> FlowRun:
    """An order with its first request."""
    order = installation.order(on_rejection="next-candidate", **changes)
    run = go_on(installation, installation.start(order_axelglobe, deployed=True, order=order))
    return answer(installation, run, "approve") if changes.get("require_approval") else run


def refused(installation: Installation) -> FlowRun:
    """The first request is rejected, and the second is refused for want of credits."""
    run = requested(installation)
    decide(installation, 1, "REJECTED")
    body = json.dumps({"code": "NoCredits", "description": "none left"})
    # a refusal by 403 is asked once more with a fresh token
    installation.simulator.fault("status", code=403, method="POST", path=REQUESTS, body=body, times=2)
    return go_on(installation, run)
