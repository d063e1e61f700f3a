"""An order of several captures where processes, answers and deliveries come in another order than planned."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasking import lifecycle
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import Candidate
from tasking.errors import UnsafeAsset
from tasking.ledger import Ledger
from tasking.lifecycle import OrderSession
from tasking.lifecycle.actions import Close, End, Request
from tasking.lifecycle.decision import next_action
from tasking.local_host import Parked
from tasking.order_run import OrderRun
from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import Wait
from tasking.watching import poll_account
from tests.support.ledgers import new_ledger
from tests.support.sessions import AloneHere, _Here, session_of, until
from tests.unit.test_approval import Bay, Far, a_pass
from tests.unit.test_approval import bay as bay
from tests.unit.test_next_action import BAY, HOUR, NOW, A, B, C, D, order, polled, record, request, state

FAR_AWAY = NOW + 1000 * HOUR


def strip(number: int) -> dict[str, Any]:
    """A quarter of the bay."""
    west = 139.6995 + 0.05 * number
    east = west + 0.051
    return {"type": "Polygon", "coordinates": [[[west, 35.4], [east, 35.4], [east, 35.8], [west, 35.8], [west, 35.4]]]}


class FourStrips(Far):
    """A provider with four passes; together they cover the bay."""

    def __init__(self) -> None:
        super().__init__()
        self.offers = [a_pass(f"m{number + 1}", 48 + 24 * number, footprint=strip(number)) for number in range(4)]
        self.made: list[tuple[str, str, str]] = []
        self.ready: set[str] = set()
        self.before_find: Callable[[], object] | None = None
        self.before_create: Callable[[], object] | None = None
        self.products: Callable[[TaskingRequest], list[Any]] = lambda _request: []

    def find_request(self, _order: Any, _plan: Any, label: str, *_: Any) -> Any:
        """What carries the label; something else may happen just before."""
        hook, self.before_find = self.before_find, None
        if hook is not None:
            hook()
        return next((self.told(one) for one, its, _ in self.made if its == label), None)

    def request(self, _order: Any, _plan: Any, candidate: Candidate, label: str) -> TaskingRequest:
        """Made; something else may happen just before."""
        hook, self.before_create = self.before_create, None
        if hook is not None:
            hook()
        self.made.append((f"r{len(self.made) + 1}", label, candidate.id))
        return self.told(self.made[-1][0])

    def told(self, name: str) -> TaskingRequest:
        """How a request stands."""
        done = name in self.ready
        return TaskingRequest(
            id=name,
            status=StatusCode.COMPLETED if done else StatusCode.ACCEPTED,
            provider_status="DONE" if done else "ACCEPTED",
            capture_ids=(f"k-{name}",) if done else (),
            next_look_at=FAR_AWAY - HOUR,
            give_up_at=FAR_AWAY,
        )

    def read(self, request_ids: Sequence[str], *_: Any) -> dict[str, TaskingRequest]:
        """All that are asked for."""
        return {one: self.told(one) for one in request_ids}


@dataclass
class Strips:
    """The order and its provider."""

    ledger: Ledger
    folder: Path
    far: FourStrips = field(default_factory=FourStrips)

    @property
    def provider(self) -> Any:
        """As the watcher has it."""
        return self.far

    def session(self) -> OrderSession:
        """As at the start of a process."""
        window = {"start": NOW + 24 * HOUR, "end": NOW + 200 * HOUR}
        wish = {"name": "Bay", "reference": "bay", "area": BAY, "window": window, "coverage_min_percent": 95}
        given = AxelGlobeOrder.model_validate({**wish, "max_captures": 5})
        return session_of(self.ledger, self.far, given, "bay", self.folder, "run")

    def until_next_is(self, name: str) -> OrderSession:
        """A process that is about to request this capture."""
        for _ in range(80):
            session = self.session()
            if isinstance(answer := until(session, Request), Request):
                held = self.ledger.read("bay")
                if held.candidate is not None and held.candidate.id == name:
                    return session
                with suppress(Parked):
                    OrderRun(_Here(session), session).carry_out(answer, held)
            self.far.time += timedelta(seconds=61)
        raise AssertionError(f"never {name}")

    def waits(self, times: int = 6) -> Wait:
        """Starts, until the order waits for imagery."""
        for _ in range(times):
            answer = until(self.session())
            if isinstance(answer, Wait) and answer.waits_for == "imagery":
                return answer
            self.far.time += timedelta(hours=1)
        raise AssertionError(answer)

    def bought(self) -> list[str]:
        """The captures that were made."""
        return sorted(one for _, _, one in self.far.made)


@pytest.fixture
def strips(tmp_path: Path) -> Iterator[Strips]:
    with closing(new_ledger(tmp_path)) as ledger:
        made = Strips(ledger, tmp_path / "archive")
        lifecycle.accept(made.session(), AloneHere())
        yield made


def test_a_process_that_finds_a_capture_late_takes_nothing_from_the_next_one(strips: Strips) -> None:
    slow = strips.until_next_is("m2")
    strips.far.before_find = lambda: strips.until_next_is("m3")  # another process makes m2, and goes on
    lifecycle.request(slow)
    strips.waits()
    assert strips.bought() == ["m1", "m2", "m3", "m4"]


def test_a_capture_whose_process_died_is_known_as_the_one_that_it_is(strips: Strips) -> None:
    slow = strips.until_next_is("m2")

    def other() -> None:
        third = strips.until_next_is("m3")

        def dies() -> None:
            strips.far.made.append(("r3", "bay#3", "m3"))
            raise KeyboardInterrupt

        strips.far.before_create = dies
        with suppress(KeyboardInterrupt):
            lifecycle.request(third)

    strips.far.before_find = other
    lifecycle.request(slow)
    strips.waits(9)
    requests = strips.ledger.read("bay").requests
    assert [(one.label, one.candidate and one.candidate.id) for one in requests if one.label == "bay#3"] == [
        ("bay#3", "m3")
    ]
    assert strips.bought() == ["m1", "m2", "m3", "m4"]


def test_one_whose_imagery_is_not_listed_yet_keeps_no_other_from_coming_home(strips: Strips) -> None:
    strips.waits()
    strips.far.ready = {"r1", "r2", "r3"}
    asked: list[str] = []

    def none_yet(request: TaskingRequest) -> list[Any]:
        asked.append(request.id)
        return []

    strips.far.products = none_yet
    assert isinstance(until(strips.session()), Wait)
    assert asked == ["r1", "r2", "r3"]


def test_one_that_can_never_be_brought_home_wakes_the_run_once(strips: Strips) -> None:
    strips.waits()
    strips.far.ready = {"r1"}

    def refused(_request: TaskingRequest) -> list[Any]:
        raise UnsafeAsset("no image")

    strips.far.products = refused

    def watched() -> bool:
        strips.ledger.record("bay", next_poll_at=strips.ledger.now())
        assert poll_account(strips.ledger, strips.provider, [strips.ledger.read("bay")]) == 1
        return strips.ledger.read("bay").news_at is not None

    assert watched()
    strips.waits()
    assert not watched()
    strips.far.ready = {"r1", "r2"}
    assert watched()


def test_what_was_requested_is_watched_while_a_person_is_asked_about_more(strips: Strips) -> None:
    strips.waits()
    strips.far.ready = {"r1"}
    strips.ledger.record("bay", waits_for="approval", next_poll_at=strips.ledger.now())
    assert poll_account(strips.ledger, strips.provider, [strips.ledger.read("bay")]) == 1
    assert strips.ledger.read("bay").news_at is not None


def test_the_second_question_asks_for_what_the_order_asks_for(bay: Bay) -> None:
    half = {"type": "Polygon", "coordinates": [[[139, 35], [139.81, 35], [139.81, 36.5], [139, 36.5], [139, 35]]]}
    rest = {"type": "Polygon", "coordinates": [[[139.8, 35], [140.5, 35], [140.5, 36.5], [139.8, 36.5], [139.8, 35]]]}
    bay.provider.offers = [a_pass("west", 48, footprint=half)]
    bay.wishes = {"max_captures": 3, "coverage_min_percent": 90, "answer_within": "PT2H"}
    bay.start()
    bay.provider.offers.append(a_pass("east", 72, footprint=rest))
    assert bay.record.wake_at is not None
    bay.provider.time = bay.record.wake_at + timedelta(minutes=1)
    bay.start()
    assert [one.id for one in bay.asked[-1].offers[0].candidates] == ["west", "east"]


def test_nobody_answers_while_the_pass_is_taken(bay: Bay) -> None:
    bay.provider.offers = [a_pass("only", 48, valid_until=None), a_pass("second", 72)]
    bay.start()
    assert bay.record.wake_at is not None
    bay.provider.time = bay.record.wake_at + timedelta(seconds=20)
    bay.start()
    assert bay.record.ended is None
    assert [one.candidate.id for one in bay.asked[-1].offers] == ["second"]


SEVERAL = {"captures_cover_percent": 95.0, "coverage_aim_percent": 90.0, "plan_id": "p"}
READY = request("r1", StatusCode.COMPLETED, "k1", candidate=A)
HOPELESS: dict[str, Any] = {"end": End("failed", "Not whole", "r1"), "stuck": frozenset(["r1"])}


def test_what_takes_the_place_of_a_rejection_is_not_bought_once_that_is_taken_back() -> None:
    accepted = [request("r1", candidate=A), request("r2", attempt=2, candidate=B)]
    held = record(**SEVERAL, candidate=C, requests=accepted, candidates_dropped=["a"])
    wish = order(max_captures=2, on_rejection="next-candidate")
    assert not isinstance(next_action(state(held, wish, polled=polled("r1", "r2"), time_asked=True)), Request)


def test_a_delivery_that_fails_for_now_keeps_nothing_from_being_ordered() -> None:
    held = record(**SEVERAL, candidate=C, requests=[READY], next_candidates=[D], failing_step="pull-assets", failures=7)
    assert next_action(state(held, order(max_captures=4), polled=polled("r1"), time_asked=True)) == Request()


def test_a_hopeless_capture_ends_nothing_while_another_may_be_accepted_or_is_still_to_be_ordered() -> None:
    back = request("r2", StatusCode.REJECTED, attempt=2, candidate=B)
    held = record(**SEVERAL, candidate=B, requests=[READY, back])
    assert not isinstance(next_action(state(held, order(max_captures=2), polled=polled("r1", "r2"), **HOPELESS)), Close)
    held = record(**SEVERAL, candidate=C, requests=[READY], next_candidates=[D])
    assert not isinstance(next_action(state(held, order(max_captures=4), polled=polled("r1"), **HOPELESS)), Close)
