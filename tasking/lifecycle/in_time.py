"""Deadlines: what comes too late, and which of them a wait must not outlast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tasking.candidate import WHOLE_WINDOW
from tasking.lifecycle.actions import Action, Close, End
from tasking.lifecycle.standing import earlier_requests, open_requests, requested
from tasking.lifecycle.state import OrderState
from tasking.order import Order
from tasking.provider import TaskingRequest
from tasking.ranking import RankedCandidate
from tasking.status import StatusCode
from tasking.waiting import Wait, format_utc, wait_until


def too_late(state: OrderState) -> End | None:
    """How an order ends that is needed no more before anything of it is under way; ``None`` while it goes on.

    What may have been requested is settled first, and what was put off has its own end.
    """
    record, by = state.record, state.order.needed_by
    if by is None or state.clock.now < by or record.in_doubt or record.deferred_end is not None:
        return None
    message = f"It was needed by {format_utc(by)}, and nothing could be ordered before.{earlier_requests(record)}"
    return End(StatusCode.EXPIRED, f"{message} Order again with a later needed_by, a new window and a new reference.")


def in_time(state: OrderState, action: Action) -> Action:
    """A wait that is over when the next deadline is, and says when the image is needed; other actions as they are."""
    if not isinstance(action, Wait):
        return action
    if (end := _all_too_late(state)) is not None:
        return Close(end)
    clock = state.clock
    ahead = [moment for moment in _deadlines(state) if moment > clock.now]
    sooner = [wait_until(clock, moment, action.waits_for, action.message).until for moment in ahead]
    message = f"{action.message}{_needed(state)}"
    return action.model_copy(update={"until": min([action.until, *sooner]), "message": message})


def without_late_ones(order: Order, ranked: Sequence[RankedCandidate]) -> list[RankedCandidate]:
    """The candidates in their order; those that are taken after the image is needed cannot be used, and come last."""
    by = order.needed_by
    if by is None:
        return list(ranked)
    why = f"it is taken after it is needed ({format_utc(by)})"
    late = {"usable": False, "too_little": False, "score": 0.0, "exclusion_reason": why}
    judged = [
        one.model_copy(update=late) if (one.usable or one.too_little) and _is_late(one, by) else one for one in ranked
    ]
    return sorted(judged, key=lambda one: not one.usable)


def _is_late(one: RankedCandidate, by: datetime) -> bool:
    """Of a whole window any part may be in time."""
    return (one.candidate.start if one.candidate.id == WHOLE_WINDOW else one.candidate.end) > by


def _all_too_late(state: OrderState) -> End | None:
    """Where all that the provider offers is taken too late, it is not waited for the deadline to say so."""
    listed, by = state.seen.listed, state.order.needed_by
    if by is None or listed is None or not listed.ranked or requested(state.record) or state.record.requests:
        return None
    if state.clock.now < listed.plan.patience_until or not all(_is_late(one, by) for one in listed.ranked):
        return None
    first = min(one.candidate.end for one in listed.ranked)
    message = (
        f"Not feasible: it is needed by {format_utc(by)}, and the first of {len(listed.ranked)} candidates is taken by "
        f"{format_utc(first)}. Order again with a later needed_by, a wider off-nadir range or more satellites."
    )
    return End(StatusCode.REJECTED, message)


def _deadlines(state: OrderState) -> Iterator[datetime]:
    """The moments (provider time) at which something about a waiting order is over."""
    record = state.record
    if state.order.needed_by is not None:
        yield state.order.needed_by
    if not requested(record):
        if record.candidate is not None and record.candidate.valid_until is not None:
            yield record.candidate.valid_until
        return
    for request in _comes_too_late(state):
        if request.cancel_until is not None:
            yield request.cancel_until
        for step in request.cancel_fees:
            yield step.until


def _comes_too_late(state: OrderState) -> list[TaskingRequest]:
    """The requests that are to be taken after the image is needed: then it matters until when a cancel costs what."""
    by = state.order.needed_by
    if by is None:
        return []
    return [one for one in open_requests(state.record) if one.timed and one.end is not None and one.end > by]


def _needed(state: OrderState) -> str:
    by = state.order.needed_by
    if by is None:
        return ""
    if state.clock.now >= by:
        return f". Late: it was needed by {format_utc(by)}"
    if requested(state.record) and (late := _comes_too_late(state)):
        return f". It will be late: needed by {format_utc(by)}, and request {late[-1].id} is taken after that"
    return f". Needed by {format_utc(by)}"
