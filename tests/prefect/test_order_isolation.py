"""A run changes its own order only, and buys only what was approved for it, whoever else is at work."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from flows.approval import ask as ask_a_person
from flows.order_axelglobe import order_axelglobe
from tasking.clock import utc_now
from tasking.lifecycle import OrderSession
from tasking.provider import Plans
from tests.support.approval import answer, ask
from tests.support.installation import Installation


def test_a_run_that_does_not_own_the_order_neither_closes_nor_changes_it(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    before, now = installation.ledger.read("bay"), installation.simulator.clock.now()

    def no_answer(*_: object) -> bool:
        raise httpx.ReadTimeout("Prefect is slow")

    monkeypatch.setattr("tasks.accept.FlowRuns.is_gone", no_answer)
    past = {"start": now - timedelta(days=20), "end": now - timedelta(days=13)}
    other = installation.start(order_axelglobe, order=installation.order(name="last month's", window=past))
    assert installation.ledger.read("bay") == before
    monkeypatch.undo()
    other = installation.go_on(other.id)
    assert f"owned by flow run {run.id}" in str(other.state and other.state.message)


def test_a_candidate_that_another_process_chose_meanwhile_is_not_bought_without_a_persons_yes(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = ask(installation)
    first = installation.ledger.read("bay").candidate
    assert first is not None

    def approve_and_choose(session: OrderSession) -> None:
        """Between the yes and the request, another process finds the candidate gone and chooses the next one."""
        ask_a_person(session)
        record, provider = session.record(), session.provider
        if record.approved_candidate_id != first.id:
            return
        assert isinstance(provider, Plans)
        assert record.plan_id is not None
        other = next(one for one in provider.candidates(record.plan_id) if one.id != first.id)
        session.ledger.record("bay", candidate=other, approved_candidate_id=None)

    monkeypatch.setattr("flows.order.ask", approve_and_choose)
    run = answer(installation, run, "approve")
    assert installation.created == (1, 0)
    assert run.state is not None
    assert run.state.is_paused(), "a person is asked about the other one"


def test_no_server_puts_an_order_to_sleep_for_years(installation: Installation) -> None:
    milliseconds_of_a_day = 86_400_000.0
    installation.simulator.fault("status", code=429, retry_after=milliseconds_of_a_day, path="/wfs/*", times=-1)
    run = installation.start(order_axelglobe, order=installation.order())
    assert run.state is not None
    assert run.state.state_details.scheduled_time is not None
    assert run.state.state_details.scheduled_time < utc_now() + timedelta(hours=6.1)
