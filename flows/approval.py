"""A person's yes before money is spent: the run is suspended, and resumed with a form in the UI.

Prefect's own ``suspend_flow_run`` saves the form under a name that can be used once, and takes a second suspension for
an answer: a run that was started again without an answer failed. Here each question has a form of its own name. Prefect
(3.9) throws away what was saved before the run is suspended, so the form is saved after it. Where the process dies in
between, `tasks.recovery.orphaned_orders` finds a question without its form and has it asked again.

Prefect's open-source server does not record who presses Resume, so the form asks for a name.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, Literal, NoReturn
from uuid import UUID

from prefect import get_client, get_run_logger
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import Pause
from prefect.input import RunInput, keyset_from_paused_state, read_flow_run_input
from prefect.runtime import deployment, flow_run
from prefect.states import Suspended
from pydantic import Field, create_model

from tasking import lifecycle
from tasking.approval import Answer, Question
from tasking.approval_page import markdown_form
from tasking.clock import utc_now
from tasking.errors import InvalidOrder
from tasking.form import Form
from tasking.lifecycle.actions import Ask
from tasking.lifecycle.session import OrderSession
from tasks.show import show_question, show_timeline
from tasks.step import step

AFTER_EXPIRY = timedelta(days=7)
"""How long a suspended run stays after its candidate expired when no watcher brings it back."""


class Approval(Form, RunInput):
    """The form a person fills in."""

    decision: Literal["approve", "decline"] = Field(
        title="Decision", description="'approve' orders the capture, which costs money. 'decline' ends the order."
    )
    candidate: int | None = Field(
        default=None,
        ge=1,
        title="Candidate",
        description="To approve another one: its number in the list above. Empty: number 1.",
    )
    decided_by: str = Field(
        default="", title="Decided by", description="Your name, for the record: Prefect keeps none.", max_length=100
    )
    note: str = Field(default="", title="Note", description="Kept in the order's journal.", max_length=500)


def ask(session: OrderSession) -> None:
    """Return once there is an answer, or the time for one is over; till then the run is suspended without a process.

    A run that was started without an answer (its candidate expired by the watcher's clock, or a person cancelled it and
    pressed Retry) asks again.

    Raises:
        Pause: It is asked; the process ends, and Resume starts the run from the top of its flow.
    """
    if deployment.id is None:
        raise InvalidOrder("require_approval", True, "only a run of a deployment can ask a person; start it there")
    question = approve(session)
    if question is not None:
        get_run_logger().info("%s. Press Resume on this run to decide", question.text)
        show_question(session.order, question)
        show_timeline(session.reference)
        _suspend(question)


@step(Ask.step)
def approve(session: OrderSession) -> Question | None:
    """A person's answer, written down; the question where there is none.

    ``None`` also where nobody answered in time, and where another process had the answer.
    """
    question = lifecycle.open_question(session)
    if question is not None:
        if (answer := _answer(form_key(question))) is not None:
            lifecycle.take(session, question, answer)
            return None
        if lifecycle.is_unanswered(session, question):
            return None
    return lifecycle.ask(session)


def form_key(question: Question) -> str:
    """The name of the form that asks about a candidate for the first, second, ... time of its order.

    Parts of one order are asked about in one run, and a yes to one of them is none to another.
    """
    again = f"-{question.count}" if question.count > 1 else ""
    candidate_id = question.offers[0].candidate.id
    what = candidate_id if question.part_of is None else f"{question.reference} {candidate_id}"
    return f"approve-{hashlib.sha256(what.encode()).hexdigest()[:16]}{again}"


def _answer(key: str) -> Answer | None:
    """What a person filled in, or ``None``."""
    filled_in = read_flow_run_input(keyset_from_paused_state(Suspended(pause_key=key))["response"])
    if not filled_in:
        return None
    given = Approval.model_validate(filled_in)
    return Answer(
        decision=given.decision, candidate=given.candidate, decided_by=given.decided_by.strip(), note=given.note.strip()
    )


def _form(question: Question) -> type[RunInput]:
    """The form of one question, which takes no number beyond its list."""
    known = Approval.model_fields["candidate"]
    field: Any = Field(default=None, ge=1, le=len(question.offers), title=known.title, description=known.description)
    form = create_model("Approval", __base__=Approval, candidate=(int | None, field))
    # nothing is filled in beforehand: a yes costs money, and a prefilled field loses its description
    return form.with_initial_data(description=markdown_form(question))


def _suspend(question: Question) -> NoReturn:
    """Suspend this run until somebody presses Resume.

    Raises:
        Pause: It is suspended, or is not to go on: it is being cancelled, say.
    """
    timeout = int(max((question.deadline - utc_now() + AFTER_EXPIRY).total_seconds(), 60))
    state: Any = Suspended(timeout_seconds=timeout, pause_key=form_key(question), message=question.text)
    state.state_details.run_input_keyset = keyset_from_paused_state(state)
    form = _form(question)
    with get_client(sync_client=True) as client:
        reply: OrchestrationResult[Any] = client.set_flow_run_state(UUID(str(flow_run.id)), state)
    if reply.status is not SetStateStatus.ACCEPT:
        raise Pause(f"not suspended: {reply.details}", state=reply.state)
    form.save(state.state_details.run_input_keyset)
    raise Pause(question.text, state=reply.state)
