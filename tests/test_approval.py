"""A person's yes before money is spent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect import get_client
from prefect.client.schemas.objects import FlowRun

from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tests.installation import Installation

pytestmark = pytest.mark.server


def ask(installation: Installation) -> FlowRun:
    """An order that stands before a person."""
    run = installation.start(order_axelglobe, deployed=True, order=installation.order(require_approval=True))
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "Suspended", run.state
    assert installation.created == (1, 0)
    return run


def answer(installation: Installation, run: FlowRun, decision: str) -> FlowRun:
    """Fill in the form and press Resume."""
    with get_client(sync_client=True) as client:
        client.request(
            "POST",
            "/flow_runs/{id}/resume",
            path_params={"id": run.id},
            json={"run_input": {"decision": decision, "note": "by phone"}},
        )
    return installation.go_on(run.id)


def test_nothing_is_ordered_until_a_person_approves(installation: Installation) -> None:
    run = answer(installation, ask(installation), "approve")
    assert installation.created == (1, 1)
    assert installation.to_the_end(run).is_completed()
    assert "approved" in [one.event for one in installation.ledger.journal("bay")]


def test_a_declined_order_ends_without_a_request(installation: Installation) -> None:
    run = answer(installation, ask(installation), "decline")
    assert run.state is not None
    assert run.state.is_cancelled()
    assert "by phone" in str(run.state.message)
    assert installation.created == (1, 0)


def test_an_approval_is_not_asked_for_twice_after_a_crash(installation: Installation) -> None:
    run = answer(installation, ask(installation), "approve")
    installation.retry(run)
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "AwaitingRetry"
    assert installation.created == (1, 1)


def test_a_candidate_that_expires_unapproved_is_chosen_and_asked_for_anew(installation: Installation) -> None:
    run = ask(installation)
    first = installation.ledger.read("bay").candidate
    assert first is not None
    installation.simulator.clock.move(now=min(first.start, first.valid_until or first.start) + timedelta(minutes=1))
    installation.ledger.record("bay", wake_at=utc_now() - timedelta(seconds=1))
    installation.start(watch_orders)
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "Suspended"
    second = installation.ledger.read("bay").candidate
    assert second is not None
    assert second.id != first.id
    run = answer(installation, run, "approve")
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (1, 1)
