"""A person's yes before money is spent: the run is suspended, and resumed with a form in the UI.

Prefect's own ``suspend_flow_run`` saves the form under a name that can be used once, and takes a second suspension for
an answer: a run that was started again without an answer failed. Here each question has a form of its own name. Prefect
(3.9) throws away what was saved before the run is suspended, so the form is saved after it. Where the process dies in
between, `tasks.recovery.orphaned_orders` finds a question without its form and has it asked again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, NoReturn
from uuid import UUID

from prefect import get_client, get_run_logger
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Pause
from prefect.input import RunInput, keyset_from_paused_state, read_flow_run_input
from prefect.runtime import deployment, flow_run
from prefect.states import Suspended
from pydantic import Field

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, OrderEnded
from tasking.form import Form
from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import Ask
from tasking.lifecycle.session import OrderSession
from tasking.plain_text import markdown_text
from tasking.status import StatusCode
from tasking.waiting import format_utc
from tasks.show import show_timeline
from tasks.step import step

AFTER_EXPIRY = timedelta(days=7)
"""How long a suspended run stays after its candidate expired when no watcher brings it back."""


class Approval(Form, RunInput):
    """The form a person fills in."""

    decision: Literal["approve", "decline"] = Field(
        title="Decision", description="'approve' orders the capture, which costs money. 'decline' ends the order."
    )
    note: str = Field(default="", title="Note", description="Kept in the order's journal.", max_length=500)


class Question(NamedTuple):
    """What a person is asked.

    Attributes:
        text: The question.
        key: Name of its form.
        deadline: Until when a yes can be used (our time).
    """

    text: str
    key: str
    deadline: datetime


def ask(session: OrderSession) -> None:
    """Return once a person approved the chosen candidate; till then the run is suspended and holds no process.

    A run that was started without an answer (its candidate expired by the watcher's clock, or a person cancelled it and
    pressed Retry) asks again.

    Raises:
        OrderEnded: A person declined.
        Pause: It is asked; the process ends, and Resume starts the run from the top of its flow.
    """
    if deployment.id is None:
        raise InvalidOrder("require_approval", True, "only a run of a deployment can ask a person; start it there")
    answer = approve(session)
    if isinstance(answer, Question):
        get_run_logger().info("%s. Press Resume on this run to decide", answer.text)
        show_timeline(session.reference)
        _suspend(answer)
    elif answer is not None and answer.decision == "decline":
        raise OrderEnded(StatusCode.USER_CANCELLED, f"Declined by a person. {answer.note}".strip())


@step(Ask.step)
def approve(session: OrderSession) -> Question | Approval | None:
    """A person's answer, written down; the question where there is none; ``None`` when another process had it."""
    record = session.record()
    candidate = record.candidate
    if candidate is None or record.approved_candidate_id == candidate.id:
        return None
    question, count = _question(candidate, record), record.approvals_asked
    answer = _answer(_key(record, candidate, count)) if record.approval_question == question else None
    if answer is None:
        asked = Question(
            question, _key(record, candidate, count + 1), session.provider.clock.local(_useful_until(candidate))
        )
        session.ledger.record(
            session.reference,
            "approval asked",
            question,
            waits_for="approval",
            waits_message=question,
            wake_at=asked.deadline,
            approval_question=question,
            approvals_asked=count + 1,
        )
        return asked
    approved: dict[str, Any] = {}
    if answer.decision == "approve":  # this answer is taken, and counts for no later question
        approved = {"approved_candidate_id": candidate.id, "approval_question": None}
    note = answer.note or "In the form"
    session.ledger.record(
        session.reference, f"{answer.decision}d", note, waits_for=None, waits_message=None, **approved
    )
    return answer


def _useful_until(candidate: Candidate) -> datetime:
    """Until when a yes can be used (provider time); from then on the watcher has it chosen and asked anew.

    Where the provider picks the pass, a window that has begun can still be ordered.
    """
    over = candidate.end if candidate.id == WHOLE_WINDOW else candidate.start
    return min(over, candidate.valid_until or over)


def _key(record: OrderRecord, candidate: Candidate, time: int) -> str:
    """The name of the form that asks about a candidate for the first, second, ... time of its order.

    Parts of one order are asked about in one run, and a yes to one of them is none to another.
    """
    again = f"-{time}" if time > 1 else ""
    what = candidate.id if record.part_of is None else f"{record.reference} {candidate.id}"
    return f"approve-{hashlib.sha256(what.encode()).hexdigest()[:16]}{again}"


def _answer(key: str) -> Approval | None:
    """What a person filled in, or ``None``."""
    filled_in = read_flow_run_input(keyset_from_paused_state(Suspended(pause_key=key))["response"])
    return Approval.model_validate(filled_in) if filled_in else None


def _suspend(question: Question) -> NoReturn:
    """Suspend this run until somebody presses Resume.

    Raises:
        Pause: It is suspended, or is not to go on: it is being cancelled, say.
    """
    timeout = int(max((question.deadline - utc_now() + AFTER_EXPIRY).total_seconds(), 60))
    state: Any = Suspended(timeout_seconds=timeout, pause_key=question.key)
    state.state_details.run_input_keyset = keyset_from_paused_state(state)
    # nothing is filled in beforehand: a yes costs money, and a prefilled field loses its description
    form = Approval.with_initial_data(description=markdown_text(question.text))
    with get_client(sync_client=True) as client:
        reply: OrchestrationResult[Any] = client.set_flow_run_state(UUID(str(flow_run.id)), state)
    if reply.status is not SetStateStatus.ACCEPT:
        raise Pause(f"not suspended: {reply.details}", state=reply.state)
    form.save(state.state_details.run_input_keyset)
    raise Pause(question.text, state=reply.state)


def _question(candidate: Candidate, record: OrderRecord) -> str:
    if candidate.id == WHOLE_WINDOW:
        return _question_of_a_window(candidate, record)
    view = f", {candidate.off_nadir_deg:.1f}° off nadir" if candidate.off_nadir_deg is not None else ""
    until = f"; it can be ordered until {format_utc(candidate.valid_until)}" if candidate.valid_until else ""
    share = candidate.area_covered_percent if record.order.get("area") else None
    covers = f", covers {share:.1f} % of the area" if share is not None else ""
    note = f". {candidate.note}" if candidate.note else ""
    return (
        f"Waiting for approval: capture by {candidate.platform or 'a satellite'} on {format_utc(candidate.start)}"
        f"{covers}{view}{until}{note}. All candidates are among this run's artifacts"
    )


def _question_of_a_window(candidate: Candidate, record: OrderRecord) -> str:
    """Where the provider chooses the pass, a person decides on price and window."""
    price = f"{record.price:,.2f} {record.currency or ''}".strip() if record.price is not None else "no price given"
    until = f"; it can be ordered until {format_utc(candidate.valid_until)}" if candidate.valid_until else ""
    note = f"{candidate.note} " if candidate.note else ""
    return (
        f"Waiting for approval: {price}, for an image between {format_utc(candidate.start)} and "
        f"{format_utc(candidate.end)}{until}. {note}What the provider said of it is in this run's timeline"
    )
