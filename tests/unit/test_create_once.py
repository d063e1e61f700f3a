"""Never twice: whatever is lost on the way, one thing is made; and what truly did not arrive is made again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasking.clock import ProviderClock
from tasking.create import LOOKS, create_once
from tasking.errors import (
    CredentialsRefused,
    NotFound,
    OrderEnded,
    ReferenceTaken,
    Refused,
    Unavailable,
    UnexpectedAnswer,
)
from tasking.ledger import Ledger
from tasking.waiting import Wait
from tests.support.far_provider import SETTLE, Far, Killed
from tests.support.ledgers import new_ledger


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    book = new_ledger(tmp_path)
    order = {"name": "Bay", "account": "a/b"}
    book.claim("bay", order, provider="far", flow_run_id="run", owner_is_gone=lambda _run: False)
    yield book
    book.close()


def once(ledger: Ledger, far: Any) -> str | Wait:
    """As a step does it: what the ledger knows needs no asking."""
    if (known := ledger.read("bay").plan_id) is not None:
        return known
    return make(ledger, far)


def make(ledger: Ledger, far: Any) -> str | Wait:
    return create_once(
        ledger, far, "bay", "request", "bay", find=far.find, create=far.create, made=lambda it: {"plan_id": it}
    )


def to_the_end(ledger: Ledger, far: Far) -> str:
    """Come back as often as it asks to; time passes as it says."""
    for _ in range(20):
        answer = once(ledger, far)
        if not isinstance(answer, Wait):
            return answer
        assert answer.until > far.time
        far.time = answer.until
    raise AssertionError("it never settles")


@pytest.mark.parametrize("lag", [0, 30, 60, SETTLE - 1])
@pytest.mark.parametrize("fault", ["loses_the_answer", "dies_after_sending"])
def test_a_create_whose_answer_was_lost_is_found_and_not_made_again(ledger: Ledger, fault: str, lag: float) -> None:
    far = Far(lag)
    far.faults = [getattr(far, fault)]
    with suppress(Killed):
        once(ledger, far)
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1
    assert ledger.read("bay").plan_id == "thing"
    assert "request adopted" in [one.event for one in ledger.journal("bay")]


@pytest.mark.parametrize("fault", ["gets_nothing", "dies_before_sending"])
def test_a_create_that_never_arrived_is_made_again_but_only_after_the_settle_time(ledger: Ledger, fault: str) -> None:
    far = Far()
    far.faults = [getattr(far, fault)]
    begin = far.time
    with suppress(Killed):
        once(ledger, far)
    looks = far.looks
    assert to_the_end(ledger, far) == "thing"
    assert far.made == [at for at in far.made if at - begin >= timedelta(seconds=SETTLE)]
    assert len(far.made) == 1
    assert far.looks - looks >= 3


@pytest.mark.parametrize("fault", ["loses_the_answer", "dies_after_sending"])
def test_one_look_is_not_enough_however_late_it_comes(ledger: Ledger, fault: str) -> None:
    far = Far()
    far.faults = [getattr(far, fault)]
    with suppress(Killed):
        once(ledger, far)
    far.time += timedelta(days=1)
    far.lag = timedelta(days=1, seconds=90)  # the list is an old one for another minute and a half
    assert isinstance(once(ledger, far), Wait)
    assert isinstance(once(ledger, far), Wait)  # woken again at once: two looks at an old list are no more than one
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1


@pytest.mark.parametrize("minutes", [10, -10])
def test_a_host_with_another_clock_does_not_end_the_settle_time(ledger: Ledger, minutes: int) -> None:
    far = Far(lag=150)
    far.faults = [far.loses_the_answer]
    assert isinstance(once(ledger, far), Wait)
    for _ in range(LOOKS):
        far.time += timedelta(seconds=45)
        told = far.time + timedelta(minutes=minutes)
        far.clock.observe({"Date": f"{told:%a, %d %b %Y %H:%M:%S} GMT"})
        assert isinstance(once(ledger, far), Wait)
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1


def test_our_own_clock_set_forward_does_not_end_the_settle_time(ledger: Ledger) -> None:
    far, ahead = Far(lag=100), timedelta()
    far.clock = ProviderClock(lambda: far.time + ahead)
    far.faults = [far.loses_the_answer]
    assert isinstance(once(ledger, far), Wait)
    ahead = timedelta(days=400)
    far.clock = ProviderClock(lambda: far.time + ahead)
    for _ in range(LOOKS):
        far.time += timedelta(seconds=45)
        answer = once(ledger, far)
    assert answer == "thing"
    assert len(far.made) == 1


def test_a_clock_that_went_back_by_years_does_not_hold_an_order_up(ledger: Ledger) -> None:
    far = Far()
    far.clock.observe({"Date": "Tue, 01 Dec 2036 00:00:00 GMT"})
    far.faults = [far.gets_nothing]
    assert isinstance(once(ledger, far), Wait)
    far.clock.observe({"Date": "Tue, 01 Dec 2026 00:00:00 GMT"})
    begin = far.time
    assert to_the_end(ledger, far) == "thing"
    assert far.time - begin < timedelta(hours=1)


def test_answers_lost_several_times_still_make_one(ledger: Ledger) -> None:
    far = Far(lag=60)
    far.faults = [far.gets_nothing, far.gets_nothing, far.loses_the_answer]
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1


def test_what_is_there_already_is_adopted_also_by_a_ledger_that_knows_nothing(ledger: Ledger) -> None:
    far = Far()
    far.made = [far.time]
    assert once(ledger, far) == "thing"
    assert len(far.made) == 1


def test_a_clear_no_is_handed_on_and_leaves_nothing_to_settle(ledger: Ledger) -> None:
    far = Far()

    def refuse() -> None:
        raise Refused("no credits", status=402)

    far.faults = [refuse]
    with pytest.raises(Refused, match="no credits"):
        once(ledger, far)
    assert ledger.open_intent("bay", "request", "bay") is None
    assert once(ledger, far) == "thing"


@pytest.mark.parametrize("kind", [CredentialsRefused, NotFound, Refused])
@pytest.mark.parametrize("verb", ["find", "learn_time"])
def test_a_look_that_is_refused_says_nothing_of_a_create_that_may_have_arrived(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, verb: str, kind: type[Refused]
) -> None:
    far = Far()
    far.faults = [far.loses_the_answer]
    assert isinstance(once(ledger, far), Wait)

    def refused() -> None:
        raise kind("go away")

    with monkeypatch.context() as gateway:
        gateway.setattr(far, verb, refused)
        for _ in range(LOOKS + 1):
            far.time += timedelta(seconds=SETTLE)
            with pytest.raises(Unavailable, match=r"whether the request bay arrived: go away"):
                once(ledger, far)
    assert "request not seen" not in [one.event for one in ledger.journal("bay")]
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1


def test_nobody_is_told_to_order_again_while_what_is_there_may_be_this_order(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Far()

    def changed() -> None:
        raise ReferenceTaken("far: thing 7 is called 'bay' as well, and asks for something else: its end")

    with monkeypatch.context() as edited:
        edited.setattr(far, "find", changed)
        with pytest.raises(ReferenceTaken, match=r"its end\. Order again under a reference of its own"):
            once(ledger, far)
    far.faults = [far.loses_the_answer]
    assert isinstance(once(ledger, far), Wait)
    with monkeypatch.context() as edited:
        edited.setattr(far, "find", changed)
        with pytest.raises(UnexpectedAnswer, match=r"A person should look.*thing 7.*do not order again"):
            once(ledger, far)
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1


def test_a_create_that_was_not_sent_may_be_sent_at_once(ledger: Ledger) -> None:
    far = Far()

    def away() -> None:
        raise Unavailable("connection refused")

    far.faults = [away]
    with pytest.raises(Unavailable):
        once(ledger, far)
    assert once(ledger, far) == "thing"
    assert len(far.made) == 1


def test_two_processes_of_one_run_make_one(ledger: Ledger) -> None:
    far = Far(lag=60)
    other: list[str | Wait] = []

    class Between(Far):
        """While this process has announced and not yet sent, the other comes along."""

        def create(self) -> str:
            other.append(once(ledger, far))
            far.made.append(far.time)
            return "thing"

    first = Between(lag=60)
    first.find = far.find  # type: ignore[method-assign]
    assert once(ledger, first) == "thing"
    assert isinstance(other[0], Wait)
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1


def test_a_process_with_old_knowledge_makes_no_second_one_while_the_list_lags(ledger: Ledger) -> None:
    far = Far(lag=60)
    assert once(ledger, far) == "thing"
    assert isinstance(make(ledger, far), Wait)
    assert len(far.made) == 1


def test_a_process_that_slept_between_announcing_and_sending_does_not_send(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    far = Far()
    intend = ledger.record_intent

    def slowly(*args: Any) -> Any:
        intent = intend(*args)
        far.time += timedelta(seconds=SETTLE)
        return intent

    monkeypatch.setattr(ledger, "record_intent", slowly)
    assert isinstance(once(ledger, far), Wait)
    assert far.made == []


def test_nothing_is_made_after_a_person_asked_to_cancel(ledger: Ledger) -> None:
    far = Far()
    far.faults = [far.gets_nothing]
    assert isinstance(once(ledger, far), Wait)
    ledger.record("bay", cancel_asked=True)
    with pytest.raises(OrderEnded):
        to_the_end(ledger, far)
    assert far.made == []


def test_an_uncertain_create_is_still_found_after_a_person_asked_to_cancel(ledger: Ledger) -> None:
    far = Far(lag=60)
    far.faults = [far.loses_the_answer]
    assert isinstance(once(ledger, far), Wait)
    ledger.record("bay", cancel_asked=True)
    assert to_the_end(ledger, far) == "thing"
    assert len(far.made) == 1


def test_the_providers_clock_decides_when_a_create_has_settled(ledger: Ledger) -> None:
    far = Far(lag=120)
    far.faults = [far.loses_the_answer]
    once(ledger, far)
    # the next process starts with a local clock a day ahead, and has not heard the provider's time yet
    far.time += timedelta(seconds=61)
    far.clock = ProviderClock(lambda: far.time + timedelta(days=1))
    assert isinstance(once(ledger, far), Wait)
    far.time += timedelta(seconds=61)
    assert once(ledger, far) == "thing"
    assert len(far.made) == 1


def test_a_create_is_announced_in_the_providers_time_also_when_nobody_has_asked_it_anything_yet(ledger: Ledger) -> None:
    far = Far()
    far.clock = ProviderClock(lambda: far.time - timedelta(minutes=10))  # our clock is late
    far.faults = [far.loses_the_answer]
    once(ledger, far)
    intent = ledger.open_intent("bay", "request", "bay")
    assert intent is not None
    assert abs(intent.at - far.time) < timedelta(seconds=1)


def test_what_was_made_but_not_written_into_the_order_is_written_when_it_is_found(ledger: Ledger) -> None:
    far = Far()
    assert once(ledger, far) == "thing"
    ledger.record("bay", "plan forgotten", "as if its process had died before it wrote the order", plan_id=None)
    assert once(ledger, far) == "thing"
    assert ledger.read("bay").plan_id == "thing"
    assert len(far.made) == 1
