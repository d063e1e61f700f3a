"""A person's answer to an order that asks for approval."""

from __future__ import annotations

from typing import Any

from prefect import get_client
from prefect.client.schemas.objects import FlowRun

from flows.order_axelglobe import order_axelglobe
from tests.support.installation import Installation


def ask(installation: Installation, **wishes: Any) -> FlowRun:
    """An order that stands before a person."""
    order = installation.order(require_approval=True, **wishes)
    run = installation.start(order_axelglobe, deployed=True, order=order)
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "Suspended", run.state
    assert installation.created == (1, 0)
    return run


def answer(installation: Installation, run: FlowRun, decision: str, **more: Any) -> FlowRun:
    """Fill in the form and press Resume."""
    assert press_resume(run, decision, **more) == "ACCEPT"
    return installation.go_on(run.id)


def press_resume(run: FlowRun, decision: str, **more: Any) -> str:
    """Fill in the form and press Resume; whether Prefect took it."""
    with get_client(sync_client=True) as client:
        reply = client.request(
            "POST",
            "/flow_runs/{id}/resume",
            path_params={"id": run.id},
            json={"run_input": {"decision": decision, "note": "by phone", **more}},
        )
    return str(reply.json()["status"])
