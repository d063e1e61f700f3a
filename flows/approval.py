"""A person's yes before money is spent: the run is suspended, and resumed with a form in the UI."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Literal

from prefect import get_run_logger
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from prefect.runtime import deployment
from pydantic import Field

from tasking import lifecycle
from tasking.candidate import Candidate
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, OrderEnded
from tasking.ledger import OrderRecord
from tasking.order import Order
from tasking.status import StatusCode
from tasking.waiting import readable
from tasks.show import show_timeline
from tasks.step import ledger, ledger_and_provider

AFTER_EXPIRY = timedelta(days=7)
"""How long a suspended run stays after its candidate expired when no watcher brings it back."""


class Approval(RunInput):
    """The form a person fills in."""

    decision: Literal["approve", "decline"] = Field(
        title="Decision", description="'approve' orders the capture, which costs money. 'decline' ends the order."
    )
    note: str = Field(default="", title="Note", description="Kept in the order's journal.", max_length=500)


def approve(order: Order, reference: str) -> None:
    """Return once a person approved the chosen candidate; till then the run is suspended and holds no process.

    Raises:
        OrderEnded: A person declined.
    """
    if deployment.id is None:
        raise InvalidOrder("require_approval", True, "only a run of a deployment can ask a person; start it there")
    with ledger_and_provider(order.account) as (book, provider):
        candidate = lifecycle.chosen(book, provider, reference)
        record = book.read(reference)
        if candidate is None or record.approved_candidate_id == candidate.id:
            return
        deadline = provider.clock.local(min(candidate.start, candidate.valid_until or candidate.start))
        question = _question(candidate, record)
        asked = record.waits_message == question  # this is the run that Resume started
        if not asked:
            book.record(reference, "approval asked", question)
        book.record(reference, waits_for="approval", waits_message=question, wake_at=deadline)
    if not asked:
        get_run_logger().info("%s. Press Resume on this run to decide", question)
        show_timeline(reference)
    # nothing is filled in beforehand: a yes costs money, and a prefilled field loses its description
    form = Approval.with_initial_data(description=question)
    answer = suspend_flow_run(
        wait_for_input=form,
        timeout=int(max((deadline - utc_now() + AFTER_EXPIRY).total_seconds(), 60)),
        key=f"approve-{hashlib.sha256(candidate.id.encode()).hexdigest()[:16]}",
    )
    with ledger() as book:
        book.record(reference, f"{answer.decision}d", answer.note or "In the form", waits_for=None, waits_message=None)
        if answer.decision == "decline":
            raise OrderEnded(StatusCode.USER_CANCELLED, f"Declined by a person. {answer.note}".strip())
        book.record(reference, approved_candidate_id=candidate.id)


def _question(candidate: Candidate, record: OrderRecord) -> str:
    if candidate.id == lifecycle.WHOLE_WINDOW:
        return _question_of_a_window(candidate, record)
    view = f", {candidate.off_nadir_deg:.1f}° off nadir" if candidate.off_nadir_deg is not None else ""
    until = f"; it can be ordered until {readable(candidate.valid_until)}" if candidate.valid_until else ""
    return (
        f"Waiting for approval: capture by {candidate.platform or 'a satellite'} on {readable(candidate.start)}"
        f"{view}{until}. All candidates are among this run's artifacts"
    )


def _question_of_a_window(candidate: Candidate, record: OrderRecord) -> str:
    """Where the provider chooses the pass, a person decides on price and window."""
    price = f"{record.price:,.2f} {record.currency or ''}".strip() if record.price is not None else "no price given"
    until = f"; it can be ordered until {readable(candidate.valid_until)}" if candidate.valid_until else ""
    return (
        f"Waiting for approval: {price}, for an image between {readable(candidate.start)} and "
        f"{readable(candidate.end)}{until}. What the provider said of it is in this run's timeline"
    )
