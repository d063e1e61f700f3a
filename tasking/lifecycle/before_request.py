"""What happens next with an order that was not requested yet, or whose next try is not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from tasking.area import area_from
from tasking.candidate import Candidate
from tasking.coverage import covered_together_percent
from tasking.lifecycle import approving
from tasking.lifecycle.actions import (
    Action,
    Amend,
    Ask,
    BackOff,
    Choose,
    Close,
    End,
    LearnTime,
    ListCandidates,
    Plan,
    Poll,
    Request,
    Settle,
)
from tasking.lifecycle.after_request import SAFETY_NET, until_the_window_ends
from tasking.lifecycle.next_try import AFTER_REJECTION
from tasking.lifecycle.standing import (
    earlier_requests,
    may_bring_something,
    reversible_rejections,
    undecided,
    under_way,
)
from tasking.lifecycle.state import Listed, OrderState
from tasking.order import Order
from tasking.ranking import RankedCandidate, most_covering
from tasking.status import StatusCode
from tasking.waiting import Wait, format_utc, wait_until

MOST_PLANS = 20
"""Plans a provider may forget before a person is told; some forget each after a day."""

MOST_CHOICES = 20
"""Candidates lost (expired, refused) after which an order stops asking and tells a person."""


def next_action(state: OrderState) -> Action:
    """As `tasking.lifecycle.decision.next_action`."""
    record = state.record
    if record.in_doubt and (record.candidate is None or record.deferred_end is not None):
        return Settle()  # nothing more is ordered, so it is not to be sent again
    if record.in_doubt and (settling := _others_in_doubt(state)) is not None:
        return settling
    if not record.in_doubt:
        if (revising := _of_earlier_requests(state)) is not None:
            return revising
        if record.deferred_end is not None:
            return _deferred(state)
    if (preparing := _to_be_prepared(state)) is not None:
        return preparing
    if record.candidate is None:
        return _without_a_candidate(state)
    return chosen(state, record.candidate)


def _of_earlier_requests(state: OrderState) -> Action | None:
    """What was requested before comes first: it may have been accepted after all, or still be."""
    record, current = state.record, state.record.current_request
    if current is None:
        return None
    if state.seen.polled is None:
        return Poll()
    if alive := under_way(record):
        # with the candidate of the last request the order counts as requested, and all its requests are followed
        names = ", ".join(one.id for one in alive)
        return Amend("revived", f"Accepted after all: request {names}", {"candidate": current.candidate})
    rejected = reversible_rejections(record)
    waits = state.order.on_rejection == "wait" and record.deferred_end is None
    if rejected and waits and state.clock.now < state.order.window.end:
        return until_the_window_ends(state, rejected)
    return None


def _others_in_doubt(state: OrderState) -> Action | None:
    """Another request than the next one may have arrived; nothing else happens until that is known."""
    if all(one.label == state.record.label for one in state.record.open_requests):
        return None
    polled = state.seen.polled
    if polled is None:
        return Poll()
    if polled.doubt is None:
        return None
    return polled.doubt if isinstance(polled.doubt, Wait) else BackOff(polled.doubt)


def _deferred(state: OrderState) -> Action:
    """An end was put off while a rejected request may still be accepted: till the window ends at the longest."""
    record, until, now = state.record, state.order.window.end, state.clock.now
    assert record.deferred_end is not None, "the caller has seen it"
    message = record.deferred_end.message.rstrip(".")
    left = may_bring_something(record)
    if left and now < until:
        names = ", ".join(one.id for one in left)
        message += f". Rejected before, and may still be accepted until {format_utc(until)}: request {names}"
        return wait_until(state.clock, min(now + SAFETY_NET, until), "imagery", message)
    names = ", ".join(one.last.id for one in record.requests)
    message += f". Nothing more came of what was requested before: request {names}."
    return Close(End(record.deferred_end.status, message))


def _to_be_prepared(state: OrderState) -> Action | None:
    """A plan is to be made, or a quote to be asked for; ``None`` when there is one."""
    record = state.record
    if state.provider.lists_candidates:
        return Plan() if record.plan_id is None else None
    if record.candidate is not None:
        return None
    if (current := record.current_request) is None:
        return Plan()
    rejected = current.last.status is StatusCode.REJECTED
    due = (record.next_try_since or record.updated) + AFTER_REJECTION
    if rejected and state.clock.now < due:
        message = f"Request {current.last.id} was rejected; the next try is made at {format_utc(due)}"
        return wait_until(state.clock, due, "candidates", message)
    if state.provider.rest_of_window is None:
        message = f"Too little of the window is left for another try.{earlier_requests(record)}"
        return Close(End(current.last.status or StatusCode.FAILED, message))
    return Plan()


def chosen(state: OrderState, candidate: Candidate) -> Action:
    """What a chosen candidate needs before it is requested."""
    record, seen = state.record, state.seen
    if record.in_doubt:  # it keeps its candidate, also past its expiry, and nobody is asked before it is settled
        return Request()
    if not state.clock.known and not seen.time_asked:
        return LearnTime()
    asks = approving.asks_a_person(state, candidate)
    if asks and record.approval_question is not None:  # it was asked: an answer may be there already
        if not seen.unanswered:
            return Ask()
        if (going_on := approving.not_answered(state, candidate)) is not None:
            return going_on
    silent = "nobody answered in time" if asks and seen.unanswered else None
    if (why := seen.lost or _over(candidate, state.clock.now) or silent) is not None:
        return _given_up(state, candidate, why)
    return Ask() if asks else Request()


def _over(candidate: Candidate, now: datetime) -> str | None:
    if candidate.valid_until is not None and now >= candidate.valid_until:
        return f"it expired at {format_utc(candidate.valid_until)}"
    return f"its time was over at {format_utc(candidate.end)}" if now >= candidate.end else None


def _given_up(state: OrderState, candidate: Candidate, why: str) -> Amend:
    """Another candidate is chosen; having lost so many, a person should look."""
    lost = [*state.record.candidates_dropped, candidate.id]
    end = None
    if len(lost) >= MOST_CHOICES:
        message = f"{len(lost)} candidates were lost one after the other; the last because {why}. Look at the journal."
        end = End(StatusCode.FAILED, message)
    fields = {
        **undecided(state.record),
        "candidates_dropped": lost,
        "approved_candidate_id": None,
        **approving.dropped(state.record, why),
    }
    return Amend("candidate dropped", f"Candidate {candidate.id} dropped: {why}", fields, end)


def _without_a_candidate(state: OrderState) -> Action:
    seen, clock = state.seen, state.clock
    if seen.plan_gone:
        return plan_gone(state)
    if seen.plan is not None and not seen.plan.ready and clock.now < seen.plan.candidates_at:
        message = f"Waiting for candidates, expected by {format_utc(seen.plan.candidates_at)}"
        return wait_until(clock, seen.plan.candidates_at, "candidates", message)
    if (listed := seen.listed) is None:
        return ListCandidates()
    if any(one.usable for one in listed.ranked) if listed.offer is None else listed.offer.enough:
        return Choose()
    for_a_person = listed.for_a_person or (listed.offer is not None and state.order.require_approval)
    if for_a_person and clock.now >= listed.plan.candidates_at and (listed.offer is None or listed.offer.candidates):
        return Choose(any_coverage=True)
    return _none_yet(state, listed)


def plan_gone(state: OrderState) -> Action:
    """A plan that is not found: a new one may take a moment to show; an old one is gone."""
    record, clock, plan_id = state.record, state.clock, state.record.plan_id
    fresh = timedelta(seconds=state.provider.settle_seconds)
    if record.planned_at is not None and clock.ours - clock.local(record.planned_at) < fresh:
        message = f"The provider does not show plan {plan_id} yet"
        again = clock.in_seconds(state.provider.settle_seconds / 3 * clock.rate)
        return wait_until(clock, again, "candidates", message)
    count = record.plans_forgotten + 1
    if count > MOST_PLANS:
        return Close(End(StatusCode.FAILED, f"The provider forgot {count} plans one after the other; ask it why"))
    return Amend("plan forgotten", f"The provider no longer knows plan {plan_id}; planning again", {"plan_id": None})


def _none_yet(state: OrderState, listed: Listed) -> Action:
    record, order, clock, there, ranked = state.record, state.order, state.clock, listed.plan, listed.ranked
    if clock.now >= order.window.end:
        message = _none_left(order, ranked, record.candidates_seen) + earlier_requests(record)
        return Close(End(StatusCode.EXPIRED, message))
    again = min(clock.in_seconds(state.provider.poll_interval_seconds / 3), order.window.end)
    if not record.requests and not record.candidates_dropped and (fact := _too_little(order, listed)):
        return _too_little_yet(state, listed, fact, again)
    if record.candidates_seen:
        until = format_utc(order.window.end)
        message = f"No candidate that can be requested now; listing again until {until}"
        return wait_until(clock, again, "candidates", message)
    if clock.now >= there.patience_until:
        message = (
            f"Not feasible: the provider found no candidate by {format_utc(there.patience_until)}. "
            "Order again with a longer window, a wider off-nadir range or more satellites."
        )
        return Close(End(StatusCode.REJECTED, message))
    message = f"No candidate yet; asking until {format_utc(there.patience_until)}"
    return wait_until(clock, min(again, there.patience_until), "candidates", message)


def _too_little(order: Order, listed: Listed) -> str:
    """That there are candidates, and they cover too little; empty where it is for another reason that none is taken."""
    wish = f"the order asks for {order.least_coverage_percent or 0:g} % at least"
    if listed.offer is not None:
        return f"{listed.offer.message}, and {wish}" if listed.offer.candidates else ""
    best = most_covering(listed.ranked)
    return f"the best candidate covers {best.coverage_percent:.1f} % of the area, and {wish}" if best else ""


def _too_little_yet(state: OrderState, listed: Listed, fact: str, again: datetime) -> Action:
    """No candidate ever covered enough: better ones may be listed for as long as an empty list is asked again."""
    order, until = state.order, listed.plan.patience_until
    if state.clock.now >= until:
        return Close(End(StatusCode.REJECTED, f"Not feasible: {fact}. {_what_would_help(order, listed)}"))
    message = f"{fact[0].upper()}{fact[1:]}; listing again until {format_utc(until)}"
    return wait_until(state.clock, min(again, until), "candidates", message)


def _what_would_help(order: Order, listed: Listed) -> str:
    """More captures, a smaller area, or less of it."""
    best = most_covering(listed.ranked)
    share = listed.offer.covers_percent if listed.offer is not None else best.coverage_percent if best else None
    together = covered_together_percent(
        area_from(order.footprint),
        [one.candidate.footprint for one in listed.ranked if one.too_little or one.usable],
    )
    more = ""
    if together is not None and share is not None and together >= share + 5:
        more = f" All that were listed together cover {together:.1f} %: allow more captures with max_captures."
    return (
        "Nothing was ordered. Order again, under a new reference, a smaller area or the area in parts; or allow less "
        f"with coverage_min_percent (of this one, {math.floor(share or 0)}).{more}"
    )


def _none_left(order: Order, ranked: Sequence[RankedCandidate], seen: int) -> str:
    if not seen:
        return f"Not feasible: no candidate before the window ended at {format_utc(order.window.end)}"
    why = sorted({one.exclusion_reason for one in ranked if one.exclusion_reason})
    note = f" The last ones: {'; '.join(why[:3])}." if why else ""
    return (
        f"No candidate left that could be requested before the window ended at {format_utc(order.window.end)}.{note} "
        "Order again with a new window and a new reference."
    )
