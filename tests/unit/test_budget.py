"""What may be spent is never exceeded, whoever orders and however often; what is refunded may be spent again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, text

from tasking.budget import AccountBudget, Charge, Limit, Payer, Tally, month_of, over_budget
from tasking.candidate import Candidate
from tasking.create import create_once
from tasking.errors import OverBudget
from tasking.ledger import ChargeState, Ledger, open_ledger
from tasking.lifecycle.polling import record_statuses
from tasking.money import Money, money
from tasking.provider import FeeStep, Statement
from tasking.spending import differences, spending, without_contract
from tasking.status import StatusCode
from tests.support.charges import (
    ACCOUNT,
    NOON,
    WINDOW_END,
    announce,
    becomes,
    buy,
    buys_next,
    charge,
    chooses,
    claim,
    eur,
    requested,
)
from tests.support.far_provider import Far

ROOT = Path(__file__).parents[2]


@pytest.fixture
def ledger(database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ledger]:
    with closing(open_ledger(database)) as book:
        at(book, monkeypatch, NOON)
        yield book


def at(ledger: Ledger, monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """It is this time by our clock."""
    monkeypatch.setattr(ledger, "_now", lambda: now)


def refused(ledger: Ledger, reference: str, what: Charge) -> str:
    """Why the order's request may not be announced; nothing is."""
    before = len(ledger.charges())
    with pytest.raises(OverBudget) as over:
        ledger.record_intent(reference, "request", reference, NOON, NOON, charge=what)
    assert ledger.read(reference).open_creates == []
    assert len(ledger.charges()) == before
    return str(over.value)


# many at once --------------------------------------------------------------------------------------------------------

PLACES_ORDERS = """
import os, signal, sys
from tasking.errors import OverBudget
from tasking.ledger import open_ledger
from tests.support.charges import announce, charge, claim, requested

url, dies, count, *references = sys.argv[1:]
book = open_ledger(url)
print("ready", flush=True)
sys.stdin.readline()
def die(*_args, **_more):
    os.kill(os.getpid(), signal.SIGKILL)
for number, reference in enumerate(references, 1):
    last = number == int(count)
    if last and dies == "within":
        book.note = die  # in the transaction, with the price reserved
    try:
        intent = announce(book, reference, charge(100, per_month=2000))
    except OverBudget:
        continue
    if last and dies == "after":
        die()
    book.close_intent(reference, intent, "made", "made", requests=[requested(reference)])
    print(reference, flush=True)
"""


def test_of_50_orders_at_once_20_are_placed_also_when_processes_are_killed_meanwhile(database: str) -> None:
    names = [f"bay-{number:02}" for number in range(50)]
    with closing(open_ledger(database)) as book:
        for reference in names:
            claim(book, reference)
        # two die with their request announced, one in the transaction that announces; each in its third order at most
        plans = [("never", 0), ("after", 1), ("after", 3), ("within", 2), ("never", 0)]
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", PLACES_ORDERS, database, dies, str(number), *names[start::5]],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for start, (dies, number) in enumerate(plans)
        ]  # fmt: skip
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n"
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        made = [reference for worker in workers for reference in worker.communicate(timeout=300)[0].split()]
        died = [worker.returncode == -signal.SIGKILL for worker in workers]
        doubtful = [one for one in names if book.read(one).in_doubt]

        assert died[0] is died[4] is False
        assert len(made) + len(doubtful) == 20
        assert len(doubtful) == sum(died[1:3]), "what a process died in the middle of stays reserved"
        assert book.counted(Payer("another", ACCOUNT, None))["account"].taken("EUR") == 2000

        for number, reference in enumerate(doubtful):  # one had arrived, the other never did
            (intent,) = book.read(reference).open_requests
            found = {"requests": [requested(reference)]} if number == 0 else {}
            book.close_intent(reference, intent, "adopted" if found else "absent", "settled", **found)
        rest = [one for one in names if not book.read(one).requests]

        def place(reference: str) -> bool:
            with closing(open_ledger(database)) as mine:
                try:
                    buy(mine, reference, charge(100, per_month=2000))
                except OverBudget:
                    return False
            return True

        with ThreadPoolExecutor(8) as pool:
            more = sum(pool.map(place, rest))
        assert more == len(doubtful[1:])
        assert sum(bool(book.read(one).requests) for one in names) == 20
        assert [(one.requests, one.reserved) for one in spending(book.charges())] == [(20, Decimal(2000))]


# what counts ---------------------------------------------------------------------------------------------------------


def test_over_budget_says_by_how_much_what_is_taken_and_how_to_go_on(ledger: Ledger) -> None:
    claim(ledger)
    claim(ledger, "other")
    buy(ledger, "bay", charge(700))
    becomes(ledger, "bay", StatusCode.COMPLETED, "capture")
    claim(ledger, "third")
    buy(ledger, "third", charge(250))
    said = refused(ledger, "other", charge(100.5, per_month=1000))
    assert said == (
        "over budget by 50.50 EUR: it costs 100.50 EUR, and account axelglobe-tasking/default in December 2026 (UTC) "
        "may cost 1,000 EUR at most, of which 700 EUR are spent and 250 EUR reserved. To go on, raise budget.per_month "
        "in the account block, or wait for the next month, and press Retry on the order's run"
    )
    buy(ledger, "other", charge(50, per_month=1000))  # to the last cent


def test_an_announced_request_is_reserved_until_it_is_known_that_it_was_not_made(ledger: Ledger) -> None:
    claim(ledger)
    claim(ledger, "other")
    intent = announce(ledger, "bay", charge(100, per_month=100))
    assert "100 EUR reserved" in refused(ledger, "other", charge(100, per_month=100))
    ledger.close_intent("bay", intent, "refused", "no")
    buy(ledger, "other", charge(100, per_month=100))
    assert "over budget by 100 EUR" in refused(ledger, "bay", charge(100, per_month=100))


OPENS_AGAIN: list[tuple[StatusCode, tuple[str, ...], dict[str, Any], ChargeState]] = [
    (StatusCode.RECEIVED, (), {}, ChargeState.RESERVED),
    (StatusCode.PROCESSING, (), {}, ChargeState.RESERVED),
    (StatusCode.PROCESSING, ("sla-products",), {}, ChargeState.SPENT),
    (StatusCode.COMPLETED, ("capture",), {}, ChargeState.SPENT),
    (StatusCode.COMPLETED, (), {}, ChargeState.SPENT),
    (StatusCode.REJECTED, (), {"final": True}, ChargeState.REFUNDED),
    (StatusCode.REJECTED, (), {}, ChargeState.RESERVED),
    (StatusCode.FAILED, (), {}, ChargeState.REFUNDED),
    (StatusCode.EXPIRED, (), {}, ChargeState.REFUNDED),
    (StatusCode.EXPIRED, ("capture",), {}, ChargeState.SPENT),
    (StatusCode.CANCELLED, (), {}, ChargeState.REFUNDED),
    (StatusCode.USER_CANCELLED, (), {}, ChargeState.REFUNDED),
    (StatusCode.USER_CANCELLED, ("capture",), {}, ChargeState.SPENT),
]


@pytest.mark.parametrize(("status", "captures", "more", "state"), OPENS_AGAIN)
def test_the_budget_opens_again_only_when_nothing_is_due_any_more(
    ledger: Ledger, status: StatusCode, captures: tuple[str, ...], more: dict[str, Any], state: ChargeState
) -> None:
    claim(ledger)
    claim(ledger, "other")
    buy(ledger, "bay", charge(100, per_month=100))
    becomes(ledger, "bay", status, *captures, **more)
    assert [one.state for one in ledger.charges()] == [state]
    if state is ChargeState.REFUNDED:
        buy(ledger, "other", charge(100, per_month=100))
    else:
        assert f"100 EUR {'are ' if state is ChargeState.SPENT else ''}{state}" in refused(
            ledger, "other", charge(100, per_month=100)
        )


def test_a_rejection_that_may_be_taken_back_is_reserved_until_the_window_ends(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(ledger)
    claim(ledger, "other")
    buy(ledger, "bay", charge(100, per_month=100))
    becomes(ledger, "bay", StatusCode.REJECTED)
    at(ledger, monkeypatch, WINDOW_END - timedelta(seconds=1))
    refused(ledger, "other", charge(100, per_month=100))
    at(ledger, monkeypatch, WINDOW_END)
    buy(ledger, "other", charge(100, per_month=100))
    becomes(ledger, "bay", StatusCode.ACCEPTED)  # against its own document: it counts again
    assert ledger.counted(Payer("new", ACCOUNT, None))["account"].taken("EUR") == 200


def test_what_was_made_twice_because_an_answer_came_late_counts_twice(ledger: Ledger) -> None:
    claim(ledger)
    first = announce(ledger, "bay", charge(100))
    ledger.close_intent("bay", first, "absent", "never arrived")
    second = announce(ledger, "bay", charge(120))
    ledger.made_late("bay", first, "it came late", requests=[requested("bay", request_id="R-1")])
    assert ledger.counted(Payer("bay", ACCOUNT, None))["order"].taken("EUR") == 220, "the second may have arrived"
    ledger.close_intent("bay", second, "made", "made", requests=[requested("bay", request_id="R-2")])
    assert [one.price for one in ledger.charges()] == [100, 120]


def test_an_orders_own_budget_counts_all_its_tries(ledger: Ledger) -> None:
    claim(ledger)
    own = charge(300, of_order="500 EUR")
    buy(ledger, "bay", own)
    becomes(ledger, "bay", StatusCode.FAILED)
    intent = announce(ledger, "bay", charge(400, of_order="500 EUR"), "bay#2")
    ledger.close_intent("bay", intent, "made", "made", requests=[requested("bay", request_id="R-2")])
    with pytest.raises(OverBudget, match=r"over budget by 200 EUR: .*order bay may cost 500 EUR at most, of which"):
        announce(ledger, "bay", own, "bay#3")


def test_the_budget_of_an_order_for_several_accounts_counts_all_its_parts(ledger: Ledger) -> None:
    for number in (1, 2):
        claim(ledger, f"need.{number}", account=f"axelglobe-tasking/{number}", part_of="need")
    claim(ledger, "other")
    buy(ledger, "need.1", charge(300, of_order="500 EUR"))
    assert "over budget by 100 EUR" in refused(ledger, "need.2", charge(300, of_order="500 EUR"))
    assert announce(ledger, "other", charge(300, of_order="500 EUR")) is not None


def test_each_site_has_its_own_limit_and_orders_without_a_site_have_none(ledger: Ledger) -> None:
    for reference, site in (("a", "Tokyo"), ("b", "Tokyo"), ("c", "Osaka"), ("d", None)):
        claim(ledger, reference, site)
    limits = charge(100, per_site_and_month=150)
    buy(ledger, "a", limits)
    assert "site Tokyo under account axelglobe-tasking/default in December 2026" in refused(ledger, "b", limits)
    buy(ledger, "c", limits)
    buy(ledger, "d", limits)


def test_another_account_has_a_budget_of_its_own(ledger: Ledger) -> None:
    claim(ledger)
    claim(ledger, "other", account="axelglobe-tasking/second")
    buy(ledger, "bay", charge(100, per_month=100))
    buy(ledger, "other", charge(100, per_month=100))


def test_a_month_begins_at_midnight_utc_and_what_was_announced_before_stays_in_its_own(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reference in ("a", "b", "c"):
        claim(ledger, reference)
    at(ledger, monkeypatch, datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC))
    intent = announce(ledger, "a", charge(100, per_month=100))
    at(ledger, monkeypatch, datetime(2027, 1, 1, tzinfo=UTC))
    ledger.close_intent("a", intent, "made", "made", requests=[requested("a")])
    buy(ledger, "b", charge(100, per_month=100))
    assert "in January 2027 (UTC)" in refused(ledger, "c", charge(100, per_month=100))
    assert [one.month for one in spending(ledger.charges())] == ["2026-12", "2027-01"]
    assert [one.reference for one in ledger.charges(since=month_of(NOON)[0], before=month_of(NOON)[1])] == ["a"]


def test_without_a_known_price_a_limited_order_is_refused_and_told_where_to_write_it(ledger: Ledger) -> None:
    claim(ledger)
    limits = AccountBudget.model_validate({"per_month": 100, "currency": "EUR"})
    assert "fill in price_list (per_capture or per_km2, and currency)" in refused(
        ledger, "bay", Charge(of_account=limits)
    )
    buy(ledger, "bay", Charge())  # no limit asks for no price
    assert ledger.counted(Payer("new", ACCOUNT, None))["account"].unpriced == 1


def test_two_currencies_are_not_compared(ledger: Ledger) -> None:
    claim(ledger)
    said = refused(ledger, "bay", charge(1, per_month=100, currency="credits"))
    assert "it costs 1 EUR, and account" in said
    assert "100 credits at most: two currencies are not compared" in said


def test_what_stands_at_the_provider_is_taken_over_whatever_it_costs(ledger: Ledger) -> None:
    claim(ledger)
    far: Any = Far()
    far.made = [far.time]
    it: Any = lambda _there: {"requests": [requested("bay")]}  # noqa: E731
    create_once(
        ledger, far, "bay", "request", "bay", find=far.find, create=far.create, made=it, charge=charge(5, per_month=1)
    )
    assert [(one.price, one.state) for one in ledger.charges()] == [(Decimal(5), ChargeState.RESERVED)]


FEES = tuple(FeeStep(until=NOON + timedelta(days=day), percent=percent) for day, percent in ((1, 0), (2, 10), (3, 20)))


@pytest.mark.parametrize(("dearest", "due"), [(None, 0), (100.0, 100)])
def test_a_cancel_without_known_steps_costs_all_where_fees_are_published(
    ledger: Ledger, dearest: float | None, due: int
) -> None:
    far: Any = Far()
    far.poll_interval_seconds = 60.0
    if dearest is not None:
        far.dearest_cancel_percent = dearest
    claim(ledger)
    buy(ledger, "bay", charge(300))
    answer = requested("bay", StatusCode.USER_CANCELLED).last
    record_statuses(ledger, far, "bay", {answer.id: answer})
    assert [(one.spent, one.refunded) for one in ledger.charges()] == [(Decimal(3 * due), Decimal(300 - 3 * due))]


@pytest.mark.parametrize(("days", "due"), [(0.5, 0), (1.5, 10), (2.5, 20), (4, 100)])
def test_the_fee_of_a_cancel_is_spent_and_the_rest_refunded(ledger: Ledger, days: float, due: int) -> None:
    far: Any = Far()
    far.poll_interval_seconds = 60.0
    far.time = NOON + timedelta(days=days)
    claim(ledger)
    buy(ledger, "bay", charge(300), cancel_fees=FEES)
    for _ in range(2):  # what was said first counts
        answer = requested("bay", StatusCode.USER_CANCELLED).last
        record_statuses(ledger, far, "bay", {answer.id: answer})
        far.time = NOON + timedelta(days=9)
    (line,) = spending(ledger.charges())
    assert (line.spent, line.refunded, line.reserved) == tuple(map(Decimal, (3 * due, 300 - 3 * due, 0)))


# sets of captures ----------------------------------------------------------------------------------------------------


def test_no_set_is_begun_that_cannot_be_bought_whole(ledger: Ledger) -> None:
    claim(ledger)
    chooses(ledger, "bay", 300, 300, 300)
    with pytest.raises(OverBudget, match=r"over budget by 100 EUR: it costs 900 EUR together with the 2 captures"):
        buys_next(ledger, "bay", per_month=800)
    assert ledger.charges() == []
    for _ in range(3):
        buys_next(ledger, "bay", per_month=900)  # its own members count once
    assert ledger.counted(Payer("new", ACCOUNT, None))["account"].taken("EUR") == 900


def test_two_sets_at_once_never_leave_each_other_incomplete(ledger: Ledger) -> None:
    for reference in ("bay", "port"):
        claim(ledger, reference)
        chooses(ledger, reference, 300, 300, 300)
    buys_next(ledger, "bay", per_month=1500)
    for _ in range(2):  # whatever it has announced by now, and whatever is only chosen
        with pytest.raises(OverBudget, match=r"over budget by 300 EUR.* 0 EUR are spent and 900 EUR reserved"):
            buys_next(ledger, "port", per_month=1500)
        buys_next(ledger, "bay", per_month=1500)
    assert len(ledger.read("bay").requests) == 3
    assert ledger.read("port").requests == []


def test_a_set_that_is_in_doubt_is_reserved_once(ledger: Ledger) -> None:
    claim(ledger)
    chooses(ledger, "bay", 300, 200)
    announce(ledger, "bay", charge(300))
    assert ledger.counted(Payer("new", ACCOUNT, None))["account"].taken("EUR") == 500


@pytest.mark.parametrize(
    "goes_on_no_more",
    [{"ended": NOON}, {"cancel_asked": True}, {"deferred_end": {"status": "failed", "message": "it is enough"}}],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_left_of_a_set_counts_while_it_may_be_requested(
    ledger: Ledger, goes_on_no_more: dict[str, Any]
) -> None:
    claim(ledger, site="Tokyo")
    chooses(ledger, "bay", 300, 200, 100)
    tokyo, osaka = Payer("new", ACCOUNT, "Tokyo"), Payer("new", ACCOUNT, "Osaka")
    assert ledger.counted(tokyo)["account"].taken("EUR") == 0, "nothing of it is begun"
    buys_next(ledger, "bay")
    assert [ledger.counted(tokyo)[scope].taken("EUR") for scope in ("order", "site", "account")] == [0, 600, 600]
    assert [ledger.counted(osaka)[scope].taken("EUR") for scope in ("site", "account")] == [0, 600]
    assert ledger.counted(Payer("new", "axelglobe-tasking/second", "Tokyo"))["account"].taken("EUR") == 0
    ledger.record("bay", **goes_on_no_more)
    assert ledger.counted(tokyo)["account"].taken("EUR") == 300


# what older code wrote -----------------------------------------------------------------------------------------------


def test_what_older_code_announced_or_made_after_the_upgrade_counts(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim(ledger)
    buy(ledger, "bay", charge(80))
    claim(ledger, "port")
    announce(ledger, "port", charge(20))
    with ledger.session() as session:
        session.execute(text("UPDATE requests SET charged_at = NULL"))
        session.execute(text("UPDATE create_attempts SET account = NULL, charged_at = NULL"))
    assert ledger.counted(Payer("new", ACCOUNT, None))["account"].taken("EUR") == 20
    becomes(ledger, "bay", StatusCode.SCHEDULED)
    assert ledger.counted(Payer("new", ACCOUNT, None))["account"].taken("EUR") == 100
    assert [one.month for one in spending(ledger.charges())] == ["2026-12"]
    assert {one.account for one in ledger.charges()} == {ACCOUNT}
    at(ledger, monkeypatch, datetime(2027, 1, 1, tzinfo=UTC))
    (intent,) = ledger.read("port").open_requests
    ledger.close_intent("port", intent, "adopted", "found", requests=[requested("port")])
    assert {one.charged_at for one in ledger.charges()} == {NOON}, "since it was announced"


def test_a_price_below_nothing_makes_no_room(ledger: Ledger) -> None:
    assert money(Decimal(-500), "EUR") is None
    claim(ledger)
    claim(ledger, "other")
    buy(ledger, "bay", charge(-500))
    assert "over budget by 500 EUR" in refused(ledger, "other", charge(600, per_month=100))
    assert ledger.counted(Payer("new", ACCOUNT, None))["account"].unpriced == 1


def test_without_a_limit_of_a_month_none_is_read(ledger: Ledger) -> None:
    """An order's own limit costs no more in a month of many orders."""
    claim(ledger)
    buy(ledger, "bay", charge(100))
    asked: list[str] = []
    event.listen(ledger._engine, "before_cursor_execute", lambda *call: asked.append(call[2]))
    assert set(ledger.counted(Payer("bay", ACCOUNT, None), ["order"])) == {"order"}
    (only,) = [one for one in asked if "charged_at" in one]
    assert "charged_at >=" not in only
    ledger.counted(Payer("bay", ACCOUNT, None))
    assert not any("requests.candidate AS" in one for one in asked), "they are long, and no limit asks for them"


# the pure parts ------------------------------------------------------------------------------------------------------


def test_without_limits_nothing_is_over_budget() -> None:
    assert over_budget(None, [], {}) is None
    assert over_budget(eur(10**9), [], {}) is None


def test_the_first_limit_that_is_reached_is_told() -> None:
    limits = [Limit("order", eur(100), "order bay", "a"), Limit("account", eur(50), "account x", "b")]
    assert over_budget(eur(50), limits, {"order": Tally()}) is None
    assert "account x" in str(over_budget(eur(51), limits, {}))
    assert "account x" in str(over_budget(eur(1), limits, {"account": Tally(spent={"EUR": Decimal(50)})}))


def test_where_a_provider_says_otherwise_is_told(ledger: Ledger) -> None:
    claim(ledger)
    buy(ledger, "bay", charge(100))
    charges = ledger.charges()

    def said(**what: Any) -> list[str]:
        return differences(Statement.model_validate(what), charges)

    assert said(currency="EUR", spent=0, on_hold=100) == []
    assert said(request_ids={"R-bay"}) == []
    assert "That is 20 EUR more there" in said(currency="eur", spent=20, on_hold=100)[0]
    assert "That is 100 EUR more here" in said(currency="EUR", spent=0, on_hold=0)[0]
    assert "Together it is the same" in said(currency="EUR", spent=100, on_hold=0)[0]
    assert said(request_ids={"R-9"}) == [
        "1 requests of the ledger are not listed by the provider: R-bay",
        "1 requests at the provider are not in this ledger, and count nowhere: R-9",
    ]


def test_a_request_of_no_known_contract_is_told_once_and_compared_with_none(ledger: Ledger) -> None:
    for reference, contract in (("bay", "C-1"), ("port", "C-2"), ("old", None)):
        claim(ledger, reference)
        quoted = {"contract_id": contract} if contract is not None else None
        ledger.record(reference, candidate=Candidate(id="c", start=NOON, end=NOON, quoted=quoted))
        announce(ledger, reference, charge(100))
    charges = ledger.charges()
    for contract in ("C-1", "C-2"):
        statement = Statement(contract_id=contract, currency="EUR", spent=Decimal(0), on_hold=Decimal(100))
        assert differences(statement, charges) == []
    assert without_contract(charges) == [
        "no contract known: 1 requests of the ledger, with 0 EUR spent and 100 EUR reserved, are compared with no "
        "contract"
    ]
    assert without_contract([one for one in charges if one.contract_id is not None]) == []


def test_an_amount_is_told_as_a_person_writes_it() -> None:
    assert [str(Money(Decimal(text), "EUR")) for text in ("1250", "1250.5", "0.125", "4500.2500000000", "1E3")] == [
        "1,250 EUR", "1,250.50 EUR", "0.125 EUR", "4,500.25 EUR", "1,000 EUR",
    ]  # fmt: skip
