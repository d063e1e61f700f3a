"""What happens next with an order, over all the states it may be in: the rules that money hangs on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasking.approval import Asked
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.clock import ClockReading
from tasking.errors import Unavailable
from tasking.ledger import Deliverable, Intent, OrderRecord, RequestRecord
from tasking.ledger.records import DeferredEnd
from tasking.lifecycle.actions import (
    Action,
    Amend,
    Ask,
    BackOff,
    Choose,
    Close,
    Deliver,
    End,
    LearnTime,
    ListCandidates,
    Plan,
    Poll,
    Request,
    Settle,
)
from tasking.lifecycle.decision import next_action
from tasking.lifecycle.several import holds
from tasking.lifecycle.standing import open_requests, requested, reversible_rejections, under_way
from tasking.lifecycle.state import Compared, Listed, OrderState, Polled, ProviderTraits, Seen, SetOffer
from tasking.provider import Plan as ProviderPlan
from tasking.provider import TaskingRequest
from tasking.ranking import RankedCandidate
from tasking.status import StatusCode
from tasking.waiting import Wait
from tasking.window import Window

NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BAY = "POLYGON ((139.7 35.5, 139.9 35.5, 139.9 35.7, 139.7 35.7, 139.7 35.5))"
WINDOW = {"start": NOW - 5 * DAY, "end": NOW + 5 * DAY}
OVER = {"start": NOW - 5 * DAY, "end": NOW - DAY}
BUSY = Unavailable("no answer")
SETTLING = Wait(until=NOW + HOUR, waits_for="settling", message="Looking whether it arrived")


def candidate(name: str, **facts: Any) -> Candidate:
    return Candidate(**{"id": name, "start": NOW + DAY, "end": NOW + DAY + HOUR, **facts})


A, B, EXPIRED = candidate("a"), candidate("b"), candidate("e", valid_until=NOW - HOUR)
C, D = candidate("c"), candidate("d")
PASSES = [A, B, EXPIRED, candidate(WHOLE_WINDOW)]


def order(window: dict[str, datetime] = WINDOW, **wishes: Any) -> AxelGlobeOrder:
    return AxelGlobeOrder.model_validate({"name": "Bay", "area": BAY, "window": window, **wishes})


def request(
    name: str = "r1", status: StatusCode | None = StatusCode.ACCEPTED, *captures: str, **facts: Any
) -> RequestRecord:
    home = facts.pop("home", ())
    number = facts.pop("attempt", 1)
    last = {"next_look_at": NOW + HOUR, "give_up_at": NOW + 9 * DAY, **facts}
    return RequestRecord(
        attempt=number,
        label="bay" if number == 1 else f"bay#{number}",
        candidate=last.pop("candidate", A),
        last=TaskingRequest(id=name, status=status, provider_status=status or "NEW", capture_ids=captures, **last),
        deliverables=tuple(Deliverable(name=one, delivered_at=NOW if one in home else None) for one in captures),
    )


def record(**fields: Any) -> OrderRecord:
    empty = dict.fromkeys(OrderRecord.model_fields)
    given = {
        "reference": "bay",
        "provider": "axelglobe",
        "account": "a/b",
        "name": "Bay",
        "order": {"on_failure": "next-candidate", "area": {}},
        "flow_run_id": "run",
        "plans_forgotten": 0,
        "candidates_seen": 0,
        "next_candidates": [],
        "candidates_dropped": [],
        "approvals_asked": 0,
        "requests": [],
        "open_creates": [],
        "failures": 0,
        "cancel_asked": False,
        "created": NOW - DAY,
        "updated": NOW - DAY,
    }
    return OrderRecord.model_validate({**empty, **given, **fields})


def announced(label: str) -> Intent:
    return Intent(verb="request", label=label, round=1, at=NOW - HOUR, ours=NOW - HOUR)


def ranked(usable: bool) -> tuple[RankedCandidate, ...]:
    few = "" if usable else "it covers too little"
    return (
        RankedCandidate(
            candidate=B,
            score=0.5,
            coverage_percent=50,
            coverage_source="footprint",
            reason="it covers",
            usable=usable,
            exclusion_reason=few,
            too_little=not usable,
        ),
    )


PLAN = ProviderPlan(id="p", created=NOW - DAY, ready=True, candidates_at=NOW - HOUR, patience_until=NOW + HOUR)
CLOCK = ClockReading(NOW, NOW)
TRAITS = ProviderTraits(lists_candidates=True, poll_interval_seconds=600, settle_seconds=180)


def state(held: OrderRecord, wish: AxelGlobeOrder | None = None, /, **seen: Any) -> OrderState:
    return OrderState(held, wish or order(), CLOCK, TRAITS, Seen(**seen))


def polled(*ids: str, doubt: Any = None) -> Polled:
    return Polled(frozenset(ids), doubt)


WISHES = [
    order(window, on_rejection=rejected, require_approval=approval, if_not_answered=silence, max_captures=captures)
    for window in (WINDOW, OVER)
    for rejected in ("wait", "next-candidate")
    for approval, silence in ((False, "ask-again"), (True, "ask-again"), (True, "decline"), (True, "order"))
    for captures in (1, 1, 2)
]
NEEDED = [
    order(on_rejection=word, needed_by=NOW + when) for word in ("wait", "next-candidate") for when in (-HOUR, HOUR)
]
DRY = [
    order(window, require_approval=approval, dry_run=True) for window in (WINDOW, OVER) for approval in (False, True)
]

# any state at all -----------------------------------------------------------------------------------------------------

OFTEN = [StatusCode.REJECTED, StatusCode.FAILED, StatusCode.COMPLETED]
instants = st.sampled_from([NOW - 3 * DAY, NOW - HOUR, NOW, NOW + HOUR, NOW + 3 * DAY])


@st.composite
def requests(draw: st.DrawFn) -> list[RequestRecord]:
    made = []
    for number in range(1, draw(st.integers(0, 3)) + 1):
        captures = draw(st.lists(st.sampled_from(["k1", "k2"]), unique=True))
        made.append(
            request(
                f"r{number}",
                draw(st.sampled_from([*StatusCode, *OFTEN, None])),
                *captures,
                attempt=draw(st.sampled_from([number, max(number - 1, 1)])),
                candidate=draw(st.sampled_from([*PASSES, None])),
                home=draw(st.sampled_from([(), ("k1",), ("k1", "k2")])),
                final=draw(st.booleans()),
                next_look_at=draw(instants),
                next_look_is_due=draw(st.booleans()),
                give_up_at=draw(instants),
            )
        )
    return made


@st.composite
def records(draw: st.DrawFn) -> OrderRecord:
    made = draw(requests())
    used = [one.candidate for one in made]
    chosen = draw(st.sampled_from([None, *PASSES, *used[-1:], *used[-1:]]))
    return record(
        requests=made,
        candidate=chosen,
        plan_id=draw(st.sampled_from([None, "p"])),
        planned_at=draw(st.none() | instants),
        plans_forgotten=draw(st.sampled_from([0, 1, 20])),
        candidates_seen=draw(st.integers(0, 2)),
        candidates_dropped=draw(st.sampled_from([[], ["x"], ["x"] * 19])),
        approved_candidate_id=draw(st.sampled_from([None, "a", "b"])),
        approval_question=draw(st.sampled_from([None, "Waiting for approval"])),
        approval_asked=draw(st.none() | st.builds(Asked, deadline=st.none() | instants)),
        open_creates=draw(st.sampled_from([[], [], [announced("bay")], [announced("bay"), announced("bay#2")]])),
        deferred_end=draw(st.none() | st.just(DeferredEnd(status="expired", message="None left."))),
        next_try_since=draw(st.none() | instants),
        next_candidates=draw(st.sampled_from([[], [], [C], [C, D]])),
        coverage_aim_percent=draw(st.sampled_from([None, 90.0])),
        cancel_asked=draw(st.booleans()),
        order={"on_failure": draw(st.sampled_from(["next-candidate", "end"])), "area": {}},
    )


@st.composite
def states(draw: st.DrawFn) -> OrderState:
    held = draw(records())
    wish = draw(st.sampled_from([*WISHES, *NEEDED, *DRY]))
    plan = PLAN.model_copy(
        update={"ready": draw(st.booleans()), "candidates_at": draw(instants), "patience_until": draw(instants)}
    )
    offer = draw(st.sampled_from(OFFERS)) if wish.most_captures > 1 else None
    listed = Listed(plan, ranked(draw(st.booleans())), draw(st.sampled_from([(), ranked(True)])), offer)
    known = [one.last.id for one in held.requests if draw(st.booleans())]
    doubt = draw(st.sampled_from([None, SETTLING, BUSY])) if held.in_doubt else None
    seen = Seen(
        time_asked=draw(st.booleans()),
        polled=draw(st.sampled_from([None, polled(*known, doubt=doubt)])),
        plan=draw(st.sampled_from([None, plan])),
        plan_gone=draw(st.booleans()),
        listed=draw(st.sampled_from([None, listed])),
        lost=draw(st.sampled_from([None, "it is gone"])),
        unanswered=draw(st.booleans()),
        compared=draw(st.sampled_from([None, Compared("Delivered")])),
        wait=None,
        end=draw(st.sampled_from([None, None, End("rejected", "Not requested: no"), End("failed", "Not whole", "r1")])),
        stuck=frozenset(draw(st.sampled_from([[], [], ["r1"]]))),
    )
    rest = draw(st.sampled_from([None, Window(start=NOW + DAY, end=NOW + 2 * DAY)]))
    traits = ProviderTraits(draw(st.booleans()), 600, 180, rest)
    clock = CLOCK._replace(known=draw(st.booleans()), agrees=draw(st.booleans()))
    return OrderState(held, wish, clock, traits, seen)


OFFERS = [
    SetOffer((), 0.0, False, "nothing covers more"),
    SetOffer((C,), 50.0, False, "1 capture covers 50 %"),
    SetOffer((C, D), 95.0, True, "2 captures cover 95 %"),
]


@given(states())
def test_every_open_order_has_something_next_and_the_same_state_has_the_same(given: OrderState) -> None:
    action = next_action(given)
    assert isinstance(action, Action)
    again = next_action(replace(given))
    assert str(action) == str(again)


@given(states())
def test_nothing_is_bought_beside_what_is_paid_unless_the_wish_says_so(given: OrderState) -> None:
    if not isinstance(next_action(given), Request):
        return
    held = given.record
    if held.in_doubt:  # the very same request is settled first
        assert not requested(held)
        assert held.deferred_end is None
        assert given.seen.end is None
        return
    assert not requested(held)
    if given.order.most_captures > 1:
        paid = [one for one in held.requests if holds(given.order, one, NOW)]
        assert len(paid) < given.order.most_captures
        assert held.deferred_end is None
        assert given.seen.polled is not None or not held.requests
        assert not given.order.require_approval or held.approved_candidate_id == (held.candidate and held.candidate.id)
        return
    assert under_way(held) == []
    wished = given.order.on_rejection == "next-candidate" or given.order.window.end <= NOW
    assert wished or reversible_rejections(held) == []
    assert held.deferred_end is None
    assert not given.order.require_approval or held.approved_candidate_id == (held.candidate and held.candidate.id)
    assert given.seen.polled is not None or not held.requests, "a rejected one may have been accepted meanwhile"


@given(states())
def test_no_order_is_closed_while_it_may_be_bought_or_something_paid_can_be_fetched(given: OrderState) -> None:
    if not isinstance(next_action(given), Close):
        return
    held = given.record
    assert not held.in_doubt
    end = given.seen.end
    if given.order.most_captures > 1 and end is not None and end.request_id is not None:
        others = [one for one in held.requests if one.last.id not in given.seen.stuck]
        assert not any(one.undelivered for one in others)
    if end is None:  # no step has said that it never comes
        assert not any(one.undelivered for one in held.requests)
        assert all(one.give_up_at <= NOW for one in open_requests(held))
    if end is not None and end.request_id is None and not requested(held) and held.deferred_end is None:
        assert under_way(held) == []
        assert reversible_rejections(held) == []


@given(states())
def test_a_dry_run_asks_nobody_and_requests_nothing(given: OrderState) -> None:
    action = next_action(replace(given, order=given.order.model_copy(update={"dry_run": True})))
    assert not isinstance(action, Request | Ask)


@given(states())
def test_a_dry_run_differs_from_its_order_only_where_that_would_ask_request_or_end(given: OrderState) -> None:
    wish = given.order.model_copy(update={"dry_run": False})
    real = next_action(replace(given, order=wish))
    dry = next_action(replace(given, order=wish.model_copy(update={"dry_run": True})))
    if isinstance(real, Request | Ask):
        assert isinstance(dry, Settle if given.record.in_doubt else Close)
    else:
        assert type(dry) is type(real)


@given(states())
def test_nothing_new_is_requested_once_it_is_needed_no_more(given: OrderState) -> None:
    wish = given.order.model_copy(update={"needed_by": NOW - HOUR, "dry_run": False})
    action = next_action(replace(given, order=wish))
    if isinstance(action, Request):
        assert given.record.in_doubt, "what may have arrived is settled"
    assert not isinstance(action, Ask | Plan | ListCandidates | Choose) or given.record.in_doubt


@given(states())
def test_what_is_under_way_is_not_given_up_because_it_is_late(given: OrderState) -> None:
    late = given.order.model_copy(update={"needed_by": NOW - HOUR, "dry_run": False})
    never = late.model_copy(update={"needed_by": None})
    action = next_action(replace(given, order=late))
    if requested(given.record) and given.order.most_captures == 1:
        assert type(action) is type(next_action(replace(given, order=never)))
    elif requested(given.record) and given.seen.end is None and isinstance(action, Close):
        # of several, no more is ordered then; what was ordered is waited for, and comes home
        assert all(one.give_up_at <= NOW for one in open_requests(given.record))
        assert not any(one.undelivered for one in given.record.requests)


@given(states())
def test_no_wait_outlasts_the_moment_in_which_the_image_is_needed(given: OrderState) -> None:
    soon = NOW + timedelta(minutes=5)
    action = next_action(replace(given, order=given.order.model_copy(update={"needed_by": soon})))
    if isinstance(action, Wait) and action != given.seen.wait and action is not SETTLING:
        assert action.until <= soon


@given(states())
def test_each_wait_has_a_time_ahead_and_a_reason(given: OrderState) -> None:
    action = next_action(given)
    if isinstance(action, Wait):
        assert action.until > CLOCK.ours
        assert action.message
        assert action.waits_for in {"candidates", "imagery", "products", "settling"}


@given(states())
def test_what_was_decided_changes_the_order_so_that_it_goes_on(given: OrderState) -> None:
    """Whatever each step finds, a start comes to a wait or to the order's end, and never turns in circles."""
    for _ in range(40):
        action = next_action(given)
        if isinstance(action, Wait | Close | BackOff | Ask):
            return
        given = after(given, action)
    raise AssertionError(f"it turns in circles: {action}")


def after(before: OrderState, action: Action) -> OrderState:
    """The state once an action was carried out, in the plainest way it can be."""
    held, seen = before.record, replace(before.seen, end=None, lost=None, unanswered=False)
    match action:
        case Amend():
            held = held.model_copy(update=action.fields)
            seen = Seen(time_asked=seen.time_asked, end=action.then)
        case LearnTime():
            seen = replace(seen, time_asked=True)
        case Plan():
            if before.provider.lists_candidates:
                held = held.model_copy(update={"plan_id": "new", "planned_at": NOW})
            else:
                held = held.model_copy(update={"candidate": candidate(WHOLE_WINDOW, attempt=held.attempt)})
        case ListCandidates():
            offer = OFFERS[2] if before.order.most_captures > 1 else None
            seen = replace(seen, plan=PLAN, listed=Listed(PLAN, ranked(True), offer=offer))
        case Choose() if seen.listed is not None and (offer := seen.listed.offer) is not None:
            held = held.model_copy(
                update={
                    "candidate": offer.candidates[0].model_copy(update={"attempt": held.attempt}),
                    "next_candidates": list(offer.candidates[1:]),
                }
            )
            seen = replace(seen, listed=None, polled=None)
        case Choose():
            held = held.model_copy(update={"candidate": B.model_copy(update={"attempt": held.attempt})})
        case Request():
            made = request(f"r{held.attempt}", attempt=held.attempt, candidate=held.candidate)
            held = held.model_copy(update={"requests": [*held.requests, made], "open_creates": []})
            seen = replace(seen, polled=None)
        case Settle():
            held = held.model_copy(update={"open_creates": []})
            seen = replace(seen, polled=None, end=before.seen.end)
        case Poll():
            settling = [] if requested(held) else [one for one in held.open_creates if one.label == held.label]
            held = held.model_copy(update={"open_creates": settling})
            seen = replace(seen, polled=polled(*[one.last.id for one in held.requests]))
        case Deliver(request_id):
            home = [
                one.model_copy(update={"deliverables": tuple(_home(what) for what in one.deliverables)})
                if one.last.id == request_id
                else one
                for one in held.requests
            ]
            brought = home != held.requests
            held = held.model_copy(update={"requests": home})
            seen = replace(seen, compared=Compared("Delivered"), polled=None if brought else seen.polled)
    return replace(before, record=held, seen=seen)


def _home(what: Deliverable) -> Deliverable:
    return what.model_copy(update={"delivered_at": what.delivered_at or NOW})


# the way of an order, case by case ------------------------------------------------------------------------------------

HELD = {"plan_id": "p", "candidate": A}
LATE = request(give_up_at=NOW - HOUR)
BOUGHT = request()
FAILED, TAKEN_BACK = request("r1", StatusCode.FAILED), request("r1", StatusCode.REJECTED)
READY, HOME = request("r1", StatusCode.COMPLETED, "k1"), request("r1", StatusCode.COMPLETED, "k1", home=["k1"])

CASES: dict[str, tuple[OrderState, type[Action]]] = {
    "a new order": (state(record()), Plan),
    "it is planned": (state(record(plan_id="p")), ListCandidates),
    "its plan is not ready": (
        state(record(plan_id="p"), plan=PLAN.model_copy(update={"ready": False, "candidates_at": NOW + HOUR})),
        Wait,
    ),
    "there are candidates": (state(record(plan_id="p"), listed=Listed(PLAN, ranked(True))), Choose),
    "none covers enough": (state(record(plan_id="p"), listed=Listed(PLAN, ranked(False))), Wait),
    "none covers enough, and a person is asked": (
        state(record(plan_id="p"), listed=Listed(PLAN, ranked(False), ranked(True))),
        Choose,
    ),
    "one is chosen": (state(record(**HELD)), Request),
    "one is chosen, and a person is to be asked": (state(record(**HELD), order(require_approval=True)), Ask),
    "a person was asked, and may have answered": (
        state(record(**HELD, approval_question="?"), order(require_approval=True)),
        Ask,
    ),
    "a person was asked about what has expired, and may have answered before": (
        state(record(plan_id="p", candidate=EXPIRED, approval_question="?"), order(require_approval=True)),
        Ask,
    ),
    "nobody has answered": (
        state(record(**HELD, approval_question="?"), order(require_approval=True), unanswered=True),
        Amend,
    ),
    "the chosen one has expired": (state(record(plan_id="p", candidate=EXPIRED)), Amend),
    "it has expired, and may have been requested": (
        state(record(plan_id="p", candidate=EXPIRED, open_creates=[announced("bay")])),
        Request,
    ),
    "it may have been requested, and nobody has approved it": (
        state(record(**HELD, open_creates=[announced("bay")]), order(require_approval=True)),
        Request,
    ),
    "the plan was forgotten": (state(record(plan_id="p"), plan_gone=True), Amend),
    "it was requested": (state(record(**HELD, requests=[BOUGHT])), Poll),
    "nothing can be fetched yet": (state(record(**HELD, requests=[BOUGHT]), polled=polled("r1")), Wait),
    "something can be fetched": (state(record(**HELD, requests=[READY]), polled=polled("r1")), Deliver),
    "it is home": (state(record(**HELD, requests=[HOME]), polled=polled("r1")), Deliver),
    "it is home, and was compared": (state(record(**HELD, requests=[HOME]), compared=Compared("Delivered")), Close),
    "it is home, and another one may have arrived": (
        state(
            record(**HELD, requests=[HOME], open_creates=[announced("bay")]),
            compared=Compared("Delivered"),
            polled=polled("r1", doubt=SETTLING),
        ),
        Wait,
    ),
    "it is overdue": (state(record(**HELD, requests=[LATE]), polled=polled("r1")), Close),
    "it is overdue, and an earlier one is not": (
        state(record(**HELD, requests=[request("r0"), LATE]), polled=polled("r0", "r1")),
        Wait,
    ),
    "it is overdue, and another one may have arrived": (
        state(
            record(**HELD, requests=[LATE], open_creates=[announced("bay")]),
            polled=polled("r1", doubt=BUSY),
        ),
        BackOff,
    ),
    "it failed": (state(record(**HELD, requests=[FAILED]), polled=polled("r1")), Amend),
    "it was rejected for now": (state(record(**HELD, requests=[TAKEN_BACK]), polled=polled("r1")), Wait),
    "it was rejected for now, and another is wished": (
        state(record(**HELD, requests=[TAKEN_BACK]), order(on_rejection="next-candidate"), polled=polled("r1")),
        Amend,
    ),
    "the next one was chosen, and the first accepted after all": (
        state(record(plan_id="p", candidate=B, requests=[BOUGHT]), polled=polled("r1")),
        Amend,
    ),
    "the provider refuses the next one, and the first may be accepted": (
        state(record(plan_id="p", candidate=B, requests=[TAKEN_BACK]), end=End("rejected", "no")),
        Amend,
    ),
    "another one was chosen, and the first may be accepted": (
        state(record(plan_id="p", candidate=B, requests=[TAKEN_BACK]), polled=polled("r1")),
        Wait,
    ),
    "the provider refuses": (state(record(**HELD), end=End("rejected", "no")), Close),
    "the provider refuses, and another may have arrived": (
        state(record(**HELD, open_creates=[announced("bay")]), end=End("rejected", "no")),
        Settle,
    ),
}


LATE_PASS = candidate("late", start=NOW + 3 * DAY, end=NOW + 3 * DAY + HOUR)
SOON = order(needed_by=NOW + 2 * DAY)
TOO_LATE = order(needed_by=NOW - HOUR)
LISTED_LATE = Listed(
    PLAN.model_copy(update={"patience_until": NOW - HOUR}),
    tuple(one.model_copy(update={"candidate": LATE_PASS}) for one in ranked(False)),
)

CASES |= {
    "it is a dry run, and one is chosen": (state(record(**HELD), order(dry_run=True)), Close),
    "it is a dry run, and a person is to be asked": (
        state(record(**HELD), order(dry_run=True, require_approval=True)),
        Close,
    ),
    "it is needed no more, and nothing was requested": (state(record(plan_id="p"), TOO_LATE), Close),
    "it is needed no more, and one is chosen": (state(record(**HELD), TOO_LATE), Close),
    "it is needed no more, and may have been requested": (
        state(record(**HELD, open_creates=[announced("bay")]), TOO_LATE),
        Request,
    ),
    "it is needed no more, and was requested": (
        state(record(**HELD, requests=[BOUGHT]), TOO_LATE, polled=polled("r1")),
        Wait,
    ),
    "it is needed no more, and the request failed": (
        state(record(plan_id="p", requests=[FAILED]), TOO_LATE, polled=polled("r1")),
        Close,
    ),
    "it is needed no more, and the rejected request may come back": (
        state(record(plan_id="p", requests=[TAKEN_BACK]), TOO_LATE, polled=polled("r1")),
        Amend,
    ),
    "all that is offered comes too late": (state(record(plan_id="p"), SOON, listed=LISTED_LATE), Close),
}


@pytest.mark.parametrize("case", CASES)
def test_what_happens_next(case: str) -> None:
    given, action = CASES[case]
    assert isinstance(next_action(given), action)


def test_a_person_who_is_asked_may_take_what_covers_too_little() -> None:
    listed = Listed(PLAN, ranked(False), ranked(True))
    assert next_action(state(record(plan_id="p"), listed=listed)) == Choose(any_coverage=True)


def test_a_provider_without_candidates_waits_after_a_rejection_and_then_tries_what_is_left() -> None:
    rejected = request("r1", StatusCode.REJECTED, final=True, candidate=candidate(WHOLE_WINDOW))
    held = record(requests=[rejected], next_try_since=NOW - HOUR)
    picks_itself = ProviderTraits(False, 600, 180, Window(start=NOW + DAY, end=NOW + 2 * DAY))
    soon = OrderState(held, order(), CLOCK, picks_itself, Seen(polled=polled("r1")))
    assert isinstance(next_action(soon), Wait)
    later = replace(soon, clock=ClockReading(NOW + 6 * HOUR, NOW + 6 * HOUR))
    assert next_action(later) == Plan()
    over = replace(later, provider=replace(picks_itself, rest_of_window=None))
    assert isinstance(next_action(over), Close)


def test_no_one_is_declined_or_ordered_for_by_silence_before_an_answer_was_looked_for() -> None:
    held = record(**HELD, approval_question="?", approval_asked=Asked(deadline=NOW - HOUR))
    for silence in ("ask-again", "decline", "order"):
        assert next_action(state(held, order(require_approval=True, if_not_answered=silence))) == Ask()


def test_silence_does_what_the_order_says() -> None:
    held = record(**HELD, approval_question="?", approval_asked=Asked(deadline=NOW - HOUR))
    done = {}
    for silence in ("ask-again", "decline", "order"):
        action = next_action(state(held, order(require_approval=True, if_not_answered=silence), unanswered=True))
        assert isinstance(action, Amend)
        done[silence] = action
    assert done["ask-again"].fields["candidate"] is None
    assert done["order"].fields["approved_candidate_id"] == "a"
    end = done["decline"].then
    assert end is not None
    assert end.status == StatusCode.USER_CANCELLED
    assert "approved_candidate_id" not in done["decline"].fields


def test_a_dry_run_says_what_it_would_order_and_how_it_ends_is_no_failure() -> None:
    wish = order(dry_run=True, require_approval=True)
    held = record(plan_id="p", candidate=A.model_copy(update={"platform": "GRUS-1A"}), price="12.50", currency="USD")
    action = next_action(state(held, wish))
    assert isinstance(action, Close)
    assert action.end.status == "dry_run"
    for part in (
        "nothing was ordered",
        "GRUS-1A",
        "2026-12-02 00:00 UTC",
        "12.50 USD",
        "A person would be asked first",
    ):
        assert part in action.end.message
    nothing = next_action(state(record(plan_id="p"), order(OVER, dry_run=True), listed=Listed(PLAN, ())))
    assert isinstance(nothing, Close)
    assert nothing.end.status == "dry_run"
    assert "nothing would be ordered. Not feasible" in nothing.end.message


def test_a_request_that_is_late_says_so_and_one_that_will_be_wakes_for_its_fee_steps() -> None:
    late = next_action(state(record(**HELD, requests=[BOUGHT]), TOO_LATE, polled=polled("r1")))
    assert isinstance(late, Wait)
    assert "Late: it was needed by 2026-11-30 23:00 UTC" in late.message
    facts: dict[str, Any] = {
        "timed": True,
        "start": NOW + 3 * DAY,
        "end": NOW + 3 * DAY + HOUR,
        "next_look_at": NOW + 4 * DAY,
    }
    steps = [{"until": NOW + HOUR, "percent": 0}, {"until": NOW + DAY, "percent": 50}]
    will_be = request("r1", **facts, cancel_fees=steps, next_look_is_due=True)
    ahead = next_action(state(record(**HELD, requests=[will_be]), SOON, polled=polled("r1")))
    assert isinstance(ahead, Wait)
    assert ahead.until == NOW + HOUR
    assert "It will be late" in ahead.message
    in_time = next_action(
        state(record(**HELD, requests=[will_be]), order(needed_by=NOW + 4 * DAY), polled=polled("r1"))
    )
    assert isinstance(in_time, Wait)
    assert in_time.until == NOW + 4 * DAY
