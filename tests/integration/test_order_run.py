"""The loop of an order where things go wrong beside its steps, and the watcher that asks the same function."""

from __future__ import annotations

from contextlib import AbstractContextManager, closing, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import Candidate
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, UnexpectedAnswer
from tasking.ledger import Ledger
from tasking.lifecycle import Archive
from tasking.lifecycle.actions import Request
from tasking.lifecycle.backoff import TRIES_BY_OUR_CLOCK
from tasking.local_host import LocalHost, Parked
from tasking.order_run import run_order
from tasking.provider import Provider
from tasking.status import StatusCode
from tasking.waiting import Wait
from tasking.watching import poll_account
from tests.support.ledgers import new_ledger
from tests.support.series import NOW, ORDER, PASS, Series
from tests.support.series import series as series
from tests.support.sessions import AloneHere, Opened, session_of, until
from tests.unit.test_approval import BAY, HOUR, Far
from tests.unit.test_approval import NOW as A_DAY

RUN = UUID(int=7)
OTHER = Candidate(id="other", start=NOW + timedelta(days=3), end=NOW + timedelta(days=3, minutes=1))


class NoAccount:
    """An installation whose account block is gone."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self.opened = ledger, 0

    def ledger(self) -> AbstractContextManager[Ledger]:
        return nullcontext(self._ledger)

    def provider(self, account: str) -> AbstractContextManager[Provider]:
        self.opened += 1
        raise InvalidOrder("account", account, "there is no such block")

    def archive(self, name: str) -> Archive:
        raise AssertionError(name)


@pytest.fixture
def ordered(series: Series) -> Series:
    """A paid order that waits for its imagery, and whose run is `RUN`."""
    series.ledger.record("bay", requests=[series.request(StatusCode.PROCESSING, "one", "two")], flow_run_id=str(RUN))
    return series


def starts(series: Series) -> NoAccount:
    installed = NoAccount(series.ledger)
    order = {**ORDER.model_dump(mode="json"), "reference": "bay"}
    run_order(LocalHost(installed, RUN, AloneHere()), type(ORDER), order)
    return installed


def test_an_order_whose_account_is_gone_is_waited_for_and_ends_once_it_is_long_overdue(ordered: Series) -> None:
    with pytest.raises(Parked, match="no such block"):
        starts(ordered)
    ordered.give_up_at = utc_now() - timedelta(days=2)
    late = ordered.request(StatusCode.PROCESSING, "one", "two")
    ordered.ledger.record("bay", requests=[late], failing_step="accept", failures=TRIES_BY_OUR_CLOCK)
    assert starts(ordered).opened <= 3, "and does not turn in circles"
    record = ordered.ledger.read("bay")
    assert record.status == StatusCode.FAILED
    assert "was due by" in str(record.outcome)


def test_what_keeps_us_from_looking_for_a_request_is_waited_out_longer_each_time(
    ordered: Series, monkeypatch: pytest.MonkeyPatch
) -> None:
    def changed(*_: object) -> None:
        raise UnexpectedAnswer("A person should look")

    monkeypatch.setattr(ordered.provider, "find_request", changed, raising=False)
    monkeypatch.setattr(ordered.provider, "ask_again_seconds", 30.0, raising=False)
    monkeypatch.setattr(ordered.provider, "learn_time", lambda: None, raising=False)
    ordered.provider.says["r"] = ordered.request(StatusCode.PROCESSING, "one", "two").last
    assert ordered.ledger.record_intent("bay", "request", "bay", NOW, NOW) is not None
    pauses = []
    for _ in range(4):
        wait = until(session_of(ordered.ledger, ordered.provider, ORDER, run_id=str(RUN)))
        assert isinstance(wait, Wait)
        pauses.append((wait.until - utc_now()).total_seconds())
    assert [round(one / 30) for one in pauses] == [1, 2, 4, 8]


@pytest.mark.parametrize("by_then", [{"candidate": OTHER}, {"candidate": None}, {"approved_candidate_id": None}])
def test_what_another_process_gave_up_before_it_was_announced_is_not_ordered(
    series: Series, monkeypatch: pytest.MonkeyPatch, by_then: dict[str, Any], tmp_path: Path
) -> None:
    ledger, provider = series.ledger, series.provider
    ledger.claim(
        "port", {"name": "Port", "account": "a/b"}, provider="axelglobe", flow_run_id="run", owner_is_gone=bool
    )
    ledger.record("port", candidate=PASS, approved_candidate_id=PASS.id)
    sent: list[str] = []

    def find(*_: object) -> None:
        ledger.record("port", **by_then)

    monkeypatch.setattr(provider, "find_request", find, raising=False)
    monkeypatch.setattr(provider, "learn_time", lambda: None, raising=False)
    monkeypatch.setattr(provider, "request", lambda *_: sent.append("request"), raising=False)
    order = ORDER.model_copy(update={"require_approval": True})
    session = session_of(ledger, provider, order, "port", tmp_path)
    assert isinstance(until(session, Request), Request)
    assert isinstance(until(session), Wait)
    assert sent == []
    assert not ledger.read("port").in_doubt


def seen_by_watcher(series: Series) -> bool:
    record = series.ledger.record("bay", waits_for="imagery", next_poll_at=series.ledger.now())
    assert poll_account(series.ledger, cast(Provider, series.provider), [record]) == 1
    return series.ledger.read("bay").news_at is not None


def test_the_watcher_does_not_wake_a_run_that_waits_an_error_out_unless_something_can_be_fetched(
    ordered: Series,
) -> None:
    ordered.give_up_at = NOW - timedelta(days=1)
    ordered.provider.says["r"] = ordered.request(StatusCode.PROCESSING, "one", "two").last
    assert seen_by_watcher(ordered), "it is overdue"
    later = {"failing_step": "accept", "failures": 3, "wake_at": utc_now() + timedelta(hours=1)}
    ordered.ledger.record("bay", **later)
    assert not seen_by_watcher(ordered)
    ordered.provider.says["r"] = ordered.request(StatusCode.PROCESSING, "one", "two", "three").last
    assert seen_by_watcher(ordered)


def test_an_order_that_only_newer_code_can_read_is_woken_when_its_request_is_over(ordered: Series) -> None:
    ordered.ledger.record("bay", order={**ordered.ledger.read("bay").order, "of_tomorrow": 1})
    ordered.provider.says["r"] = ordered.request(StatusCode.PROCESSING, "one", "two").last
    assert not seen_by_watcher(ordered)
    ordered.provider.says["r"] = ordered.request(StatusCode.FAILED, "one", "two").last
    assert seen_by_watcher(ordered)


def test_an_order_after_a_dry_run_of_the_same_run_is_an_order_of_its_own(tmp_path: Path) -> None:
    with closing(new_ledger(tmp_path)) as ledger:
        host = LocalHost(Opened(ledger, Far(), tmp_path / "archive"), RUN, AloneHere())
        window = {"start": A_DAY + 24 * HOUR, "end": A_DAY + 200 * HOUR}
        given = {"name": "Bay", "area": BAY, "window": window}
        run_order(host, AxelGlobeOrder, given, dry_run=True)
        with pytest.raises(Parked):
            run_order(host, AxelGlobeOrder, given)
        bought = [one for one in ledger.orders() if one.requests]
        assert [one.order["dry_run"] for one in bought] == [False]
        assert not bought[0].reference.startswith("dry-run-")
