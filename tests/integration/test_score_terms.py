"""What counts how much when candidates are ranked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tasking.area import Area
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import Candidate
from tasking.errors import InvalidOrder
from tasking.order import Policy, order_from
from tasking.ranking import rank
from tasking.score_terms import POLICIES
from tasking.weights import Weights
from tasking.window import Window
from tasks import show
from tests.support.order_fields import GOOD

NOW = datetime(2026, 12, 1, tzinfo=UTC)
AREA = Area.model_validate("POLYGON ((10 50, 11 50, 11 51, 10 51, 10 50))")
WINDOW = Window(start=NOW, end=NOW + timedelta(hours=100))


def candidate(id: str, hours: float, share: float, **said: Any) -> Candidate:
    ring = [[10, 49], [10 + share, 49], [10 + share, 52], [10, 52], [10, 49]]
    start = NOW + timedelta(hours=hours)
    footprint = {"type": "Polygon", "coordinates": [ring]}
    return Candidate(id=id, start=start, end=start + timedelta(seconds=20), footprint=footprint, **said)


def test_the_score_is_the_sum_of_its_terms_by_the_weights_of_the_order() -> None:
    one = candidate(
        "a", 25, 0.8, off_nadir_deg=-9.0, sun_elevation_deg=45.0, price=Decimal(20), currency="EUR", cloud_percent=30.0
    )
    other = candidate("b", 50, 0.5, price=Decimal(10), currency="EUR")
    weights = Weights(coverage=4, time=2, off_nadir=1, sun_elevation=1, price=1, cloud=1)
    first, second = rank(AREA, [one, other], "earliest", NOW, window=WINDOW, weights=weights)
    values = {"coverage": 0.8, "time": 0.75, "off_nadir": 0.9, "sun_elevation": 0.5, "price": 0.5, "cloud": 0.7}
    assert {term.name: term.value for term in first.terms} == pytest.approx(values)
    assert [term.weight for term in first.terms] == [0.4, 0.2, 0.1, 0.1, 0.1, 0.1]
    assert first.score == pytest.approx(sum(term.part for term in first.terms), abs=1e-4)
    assert [term.value for term in second.terms if term.name in ("off_nadir", "cloud")] == [None, None]
    assert second.score == pytest.approx(0.4 * 0.5 + 0.2 * 0.5 + 0.1)


@pytest.mark.parametrize("policy", POLICIES)
def test_each_policy_is_a_setting_of_the_terms(policy: Policy) -> None:
    some = [candidate(str(n), 10 + n, 0.3 + n / 10, off_nadir_deg=n, sun_elevation_deg=20 + n) for n in range(6)]
    for one in rank(AREA, some, policy, NOW, window=WINDOW):
        assert {term.name: term.weight for term in one.terms} == POLICIES[policy]
        assert one.score == pytest.approx(sum(term.part for term in one.terms), abs=1e-4)


def test_weights_change_what_is_ordered() -> None:
    wide, early = candidate("wide", 90, 1.0), candidate("early", 5, 0.6)
    assert rank(AREA, [early, wide], "best-coverage", NOW, window=WINDOW)[0].candidate.id == "wide"
    by_time = Weights(coverage=1, time=3)
    assert rank(AREA, [early, wide], "best-coverage", NOW, window=WINDOW, weights=by_time)[0].candidate.id == "early"
    order = order_from(AxelGlobeOrder, {**GOOD, "weights": {"coverage": 1, "time": 3}})
    assert order.weights == by_time


def test_prices_of_several_currencies_are_not_compared() -> None:
    some = [candidate(name, 10, 1, price=Decimal(9), currency=name) for name in ("EUR", "credits")]
    ranked = rank(AREA, some, "earliest", NOW, weights=Weights(price=1))
    assert [one.terms[0].value for one in ranked] == [None, None]


@pytest.mark.parametrize("untouched", [None, {}, {"coverage": 0, "time": 0}])
def test_weights_that_were_left_alone_in_the_form_are_none(untouched: Any) -> None:
    assert order_from(AxelGlobeOrder, {**GOOD, "weights": untouched}).weights is None


def test_an_order_of_before_has_no_weights() -> None:
    before = order_from(AxelGlobeOrder, GOOD).model_dump(mode="json")
    del before["weights"]
    assert order_from(AxelGlobeOrder, before).weights is None


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"coverage": -1}, "weights.coverage"),
        ({"coverage": 1, "clouds": 1}, "weights.clouds"),
        ({"coverage": "much"}, "weights.coverage"),
        ({"coverage": float("nan")}, "weights.coverage"),
    ],
)
def test_weights_that_make_no_sense_are_refused(weights: Any, said: str) -> None:
    with pytest.raises(InvalidOrder, match=said):
        order_from(AxelGlobeOrder, {**GOOD, "weights": weights})


def test_the_table_of_candidates_shows_what_each_figure_adds_to_the_score(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(show, "_put", lambda markdown, **_more: shown.append(markdown))
    order = order_from(AxelGlobeOrder, {**GOOD, "area": AREA, "weights": {"coverage": 3, "price": 1}})
    some = [
        candidate("a", 25, 0.8, price=Decimal("20.50"), currency="EUR", off_nadir_deg=5.0),
        candidate("past", -1, 1, price=Decimal(10), currency="EUR"),
    ]
    show.show_candidates(order, "bay", rank(AREA, some, order.select, NOW, weights=order.weights), some[:1])
    heading, dashes, first, second = shown[0].splitlines()[4:]
    assert {line.count("|") for line in (heading, dashes, first, second)} == {10}
    assert "| 0.85 | 80.0 % (0.60) | 2026-12-02 01:00 |" in first
    assert "| 5.0° |" in first
    assert "| 20.5 EUR (0.25) |" in first
    assert "(0." not in second, "what cannot be used has no score"
