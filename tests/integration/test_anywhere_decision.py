"""What happens next with an order for several accounts, over the states its parts may be in: never two paid at once."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows import approval
from tasking.anywhere.decision import (
    MOST_PARTS,
    AnywhereState,
    CallOff,
    Close,
    Explore,
    Follow,
    Followed,
    Found,
    NextStep,
    Start,
    next_step,
    stands,
    to_be_studied,
)
from tasking.anywhere.wish import Wish, wish_from
from tasking.approval import Offer, Question
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.errors import InvalidOrder, ReferenceTaken
from tasking.exploring import Exploration
from tasking.iceye.order import IceyeOrder
from tasking.ledger import Deliverable, Intent, OrderRecord, RequestRecord, open_ledger
from tasking.order import Order
from tasking.provider import TaskingRequest
from tasking.satellogic.order import SatellogicOrder
from tasking.status import OrderStatus, StatusCode
from tasking.study import Option, Study
from tasking.waiting import Wait

NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
WINDOW = {"start": NOW + DAY, "end": NOW + 8 * DAY}
BAY = "POLYGON ((139.7 35.5, 139.9 35.5, 139.9 35.7, 139.7 35.7, 139.7 35.5))"
POINT = "POINT (139.8 35.6)"
ORDERS: tuple[Order, ...] = (
    AxelGlobeOrder.model_validate({"name": "Bay", "area": BAY, "window": WINDOW, "on_rejection": "next-candidate"}),
    IceyeOrder.model_validate({"name": "Bay", "point": POINT, "window": WINDOW}),
    SatellogicOrder.model_validate({"name": "Bay", "point": POINT, "window": WINDOW, "narrow": True}),
)
PATIENT = ORDERS[0].model_copy(update={"on_rejection": "wait"})


def wish(**fields: Any) -> Wish:
    return wish_from(Wish, {"name": "Bay", "orders": ORDERS, "mix_sensors": True, "reference": "bay", **fields})


def record(reference: str = "bay", **fields: Any) -> OrderRecord:
    empty = dict.fromkeys(OrderRecord.model_fields)
    said = {
        "reference": reference,
        "provider": "anywhere",
        "account": "anywhere",
        "name": "Bay",
        "order": {},
        "flow_run_id": "run",
        "plans_forgotten": 0,
        "candidates_seen": 0,
        "candidates_dropped": [],
        "next_candidates": [],
        "approvals_asked": 0,
        "requests": [],
        "open_creates": [],
        "failures": 0,
        "cancel_asked": False,
        "created": NOW,
        "updated": NOW,
    }
    return OrderRecord.model_validate({**empty, **said, **fields})


def request(status: StatusCode, *captures: str, home: bool = False, **facts: Any) -> RequestRecord:
    last = {"id": "r", "next_look_at": NOW + HOUR, "give_up_at": NOW + 9 * DAY, **facts}
    return RequestRecord(
        attempt=1,
        label="bay.1",
        candidate=None,
        last=TaskingRequest(status=status, provider_status=status, capture_ids=captures, **last),
        deliverables=tuple(Deliverable(name=one, delivered_at=NOW if home else None) for one in captures),
    )


def candidate(number: int, name: str = "", day: int = 2) -> Candidate:
    if isinstance(ORDERS[number], IceyeOrder):
        return Candidate(id=WHOLE_WINDOW, start=WINDOW["start"], end=WINDOW["end"])
    at = NOW + day * DAY
    return Candidate(id=name or f"c{number}", start=at, end=at + HOUR, platform="S-1")


def part(number: int, turn: int = 1, its: Wish | None = None, **fields: Any) -> OrderRecord:
    """A try of one of the orders."""
    order = (its or wish()).order_at(number, f"bay.{turn}")
    said = {
        "provider": order.provider,
        "account": order.account,
        "order": order.model_dump(mode="json"),
        "candidate": candidate(number),
        "part_of": "bay",
        "created": NOW + turn * HOUR,
    }
    return record(f"bay.{turn}", **{**said, **fields})


DOUBT = [Intent(verb="request", label="bay.1", round=1, at=NOW, ours=NOW)]


def ended(status: StatusCode, **fields: Any) -> dict[str, Any]:
    return {"ended": NOW, "status": status, "outcome": f"It ended: {status}", **fields}


STORIES: dict[str, dict[str, Any]] = {
    "new": {},
    "in doubt": {"open_creates": DOUBT},
    "ordered": {"requests": [request(StatusCode.ACCEPTED)]},
    "being taken": {"requests": [request(StatusCode.PROCESSING)]},
    "rejected for now": {"requests": [request(StatusCode.REJECTED)]},
    "delivers": {"requests": [request(StatusCode.ACCEPTED, "a", home=True)]},
    "completed": ended(StatusCode.COMPLETED, requests=[request(StatusCode.COMPLETED, "a", home=True)]),
    "failed": ended(StatusCode.FAILED, requests=[request(StatusCode.FAILED)]),
    "rejected": ended(StatusCode.REJECTED, requests=[request(StatusCode.REJECTED, final=True)]),
    "refused": ended(StatusCode.REJECTED),
    "lost": ended(StatusCode.EXPIRED),
    "overdue": ended(StatusCode.FAILED, requests=[request(StatusCode.ACCEPTED)]),
    "ended in doubt": ended(StatusCode.FAILED, open_creates=DOUBT),
    "declined": ended(StatusCode.USER_CANCELLED),
    "called off": ended(
        StatusCode.USER_CANCELLED, called_off="late", requests=[request(StatusCode.USER_CANCELLED)], cancel_asked=True
    ),
}
"""How a part may stand."""

MAY_BE_PAID = {"new", "in doubt", "ordered", "being taken", "delivers", "overdue", "ended in doubt"}
"""Stories in which another request beside it would be a second one that is paid."""


def option(number: int, score: float = 0.5, name: str = "", day: int = 2, usable: bool = True) -> Option:
    order = ORDERS[number]
    return Option(
        provider=order.provider,
        account=order.account,
        reference=f"study.{number + 1}",
        sensor="optical" if order.needs_daylight else "radar",
        candidate=candidate(number, name, day),
        score=score,
        coverage_percent=None,
        price=None,
        currency=None,
        reason="it covers",
        usable=usable,
        exclusion_reason="" if usable else "it is dark",
    )


def study(number: int, *options: Option, wait: bool = False, **fields: Any) -> Study:
    order = ORDERS[number]
    until = Wait(until=NOW + HOUR, waits_for="candidates", message="Waiting for candidates") if wait else None
    said = {"reference": f"study.{number + 1}", "name": "Bay", "provider": order.provider, "account": order.account}
    return Study(**{**said, "options": options, "wait": until, **fields})


def found(*studies: Study, unanswered: tuple[int, ...] = ()) -> Found:
    numbers = tuple(int(one.reference[-1]) - 1 for one in studies)
    waiting = frozenset(f"study.{number + 1}" for number in unanswered)
    return Found(numbers, Exploration(studies=studies), waiting)


ALL = found(study(0, option(0, 0.7)), study(1, option(1, 0.9)), study(2, option(2, 0.8)))


def followed(parts: list[OrderRecord], now: datetime = NOW) -> dict[str, Followed]:
    wait = Wait(until=NOW + HOUR, waits_for="imagery", message="Waiting")
    return {one.reference: Followed(wait, now) for one in parts if one.ended is None}


def state(parts: list[OrderRecord], its: Wish | None = None, /, **fields: Any) -> AnywhereState:
    said = {"followed": followed(parts), **fields}
    return AnywhereState(record(), its or wish(), parts, **said)


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[str], AnywhereState]:
    names = draw(st.lists(st.sampled_from(sorted(STORIES)), max_size=3))
    its = wish(hedge=draw(st.booleans()), choose_by=draw(st.sampled_from(["preference", "best"])))
    numbers = draw(st.permutations(range(3)))
    parts = [
        part(number, turn, its, **STORIES[name])
        for turn, (number, name) in enumerate(zip(numbers, names, strict=False), 1)
    ]
    kept = {one.reference: "it costs 20 %" for one in parts if draw(st.booleans())}
    seen = followed(parts) if draw(st.booleans()) else {}
    options = draw(st.sampled_from([None, ALL, found()]))
    whole = record(cancel_asked=draw(st.booleans()))
    return names, AnywhereState(whole, its, parts, seen, kept, options)


@settings(max_examples=400, deadline=None)
@given(situations())
def test_the_rules_that_money_hangs_on(situation: tuple[list[str], AnywhereState]) -> None:
    names, it = situation
    step: NextStep = next_step(it)
    assert step == next_step(it), "the same state gives the same step"
    paid = [name for name in names if name in MAY_BE_PAID]
    if isinstance(step, Start):
        assert len(paid) < (2 if it.wish.hedge else 1)
        assert not {"completed", "declined", "delivers"} & set(names)
        assert not it.record.cancel_asked
        account = step.option.account
        assert account == it.wish.orders[step.number].account
        assert all(one.ended is not None for one in it.parts if one.account == account)
        assert all(one.candidate != step.option.candidate for one in it.parts if one.account == account)
    if isinstance(step, Close):
        assert it.open_parts == [], "nothing is closed while something may come"
    if isinstance(step, CallOff):
        (called,) = (one for one in it.parts if one.reference == step.reference)
        assert called.ended is None
        assert not called.delivered
        assert step.reference not in it.kept
    if isinstance(step, Wait):
        assert step.until == NOW + HOUR
        assert step.message


def test_a_part_that_was_not_looked_at_comes_first() -> None:
    assert next_step(state([part(0)], followed={})) == Follow("bay.1")


@pytest.mark.parametrize("name", sorted(STORIES))
def test_beside_each_part_nothing_is_ordered_that_would_be_a_second_paid_one(name: str) -> None:
    step = next_step(state([part(0, **STORIES[name])]))
    stops = {"completed", "declined"}
    assert isinstance(step, Explore) == (name not in MAY_BE_PAID | stops), step


@pytest.mark.parametrize("name", ["ordered", "in doubt", "new"])
def test_with_hedge_a_second_one_goes_to_another_account_and_never_a_third(name: str) -> None:
    its = wish(hedge=True)
    first = part(0, 1, its, **STORIES[name])
    assert to_be_studied(its, [first]) == [1, 2]
    both = [first, part(1, 2, its, **STORIES["ordered"])]
    assert isinstance(next_step(state([first], its)), Explore)
    assert isinstance(next_step(state([first], its, found=ALL)), Start)
    assert isinstance(next_step(state(both, its, found=ALL)), Wait)


def test_a_rejection_that_may_be_taken_back_is_passed_over_only_where_its_order_says_so() -> None:
    rejected = STORIES["rejected for now"]
    assert isinstance(next_step(state([part(0, **rejected)])), Explore)
    patient = wish(orders=(PATIENT, *ORDERS[1:]))
    assert isinstance(next_step(state([part(0, 1, patient, **rejected)], patient)), Wait)


def test_by_preference_the_first_that_can_be_ordered_is_taken_and_by_best_the_best() -> None:
    first = next_step(state([], found=ALL))
    assert isinstance(first, Start)
    assert first.number == 0
    best = next_step(state([], wish(choose_by="best"), found=ALL))
    assert isinstance(best, Start)
    assert (best.number, best.option.score) == (1, 0.9)


def test_an_account_that_has_not_answered_is_waited_for_where_it_comes_before() -> None:
    late = found(study(0, wait=True), study(1, option(1)), unanswered=(0,))
    assert isinstance(next_step(state([], found=late)), Wait)
    behind = found(study(1, option(1)), study(2, wait=True), unanswered=(2,))
    assert isinstance(next_step(state([], found=behind)), Start)
    assert isinstance(next_step(state([], wish(choose_by="best"), found=behind)), Wait)
    has_said_nothing_for_now = found(study(0, wait=True), study(1, option(1)))
    assert isinstance(next_step(state([], found=has_said_nothing_for_now)), Start)


def test_what_was_tried_is_never_tried_again() -> None:
    lost = part(2, **STORIES["lost"])
    again = found(study(2, option(2, name="new id, same pass"), option(2, name="later", day=4)))
    step = next_step(state([lost], found=again))
    assert isinstance(step, Start)
    assert step.option.candidate.id == "later"
    only = next_step(state([lost], found=found(study(2, option(2, name="new id, same pass")))))
    assert isinstance(only, Close)
    assert "tried before" in only.end.message


def test_an_account_that_refused_is_not_asked_again_nor_a_window_ordered_twice() -> None:
    assert to_be_studied(wish(), [part(2, **STORIES["refused"])]) == [0, 1]
    assert to_be_studied(wish(), [part(1, **STORIES["failed"])]) == [0, 2]
    assert to_be_studied(wish(), [part(2, **STORIES["lost"])]) == [0, 1, 2]


def test_what_comes_too_late_is_called_off_unless_it_is_taken_or_cannot_be() -> None:
    its = wish(needed_by=NOW + 3 * DAY)
    for name, after in (("ordered", CallOff), ("being taken", Wait), ("in doubt", Wait)):
        parts = [part(0, 1, its, **STORIES[name])]
        late = state(parts, its, followed=followed(parts, NOW + 3 * DAY))
        assert isinstance(next_step(late), after), name
    parts = [part(0, 1, its, **STORIES["ordered"])]
    late = state(parts, its, followed=followed(parts, NOW + 3 * DAY), kept={"bay.1": "it costs 20 %"})
    step = next_step(late)
    assert isinstance(step, Wait)
    assert "not called off: it costs 20 %" in step.message
    planned = request(StatusCode.SCHEDULED, start=NOW + 5 * DAY, end=NOW + 5 * DAY + HOUR, timed=True)
    assert isinstance(next_step(state([part(0, 1, its, requests=[planned])], its)), CallOff), "before it is late"
    assert isinstance(next_step(state([part(0, requests=[planned])])), Wait), "nobody needs it earlier"


def test_once_one_has_delivered_the_others_are_called_off_and_then_it_ends() -> None:
    its = wish(hedge=True)
    won, other = part(0, 1, its, **STORIES["completed"]), part(1, 2, its, **STORIES["ordered"])
    step = next_step(state([won, other], its))
    assert isinstance(step, CallOff)
    assert step.reference == "bay.2"
    assert isinstance(next_step(state([won, other], its, kept={"bay.2": "too late"})), Wait), "it is paid, and awaited"
    end = next_step(state([won, part(1, 2, its, **STORIES["called off"])], its))
    assert isinstance(end, Close)
    assert end.end.status == StatusCode.COMPLETED
    assert "bay.1 at axelglobe-tasking/default" in end.end.message


def test_a_person_who_declines_or_cancels_ends_all_of_it() -> None:
    for name in ("declined",):
        step = next_step(state([part(0, **STORIES[name])], found=ALL))
        assert isinstance(step, Close)
        assert step.end.status == StatusCode.USER_CANCELLED
    cancelled = replace(state([], found=ALL), record=record(cancel_asked=True))
    assert isinstance(next_step(cancelled), Close)


def test_what_may_still_come_of_a_part_that_was_given_up_ends_the_order_and_says_so() -> None:
    overdue = part(0, **STORIES["overdue"])
    assert stands(overdue)
    step = next_step(state([overdue], found=ALL))
    assert isinstance(step, Close)
    assert "something may still come of bay.1" in step.end.message


def test_when_nothing_is_left_it_says_for_each_account_why() -> None:
    nothing = found(
        study(0, option(0, usable=False)),
        study(1, refused=True, outcome="Dry run: nothing would be ordered. Not feasible: no pass"),
        study(2, refused=True, outcome="Nothing would be ordered: account: gone"),
    )
    step = next_step(state([], found=nothing))
    assert isinstance(step, Close)
    assert step.end.status == StatusCode.REJECTED
    for why in ("axelglobe-tasking/default: it is dark", "Not feasible: no pass", "account: gone"):
        assert why in step.end.message
    after = next_step(state([part(1, **STORIES["failed"])], found=nothing))
    assert isinstance(after, Close)
    assert after.end.status == StatusCode.FAILED
    assert "bay.1 at iceye-tasking/default: It ended: failed" in after.end.message


def test_a_dry_run_ends_where_it_would_order() -> None:
    step = next_step(state([], wish(dry_run=True), found=ALL))
    assert isinstance(step, Close)
    assert step.end.status == OrderStatus.DRY_RUN
    assert "It would order at axelglobe-tasking/default" in step.end.message


def test_tries_without_end_are_for_a_person() -> None:
    tries = [part(2, turn, **ended(StatusCode.EXPIRED)) for turn in range(1, MOST_PARTS + 1)]
    step = next_step(state(tries))
    assert isinstance(step, Close)
    assert "a person should look" in step.end.message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"mix_sensors": False}, r"mix_sensors: False: .*orders\[0\].*optical.*orders\[1\].*radar"),
        ({"orders": ()}, r"orders: \(empty\)"),
        (
            {"orders": (ORDERS[0].model_copy(update={"max_captures": 4}), ORDERS[1])},
            r"orders\[0\].max_captures: 4: .*one capture",
        ),
        ({"orders": (ORDERS[0], ORDERS[0])}, r"orders\[1\]: axelglobe-tasking/default: is the same order"),
        ({"needed_by": "2026-12-02T00:00:00Z"}, r"needed_by: .*orders\[0\] takes no image before"),
        ({"reference": "x" * 61}, "reference: .*up to 60"),
        ({"hedge": "often"}, "hedge"),
        ({"nothing": 1}, "there is no such field"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_by_its_field(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidOrder, match=said):
        wish(**fields)


def test_a_try_ends_at_its_first_failure_and_keeps_the_rest_of_what_was_said() -> None:
    its = wish(needed_by=NOW + 5 * DAY, orders=(ORDERS[0].model_copy(update={"needed_by": NOW + 4 * DAY}), ORDERS[1]))
    first, second = its.order_at(0, "bay.1"), its.order_at(1, "bay.2", dry_run=True)
    assert (first.reference, first.on_failure, first.on_rejection) == ("bay.1", "end", "wait")
    assert (first.needed_by, second.needed_by) == (NOW + 4 * DAY, NOW + 5 * DAY)
    assert second.dry_run
    assert second.site == ORDERS[1].site, "the limit of its site holds for a study, too"
    kept = wish_from(Wish, {**its.model_dump(), "orders": its.orders})
    assert kept == its
    assert its.number_of(part(1, 1, its)) == 1


def question(asked: OrderRecord) -> Question:
    offers = (Offer(candidates=(candidate(1),)),)
    return Question(
        reference=asked.reference, part_of=asked.part_of, text="?", count=1, offers=offers, deadline=NOW + DAY
    )


def test_a_yes_to_one_part_is_none_to_another_of_the_same_run() -> None:
    parts = [part(1, turn) for turn in (1, 2)]
    keys = {approval.form_key(question(one)) for one in [*parts, record()]}
    assert len(keys) == 3


def test_an_order_with_parts_stands_as_they_do_for_who_asks_whether_it_is_bought() -> None:
    asked = part(1, 2, waits_for="approval", wake_at=NOW)
    whole = record().with_parts([part(0, 1, **STORIES["ordered"]), asked, part(2, 3, **STORIES["in doubt"])])
    assert len(whole.requests) == 1
    assert whole.in_doubt
    assert (whole.waits_for, whole.wake_at) == ("approval", NOW)


def test_a_reference_goes_over_to_no_order_of_another_kind(tmp_path: Path) -> None:
    """Another order at one account, or for several: what one of them has bought the other would not know of."""
    said: dict[str, Any] = {"name": "Bay", "needed_by": None, "dry_run": False}
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as ledger:
        ledger.claim(
            "bay", {**said, "orders": []}, provider="anywhere", flow_run_id="a", owner_is_gone=lambda _run: True
        )
        ledger.claim(
            "sea", {**said, "account": "a/b"}, provider="iceye", flow_run_id="b", owner_is_gone=lambda _run: True
        )
        for reference, order, provider in (("bay", {**said, "account": "a/b"}, "iceye"), ("sea", said, "anywhere")):
            with pytest.raises(ReferenceTaken, match="names another order"):
                ledger.claim(reference, order, provider=provider, flow_run_id="c", owner_is_gone=lambda _run: True)


def test_a_part_is_started_once_by_the_run_that_owns_the_order_and_only_while_it_is_wished(tmp_path: Path) -> None:
    order, wished = ORDERS[1].model_dump(mode="json"), [True]

    def start(reference: str = "bay.1", run: str = "a") -> OrderRecord | None:
        return ledger.start_part(
            "bay",
            reference,
            order,
            provider="iceye",
            flow_run_id=run,
            fields={"candidate": candidate(1), "price": Decimal("10.50"), "currency": "USD", "environment": "there"},
            still_wished=lambda whole, parts: wished[0] and whole.reference == "bay" and len(parts) == 0,
        )

    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as ledger:
        claimed: dict[str, Any] = {"flow_run_id": "a", "owner_is_gone": lambda _run: False}
        ledger.claim("bay", {"name": "Bay", "orders": []}, provider="anywhere", **claimed)
        ledger.claim("bay.9", order | {"account": "a/b"}, provider="iceye", **claimed)
        assert start(run="b") is None, "another run has the order"
        with pytest.raises(ReferenceTaken, match=r"is to be a part of bay, and another order has it"):
            start("bay.9")
        assert ledger.parts("bay") == [], "nothing of it stays"
        wished[0] = False
        assert start() is None
        wished[0] = True
        made = start()
        assert made is not None
        assert (made.part_of, made.candidate, made.environment) == ("bay", candidate(1), "there")
        assert (made.price, made.flow_run_id, made.account) == (Decimal("10.50"), "a", "iceye-tasking/default")
        assert start() is None, "it is there"
        assert start("bay.2") is None, "there is one by now"
        assert [one.reference for one in ledger.parts("bay")] == ["bay.1"]
        ledger.record("bay", cancel_asked=True)
        assert start("bay.3") is None
