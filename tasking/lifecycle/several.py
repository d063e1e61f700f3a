"""What happens next with an order of several captures, once the first of them was requested.

The captures of the chosen set are requested one after the other, each under a label of its own, and followed side by
side: what can be fetched comes home while others are still to be taken.

==========================================  ==================================================================
it was not read in this start               `Poll`
something can be fetched                    `Deliver`; what is stuck comes last, and keeps nothing else back
a request is in doubt                       settle it; nothing else is bought before
one was given up for good                   write it down: from then on another one is looked for
a capture is chosen                         `Ask` where a person is to be asked, then `Request`
more of the set were chosen                 the next of them
they no longer cover what was aimed at      `ListCandidates` and `Choose`, beside what is fixed, until the window ends
something is still to come                  wait for the first event of any of them
else                                        compare the archive (`Deliver`), then `Close`
==========================================  ==================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tasking.area import area_from
from tasking.candidate import Candidate
from tasking.coverage import covered_together_percent
from tasking.ledger import OrderRecord, RequestRecord
from tasking.lifecycle import approving, before_request
from tasking.lifecycle.actions import (
    Action,
    Amend,
    BackOff,
    Choose,
    Close,
    Deliver,
    End,
    ListCandidates,
    Plan,
    Poll,
    Request,
    Settle,
)
from tasking.lifecycle.after_request import SAFETY_NET, imagery_message, until_the_window_ends
from tasking.lifecycle.deadlines import overdue
from tasking.lifecycle.standing import (
    ENDED,
    complete_requests,
    delivered_before,
    earlier_requests,
    missing_files,
    open_requests,
    ordered_twice,
    requested,
    reversible_rejections,
    undecided,
)
from tasking.lifecycle.state import OrderState, Polled
from tasking.order import Order
from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import Wait, format_utc, wait_until

LOOK_AGAIN = timedelta(hours=1)
"""How often candidates are listed anew while a capture that was lost is not replaced (provider time)."""

LEAST_GAIN_PERCENT = 3.0
"""So much of the area each capture adds at least that takes the place of a lost one without covering enough."""

AS_GOOD_PERCENT = 0.1
"""So much less than the aim still reaches it: what is shown has one decimal."""


def is_under_way(state: OrderState) -> bool:
    """Whether the order is one of several captures, and the first of them was requested."""
    return state.order.most_captures > 1 and bool(state.record.requests)


def goes_on_beside(state: OrderState) -> bool:
    """Whether other captures are fetched, or may still come, beside what a step has just called hopeless."""
    if state.seen.end is None or state.seen.end.request_id is None:
        return False
    others = [one for one in state.record.requests if one.last.id not in state.seen.stuck]
    return any(one.undelivered for one in others) or _more_is_to_come(state)


def next_action(state: OrderState) -> Action:
    """As `tasking.lifecycle.decision.next_action`, for what `is_under_way`."""
    record, seen = state.record, state.seen
    if seen.polled is None:
        return Poll()
    request_id, failing = _to_deliver(state), record.failing_step == Deliver.step
    if request_id is not None and not failing:
        return Deliver(request_id)
    chosen, more = _pending(state), _more_is_wished(state)
    if record.in_doubt:
        return _in_doubt(state, seen.polled, chosen if more else None)
    look_again = None
    if more:
        if (lost := _written_off(state)) is not None:
            return lost
        if (chosen is not None or record.next_candidates) and _is_covered(state):
            return _covered_again(record)
        if chosen is not None:
            return before_request.chosen(state, chosen)
        if record.next_candidates:
            return _next_of_the_set(record)
        if _falls_short(state):
            filling = _replaced(state)
            if not isinstance(filling, datetime):
                return filling
            look_again = filling
    if request_id is not None:  # what cannot be brought home for now keeps nothing from being ordered
        return Deliver(request_id)
    action = _followed(state, seen.polled, look_again)
    unlisted = min(seen.unlisted.values(), key=lambda one: one.until, default=None)
    later = unlisted is None or (isinstance(action, Wait) and action.until <= unlisted.until)
    return action if unlisted is None or later else unlisted


def holds(order: Order, request: RequestRecord, now: datetime) -> bool:
    """Whether a request covers its part of the area, or is paid and may still come to cover it."""
    last = request.last
    if last.status is StatusCode.REJECTED:
        return not last.final and order.on_rejection == "wait" and now < order.window.end
    return last.status not in ENDED or bool(last.capture_ids)


def held_percent(state: OrderState) -> float | None:
    """Share of the area that all requests together cover, or may come to cover, 0..100; ``None`` when nothing tells."""
    held = [one for one in state.record.requests if holds(state.order, one, state.clock.now)]
    if not held:
        return 0.0
    footprints = [one.candidate.footprint if one.candidate is not None else None for one in held]
    return covered_together_percent(area_from(state.order.footprint), footprints)


def _in_time(state: OrderState) -> list[TaskingRequest]:
    return [one for one in open_requests(state.record) if state.clock.now < one.give_up_at]


def _pending(state: OrderState) -> Candidate | None:
    """The capture that is requested next."""
    return None if requested(state.record) else state.record.candidate


def _more_is_wished(state: OrderState) -> bool:
    needed = state.order.needed_by is None or state.clock.now < state.order.needed_by
    return needed and state.record.deferred_end is None and not state.record.cancel_asked


def _more_is_to_come(state: OrderState) -> bool:
    """Whether something may still come of the order beside what can be fetched already."""
    record = state.record
    if _in_time(state) or (_more_is_wished(state) and (_pending(state) is not None or record.next_candidates)):
        return True
    return bool(reversible_rejections(record)) and state.clock.now < state.order.window.end


def _to_deliver(state: OrderState) -> str | None:
    """The request to fetch from next; after each failure it begins with another one.

    What is overdue or stuck is asked for once nothing else is to come: that may be how the order ends.
    """
    record, now = state.record, state.clock.now
    due = [one for one in record.requests if one.undelivered and one.last.id not in state.seen.unlisted]
    hopeful = [one for one in due if one.last.id not in state.seen.stuck and now < one.last.give_up_at]
    if not hopeful and not _more_is_to_come(state):
        hopeful = due
    return hopeful[record.failures % len(hopeful)].last.id if hopeful else None


def _in_doubt(state: OrderState, polled: Polled, chosen: Candidate | None) -> Action:
    record = state.record
    if chosen is not None and all(one.label == record.label for one in record.open_requests):
        return Request()  # it keeps its candidate, and settles what was announced before
    if polled.doubt is None:
        return Settle()
    return polled.doubt if isinstance(polled.doubt, Wait) else BackOff(polled.doubt)


def _written_off(state: OrderState) -> Amend | None:
    """A request that yields nothing: its candidate counts as lost, and is not taken again."""
    record, order = state.record, state.order
    dropped = set(record.candidates_dropped)
    lost = [
        one
        for one in record.requests
        if one.candidate is not None and one.candidate.id not in dropped and _is_lost(order, one, state.clock.now)
    ]
    if not lost:
        return None
    words = "; ".join(f"request {one.last.id} ended as {one.last.provider_status}" for one in lost)
    message = f"Another capture is looked for: {words}"
    ids = [one.candidate.id for one in lost if one.candidate is not None]
    return Amend("capture lost", message, {"candidates_dropped": [*record.candidates_dropped, *ids]})


def _is_lost(order: Order, request: RequestRecord, now: datetime) -> bool:
    """Whether a request covers nothing, and the order wishes another capture in its place."""
    last = request.last
    if holds(order, request, now) or last.status is StatusCode.USER_CANCELLED:
        return False
    if last.status is StatusCode.REJECTED and not last.final:
        return order.on_rejection == "next-candidate"
    return order.on_failure == "next-candidate"


def _next_of_the_set(record: OrderRecord) -> Amend:
    """A person who approved the set has approved each of it."""
    upcoming, *rest = record.next_candidates
    current = record.current_request
    assert current is not None, "requested before"
    approved = current.candidate is not None and record.approved_candidate_id == current.candidate.id
    fields = {
        "candidate": upcoming.model_copy(update={"attempt": record.attempt}),
        "next_candidates": rest,
        "approved_candidate_id": upcoming.id if approved else None,
    }
    return Amend("next capture", f"The next capture of the set: candidate {upcoming.id}", fields)


def _falls_short(state: OrderState) -> bool:
    """Whether what was requested no longer covers what was aimed at, and something can be done about it."""
    record, order, now = state.record, state.order, state.clock.now
    if len(record.candidates_dropped) >= before_request.MOST_CHOICES or now >= order.window.end:
        return False
    return not _is_covered(state)


def _is_covered(state: OrderState) -> bool:
    """Whether what is held covers what was aimed at, or as many captures are held as may be."""
    record, order = state.record, state.order
    if sum(holds(order, one, state.clock.now) for one in record.requests) >= order.most_captures:
        return True
    covered = held_percent(state)
    aim = record.coverage_aim_percent if record.coverage_aim_percent is not None else 100.0
    return covered is not None and covered >= aim - AS_GOOD_PERCENT


def _covered_again(record: OrderRecord) -> Amend:
    """What was to take the place of a lost capture is not bought when that was accepted after all."""
    why = "what was requested covers enough without it"
    fields = {**undecided(record), "approved_candidate_id": None, **approving.dropped(record, why)}
    return Amend("revived", f"Nothing more is ordered: {why}", fields)


def _replaced(state: OrderState) -> Action | datetime:
    """Another capture beside what is fixed; or when to look for one again."""
    record, seen, clock = state.record, state.seen, state.clock
    again = min(clock.now + LOOK_AGAIN, state.order.window.end)
    if seen.plan_gone:
        gone = before_request.plan_gone(state)
        return gone if isinstance(gone, Amend) else again
    if record.plan_id is None:
        return Plan()
    if seen.plan is not None and not seen.plan.ready and clock.now < seen.plan.candidates_at:
        return min(again, seen.plan.candidates_at)
    if seen.listed is None:
        return ListCandidates()
    offer = seen.listed.offer
    if offer is None or not offer.candidates:
        return again
    gain = offer.covers_percent - (held_percent(state) or 0.0)
    return Choose() if offer.enough or gain >= LEAST_GAIN_PERCENT * len(offer.candidates) else again


def _followed(state: OrderState, polled: Polled, look_again: datetime | None) -> Action:
    """Nothing can be fetched just now, and nothing more is to be ordered just now."""
    record, now = state.record, state.clock.now
    rejected = reversible_rejections(record) if now < state.order.window.end else []
    if in_time := _in_time(state):
        return _awaited(state, polled, in_time, look_again)
    if rejected:
        return until_the_window_ends(state, rejected)
    if look_again is not None:
        message = f"Looking for another capture in place of what was lost until {format_utc(state.order.window.end)}."
        return wait_until(state.clock, look_again, "imagery", f"{message}{earlier_requests(record)}")
    if late := open_requests(record):
        message = (
            f"No imagery (the provider says {late[-1].provider_status}).{delivered_before(record)} "
            f"{overdue(late[-1].id, late[-1].give_up_at)}"
        )
        return Close(End(StatusCode.FAILED, message))
    if complete := complete_requests(record):
        compared = state.seen.compared
        return Deliver(complete[-1].id) if compared is None else _completed(record, compared.message)
    last = record.requests[-1].last
    ended = [last.status] if last.status in (StatusCode.REJECTED, *ENDED) else [StatusCode.FAILED]
    why = f" {record.deferred_end.message}" if record.deferred_end is not None else ""
    message = f"None of the captures came.{delivered_before(record)}{earlier_requests(record)}{why}"
    return Close(End(ended[0] or StatusCode.FAILED, message))


def _awaited(state: OrderState, polled: Polled, in_time: Sequence[TaskingRequest], look_again: datetime | None) -> Wait:
    record, clock, now = state.record, state.clock, state.clock.now
    again = [look_again] if look_again is not None else []
    for one in in_time:
        if one.id not in polled.answered:
            again.append(clock.in_seconds(state.provider.poll_interval_seconds / 3))
            continue
        # a run wakes for what is due at a known time; between such events the watcher looks more often, and for all
        event = one.next_look_at if one.next_look_is_due else max(one.next_look_at, now + SAFETY_NET)
        again.append(min(event, one.give_up_at))
    first = min(in_time, key=lambda one: (one.start is None, one.start, one.id))
    home = len([one for one in record.requests if one.last in complete_requests(record) and not one.undelivered])
    count = f"{len(in_time)} of {len(record.requests)} captures are to come, {home} home"
    message = f"{imagery_message(first, now)}; {count}"
    if note := ordered_twice(record):
        message += f"; {note}"
    return wait_until(clock, min(again), "imagery", message)


def _why_no_more(record: OrderRecord) -> str:
    """What kept the rest from being ordered: its first sentence. A delivered order is not tried again."""
    if record.deferred_end is None:
        return ""
    why = record.deferred_end.message.partition(". ")[0].rstrip(".")
    return f"no more was ordered: {why}; order what is missing under a new reference"


def _completed(record: OrderRecord, done: str) -> Close:
    lost = [one.last for one in record.requests if not one.last.capture_ids]
    without = ", ".join(f"{one.id} ({one.provider_status})" for one in lost)
    notes = sorted({one.note for one in complete_requests(record) if one.note})
    parts = (
        done,
        *notes,
        f"nothing came of request {without}" if lost else "",
        _why_no_more(record),
        missing_files(record),
        ordered_twice(record),
    )
    return Close(End(StatusCode.COMPLETED, "; ".join(filter(None, parts))))
