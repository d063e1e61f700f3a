"""A person's yes before money is spent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import FlowRunEngine
from prefect.states import Cancelled

from flows.approval import Approval, _useful_until
from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.candidate import Candidate
from tasking.clock import utc_now
from tasks import goes_on
from tests.support.approval import answer, ask
from tests.support.installation import Installation


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


def asked(installation: Installation, run: FlowRun) -> FlowRun:
    """The run, started again by a worker, stands before a person."""
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "Suspended", run.state
    assert installation.ledger.read("bay").ended is None
    return run


def test_a_window_that_has_begun_is_not_asked_about_anew_at_each_watch() -> None:
    begins = datetime(2026, 12, 1, tzinfo=UTC)
    ends, quoted = begins + timedelta(days=7), begins - timedelta(hours=2)
    window = Candidate(id="whole-window", start=begins, end=ends)
    assert _useful_until(window) == ends
    assert _useful_until(window.model_copy(update={"valid_until": quoted})) == quoted
    assert _useful_until(window.model_copy(update={"id": "a pass"})) == begins


def comes_home_once_approved(installation: Installation, run: FlowRun) -> None:
    assert installation.to_the_end(answer(installation, run, "approve")).is_completed()
    assert installation.created == (1, 1)


def test_an_approval_whose_question_prefect_took_without_an_answer_is_asked_for_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = SyncPrefectClient.set_flow_run_state

    def answer_lost(self: SyncPrefectClient, run_id: UUID, state: State[Any], **rest: Any) -> Any:
        reply = original(self, run_id, state, **rest)
        if state.name == "Suspended":
            raise httpx.ReadTimeout("no answer")
        return reply

    run = installation.start(order_axelglobe, deployed=True, order=installation.order(require_approval=True))
    installation.pass_time(run)
    with monkeypatch.context() as patch:
        patch.setattr(SyncPrefectClient, "set_flow_run_state", answer_lost)
        run = installation.go_on(run.id)
    installation.pass_time(run)
    comes_home_once_approved(installation, asked(installation, run))


def test_an_order_whose_waiting_approval_was_cancelled_is_asked_for_again_on_retry(installation: Installation) -> None:
    run = ask(installation)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Cancelled(message="by hand"))
        assert "1 tended" in installation.watch()
        installation.retry(run)
        run = asked(installation, run)
        client.set_flow_run_state(run.id, Cancelled(message="by hand, and thought better of it at once"))
    installation.retry(run)
    comes_home_once_approved(installation, asked(installation, run))


def test_an_approval_is_asked_for_again_when_the_watchers_clock_is_ahead(installation: Installation) -> None:
    run = ask(installation)
    installation.ledger.record("bay", wake_at=utc_now() - timedelta(seconds=1))
    installation.watch()
    comes_home_once_approved(installation, asked(installation, run))


def test_a_run_that_was_killed_while_it_asked_can_be_approved(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(*_args: object, **_more: object) -> None:
        raise Killed

    run = installation.start(order_axelglobe, deployed=True, order=installation.order(require_approval=True))
    installation.pass_time(run)
    with monkeypatch.context() as patch:
        patch.setattr(Approval, "save", classmethod(killed))
        patch.setattr(FlowRunEngine, "handle_crash", lambda *_args: None)  # nothing tells Prefect
        with pytest.raises(Killed):
            installation.go_on(run.id)
    assert "0 tended" in installation.watch()  # it may be about to save the form
    monkeypatch.setattr(goes_on, "FORM_IS_SAVED", timedelta(0))
    assert "1 tended" in installation.watch()
    run = asked(installation, run)
    assert "0 tended" in installation.watch()
    comes_home_once_approved(installation, run)


def test_an_answer_is_not_taken_for_an_order_that_a_person_ended_and_tries_again(installation: Installation) -> None:
    run = answer(installation, ask(installation), "decline")
    installation.retry(run)
    comes_home_once_approved(installation, asked(installation, run))
