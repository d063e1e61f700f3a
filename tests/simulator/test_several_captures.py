"""A wide area ordered in several captures: each is requested once, and what is lost is replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasking.ledger import OrderRecord
from tasking.simulator import Simulator, serve
from tasking.waiting import Wait
from tests.support.way import Way, on_its_way

WIDE = "POLYGON ((138.6 35.0, 141.0 35.0, 141.0 36.5, 138.6 36.5, 138.6 35.0))"
"""219 km by 166 km; a capture is 57 km wide."""


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


def made(way: Way) -> Counter[str]:
    """Names of the requests that the provider made, by its own count."""
    return Counter(one["name"] for one in way.simulator.axelglobe.summary()["requests"])


def test_a_wide_area_is_ordered_in_as_many_captures_as_it_takes(simulator: Simulator, tmp_path: Path) -> None:
    with on_its_way(simulator, tmp_path, area=WIDE, max_captures=8, days=13) as way:
        record = ordered(way)
        assert 1 < len(record.requests) <= 8
        assert record.area_covered_percent is not None
        assert record.area_covered_percent >= 90
        record = way.to_the_end(200)
        assert record.status == "completed", record.outcome
        assert len(record.delivered) >= len(record.requests)
        assert record.area_covered_percent >= 90
        assert set(made(way).values()) == {1}


def test_one_that_is_rejected_is_replaced_beside_what_is_fixed(simulator: Simulator, tmp_path: Path) -> None:
    wishes = {"area": WIDE, "max_captures": 8, "days": 13, "on_rejection": "next-candidate"}
    with on_its_way(simulator, tmp_path, **wishes) as way:
        first = ordered(way)
        way.simulator.axelglobe.decide(first.requests[1].last.id, "REJECTED")
        record = way.to_the_end(200)
        assert record.status == "completed", record.outcome
        assert record.requests[1].last.status == "rejected"
        assert len(record.requests) > len(first.requests)
        assert record.area_covered_percent is not None
        assert record.area_covered_percent >= 90
        assert set(made(way).values()) == {1}
        ids = [one.candidate.id for one in record.requests if one.candidate is not None]
        assert len(set(ids)) == len(ids)
