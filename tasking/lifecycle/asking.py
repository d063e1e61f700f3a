"""A question is put to a person, and the answer written down.

A host asks (`tasking.order_run.Host.ask`) with what is here:

1. `open_question`: what was asked already and is not answered. If there is an answer, `take` it.
2. Else, when `is_unanswered`, the order goes on as it says.
3. Else `ask`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tasking.approval import Answer, Asked, Question
from tasking.candidate import WHOLE_WINDOW
from tasking.ledger import OrderRecord, Revision
from tasking.lifecycle.actions import End
from tasking.lifecycle.approving import answered, deadline, is_settled, question_of, question_text, useful_until
from tasking.lifecycle.pricing import budget_facts
from tasking.lifecycle.session import OrderSession
from tasking.status import StatusCode


def open_question(session: OrderSession) -> Question | None:
    """What was asked about the chosen candidate, as it was asked, while there is no answer; ``None`` when nothing was.

    What was asked about other facts (another price, say) is no question any more.
    """
    record = session.record()
    if record.approval_question is None or is_settled(record):
        return None
    candidate, asked = record.candidate, record.approval_asked or Asked()
    assert candidate is not None, "there is something to ask about"
    until = asked.deadline or useful_until(candidate)
    if record.approval_question != question_text(record, session.order, candidate, until):
        return None
    return question_of(record, session.provider.clock.local(until))


def is_unanswered(session: OrderSession, question: Question) -> bool:
    """Whether the time for an answer is over; then the order goes on without one."""
    record = session.record()
    until = record.approval_asked.deadline if record.approval_asked is not None else None
    if until is None and record.candidate is not None:  # asked by older code
        until = useful_until(record.candidate)
    if until is None or record.approvals_asked != question.count or session.provider.clock.now() < until:
        return False
    session.note(unanswered=True)
    return True


def ask(session: OrderSession) -> Question | None:
    """Ask about the chosen candidate, or ask again what lost its answer: the time to answer goes on then.

    Returns:
        What is asked; ``None`` when another process has had the answer.
    """
    record = session.record()
    if is_settled(record) or record.candidate is None:
        return None
    candidate, clock, order = record.candidate, session.provider.clock, session.order
    before = record.approval_asked or Asked()
    until = before.deadline if record.approval_question is not None else None
    until = until or deadline(order, candidate, clock.now())
    text = question_text(record, order, candidate, until)
    asked = before.model_copy(update={"deadline": until, "facts": tuple(facts(session, record))})
    here = clock.local(until)
    record = session.ledger.record(
        session.reference,
        "approval asked",
        text,
        **_waits(text, here),
        approval_question=text,
        approval_asked=asked,
        approvals_asked=record.approvals_asked + 1,
    )
    return question_of(record, here)


def wait_for_answer(session: OrderSession, question: Question) -> None:
    """Note that the order still waits for an answer, where nothing is asked anew at each start."""
    session.ledger.record(session.reference, **_waits(question.text, question.deadline))


def take(session: OrderSession, question: Question, answer: Answer) -> None:
    """Write an answer down. Where another process has had one, or has gone on, that stands."""
    clock = session.provider.clock.read()

    def change(record: OrderRecord) -> Revision:
        about = record.candidate.id if record.candidate is not None else None
        same = record.approval_question == question.text and about == question.offers[0].candidate.id
        if not same or is_settled(record):
            return Revision(None, "", {})
        taken.append(True)
        return answered(record, question, answer, clock.now, clock.ours)

    taken: list[bool] = []
    session.ledger.revise(session.reference, change)
    if taken and answer.decision == "decline":
        declined = f"Declined by {answer.decided_by or 'a person'}. {answer.note}".strip()
        session.note(end=End(StatusCode.USER_CANCELLED, declined))


def facts(session: OrderSession, record: OrderRecord) -> Sequence[str]:
    """What a person should know beside the list: budgets, what the provider quoted, and the answer before."""
    found = []
    if record.candidate is not None:
        found += budget_facts(session.ledger, session.provider, session.order, record.reference, record.candidate)
    if record.candidate is not None and record.candidate.id == WHOLE_WINDOW:
        quotes = [one.message for one in session.ledger.journal(record.reference) if one.event == "quoted"]
        found += quotes[-1:]
    if record.approval_answer is not None and record.approval_answer.undone:
        found.append(f"Before: {record.approval_answer.sentence}")
    return found


def _waits(text: str, until: datetime) -> dict[str, object]:
    return {"waits_for": "approval", "waits_message": text, "wake_at": until}
