"""Runs of an ICEYE order against the served simulator."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from prefect.client.schemas.objects import FlowRun

from tasking.iceye.order import IceyeOrder
from tests.support.installation import Installation

TASKS = "/iceye/api/tasking/v2/tasks"


def order(installation: Installation, **changes: Any) -> IceyeOrder:
    """A harbour, in the week that begins two days from the provider's now."""
    now = installation.simulator.clock.now()
    wish = {
        "name": "Tokyo Bay",
        "reference": "bay",
        "point": {"type": "Point", "coordinates": [139.8, 35.6]},
        "window": {"start": now + timedelta(days=2), "end": now + timedelta(days=9)},
    }
    return IceyeOrder.model_validate({**wish, **changes})


def made(installation: Installation) -> int:
    """How often a task was ordered, by the provider's count and by its journal."""
    tasks = len(installation.simulator.iceye.tasks())
    assert tasks <= len(installation.simulator.journal(method="POST", path=TASKS))
    return tasks


def contract(installation: Installation, **changes: Any) -> None:
    """Change the account's contract."""
    installation.simulator.iceye.contracts.change(installation.simulator.iceye.contract_id(), changes)


def said(run: FlowRun) -> str:
    return str(run.state and run.state.message)


def until(installation: Installation, run: FlowRun, *words: str) -> FlowRun:
    """Go on until the run has seen the task in one of the states."""
    for _ in range(20):
        if installation.ledger.read("bay").provider_status in words:
            return run
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(f"never one of {words}: {said(run)}")
