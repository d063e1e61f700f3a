"""A wide area ordered in several captures: each is requested once, and what is lost is replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tasking.budget import AccountBudget
from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import Ask, Poll, Request
from tasking.price_list import PriceList
from tasking.simulator import Simulator, serve
from tasking.waiting import Wait
from tasking.watching import poll_account
from tests.support.sessions import until
from tests.support.way import Way, on_its_way

WIDE = "POLYGON ((138.6 35.0, 141.0 35.0, 141.0 36.5, 138.6 36.5, 138.6 35.0))"
"""219 km by 166 km; a capture is 57 km wide."""


MANY: dict[str, Any] = {"area": WIDE, "max_captures": 8, "days": 13}
REQUESTS = "/wfs/tasking/v2/collections/requests/items"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serve(seed=7) as running:
        yield running


def ordered(way: Way) -> OrderRecord:
    """The order once all captures of its first set are requested."""
    for _ in range(40):
        answer = way.go()
        assert isinstance(answer, Wait), answer
        if (record := way.record).requests and not record.next_candidates and answer.waits_for == "imagery":
            return record
        way.pass_time(answer)
    raise AssertionError(f"not requested: {answer}")


def share(record: OrderRecord) -> float:
    """Percent of the area, as a person is told it."""
    assert record.area_covered_percent is not None
    return record.area_covered_percent


def made(way: Way) -> Counter[str]:
    """Names of the requests that the provider made, by its own count."""
    return Counter(one["name"] for one in way.simulator.axelglobe.summary()["requests"])


def test_a_wide_area_is_ordered_in_as_many_captures_as_it_takes(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, **MANY) as way:
        record = ordered(way)
        assert 1 < len(record.requests) <= 8
        assert share(record) >= 90
        record = way.to_the_end(200)
        assert record.status == "completed", record.outcome
        assert len(record.delivered) >= len(record.requests)
        assert share(record) >= 90
        assert set(made(way).values()) == {1}


def test_one_that_is_rejected_is_replaced_beside_what_is_fixed(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, **MANY, on_rejection="next-candidate") as way:
        first = ordered(way)
        way.simulator.axelglobe.decide(first.requests[1].last.id, "REJECTED")
        record = way.to_the_end(200)
        assert record.status == "completed", record.outcome
        assert record.requests[1].last.status == "rejected"
        assert len(record.requests) > len(first.requests)
        assert share(record) >= 90
        assert set(made(way).values()) == {1}
        ids = [one.candidate.id for one in record.requests if one.candidate is not None]
        assert len(set(ids)) == len(ids)


def test_a_capture_whose_answer_is_lost_is_found_again_and_the_others_are_ordered_all_the_same(
    simulator: Simulator, tmp_path: Path
) -> None:
    with on_its_way(simulator, tmp_path, **MANY) as way:
        while not way.record.requests:
            answer = until(way.session, Poll)
            if isinstance(answer, Wait):
                way.pass_time(answer)
        way.simulator.fault("reset_after", method="POST", path=REQUESTS)
        record = way.to_the_end(200)
        assert record.status == "completed", record.outcome
        assert set(made(way).values()) == {1}
        assert sorted(made(way)) == sorted(one.label for one in record.requests)


def test_one_that_stays_rejected_is_told_with_the_share_that_came_home(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, **MANY) as way:
        first = ordered(way)
        lost = first.requests[0].last.id
        way.simulator.axelglobe.decide(lost, "REJECTED")
        record = way.to_the_end(200)
        assert record.status == "completed", record.outcome
        assert len(record.requests) == len(first.requests), "it might have been accepted until the window ended"
        assert 0 < share(record) < 90
        outcome = str(record.outcome)
        assert f"nothing came of request {lost} (REJECTED)" in outcome
        assert "less than the 90 % that were asked for" in outcome


def test_the_watcher_wakes_the_run_once_for_a_capture_that_is_lost(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, **MANY, on_rejection="next-candidate") as way:
        record = ordered(way)
        way.simulator.axelglobe.decide(record.requests[0].last.id, "REJECTED")

        def watched() -> OrderRecord:
            way.ledger.record("bay", next_poll_at=way.ledger.now())
            assert poll_account(way.ledger, way.provider, [way.record]) == 1
            return way.record

        assert watched().news_at is not None
        assert isinstance(way.go(), Wait)
        assert watched().news_at is None, "what can be done about it is done"


def test_a_person_is_asked_once_for_the_set_and_again_for_what_takes_the_place_of_a_lost_capture(
    simulator: Simulator, tmp_path: Path
) -> None:
    with on_its_way(simulator, tmp_path, **MANY, on_rejection="next-candidate", require_approval=True) as way:
        while isinstance(answer := until(way.session, Ask), Wait):
            way.pass_time(answer)
        assert made(way) == Counter()
        chosen = way.record.candidate
        assert chosen is not None
        way.ledger.record("bay", approved_candidate_id=chosen.id)
        record = ordered(way)
        way.simulator.axelglobe.decide(record.requests[0].last.id, "REJECTED")
        while isinstance(answer := until(way.session, Ask), Wait):
            way.pass_time(answer)
        assert isinstance(answer, Ask)
        assert len(made(way)) == len(record.requests)


def test_a_capture_that_is_gone_before_its_turn_is_replaced(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, **MANY) as way:
        while not way.record.requests:
            answer = until(way.session, Poll)
            if isinstance(answer, Wait):
                way.pass_time(answer)
        assert isinstance(until(way.session, Request), Request)
        held = way.record
        assert held.candidate is not None
        gone = held.candidate.model_copy(update={"valid_until": way.simulator.clock.now() - timedelta(hours=1)})
        way.ledger.record("bay", candidate=gone)
        record = way.to_the_end(200)
        assert record.status == "completed", record.outcome
        assert gone.id not in {one.candidate.id for one in record.requests if one.candidate is not None}
        assert share(record) >= 90


def test_a_set_that_cannot_cover_enough_is_not_ordered(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, area=WIDE, max_captures=2) as way:
        record = way.to_the_end()
        assert record.status == "rejected"
        assert made(way) == Counter()
        assert "max_captures" in str(record.outcome)


def test_a_budget_that_buys_no_capture_ends_the_order_and_says_by_how_much(
    simulator: Simulator, tmp_path: Path
) -> None:
    prices = {"price_list": {"per_capture": 300, "currency": "EUR"}}
    with on_its_way(simulator, tmp_path, **MANY, budget="100 EUR", settings=prices) as way:
        record = way.to_the_end()
        assert record.status == "rejected"
        assert made(way) == Counter()
        assert "over budget by 200 EUR" in str(record.outcome)


def test_none_of_a_set_is_ordered_once_not_all_of_it_can_be_paid(simulator: Simulator, tmp_path: Path) -> None:
    """Others have bought since it was chosen: what would be left covers too little of the area."""
    with on_its_way(simulator, tmp_path, **MANY) as way:
        provider: Any = way.provider
        prices: dict[str, Any] = {"price_list": PriceList(per_capture=Decimal(300), currency="EUR")}
        provider.settings = provider.settings.model_copy(update=prices)
        while isinstance(answer := until(way.session, Request), Wait):
            way.pass_time(answer)
        whole = 300 * (1 + len(way.record.next_candidates))
        limits = AccountBudget(per_month=Decimal(whole - 1), currency="EUR")
        provider.settings = provider.settings.model_copy(update={"budget": limits})
        record = way.go()
        assert isinstance(record, OrderRecord)
        assert record.status == "rejected"
        assert "over budget by 1 EUR" in str(record.outcome)
        assert made(way) == Counter()
