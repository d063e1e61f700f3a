"""A dry run says what all that it would order costs, and is asked within the limits of its site."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.budget import AccountBudget
from tasking.candidate import Candidate
from tasking.ledger import Ledger
from tasking.lifecycle.pricing import why_over_budget
from tasking.lifecycle.rehearsal import would_be_ordered
from tasking.order import order_from
from tasking.order_run import dry_run_of
from tasking.price_list import PriceList
from tests.support.charges import buy, charge, claim
from tests.support.ledgers import new_ledger
from tests.support.order_fields import GOOD

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(new_ledger(tmp_path)) as book:
        yield book


def a_pass(number: int, **changes: Any) -> Candidate:
    return Candidate(id=f"C-{number}", start=NOON, end=NOON + timedelta(minutes=1), **changes)


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        ([(300, "EUR"), (250.5, "EUR"), (100, "EUR")], "2 more; together they cover 91.0 % of the area; all of them: "
         "price 650.50 EUR."),
        ([(300, "EUR"), (None, None)], "what all of them cost is not known"),
        ([(300, "EUR"), (1, "credits")], "what all of them cost is not known"),
    ],
)  # fmt: skip
def test_of_a_set_all_of_it_is_priced(prices: list[tuple[Any, str | None]], said: str) -> None:
    first, *others = [
        a_pass(number, price=None if price is None else Decimal(str(price)), currency=currency)
        for number, (price, currency) in enumerate(prices)
    ]
    record: Any = SimpleNamespace(candidate=first, next_candidates=others, captures_cover_percent=91.0)
    told = would_be_ordered(order_from(AxelGlobeOrder, GOOD), record)
    assert "; price 300.00 EUR." in told
    assert said in told


def test_a_dry_run_is_held_to_its_sites_limit_and_stands_for_no_site(ledger: Ledger) -> None:
    limits: dict[str, Any] = {"per_site_and_month": 150, "currency": "EUR"}
    provider: Any = SimpleNamespace(
        budget=AccountBudget.model_validate(limits), price_list=PriceList(per_capture=Decimal(100), currency="EUR")
    )
    order = order_from(AxelGlobeOrder, {**GOOD, "site": "Tokyo"})
    claim(ledger, "bay", "Tokyo", order.account)
    buy(ledger, "bay", charge(100))
    dry = dry_run_of(order, "a-run-of-prefect")
    reference = str(dry.reference)
    (why,) = why_over_budget(ledger, provider, dry, reference, [a_pass(1)])
    assert why is not None
    assert "site Tokyo under account" in why
    given = dry.model_dump(mode="json")
    ledger.claim(reference, given, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)
    assert ledger.read(reference).site is None, "it holds back no order of its site"
    assert ledger.read(reference).order["site"] == "Tokyo", "and is asked for it again after a wait"
