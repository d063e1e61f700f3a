"""One wrong clock closes nothing: a provider's ``Date`` far ahead, or our own clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tasking import lifecycle
from tasking.clock import utc_now
from tasking.errors import OrderEnded, Unavailable
from tasking.lifecycle.actions import Request
from tasking.lifecycle.backoff import TRIES_BY_OUR_CLOCK
from tasking.simulator import Simulator, serve
from tasking.status import StatusCode
from tasking.waiting import Wait
from tests.support.sessions import until
from tests.support.way import Way, on_its_way

DAYS = timedelta(days=40)
REAL = {"own_clock": False}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A provider whose clock shows the time of day, and whose candidates come at once."""
    quick = {"axelglobe.candidates_ready_seconds": 0.0, "axelglobe.candidates_ready_jitter_seconds": 0.0}
    with serve(seed=7, switches=quick) as running:
        yield running


@pytest.fixture
def way(simulator: Simulator, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Way]:
    with on_its_way(simulator, tmp_path, getattr(request, "param", "axelglobe"), http=REAL) as way:
        yield way


def set_wrong(way: Way, whose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One clock is 40 days ahead from here on."""
    if whose == "the provider's":
        way.simulator.switch(date_header_skew_seconds=DAYS.total_seconds())
    else:
        monkeypatch.setattr(way.provider.clock, "_local", lambda: utc_now() + DAYS)


WHOSE = pytest.mark.parametrize("whose", ["the provider's", "ours"])


@WHOSE
def test_an_order_without_candidates_is_not_called_infeasible(
    way: Way, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    way.simulator.axelglobe.no_candidates_for_next(1)
    assert isinstance(way.go(), Wait)
    set_wrong(way, whose, monkeypatch)
    assert isinstance(way.go(), Wait)
    assert way.record.ended is None


@WHOSE
def test_a_chosen_candidate_is_kept(way: Way, whose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(until(way.session, Request), Request)
    best = way.record.candidate
    set_wrong(way, whose, monkeypatch)
    way.provider.read_plan(way.record.plan_id)  # type: ignore[attr-defined] # an answer, with the wrong date
    assert isinstance(until(way.session, Request), Request)
    assert way.record.candidate == best
    assert way.record.candidates_dropped == []


@WHOSE
@pytest.mark.parametrize("word", ["ACCEPTED", "PROCESSING", "REJECTED", "SOMETHING"])
def test_a_paid_order_is_waited_for(way: Way, whose: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(way.go(), Wait)
    assert len(way.record.requests) == 1
    way.simulator.axelglobe.decide(way.record.requests[0].last.id, word)
    set_wrong(way, whose, monkeypatch)
    answer = way.go()
    assert isinstance(answer, Wait)
    assert answer.until < utc_now() + DAYS + timedelta(days=1)
    assert way.record.ended is None


@WHOSE
def test_imagery_that_the_catalog_does_not_list_yet_is_waited_for(
    way: Way, whose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(way.go(), Wait)
    (request,) = way.record.requests
    announced = {"capture_ids": ("somewhere",), "status": StatusCode.COMPLETED}
    last = request.last.model_copy(update=announced)
    way.ledger.record("bay", requests=[request.model_copy(update={"last": last})])
    set_wrong(way, whose, monkeypatch)
    session = way.session
    lifecycle.deliver(session, last.id)
    assert isinstance(lifecycle.next_action(session.state(way.record)), Wait)


@WHOSE
@pytest.mark.parametrize("way", ["iceye", "satellogic"], indirect=True)
def test_paid_orders_of_the_others_are_waited_for(way: Way, whose: str, monkeypatch: pytest.MonkeyPatch) -> None:
    way.simulator.satellogic.switch(analysis_seconds=(0, 0))
    assert isinstance(way.go(), Wait)
    assert len(way.record.requests) == 1
    set_wrong(way, whose, monkeypatch)
    assert isinstance(way.go(), Wait)
    assert way.record.ended is None


def test_with_the_provider_away_our_clock_alone_closes_nothing_at_once(way: Way) -> None:
    """A clock set wrong has certificates expire: each call fails, and each deadline seems over."""
    assert isinstance(way.go(), Wait)
    (request,) = way.record.requests
    overdue = request.last.model_copy(update={"give_up_at": utc_now() - DAYS})
    way.ledger.record("bay", requests=[request.model_copy(update={"last": overdue})])
    away = Unavailable("certificate has expired")
    for _ in range(TRIES_BY_OUR_CLOCK):
        assert isinstance(lifecycle.wait_after_error(way.ledger, way.order, way.record, "await-data", away, 30.0), Wait)
    with pytest.raises(OrderEnded, match="was due by"):  # and is not asked about for ever
        lifecycle.wait_after_error(way.ledger, way.order, way.record, "await-data", away, 30.0)
