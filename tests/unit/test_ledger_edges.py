"""What two processes do in the same moment, and what a database would refuse: neither stops an order."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest

from tasking.errors import InvalidOrder, ReferenceTaken
from tasking.ledger import Ledger, open_ledger

ACCOUNT = "axelglobe-tasking/default"


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    opened = open_ledger(database)
    yield opened
    opened.close()


def claim(ledger: Ledger, reference: str, **fields: Any) -> None:
    order = {"name": "Bay", "account": ACCOUNT, **fields}
    ledger.claim(
        reference, order, provider="axelglobe", flow_run_id=f"run-{reference}", owner_is_gone=lambda _run: False
    )


def test_of_references_claimed_in_the_same_moment_that_differ_in_capitals_only_one_is_taken(database: str) -> None:
    pairs = [(f"Bay-{number}", f"bay-{number}") for number in range(40)]
    together = Barrier(2)
    books = [open_ledger(database) for _ in range(2)]

    def claims(which: int) -> list[str]:
        taken = []
        for pair in pairs:
            together.wait(60)
            try:
                claim(books[which], pair[which])
            except ReferenceTaken:
                continue
            taken.append(pair[which])
        return taken

    with ThreadPoolExecutor(2) as pool:
        taken = [reference for each in pool.map(claims, range(2)) for reference in each]
    assert sorted(one.lower() for one in taken) == sorted(pair[1] for pair in pairs)
    assert sorted(one.reference for one in books[0].orders()) == sorted(taken)
    for book in books:
        book.close()


def test_words_longer_than_their_column_are_cut_and_stop_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "h" * 300)
    claim(ledger, "bay", name="n" * 300)
    record = ledger.record("bay", currency="C" * 50, waits_for="w" * 50, status="s" * 50, failing_step="f" * 50)
    assert record.currency == "C" * 39 + "…"
    assert len(record.name) == 200
    assert record.host is not None
    assert len(record.host) == 255


@pytest.mark.parametrize(("field", "most"), [("account", 200), ("site", 100)])
def test_what_orders_are_found_by_is_refused_and_not_cut(ledger: Ledger, field: str, most: int) -> None:
    with pytest.raises(InvalidOrder, match=f"{field}: .*at most {most} characters"):
        claim(ledger, "bay", **{field: "a" * (most + 1)})
    assert ledger.orders() == []


NASTY: dict[str, Any] = {
    "number that is none": {"off": float("nan"), "up": [float("inf")]},
    "half a surrogate pair": {"name": "\ud800", "\udfff": 1},
    "NUL": {"name": "a\0b"},
}


@pytest.mark.parametrize("what", NASTY)
def test_what_a_database_does_not_take_is_kept_without_it(ledger: Ledger, what: str) -> None:
    claim(ledger, "bay", more=NASTY[what])
    ledger.record("bay", "said", f"It said {NASTY[what]} \ud800\0", detail=NASTY[what], provider_status="\ud800\0x")
    assert ledger.read("bay").provider_status == "?x"
    assert ledger.journal("bay")[-1].message.endswith(" ?")
    assert ledger.orders()


@pytest.mark.parametrize("price", ["NaN", "Infinity", "1E+200000", "-1E-200000"])
def test_a_price_that_no_database_keeps_is_no_price(ledger: Ledger, price: str) -> None:
    claim(ledger, "bay")
    assert ledger.record("bay", price=Decimal(price), currency="EURO CENTS").price is None
    assert ledger.record("bay", price=Decimal("4500.25")).price == Decimal("4500.25")
    assert ledger.read("bay").currency == "EURO CENTS"
