"""The ledger is the claim, the intent before a create, and the history."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.orm import Session

from tasking.errors import LedgerUnavailable, OrderEnded, ReferenceTaken
from tasking.ledger import Deliverable, Filter, Ledger, OrderRecord, RequestRecord, open_ledger
from tasking.ledger.queries import IDS_AT_ONCE
from tasking.ledger.tables import OrderRow
from tasking.ledger.transactions import UnknownReference
from tasking.provider import TaskingRequest
from tasking.status import StatusCode

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)


def bought(*captures: str, request_id: str = "r", attempt: int = 1) -> RequestRecord:
    last = TaskingRequest(
        id=request_id,
        status=StatusCode.ACCEPTED,
        provider_status="ACCEPTED",
        capture_ids=captures,
        next_look_at=NOON,
        give_up_at=NOON,
    )
    return RequestRecord(attempt=attempt, label="bay", candidate=None, last=last)


ORDER: dict[str, Any] = {"name": "Tokyo Bay", "account": "axelglobe-tasking/default", "site": None, "reference": "bay"}


@pytest.fixture
def ledger(database: str) -> Iterator[Ledger]:
    opened = open_ledger(database)
    yield opened
    opened.close()


def claim(ledger: Ledger, run: str = "run-1", order: dict[str, Any] = ORDER, gone: bool = False) -> None:
    ledger.claim("bay", order, provider="axelglobe", flow_run_id=run, owner_is_gone=lambda _run: gone)


def test_the_same_run_keeps_its_reference_after_a_wait(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record("bay", plan_id="plan-7", waits_for="candidates", wake_at=NOON)
    claim(ledger)
    record = ledger.read("bay")
    assert (record.plan_id, record.flow_run_id, record.waits_for) == ("plan-7", "run-1", None)


def test_a_second_run_is_told_which_run_owns_the_reference(ledger: Ledger) -> None:
    claim(ledger)
    with pytest.raises(ReferenceTaken, match="run-1"):
        claim(ledger, "run-2")


def test_a_run_takes_over_when_the_owner_can_no_longer_go_on(ledger: Ledger) -> None:
    claim(ledger)
    claim(ledger, "run-2", gone=True)
    assert ledger.read("bay").flow_run_id == "run-2"
    with pytest.raises(ReferenceTaken, match="run-2"):
        claim(ledger, "run-1")


def test_a_reference_never_names_two_different_orders(ledger: Ledger) -> None:
    claim(ledger)
    with pytest.raises(ReferenceTaken, match="another order"):
        claim(ledger, "run-2", order={**ORDER, "name": "Osaka"}, gone=True)


def test_of_many_runs_at_once_one_owns_the_reference(database: str) -> None:
    def one(run: str) -> str | None:
        book = open_ledger(database)
        try:
            claim(book, run)
        except ReferenceTaken:
            return None
        finally:
            book.close()
        return run

    with ThreadPoolExecutor(8) as pool:
        winners = [run for run in pool.map(one, [f"run-{n}" for n in range(8)]) if run]
    assert len(winners) == 1


def test_an_ended_order_is_opened_again_by_its_run_or_once_that_is_gone(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record("bay", ended=NOON, status="rejected", outcome="not feasible")
    with pytest.raises(ReferenceTaken, match="not feasible"):
        claim(ledger, "run-2")
    claim(ledger)
    assert ledger.read("bay").ended is None
    ledger.record("bay", ended=NOON, status="failed", outcome="a mistake")
    claim(ledger, "run-2", gone=True)
    assert (ledger.read("bay").ended, ledger.read("bay").flow_run_id) == (None, "run-2")


def test_an_order_goes_on_after_an_upgrade_that_knows_one_more_field(ledger: Ledger) -> None:
    claim(ledger)
    claim(ledger, order={**ORDER, "new_field": "its default"})
    claim(ledger, "run-2", order={**ORDER, "new_field": "its default"}, gone=True)
    assert ledger.read("bay").flow_run_id == "run-2"


def test_references_that_differ_in_capitals_only_are_one_folder_on_many_disks(ledger: Ledger) -> None:
    claim(ledger)
    with pytest.raises(ReferenceTaken, match="capitals"):
        ledger.claim("Bay", ORDER, provider="axelglobe", flow_run_id="run-2", owner_is_gone=lambda _run: True)


@pytest.mark.parametrize("requested", [False, True])
def test_a_cancelled_order_is_opened_again_only_when_something_was_ordered(ledger: Ledger, requested: bool) -> None:
    claim(ledger)
    ledger.record("bay", ended=NOON, status="user_cancelled", outcome="cancelled", cancel_asked=True)
    if requested:
        ledger.record("bay", requests=[bought()])
    claim(ledger)
    assert (ledger.read("bay").ended is None) == requested


@pytest.mark.parametrize(("status", "cancel_asked"), [("completed", False), ("user_cancelled", True)])
def test_a_delivered_or_cancelled_order_stays_ended(ledger: Ledger, status: str, cancel_asked: bool) -> None:
    claim(ledger)
    ledger.record("bay", ended=NOON, status=status, outcome="done", cancel_asked=cancel_asked)
    claim(ledger)
    assert ledger.read("bay").ended == NOON


def test_an_order_given_up_is_opened_again_only_by_a_run_that_was_started_since(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record(
        "bay", ended=NOON, status="user_cancelled", outcome="given up", cancel_asked=True, requests=[bought()]
    )
    asked = []

    def by(run: str, since: bool) -> OrderRecord:
        def started_since(run: str, when: datetime) -> bool:
            asked.append((run, when))
            return since

        return ledger.claim(
            "bay",
            ORDER,
            provider="axelglobe",
            flow_run_id=run,
            owner_is_gone=lambda _run: True,
            started_since=started_since,
        )

    assert by("run-1", since=False).ended == NOON
    with pytest.raises(ReferenceTaken, match="ended: given up"):
        by("run-2", since=False)
    assert by("run-2", since=True).ended is None
    assert asked == [("run-1", NOON), ("run-2", NOON), ("run-2", NOON)]


def test_an_announced_create_stays_open_until_its_outcome_is_known(ledger: Ledger) -> None:
    claim(ledger)
    intent = ledger.record_intent("bay", "request", "bay", NOON)
    assert intent is not None
    assert ledger.open_intent("bay", "request", "bay") == intent
    assert ledger.open_intent("bay", "plan", "bay") is None
    ledger.close_intent("bay", intent, "made", "made", plan_id="p")
    assert ledger.open_intent("bay", "request", "bay") is None
    assert ledger.read("bay").plan_id == "p"


def test_only_one_process_may_announce_a_create(database: str) -> None:
    first = open_ledger(database)
    claim(first)

    def one(_number: int) -> bool:
        book = open_ledger(database)
        try:
            return book.record_intent("bay", "request", "bay", NOON) is not None
        finally:
            book.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(8))) == 1
    first.close()


def test_a_create_that_never_arrived_may_be_announced_again(ledger: Ledger) -> None:
    claim(ledger)
    first = ledger.record_intent("bay", "request", "bay", NOON)
    assert first is not None
    ledger.close_intent("bay", first, "absent", "never arrived")
    second = ledger.record_intent("bay", "request", "bay", NOON + timedelta(minutes=5))
    assert second is not None
    assert (first.round, second.round) == (1, 2)


def test_labels_that_begin_alike_have_intents_of_their_own(ledger: Ledger) -> None:
    claim(ledger)
    assert ledger.record_intent("bay", "plan", "bay", NOON) is not None
    assert ledger.record_intent("bay", "plan", "bay~2", NOON) is not None
    assert ledger.open_intent("bay", "plan", "bay~2") != ledger.open_intent("bay", "plan", "bay")


def test_no_request_is_announced_while_another_of_the_order_may_have_arrived(ledger: Ledger) -> None:
    claim(ledger)
    first = ledger.record_intent("bay", "request", "bay", NOON)
    assert first is not None
    assert ledger.record_intent("bay", "request", "bay#2", NOON) is None
    assert ledger.read("bay").open_requests == [first]
    ledger.close_intent("bay", first, "refused", "no")
    assert ledger.record_intent("bay", "request", "bay#2", NOON) is not None


def test_one_intent_gets_one_outcome(ledger: Ledger) -> None:
    claim(ledger)
    intent = ledger.record_intent("bay", "plan", "bay", NOON)
    assert intent is not None
    ledger.close_intent("bay", intent, "adopted", "found", plan_id="first")
    ledger.close_intent("bay", intent, "absent", "not found", plan_id="second")
    assert ledger.read("bay").plan_id == "first"
    assert [one.event for one in ledger.journal("bay")].count("plan adopted") == 1


def test_nothing_is_announced_once_a_person_asked_to_cancel(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record("bay", cancel_asked=True)
    with pytest.raises(OrderEnded, match="cancelled"):
        ledger.record_intent("bay", "request", "bay", NOON)


def test_a_change_is_made_to_what_the_order_is_by_now(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record("bay", candidates_dropped=["first"])
    ledger.record("bay", candidates_dropped=lambda now: [*now.candidates_dropped, "second"])
    assert ledger.read("bay").candidates_dropped == ["first", "second"]


def test_a_name_is_home_of_the_request_that_it_was_delivered_of_and_of_no_other(ledger: Ledger) -> None:
    claim(ledger)
    both = [bought("sla-products"), bought("sla-products", request_id="r2", attempt=2)]
    ledger.record("bay", requests=both)
    home = [Deliverable(name="sla-products", folders=("item",), missing_files=("mask",))]
    ledger.delivered("bay", "r", "/archive/bay", home, "Delivered 1 file", [])
    first, second = ledger.read("bay").requests
    assert (first.undelivered, second.undelivered) == ([], ["sla-products"])
    assert first.deliverables[0].folders == ("item",)
    assert first.deliverables[0].missing_files == ("mask",)
    ledger.gone("bay", {"r": ["sla-products"]}, "No longer there")
    assert ledger.read("bay").requests[0].undelivered == ["sla-products"]


def test_a_request_that_is_read_again_keeps_what_is_home_of_it(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record("bay", requests=[bought("one")])
    ledger.delivered("bay", "r", "/archive/bay", [Deliverable(name="one")], "Delivered 1 file", [])
    ledger.record("bay", requests=[bought("one", "two")])
    assert ledger.read("bay").delivered == ["one"]
    assert ledger.read("bay").requests[0].undelivered == ["two"]


def test_a_name_that_no_database_takes_as_it_is_can_be_read_again_and_delivered(ledger: Ledger) -> None:
    claim(ledger)
    for _ in range(2):  # each look hands it over as the provider wrote it
        ledger.record("bay", requests=[bought("a\0b", "half \ud800", request_id="r\0")])
    (request,) = ledger.read("bay").requests
    assert request.undelivered == ["ab", "half ?"]
    ledger.delivered("bay", request.last.id, "/archive/bay", [Deliverable(name="a\0b")], "Delivered 1 file", [])
    assert ledger.read("bay").requests[0].undelivered == ["half ?"]


def test_the_words_of_a_long_notification_are_looked_up_though_a_query_takes_fewer(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record("bay", requests=[bought(request_id="zz-last")])
    words = {f"word-{number}" for number in range(70_000)}
    assert ledger.references_of_requests("axelglobe", words | {"zz-last"}) == {"bay": "run-1"}


def test_the_open_orders_of_a_request_are_found_by_its_id_in_any_capitals(ledger: Ledger) -> None:
    claim(ledger)
    ledger.record("bay", requests=[bought(request_id="0AF-7")])
    for given in ("0AF-7", "0af-7"):
        assert ledger.references_of_requests("axelglobe", {given, "another"}) == {"bay": "run-1"}
    words = {f"word-{n}" for n in range(3 * IDS_AT_ONCE)}  # each of a webhook's body may be one
    assert ledger.references_of_requests("axelglobe", {"0AF-7", *words}) == {"bay": "run-1"}
    assert ledger.references_of_requests("iceye", {"0AF-7"}) == {}
    ledger.record("bay", ended=NOON, status="completed", outcome="done")
    assert ledger.references_of_requests("axelglobe", {"0AF-7"}) == {}


def test_times_come_back_aware_and_in_utc(ledger: Ledger) -> None:
    claim(ledger)
    tokyo = timezone(timedelta(hours=9))
    ledger.record("bay", wake_at=datetime(2026, 12, 1, 9, tzinfo=tokyo))
    wake_at = ledger.read("bay").wake_at
    assert wake_at == datetime(2026, 12, 1, tzinfo=UTC)
    assert wake_at.utcoffset() == timedelta(0)


def test_orders_are_filtered_and_the_newest_comes_first(ledger: Ledger) -> None:
    for number in range(3):
        order = {**ORDER, "site": "bay" if number else None}
        ledger.claim(
            f"o-{number}", order, provider="axelglobe", flow_run_id=str(number), owner_is_gone=lambda _run: False
        )
    ledger.record("o-2", ended=NOON)
    assert [one.reference for one in ledger.orders()] == ["o-2", "o-1", "o-0"]
    assert [one.reference for one in ledger.orders(Filter(site="bay", open_only=True))] == ["o-1"]


def test_an_unknown_reference_is_said(ledger: Ledger) -> None:
    assert ledger.find("nowhere") is None
    with pytest.raises(UnknownReference, match="nowhere"):
        ledger.read("nowhere")


@pytest.mark.parametrize("kind", [ProgrammingError, InternalError, NotSupportedError, DatabaseError, OperationalError])
def test_a_ledger_that_cannot_be_used_is_an_error_that_may_pass(ledger: Ledger, kind: type[DBAPIError]) -> None:
    claim(ledger)

    def refuse(_session: object) -> None:
        raise kind(
            "UPDATE orders SET name = 'secret'", {}, Exception("cannot execute UPDATE in a read-only transaction")
        )

    event.listen(Session, "before_commit", refuse)
    try:
        with pytest.raises(LedgerUnavailable, match="read-only transaction") as caught:
            ledger.record("bay", plan_id="p")
    finally:
        event.remove(Session, "before_commit", refuse)
    assert "secret" not in str(caught.value)
    assert ledger.read("bay").plan_id is None


def test_who_asks_whether_there_is_an_order_never_hears_no_because_it_cannot_be_read(ledger: Ledger) -> None:
    claim(ledger)
    ledger.claim("cape", {**ORDER, "reference": "cape"}, provider="axelglobe", flow_run_id="run-2", owner_is_gone=bool)
    with ledger.session() as session:
        session.get_one(OrderRow, "cape").candidate = {"id": ["of another kind"]}
    with pytest.raises(LedgerUnavailable, match=r"order cape .*upgrade"):
        ledger.orders(Filter(open_only=True, limit=1))
    told: dict[str, str] = {}
    assert [one.reference for one in ledger.orders(unreadable=told.__setitem__)] == ["bay"]
    assert list(told) == ["run-2"]
    assert "order cape" in told["run-2"]
