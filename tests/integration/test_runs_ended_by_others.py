"""Only a person's word ends an order that was bought, or may have been: never Prefect's, nor an automation's."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import prefect
import pytest
from prefect.client.schemas.objects import State, StateType
from prefect.states import AwaitingRetry, Cancelled, Completed, Failed, Running, Scheduled

from tasking.clock import utc_now
from tasks.recovery import ended_runs
from tasks.recovery.ended_runs import OF_PREFECT, EndedBy, ended_by
from tests.support.ledgers import new_ledger

AUTOMATION = "Automation 0197a7b2-0000-7000-8000-000000000000"


def history(*states: State[Any]) -> list[State[Any]]:
    """These states, a minute apart, handed over in no order."""
    begun = utc_now() - timedelta(hours=1)
    for minute, one in enumerate(states):
        one.timestamp = begun + timedelta(minutes=minute)
    return sorted(states, key=lambda one: str(one.id))


def cancelling(message: str | None = None) -> State[Any]:
    return State(type=StateType.CANCELLING, name="Cancelling", message=message)


CASES: dict[str, tuple[list[State[Any]], EndedBy]] = {
    "the UI's Cancel on a run at work": ([Running(), cancelling(), Cancelled(message="successfully")], EndedBy.PERSON),
    "the same, and nobody answered": ([Running(), cancelling(), Cancelled(message="timed out")], EndedBy.PERSON),
    "the UI or an automation on a parked run": ([AwaitingRetry(), Cancelled()], EndedBy.UNKNOWN),
    "an automation on a run at work": (
        [
            Running(),
            cancelling(f"Cancelled by {AUTOMATION}"),
            Cancelled(message="Flow run was cancelled successfully."),
        ],
        EndedBy.PREFECT,
    ),
    "an automation that sets a state": ([Running(), Failed(message=f"State changed by {AUTOMATION}")], EndedBy.PREFECT),
    "a concurrency limit": (
        [Scheduled(), Cancelled(message="Deployment concurrency limit reached.")],
        EndedBy.PREFECT,
    ),
    "a slot that was lost": (
        [Running(), Cancelled(message="Deployment concurrency slot lost during provisioning - no slots")],
        EndedBy.PREFECT,
    ),
    "a parent run": ([Running(), cancelling("The parent flow run was cancelled."), Cancelled()], EndedBy.PREFECT),
    "an automation with words of its own": ([Running(), cancelling("too late"), Cancelled()], EndedBy.UNKNOWN),
    "a cancel before the last start": ([cancelling(), Cancelled(), Running(), Completed()], EndedBy.UNKNOWN),
    "nothing is known": ([], EndedBy.UNKNOWN),
}


@pytest.mark.parametrize("case", CASES)
def test_who_ended_a_run_is_told_by_its_states(case: str) -> None:
    states, who = CASES[case]
    assert ended_by(history(*states)) is who


def test_prefect_still_says_so_in_these_words() -> None:
    server = Path(prefect.__file__).parent / "server"
    files = ("orchestration/core_policy.py", "services/cancellation_cleanup.py", "events/actions.py")
    source = "".join((server / one).read_text() for one in files)
    assert [words for words in OF_PREFECT if words not in source] == []


def test_a_question_that_prefect_has_ended_is_asked_again_before_its_time_is_over(tmp_path: Path) -> None:
    now = utc_now()
    with closing(new_ledger(tmp_path)) as book:
        order = {"name": "Bay", "account": "a/b"}
        book.claim("bay", order, provider="far", flow_run_id="run", owner_is_gone=lambda _run: False)
        record = book.record("bay", waits_for="approval", wake_at=now + timedelta(days=5))
    state: State[Any] = Cancelled(message=OF_PREFECT[0])
    assert ended_runs.question(record, state, EndedBy.PREFECT, False).until < now + timedelta(hours=1)
    waits = record.model_copy(update={"waits_for": "candidates"})
    assert ended_runs.question(waits, state, EndedBy.PREFECT, False).until == record.wake_at
