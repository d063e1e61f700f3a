"""A person's yes before money is spent."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import httpx
import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, ArtifactFilterKey
from prefect.client.schemas.objects import FlowRun, State
from prefect.flow_engine import FlowRunEngine
from prefect.input import RunInput
from prefect.settings import PREFECT_API_URL
from prefect.states import Cancelled
from typer.testing import CliRunner, Result

from flows import approval
from flows.approval import Approval
from flows.cli import app
from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.candidate import Candidate
from tasking.clock import utc_now
from tasking.form import Form
from tasking.lifecycle.approving import useful_until
from tasks.recovery import ended_runs
from tests.support.approval import answer, ask, press_resume
from tests.support.installation import Installation, ledger_url


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


def page(run: FlowRun) -> str:
    """What the run's page shows of the question."""
    of_run = ArtifactFilterFlowRunId(any_=[run.id])
    which = ArtifactFilter(key=ArtifactFilterKey(any_=["order-bay-approval"]), flow_run_id=of_run)
    with get_client(sync_client=True) as client:
        (shown,) = client.read_artifacts(artifact_filter=which)
    return str(shown.data)


def test_another_candidate_is_ordered_by_the_number_that_the_page_and_the_form_show(installation: Installation) -> None:
    run = ask(installation)
    record = installation.ledger.read("bay")
    assert record.approval_asked is not None
    offers = record.approval_asked.offers
    assert len(offers) > 1
    shown = page(run)
    assert "![Area and footprints](data:image/svg+xml;base64," in shown
    assert "Answer until **" in shown
    assert f"| {len(offers)} |" in shown
    state = run.state
    assert state is not None
    assert str(state.message).startswith("Waiting for approval: capture by ")
    with get_client(sync_client=True) as client:
        key = (state.state_details.run_input_keyset or {})["description"]
        form = client.request("GET", "/flow_runs/{id}/input/{key}", path_params={"id": run.id, "key": key})
    assert "- **2**: " in form.text
    assert press_resume(run, "approve", candidate=len(offers) + 1) == "REJECT", "there is no such number"
    run = answer(installation, run, "approve", candidate=2, decided_by="Jane")
    (made,) = installation.ledger.read("bay").requests
    assert made.candidate == offers[1].candidate
    assert installation.created == (1, 1)
    assert installation.to_the_end(run).is_completed()
    (told,) = [one.message for one in installation.ledger.journal("bay") if one.event == "approved"]
    assert told.startswith("Approved, number 2, by Jane on ")


def test_an_order_that_nobody_answers_for_is_declined_at_its_time_when_it_says_so(installation: Installation) -> None:
    run = ask(installation, answer_within="PT2H", if_not_answered="decline")
    assert "0 woken" in installation.watch()
    installation.simulator.advance(3 * 3600)
    installation.ledger.record("bay", wake_at=utc_now() - timedelta(seconds=1))
    assert "1 woken" in installation.watch()
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.is_cancelled()
    assert "Nobody answered until" in str(run.state.message)
    assert installation.created == (1, 0)


def approves(installation: Installation, *options: str) -> Result:
    """The command, as a person types it."""
    return CliRunner().invoke(app, ["approve", "bay", "--ledger", ledger_url(installation.folder), *options])


def test_the_command_shows_the_list_and_orders_what_was_chosen_once_the_person_is_sure(
    installation: Installation,
) -> None:
    run = ask(installation)
    no = approves(installation, "--choose", "2")  # there is nobody to say yes
    assert no.exit_code != 0
    assert "Answer until" in no.output
    assert installation.read(run.id).state.is_paused()  # type: ignore[union-attr]
    assert approves(installation, "--choose", "99").exit_code == 2
    said = approves(installation, "--choose", "2", "--by", "Jane", "--yes")
    assert said.exit_code == 0, said.output
    assert "Approved. The run starts again within seconds and orders it." in said.output
    again = approves(installation, "--yes")
    assert again.exit_code == 2
    assert "does not wait for this answer just now" in again.output
    run = installation.go_on(run.id)
    record = installation.ledger.read("bay")
    assert record.approval_answer is not None
    assert (record.approval_answer.by, record.approval_answer.number) == ("Jane", 2)
    assert "does not wait for an approval" in approves(installation, "--yes").output
    assert installation.to_the_end(run).is_completed()


def test_a_form_of_an_older_version_is_answered_by_the_command(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Older(Form, RunInput):
        decision: Literal["approve", "decline"]
        note: str = ""

    with monkeypatch.context() as patch:
        patch.setattr(approval, "_form", lambda _question: Older)
        run = ask(installation)
    installation.ledger.record("bay", approval_asked=None)
    assert approves(installation, "--choose", "2", "--yes").exit_code == 2, "it has no field for a number"
    assert approves(installation, "--by", "Jane", "--yes").exit_code == 0
    run = installation.go_on(run.id)
    record = installation.ledger.read("bay")
    assert record.approval_answer is not None
    assert record.approval_answer.note == "Jane"
    assert installation.created == (1, 1)


CURL = (Path(__file__).parents[2] / "docs" / "how-to" / "approve.md").read_text()


def test_the_calls_of_the_documentation_find_and_answer_what_is_asked(installation: Installation) -> None:
    run = ask(installation)
    (code,) = [one for one in re.findall(r"```sh\n(.*?)```", CURL, re.DOTALL) if "curl" in one]
    given = {
        "PATH": os.environ["PATH"],
        "PREFECT_API_URL": PREFECT_API_URL.value(),
        "PREFECT_API_AUTH_STRING": "admin:pass",
        "RUN": str(run.id),
    }
    called = subprocess.run(["bash", "-euc", code], env=given, capture_output=True, text=True, check=False)
    assert called.returncode == 0, called.stderr
    assert '"status":"ACCEPT"' in called.stdout
    assert "Waiting for approval" in called.stdout
    run = installation.go_on(run.id)
    record = installation.ledger.read("bay")
    assert record.approval_answer is not None
    assert (record.approval_answer.by, record.approval_answer.number) == ("Jane Doe", 2)


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
    assert useful_until(window) == ends
    assert useful_until(window.model_copy(update={"valid_until": quoted})) == quoted
    assert useful_until(window.model_copy(update={"id": "a pass"})) == begins


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
        assert "1 reconciled" in installation.watch()
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
    assert "0 reconciled" in installation.watch()  # it may be about to save the form
    monkeypatch.setattr(ended_runs, "FORM_IS_SAVED", timedelta(0))
    assert "1 reconciled" in installation.watch()
    run = asked(installation, run)
    assert "0 reconciled" in installation.watch()
    comes_home_once_approved(installation, run)


def test_an_answer_is_not_taken_for_an_order_that_a_person_ended_and_tries_again(installation: Installation) -> None:
    run = answer(installation, ask(installation), "decline")
    installation.retry(run)
    comes_home_once_approved(installation, asked(installation, run))
