"""A wide area of which no capture covers enough: nothing is bought, and the order says what would help."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasking import lifecycle
from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import Ask, Poll
from tasking.simulator import Simulator, serve
from tasking.waiting import Wait
from tests.support.sessions import until
from tests.support.way import Way, on_its_way

WIDE = "POLYGON ((138.6 35.0, 141.0 35.0, 141.0 36.5, 138.6 36.5, 138.6 35.0))"
"""219 km by 166 km; a capture is 57 km wide."""


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with serve(seed=7) as running:
        yield running


def bought(way: Way) -> int:
    return len(way.simulator.axelglobe.summary()["requests"])


def test_nothing_is_bought_that_covers_less_than_the_order_asks_for(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, area=WIDE) as way:
        said = []
        for _ in range(60):
            answer = way.go()
            if isinstance(answer, OrderRecord):
                break
            said.append(answer.message)
            way.pass_time(answer)
        assert bought(way) == 0
        assert any("of the area, and the order asks for 90 % at least; listing again until" in one for one in said)
        record = way.record
        assert record.status == "rejected"
        outcome = str(record.outcome)
        assert outcome.startswith("Not feasible: the best candidate covers ")
        assert "smaller area" in outcome
        assert "coverage_min_percent" in outcome
        assert "together cover" in outcome
        assert simulator.clock.now() < way.order.window.start, "and not only when the window ends"


def test_an_order_that_allows_less_says_what_it_bought(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, area=WIDE, coverage_min_percent=10) as way:
        while not way.record.requests:
            answer = way.go()
            assert isinstance(answer, Wait)
            way.pass_time(answer)
        candidate = way.record.requests[0].candidate
        assert candidate is not None
        assert candidate.area_covered_percent is not None
        assert 10 <= candidate.area_covered_percent < 60


def test_a_person_is_asked_about_what_covers_less_where_a_person_is_asked_at_all(
    simulator: Simulator, tmp_path: Path
) -> None:
    with on_its_way(simulator, tmp_path, area=WIDE, require_approval=True) as way:
        while isinstance(until(way.session, Ask), Wait):
            simulator.advance(600)
        candidate = way.record.candidate
        assert candidate is not None
        assert "asks for 90 %" in candidate.note
        lifecycle.request(way.session)
        assert bought(way) == 0, "nobody has approved it"
        way.ledger.record("bay", approved_candidate_id=candidate.id)
        assert isinstance(until(way.session, Poll), Poll)
        assert bought(way) == 1


def test_what_came_home_tells_its_share_of_the_area(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, area=WIDE, coverage_min_percent=10) as way:
        record = way.to_the_end()
        assert record.status == "completed"
        share = record.area_covered_percent
        assert share is not None
        assert share == record.requests[0].covered_percent
        assert record.requests[0].candidate is not None
        assert share == pytest.approx(record.requests[0].candidate.area_covered_percent, abs=3)
        assert f"that covers {share:g} % of the area" in str(record.outcome)
        items = [json.loads(file.read_text()) for file in (way.archive / "bay").glob("*/*.json")]
        told = [one["properties"]["tasking:area_covered_percent"] for one in items if one.get("type") == "Feature"]
        assert told
        assert max(told) <= share
