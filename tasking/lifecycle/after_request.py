"""What happens next with an order that was requested."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import Action, Amend, BackOff, Close, Deliver, End, Poll
from tasking.lifecycle.deadlines import cancelling, overdue
from tasking.lifecycle.next_try import may_be_tried
from tasking.lifecycle.standing import (
    ENDED,
    complete_requests,
    delivered_before,
    missing_files,
    open_requests,
    ordered_twice,
    reversible_rejections,
)
from tasking.lifecycle.state import OrderState, Polled
from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import Wait, format_utc, wait_until

SAFETY_NET = timedelta(hours=12)
"""How often a run looks by itself once its next event is due; the watcher looks more often, and for many at once."""


def next_action(state: OrderState) -> Action:
    """As `tasking.lifecycle.decision.next_action`."""
    record, seen = state.record, state.seen
    if seen.compared is not None and _everything_is_home(record):
        return _completed(record, seen.compared.message)
    if seen.polled is None:
        return Poll()
    for one in record.requests:
        if one.undelivered:
            return Deliver(one.last.id)
    if seen.polled.doubt is not None:  # what is known to be bought was fetched meanwhile
        return seen.polled.doubt if isinstance(seen.polled.doubt, Wait) else BackOff(seen.polled.doubt)
    action = _as_they_stand(state, seen.polled)
    if isinstance(action, Wait) and (note := ordered_twice(record)):
        return action.model_copy(update={"message": f"{action.message}; {note}"})
    return action


def _everything_is_home(record: OrderRecord) -> bool:
    """Whether nothing is left to fetch, nor will be, whatever time it is."""
    if record.in_doubt or any(one.undelivered for one in record.requests):
        return False
    return bool(complete_requests(record)) and not open_requests(record) and not reversible_rejections(record)


def _completed(record: OrderRecord, done: str) -> Close:
    last = complete_requests(record)[-1]
    parts = (done, last.note, missing_files(record), ordered_twice(record))
    return Close(End(StatusCode.COMPLETED, "; ".join(filter(None, parts))))


def _as_they_stand(state: OrderState, polled: Polled) -> Action:
    """Nothing can be fetched just now."""
    record, now = state.record, state.clock.now
    assert record.current_request is not None, "requested before"
    still_open, complete = open_requests(record), complete_requests(record)
    in_time = [one for one in still_open if now < one.give_up_at]  # one that is overdue ends no order beside another
    last = (in_time or still_open or [record.current_request.last])[-1]
    rejected = reversible_rejections(record) if now < state.order.window.end else []
    if rejected and not still_open and (complete or last.status is not StatusCode.REJECTED):
        return until_the_window_ends(state, rejected)
    if complete and not still_open:
        compared = state.seen.compared
        return Deliver(complete[-1].id) if compared is None else _completed(record, compared.message)
    if now >= last.give_up_at and last.status not in (StatusCode.REJECTED, *ENDED):
        message = (
            f"No imagery (the provider says {last.provider_status}).{delivered_before(record)} "
            f"{overdue(last.id, last.give_up_at)}"
        )
        return Close(End(StatusCode.FAILED, message))
    if last.id not in polled.answered:
        again = state.clock.in_seconds(state.provider.poll_interval_seconds / 3)
        message = f"The provider does not know request {last.id} just now; asking again"
        return wait_until(state.clock, again, "imagery", message)
    if last.status is StatusCode.REJECTED:
        return _rejected(state, last)
    if last.status in ENDED:
        return _given_up(state, last)
    # a run wakes for what is due at a known time; between such events the watcher looks more often, and for all
    again = last.next_look_at if last.next_look_is_due else max(last.next_look_at, now + SAFETY_NET)
    return wait_until(state.clock, min(again, last.give_up_at), "imagery", _imagery_message(last, now))


def _rejected(state: OrderState, last: TaskingRequest) -> Action:
    record, now, end = state.record, state.clock.now, state.order.window.end
    wished = state.order.on_rejection == "next-candidate" and not record.cancel_asked
    if wished and record.plan_id is not None and now < end:
        message = f"Request {last.id} was rejected; taking the next candidate"
        return Amend("next candidate", message, {"candidate": None, "approved_candidate_id": None})
    if last.final:
        if may_be_tried(state):
            return _next_try(state)
        note = f" {last.note}." if last.note else ""
        return Close(
            End(
                StatusCode.REJECTED,
                f"Rejected: the provider could not schedule request {last.id}.{note} Order again with another window "
                "or other terms, and a new reference.",
            )
        )
    if now >= end:
        return Close(
            End(
                StatusCode.REJECTED,
                f"Rejected: the provider could not schedule request {last.id} before the window ended at "
                f"{format_utc(end)}. Order again with a new reference.",
            )
        )
    message = f"Rejected for now (request {last.id}); it may still be accepted until {format_utc(end)}"
    again = min(max(last.next_look_at, now + SAFETY_NET), end)
    return wait_until(state.clock, again, "imagery", message)


def _given_up(state: OrderState, last: TaskingRequest) -> Action:
    if may_be_tried(state):
        return _next_try(state)
    assert last.status is not None, "a known code"
    note = f" {last.note}." if last.note else ""
    message = (
        f"The provider ended request {last.id}: {last.provider_status}.{note}{delivered_before(state.record)} "
        "Ask them about that id, or order again."
    )
    return Close(End(last.status, message))


def _next_try(state: OrderState) -> Amend:
    """The candidate is given up, and nothing counts as approved."""
    current = state.record.current_request
    assert current is not None, "something was requested"
    message = f"Request {current.last.id} ended as {current.last.provider_status}; the next try is made"
    fields = {"candidate": None, "approved_candidate_id": None, "next_try_since": state.clock.now}
    return Amend("next try", message, fields)


def until_the_window_ends(state: OrderState, rejected: Sequence[TaskingRequest]) -> Wait:
    """No other candidate is taken any more: a rejected request may be accepted yet, and is paid then."""
    end, names = state.order.window.end, ", ".join(one.id for one in rejected)
    home = delivered_before(state.record)
    message = f"Rejected before, and may still be accepted until {format_utc(end)}: request {names}.{home}"
    return wait_until(state.clock, min(state.clock.now + SAFETY_NET, end), "imagery", message)


def _imagery_message(last: TaskingRequest, now: datetime) -> str:
    by = f" by {last.platform}" if last.platform else ""
    capture = f": capture{by} on {format_utc(last.start)}" if last.start is not None else ""
    if last.start is not None and last.end is not None and last.end - last.start >= timedelta(hours=1):
        capture = (
            f": capture between {format_utc(last.start)} and {format_utc(last.end)}"  # a window: no pass is set yet
        )
    note = f"; {last.note}" if last.note else ""
    cancel = f". {terms[0].upper()}{terms[1:]}" if (terms := cancelling(last, now)) else ""
    return f"Waiting for imagery{capture} ({last.provider_status}{note}){cancel}"
