"""A yes that comes after its create was given up is kept: the order knows all that was bought, and a person is told."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from flows.cancel_order import _cancelled
from tasking import lifecycle
from tasking.candidate import Candidate
from tasking.clock import ProviderClock
from tasking.create import create_once
from tasking.errors import OrderEnded, Refused
from tasking.ledger import Deliverable, Ledger, OrderRecord, open_ledger
from tasking.lifecycle.actions import Action, Deliver
from tasking.lifecycle.doubts import columns, settle_doubts
from tasking.lifecycle.standing import ordered_twice
from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import Wait
from tests.support.sessions import session_of, until

DAY = datetime(2026, 12, 1, tzinfo=UTC)
PASS = Candidate(id="whole-window", start=DAY + timedelta(days=1), end=DAY + timedelta(days=2))


class Shop:
    """A provider that sells to every create; what it sold shows in its list only when it is told to."""

    name, environment = "far", "https://far.example.com"
    settle_seconds = poll_interval_seconds = 180.0

    def __init__(self) -> None:
        self.time = DAY
        self.clock = ProviderClock(lambda: self.time)
        self.sold: dict[str, StatusCode] = {}
        self.shows = False
        self.asked, self.answers = threading.Event(), threading.Event()

    def learn_time(self) -> None:
        self.clock.observe({"Date": f"{self.time:%a, %d %b %Y %H:%M:%S} GMT"})

    def create(self) -> TaskingRequest:
        name = f"R-{len(self.sold) + 1}"
        self.sold[name] = StatusCode.ACCEPTED
        return self._request(name)

    def create_slowly(self) -> TaskingRequest:
        """It is made at once; its answer is heard long after."""
        there = self.create()
        self.asked.set()
        assert self.answers.wait(60)
        return there

    def find_request(self, _order: Any, _plan: Any, _label: str, earlier: Any = (), _announced: bool = False) -> Any:
        found = [name for name in self.sold if name not in earlier]
        return self._request(found[0]) if found and self.shows else None

    def read(self, ids: Any, _candidates: Any = None, _known: Any = None) -> dict[str, TaskingRequest]:
        return {one: self._request(one) for one in ids}

    def _request(self, name: str) -> TaskingRequest:
        status, later = self.sold[name], self.time + timedelta(days=20)
        captures = ("products",) if status is StatusCode.COMPLETED else ()  # ICEYE calls its parts alike in all orders
        return TaskingRequest(
            id=name,
            status=status,
            provider_status=status.upper(),
            capture_ids=captures,
            next_look_at=later,
            give_up_at=later,
        )


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    book = open_ledger(database)
    order = {"name": "Bay", "account": "a/b"}
    book.claim("bay", order, provider="far", flow_run_id="run", owner_is_gone=lambda _run: False)
    book.record("bay", candidate=PASS)
    yield book
    book.close()


def buy(ledger: Ledger, shop: Any, create: Callable[[], TaskingRequest]) -> TaskingRequest | Wait:
    """The step that costs money, as a process of the run does it."""
    return create_once(
        ledger,
        shop,
        "bay",
        "request",
        "bay",
        find=lambda: shop.find_request(None, None, "bay"),
        create=create,
        made=lambda there: columns(shop, ledger.read("bay"), 1, "bay", PASS, there),
    )


class Slow:
    """A process that announced, sent, and hears the answer when `finish` is called: it was called Crashed and lives."""

    def __init__(self, database: str, shop: Shop, create: Callable[[], TaskingRequest]) -> None:
        self._pool, self._shop = ThreadPoolExecutor(1), shop

        def run() -> TaskingRequest | Wait:
            with closing(open_ledger(database)) as own:
                return buy(own, shop, create)

        self._answer: Future[TaskingRequest | Wait] = self._pool.submit(run)
        assert shop.asked.wait(60)

    def finish(self) -> TaskingRequest | Wait:
        self._shop.answers.set()
        answer = self._answer.result(60)
        self._pool.shutdown()
        return answer


def ended(ledger: Ledger, status: str, message: str) -> None:
    ledger.revise("bay", lambda _now: lifecycle.ending(ledger, status, message))


def given_up(ledger: Ledger, shop: Shop) -> None:
    """Another process looks until the create counts as absent, and sends nothing itself yet."""
    for _ in range(20):
        answer = settle_doubts(session_of(ledger, shop, _Order()), beside=None)
        if answer is None:
            assert [one.event for one in ledger.journal("bay")][-1] == "request absent"
            return
        shop.time = answer.until
    raise AssertionError("it never settles")


@pytest.fixture
def slow(database: str, ledger: Ledger, shop: Shop) -> Slow:
    return Slow(database, shop, shop.create_slowly)


def test_a_yes_after_absent_is_kept_and_nothing_is_sent_again(ledger: Ledger, shop: Shop, slow: Slow) -> None:
    given_up(ledger, shop)
    slow.finish()
    record = ledger.read("bay")
    assert [one.last.id for one in record.requests] == ["R-1"]
    assert lifecycle.requested(record)
    told = ledger.journal("bay")[-1]
    assert told.event == "request made late"
    assert "made after all" in told.message
    assert ledger.record_intent("bay", "request", "bay", shop.time) is None
    buy(ledger, shop, shop.create)
    assert list(shop.sold) == ["R-1"]


def test_two_that_stand_are_both_known_followed_and_told(ledger: Ledger, shop: Shop, slow: Slow) -> None:
    given_up(ledger, shop)
    buy(ledger, shop, shop.create)
    slow.finish()
    record = ledger.read("bay")
    assert sorted(one.last.id for one in record.requests) == ["R-1", "R-2"]
    waits = followed(ledger, shop)
    assert isinstance(waits, Wait)
    assert "ordered twice" in waits.message
    assert "R-1" in waits.message
    assert "R-2" in waits.message
    for bought in ("R-2", "R-1"):  # whichever is ready first, the other is waited for
        shop.sold[bought] = StatusCode.COMPLETED
        assert followed(ledger, shop) == Deliver(bought)
        brought_home(ledger, bought)
    assert ordered_twice(ledger.read("bay"))
    assert ledger.record_intent("bay", "request", "bay", shop.time) is None


def followed(ledger: Ledger, shop: Shop) -> Action | OrderRecord:
    """What the run does after it was started: it looks, and brings home or waits."""
    return until(session_of(ledger, shop, _Order()), Deliver)


def brought_home(ledger: Ledger, bought: str) -> None:
    ledger.delivered("bay", bought, "/archive/bay", [Deliverable(name="products")], "Delivered", [])


class _Order:
    """What following asks of an order."""

    window = SimpleNamespace(end=DAY + timedelta(days=30))
    on_rejection, account, needed_by, dry_run, most_captures = "wait", "a/b", None, False, 1


def test_while_the_second_is_in_doubt_the_first_is_followed_and_nothing_ends(
    ledger: Ledger, shop: Shop, slow: Slow
) -> None:
    given_up(ledger, shop)
    second = ledger.record_intent("bay", "request", "bay", shop.time, shop.time)
    assert second is not None
    shop.create()  # and its process died before it heard the answer
    slow.finish()
    assert ledger.read("bay").in_doubt
    shop.sold["R-1"] = StatusCode.COMPLETED
    assert followed(ledger, shop) == Deliver("R-1")
    brought_home(ledger, "R-1")
    waits = followed(ledger, shop)
    assert isinstance(waits, Wait)
    assert waits.waits_for == "settling"
    shop.time, shop.shows = waits.until, True
    followed(ledger, shop)
    assert [one.last.id for one in ledger.read("bay").requests] == ["R-1", "R-2"]
    assert not ledger.read("bay").in_doubt


def test_what_another_process_found_meanwhile_is_no_second_one(ledger: Ledger, shop: Shop, slow: Slow) -> None:
    shop.shows = True
    assert isinstance(buy(ledger, shop, shop.create), TaskingRequest)
    slow.finish()
    record = ledger.read("bay")
    assert [one.last.id for one in record.requests] == ["R-1"]
    assert "request made late" not in [one.event for one in ledger.journal("bay")]
    assert ordered_twice(record) == ""


def test_a_no_that_comes_late_ends_nothing(database: str, ledger: Ledger, shop: Shop) -> None:
    def refuses_slowly() -> TaskingRequest:
        shop.create_slowly()
        raise Refused("a gateway's no", status=409)

    slow = Slow(database, shop, refuses_slowly)
    given_up(ledger, shop)
    assert isinstance(buy(ledger, shop, shop.create), TaskingRequest)
    assert isinstance(slow.finish(), Wait)  # and not `Refused`, which would end the order that was bought
    assert [one.last.id for one in ledger.read("bay").requests] == ["R-2"]


def test_an_order_that_had_ended_goes_on_with_what_was_made_after_all(ledger: Ledger, shop: Shop, slow: Slow) -> None:
    given_up(ledger, shop)
    ended(ledger, StatusCode.EXPIRED, "Its window ended before anything was ordered")
    slow.finish()
    record = ledger.read("bay")
    assert record.ended is None
    assert [one.last.id for one in record.requests] == ["R-1"]


def test_a_cancelled_order_stays_ended_and_says_what_stands_all_the_same(
    ledger: Ledger, shop: Shop, slow: Slow
) -> None:
    ledger.record("bay", cancel_asked=True)
    given_up(ledger, shop)
    with pytest.raises(OrderEnded):
        buy(ledger, shop, shop.create)
    ended(ledger, StatusCode.USER_CANCELLED, "Cancelled before anything was ordered")
    slow.finish()
    record = ledger.read("bay")
    assert record.ended is not None
    assert record.status == StatusCode.USER_CANCELLED
    assert "made after all" in str(record.outcome)
    assert lifecycle.open_requests(record)  # so that cancel-order cancels it


@pytest.fixture
def doubted(ledger: Ledger, shop: Shop, slow: Slow) -> TaskingRequest:
    """The first of two, of which the second got no answer yet: its process died before it heard it."""
    given_up(ledger, shop)
    assert ledger.record_intent("bay", "request", "bay", shop.time, shop.time) is not None
    shop.create()
    slow.finish()
    return ledger.read("bay").requests[0].last


def test_no_other_try_is_begun_while_the_second_may_have_arrived(
    ledger: Ledger, shop: Any, doubted: TaskingRequest
) -> None:
    ledger.record("bay", order={**ledger.read("bay").order, "on_failure": "next-candidate"})
    shop.rest_of = lambda _order, _before: PASS
    shop.sold[doubted.id] = StatusCode.FAILED
    waits = followed(ledger, shop)
    assert isinstance(waits, Wait)
    assert waits.waits_for == "settling"
    assert lifecycle.requested(ledger.read("bay")), "a run that is started again looks for the second, too"
    shop.time, shop.shows = waits.until, True
    assert isinstance(followed(ledger, shop), Wait)
    assert [one.last.id for one in ledger.read("bay").requests] == ["R-1", "R-2"]


def test_a_cancel_of_the_first_does_not_end_an_order_whose_second_may_have_arrived(
    ledger: Ledger, shop: Any, doubted: TaskingRequest
) -> None:
    shop.sold[doubted.id] = StatusCode.USER_CANCELLED
    answer = shop.read([doubted.id])[doubted.id]
    told = _cancelled(ledger, shop, ledger.read("bay"), answer, "It is free.", stop_waiting=False)
    assert "not known yet" in str(told.message)
    record = ledger.read("bay")
    assert record.ended is None
    assert record.cancel_asked
