"""What a capture costs is known by the provider's price, else by the price list of the account block."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.budget import AccountBudget
from tasking.candidate import Candidate
from tasking.errors import InvalidOrder
from tasking.iceye.models import TaskPrice
from tasking.iceye.order import IceyeOrder
from tasking.lifecycle.pricing import price_of, priced
from tasking.money import Budget
from tasking.order import Order, order_from
from tasking.price_list import PriceList
from tasking.satellogic.order import SatellogicOrder
from tests.support.order_fields import GOOD

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
POINT = {"name": "Bay", "point": "POINT (139.8 35.5)", "window": GOOD["window"]}
SQUARE: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [[[179.9, 0], [-179.9, 0], [-179.9, 0.2], [179.9, 0.2], [179.9, 0]]],
}
"""0.2 by 0.2 degrees over the 180° meridian: 492 km²."""


def provider(**prices: Any) -> Any:
    return SimpleNamespace(budget=AccountBudget(), price_list=PriceList.model_validate(prices))


def a_pass(**changes: Any) -> Candidate:
    return Candidate.model_validate({"id": "C-1", "start": NOON, "end": NOON, "footprint": SQUARE, **changes})


def cost(order: Order, candidate: Candidate | None = None, **prices: Any) -> str:
    return str(price_of(provider(**prices), order, candidate or a_pass()))


AXELGLOBE, ICEYE = order_from(AxelGlobeOrder, GOOD), order_from(IceyeOrder, POINT)


def test_each_capture_costs_what_the_list_says() -> None:
    assert cost(AXELGLOBE, per_capture=1, currency="credits") == "1 credits"
    assert cost(ICEYE, per_capture="99.90", currency="eur") == "99.90 EUR"
    several = order_from(SatellogicOrder, {**POINT, "max_captures": 4})
    assert cost(several, per_capture=250, currency="USD") == "1,000 USD"
    weekly = order_from(SatellogicOrder, {**POINT, "expected_age_days": 2})
    assert cost(weekly, per_capture=10, currency="USD") == "40 USD", "at its start and every two days of seven"


def test_square_kilometres_are_those_of_the_area_or_of_the_footprint() -> None:
    area = order_from(AxelGlobeOrder, GOOD).area.area_km2
    by_area = price_of(provider(per_km2=2, currency="EUR"), AXELGLOBE, a_pass())
    assert by_area is not None
    assert float(by_area.amount) == pytest.approx(2 * area, abs=0.01)
    by_footprint = price_of(provider(per_km2=2, km2_of="footprint", currency="EUR"), AXELGLOBE, a_pass())
    assert by_footprint is not None
    assert float(by_footprint.amount) == pytest.approx(2 * 492.4, rel=0.01)
    assert cost(ICEYE, a_pass(footprint=None), per_km2=2, currency="EUR") == "None", "a point has no area"


def test_a_priority_has_rates_of_its_own_in_any_capitals() -> None:
    prices: dict[str, Any] = {
        "per_capture": 1,
        "currency": "credits",
        "by_priority": {
            "emergency": {"per_capture": 3},
            "BACKGROUND": {"per_capture": 0.5},
            "rush": {"per_capture": 9},
        },
    }
    urgent = order_from(AxelGlobeOrder, {**GOOD, "priority": "EMERGENCY"})
    assert [cost(one, **prices) for one in (AXELGLOBE, urgent)] == ["1 credits", "3 credits"]
    assert cost(ICEYE, a_pass(quoted={"priority": "BACKGROUND"}), **prices) == "0.50 credits"
    assert cost(order_from(SatellogicOrder, {**POINT, "product": "rush"}), **prices) == "9 credits"


def test_what_the_provider_says_goes_before_the_list_and_an_empty_list_says_nothing() -> None:
    told = a_pass(price=Decimal("7.5"), currency="usd")
    assert cost(AXELGLOBE, told, per_capture=1, currency="EUR") == "7.50 USD"
    assert cost(AXELGLOBE) == "None"
    (kept, filled) = priced(provider(per_capture=1, currency="EUR"), AXELGLOBE, [told, a_pass()])
    assert kept == told
    assert (filled.price, filled.currency) == (Decimal(1), "EUR")


def test_a_price_below_nothing_is_none() -> None:
    below = a_pass(price=Decimal(-300), currency="EUR")
    assert cost(AXELGLOBE, below) == "None"
    assert cost(AXELGLOBE, below, per_capture=1, currency="credits") == "1 credits"
    (kept,) = priced(provider(), AXELGLOBE, [below])
    assert kept.price is None
    with pytest.raises(ValidationError):
        TaskPrice(amount=-1, currency="EUR")


@pytest.mark.parametrize("text", ["500 EUR", "500.00 eur", {"amount": 500, "currency": "EUR"}, "5e2 EUR", "500EUR"])
def test_a_budget_is_written_as_text_or_by_its_fields(text: Any) -> None:
    if text == "5e2 EUR":
        with pytest.raises(InvalidOrder, match="500 EUR or 3 credits"):
            order_from(AxelGlobeOrder, {**GOOD, "budget": text})
        return
    order = order_from(AxelGlobeOrder, {**GOOD, "budget": text})
    assert order.budget == Budget(amount=Decimal(500), currency="EUR")
    assert order_from(AxelGlobeOrder, order.model_dump(mode="json")) == order
    assert order.model_dump(mode="json")["budget"] == {"amount": 500.0, "currency": "EUR"}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("500", "500 EUR or 3 credits"),
        ("EUR", "500 EUR or 3 credits"),
        ("1.250,50 EUR", "500 EUR or 3 credits"),
        ({"amount": 500, "currency": "euros"}, "three letters of ISO 4217"),
        ({"amount": 0, "currency": "EUR"}, "greater than 0"),
        ({"amount": "NaN", "currency": "EUR"}, "budget"),
    ],
)
def test_a_budget_that_cannot_be_read_is_refused(wrong: Any, said: str) -> None:
    with pytest.raises(InvalidOrder, match=said):
        order_from(AxelGlobeOrder, {**GOOD, "budget": wrong})


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1,250 EUR", "1250"),
        ("1'000'000.50 CHF", "1000000.50"),
        ("1 250 EUR", "1250"),
        ("0.125 credits", "0.125"),
        ("1250.125 EUR", "1250.125"),
        ("1,250.125 EUR", "1250.125"),
    ],
)
def test_thousands_may_be_set_apart(text: str, amount: str) -> None:
    assert Budget.model_validate(text).amount == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,500 EUR", "decimals after a point"),
        ("12,50 EUR", "decimals after a point"),
        ("1,25 EUR", "decimals after a point"),
        ("1_0 EUR", "thousands as 1,250 or 1250"),
        ("1250,000 EUR", "thousands as 1,250 or 1250"),
        ("1.250.000 EUR", "thousands as 1,250 or 1250"),
        ("1.250 EUR", "in two ways: write 1250 EUR, or 1.25 EUR"),
        ("5.000 EUR", "in two ways: write 5000 EUR, or 5.00 EUR"),
    ],
)
def test_what_can_be_read_in_two_ways_is_refused_with_how_to_write_it(text: str, said: str) -> None:
    with pytest.raises(InvalidOrder, match=said):
        order_from(AxelGlobeOrder, {**GOOD, "budget": text})


@pytest.mark.parametrize("empty", [None, "", " ", {}, {"amount": None, "currency": ""}])
def test_an_empty_budget_is_none(empty: Any) -> None:
    assert order_from(AxelGlobeOrder, {**GOOD, "budget": empty}).budget is None


def test_limits_and_prices_without_a_currency_are_refused() -> None:
    with pytest.raises(ValidationError, match=r"budget\.currency"):
        AccountBudget.model_validate({"per_month": 100})
    with pytest.raises(ValidationError, match=r"price_list\.currency"):
        PriceList.model_validate({"per_capture": 1})
    with pytest.raises(ValidationError, match="name each priority once"):
        PriceList.model_validate({"currency": "EUR", "by_priority": {"rush": {}, "RUSH": {}}})
