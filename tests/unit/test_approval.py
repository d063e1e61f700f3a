"""A person's yes: bought is what was approved, who decided is on the record, and silence does what the order says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from tasking.approval import Answer, Question
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import Candidate
from tasking.clock import ProviderClock
from tasking.errors import InvalidOrder
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.approving import deadline, useful_until
from tasking.local_host import LocalHost, Parked
from tasking.order_run import run_order
from tasking.provider import Plan, TaskingRequest
from tasking.status import StatusCode
from tests.support.ledgers import new_ledger
from tests.support.sessions import AloneHere, Opened

NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
RUN = UUID(int=14)
BAY = "POLYGON ((139.7 35.5, 139.9 35.5, 139.9 35.7, 139.7 35.7, 139.7 35.5))"
WHOLE = {"type": "Polygon", "coordinates": [[[139, 35], [140.5, 35], [140.5, 36.5], [139, 36.5], [139, 35]]]}
WEST = {"type": "Polygon", "coordinates": [[[139, 35], [139.885, 35], [139.885, 36.5], [139, 36.5], [139, 35]]]}


def a_pass(name: str, hours: float, **said: Any) -> Candidate:
    start = NOW + hours * HOUR
    facts = {"start": start, "end": start + timedelta(minutes=1), "valid_until": start - 6 * HOUR}
    return Candidate(**{"id": name, "platform": "GRUS-1A", "footprint": WHOLE, **facts, **said})


class Far:
    """A provider that offers passes, and remembers what was requested."""

    name, order_type, environment = "axelglobe", AxelGlobeOrder, "there"
    poll_interval_seconds = settle_seconds = ask_again_seconds = 60.0

    def __init__(self) -> None:
        self.time, self.clock = NOW, ProviderClock(lambda: self.time)
        self.offers: Sequence[Candidate] = [a_pass("first", 48), a_pass("second", 72), a_pass("third", 96)]
        self.requested: list[str] = []

    def check(self, _order: Any) -> None: ...
    def learn_time(self) -> None:
        self.clock.observe({"Date": f"{self.time:%a, %d %b %Y %H:%M:%S} GMT"})

    def plan(self, _order: Any, _label: str) -> Plan:
        return Plan(id="p", created=NOW, ready=True, candidates_at=NOW, patience_until=NOW + HOUR)

    def find_plan(self, _order: Any, _label: str) -> None:
        return None

    def read_plan(self, _plan_id: str) -> Plan:
        return self.plan(None, "")

    def read_plans(self, plan_ids: Sequence[str]) -> dict[str, Plan]:
        return {one: self.plan(None, "") for one in plan_ids}

    def candidates(self, _plan_id: str, _order: Any = None) -> list[Candidate]:
        return list(self.offers)

    def find_request(self, *_: Any) -> None:
        return None

    def request(self, _order: Any, _plan: Any, candidate: Candidate, _label: str) -> TaskingRequest:
        self.requested.append(candidate.id)
        return self._told()

    def read(self, request_ids: Sequence[str], *_: Any) -> dict[str, TaskingRequest]:
        return {one: self._told() for one in request_ids}

    def _told(self) -> TaskingRequest:
        late = NOW + 1000 * HOUR
        return TaskingRequest(
            id="r", status=StatusCode.ACCEPTED, provider_status="ACCEPTED", next_look_at=late, give_up_at=late
        )


class Bay:
    """An order that asks, and the hands of its run."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self.ledger, self.provider, self._folder = ledger, Far(), folder
        self.asked: list[Question] = []
        self.wishes: dict[str, Any] = {}

    def start(self, decide: Callable[[Question], Answer | None] | None = None) -> str:
        """A start of the run; how it ended, or what it waits for."""

        def answers(question: Question) -> Answer | None:
            self.asked.append(question)
            return decide(question) if decide is not None else None

        host = LocalHost(Opened(self.ledger, self.provider, self._folder), RUN, AloneHere(), answers)
        window = {"start": NOW + 24 * HOUR, "end": NOW + 200 * HOUR}
        order = {"name": "Bay", "reference": "bay", "area": BAY, "window": window, "require_approval": True}
        try:
            return run_order(host, AxelGlobeOrder, {**order, "select": "earliest", **self.wishes}).message
        except Parked as wait:
            return str(wait)

    def answer(self, decision: Any = "approve", number: int | None = None, **more: str) -> str:
        return self.start(lambda _question: Answer(decision=decision, candidate=number, **more))

    @property
    def record(self) -> OrderRecord:
        return self.ledger.read("bay")

    def told(self, event: str) -> list[str]:
        return [one.message for one in self.ledger.journal("bay") if one.event == event]


@pytest.fixture
def bay(tmp_path: Path) -> Iterator[Bay]:
    with closing(new_ledger(tmp_path)) as ledger:
        yield Bay(ledger, tmp_path / "archive")


def test_nothing_is_ordered_before_somebody_answers_and_it_waits_as_long_as_it_can_be_ordered(bay: Bay) -> None:
    said = bay.start()
    assert said.startswith("Waiting for approval: capture by GRUS-1A on 2026-12-03 00:00 UTC, covers 100.0 % of the")
    assert bay.provider.requested == []
    assert bay.record.order_status == "awaiting_approval"
    assert bay.record.wake_at == NOW + 42 * HOUR
    bay.start()
    assert bay.record.approvals_asked == 1, "a start without an answer is not another question"
    assert bay.record.order_status == "awaiting_approval"


def test_the_first_is_ordered_when_nothing_else_is_said_and_who_decided_is_on_the_record(bay: Bay) -> None:
    bay.start()
    bay.answer(decided_by="Jane", note="as agreed")
    assert bay.provider.requested == ["first"]
    (told,) = bay.told("approved")
    assert told.startswith("Approved, number 1, by Jane on ")
    assert "as agreed" in told
    decided = bay.record.approval_answer
    assert decided is not None
    assert (decided.by, decided.number, decided.candidate_id, decided.undone) == ("Jane", 1, "first", "")


def test_another_one_is_ordered_by_its_number_and_nothing_else(bay: Bay) -> None:
    bay.start()
    bay.answer(number=3, decided_by="Jane")
    assert bay.provider.requested == ["third"]
    assert bay.record.candidate is not None
    assert bay.record.candidate.area_covered_percent == pytest.approx(100)


def test_a_number_means_what_stood_there_when_it_was_asked_whatever_is_listed_now(bay: Bay) -> None:
    bay.start()
    bay.provider.offers = [a_pass("new", 30), *bay.provider.offers]
    bay.answer(number=2)
    assert bay.provider.requested == ["second"]


def test_a_number_that_is_over_by_then_is_told_and_asked_about_anew(bay: Bay) -> None:
    bay.provider.offers = [a_pass("first", 48), a_pass("soon", 50, valid_until=NOW + 3 * HOUR)]
    bay.start()
    bay.provider.time = NOW + 4 * HOUR
    said = bay.start(lambda question: Answer(decision="approve", candidate=2) if question.count == 1 else None)
    assert bay.provider.requested == []
    assert said.startswith("Waiting for approval")
    (told,) = bay.told("answer not taken")
    assert "It was not ordered: it could be ordered until 2026-12-01 03:00 UTC" in told
    again = bay.asked[-1]
    assert [one.candidate.id for one in again.offers] == ["first"]
    assert any("it could be ordered until" in fact for fact in again.facts)


def test_a_number_that_is_not_in_the_list_orders_nothing(bay: Bay) -> None:
    bay.start()
    bay.start(lambda question: Answer(decision="approve", candidate=9) if question.count == 1 else None)
    assert bay.provider.requested == []
    assert "there was no number 9" in bay.told("answer not taken")[0]
    assert bay.asked[-1].count == 2
    bay.answer()
    assert bay.provider.requested == ["first"]


def test_an_approved_one_that_the_provider_lost_is_told_in_the_next_question(bay: Bay) -> None:
    bay.start()
    bay.provider.time = NOW + 42 * HOUR - timedelta(minutes=1)

    def late(question: Question) -> Answer | None:
        if question.count > 1:
            return None
        answer = Answer(decision="approve", decided_by="Jane")
        bay.provider.time = NOW + 42 * HOUR + timedelta(minutes=1)
        return answer

    bay.start(late)
    assert bay.provider.requested == []
    assert any("by Jane" in fact and "It was not ordered" in fact for fact in bay.asked[-1].facts)
    assert bay.asked[-1].offers[0].candidate.id == "second"


def test_a_decline_ends_the_order_and_says_who(bay: Bay) -> None:
    bay.start()
    assert bay.answer("decline", decided_by="Jane", note="too dear") == "Declined by Jane. too dear"
    assert bay.provider.requested == []
    assert bay.record.status == StatusCode.USER_CANCELLED
    bay.start()
    assert bay.asked[-1].count == 2, "tried again, it asks again"


# nobody answers


def silent(bay: Bay, **wishes: Any) -> str:
    """Nobody answers until the time is over."""
    bay.wishes = wishes
    bay.start()
    wake_at = bay.record.wake_at
    assert wake_at is not None
    bay.provider.time = wake_at + timedelta(minutes=1)
    return bay.start()


def test_without_a_word_about_it_it_is_asked_anew_with_what_is_on_offer_then(bay: Bay) -> None:
    silent(bay)
    assert bay.provider.requested == []
    assert [one.candidate.id for one in bay.asked[-1].offers] == ["second", "third"]


def test_it_is_asked_anew_when_the_time_to_answer_is_over_though_the_candidate_is_not(bay: Bay) -> None:
    silent(bay, answer_within="PT2H")
    assert bay.record.wake_at == NOW + 4 * HOUR + timedelta(minutes=1)
    assert [one.count for one in bay.asked] == [1, 2]
    assert [one.candidate.id for one in bay.asked[-1].offers] == ["first", "second", "third"]
    assert bay.told("not answered") == [
        "Nobody answered until 2026-12-01 02:00 UTC; the candidates are looked at again, and it is asked anew"
    ]
    assert bay.record.candidates_dropped == []


def test_a_start_between_does_not_make_the_time_to_answer_longer(bay: Bay) -> None:
    bay.wishes = {"answer_within": 2}
    bay.start()
    bay.provider.time = NOW + HOUR
    bay.start()
    assert bay.record.wake_at == NOW + 2 * HOUR


def test_an_order_that_says_so_is_declined(bay: Bay) -> None:
    said = silent(bay, answer_within="PT2H", if_not_answered="decline")
    assert said.startswith("Nobody answered until 2026-12-01 02:00 UTC, and so the order says")
    assert bay.provider.requested == []
    assert bay.record.status == StatusCode.USER_CANCELLED
    bay.start()
    assert bay.asked[-1].count == 2
    assert bay.record.wake_at == NOW + 4 * HOUR + timedelta(minutes=1), "tried again, there is as much time again"


def test_an_order_that_says_so_goes_on_by_itself_in_time_and_says_so(bay: Bay) -> None:
    silent(bay, if_not_answered="order")
    assert bay.asked[0].deadline == NOW + 41 * HOUR, "an hour before it can no longer be ordered"
    assert bay.provider.requested == ["first"]
    assert "is ordered by itself" in bay.told("not answered")[0]
    decided = bay.record.approval_answer
    assert decided is not None
    assert decided.by == "the order itself (if_not_answered: order)"


def test_nothing_goes_on_by_itself_that_covers_less_than_the_order_asks_for(bay: Bay) -> None:
    bay.provider.offers = [a_pass("half", 48, footprint=WEST)]
    silent(bay, if_not_answered="order", answer_within="PT2H", coverage_min_percent=95)
    assert bay.provider.requested == []
    assert bay.asked[-1].count == 2
    assert bay.asked[-1].if_not_answered == "ask-again", "and the question promises nothing else"


def test_an_order_that_came_too_late_to_go_on_by_itself_asks_about_what_is_left(bay: Bay) -> None:
    bay.wishes = {"if_not_answered": "order"}
    bay.start()
    bay.provider.time = NOW + 50 * HOUR  # nothing ran meanwhile
    bay.start()
    assert bay.provider.requested == []
    assert bay.asked[-1].offers[0].candidate.id == "second"


def test_a_short_time_is_not_used_up_by_the_margin_of_going_on_by_itself() -> None:
    order = AxelGlobeOrder.model_validate(
        {"name": "Bay", "area": BAY, "window": {"start": NOW, "end": NOW + 9 * HOUR}, "if_not_answered": "order"}
    )
    soon = a_pass("soon", 8)
    assert useful_until(soon) == NOW + 2 * HOUR
    assert deadline(order, soon, NOW) == NOW + 1.5 * HOUR


# what was asked before this was known


def test_a_question_of_an_older_version_is_answered_as_it_was_asked(bay: Bay) -> None:
    bay.start()
    bay.ledger.record("bay", approval_asked=None)  # it kept the sentence only
    bay.answer()
    assert bay.provider.requested == ["first"]
    assert bay.record.approvals_asked == 1


def test_where_nobody_decides_such_an_order_is_refused(bay: Bay) -> None:
    host = LocalHost(Opened(bay.ledger, bay.provider, None), RUN, AloneHere())
    window = {"start": NOW + 24 * HOUR, "end": NOW + 200 * HOUR}
    given = {"name": "Bay", "area": BAY, "window": window, "require_approval": True}
    with pytest.raises(InvalidOrder, match="nobody can be asked here"):
        run_order(host, AxelGlobeOrder, given)


@pytest.mark.parametrize(
    ("written", "hours"), [("PT12H", 12), ("P2D", 48), ("P1W", 168), ("P1DT30M", 24.5), ("12", 12), (1.5, 1.5)]
)
def test_a_time_to_answer_is_read_and_kept(written: object, hours: float) -> None:
    order = AxelGlobeOrder.model_validate(
        {"name": "Bay", "area": BAY, "window": {"start": NOW, "end": NOW + HOUR}, "answer_within": written}
    )
    assert order.answer_within == timedelta(hours=hours)
    assert AxelGlobeOrder.model_validate(order.model_dump(mode="json")) == order


@pytest.mark.parametrize("written", ["soon", "P1Y", "PT", "P", "PT1M", -3, 0, True, "PT1H30", float("inf"), "1e9"])
def test_a_time_to_answer_that_is_none_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match=r"answer_within.*(such as PT12H|5 minutes)"):
        AxelGlobeOrder.model_validate(
            {"name": "Bay", "area": BAY, "window": {"start": NOW, "end": NOW + HOUR}, "answer_within": written}
        )
