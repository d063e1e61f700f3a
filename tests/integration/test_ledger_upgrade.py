"""A ledger of an older version is upgraded in place, whoever opens it first; one of newer code is left alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import ProgrammingError

from tasking.budget import Payer
from tasking.create import create_once
from tasking.errors import LedgerUnavailable, ReferenceTaken
from tasking.ledger import ChargeState, Ledger, archives, migrations, open_ledger, upgrading
from tasking.ledger.tables import Base
from tests.support.far_provider import Far

WRITTEN = Path(__file__).parents[1] / "fixtures" / "ledger"


@pytest.fixture
def old(dumped: Callable[[Path], str]) -> str:
    """The ledger that commit 128290c wrote."""
    return dumped(WRITTEN / "128290c")


@pytest.fixture
def journaled(dumped: Callable[[Path], str]) -> Iterator[Ledger]:
    """The ledger that commit 6fb9f58 wrote, which read an order's state back out of its journal; upgraded."""
    with closing(open_ledger(dumped(WRITTEN / "6fb9f58"))) as book:
        yield book


def as_written(commit: str = "128290c") -> dict[str, Any]:
    """As that code read its orders, with today's names of columns."""
    given: dict[str, Any] = json.loads((WRITTEN / f"{commit}.json").read_text())
    for order in given["orders"].values():
        for old, new in {"look_after": "next_poll_at", "changed_at": "news_at", "failing": "failing_step"}.items():
            if old in order:
                order[new] = order.pop(old)
    return given


def _kept(before: Any, after: Any) -> bool:
    """Whether all that was written is there as it was; newer code may say more of it."""
    if isinstance(before, dict):
        return isinstance(after, dict) and all(key in after and _kept(each, after[key]) for key, each in before.items())
    if isinstance(before, list):
        return len(before) == len(after) and all(_kept(old, new) for old, new in zip(before, after, strict=True))
    return bool(before == after)


def test_a_ledger_of_128290c_holds_the_same_orders_after_the_upgrade(old: str) -> None:
    written = as_written()
    for _ in range(2):  # the second time there is nothing to do
        with closing(open_ledger(old)) as book:
            orders = {one.reference: one.model_dump(mode="json") for one in book.orders()}
            assert Decimal(orders["asked"].pop("price")) == Decimal("4500.25")
            written["orders"]["asked"].pop("price", None)
            for reference in orders:
                orders[reference]["delivered"] = book.read(reference).delivered
            assert _kept(written["orders"], orders)
            for reference, lines in written["journal"].items():
                now = [entry.model_dump(mode="json") for entry in book.journal(reference)]
                assert now[: len(lines)] == lines
                assert len(now) - len(lines) == (reference.lower() == "pair")


def test_orders_of_128290c_go_on(old: str) -> None:
    with closing(open_ledger(old)) as book:
        for reference, order in as_written()["orders"].items():
            mine = book.claim(
                reference,
                order["order"],
                provider=order["provider"],
                flow_run_id=order["flow_run_id"],
                owner_is_gone=lambda _run: False,
            )
            assert (mine.ended is None) == (order["ended"] is None)
        book.record("imagery", "status", "Request R-imagery: ACCEPTED -> SCHEDULED", status="scheduled")
        assert book.read("imagery").status == "scheduled"


def test_a_request_that_128290c_left_in_doubt_is_found_and_not_made_again(old: str) -> None:
    far = Far()
    far.made = [far.time]
    with closing(open_ledger(old)) as book:
        assert book.open_intent("doubt", "request", "doubt") is not None
        provider: Any = far
        made: Callable[[str], dict[str, Any]] = lambda it: {"outcome_so_far": it}  # noqa: E731
        found = create_once(
            book, provider, "doubt", "request", "doubt", find=far.find, create=far.create, made=made
        )  # fmt: skip
        assert found == "thing"
        assert book.open_intent("doubt", "request", "doubt") is None
    assert len(far.made) == 1


def test_a_ledger_of_6fb9f58_holds_the_same_orders_and_lines_after_the_upgrade(journaled: Ledger) -> None:
    written = as_written("6fb9f58")
    orders = {one.reference: one.model_dump(mode="json") for one in journaled.orders()}
    for reference, order in orders.items():
        order["delivered"] = journaled.read(reference).delivered
        assert [one.model_dump(mode="json") for one in journaled.journal(reference)] == written["journal"][reference]
    before = written["orders"]["asked-and-bought"].pop("price")
    assert Decimal(before) == Decimal(orders["asked-and-bought"].pop("price"))
    assert _kept(written["orders"], orders)


def test_where_an_order_of_6fb9f58_was_begun_and_came_by_is_known(journaled: Ledger) -> None:
    record = journaled.read("asked")
    assert record.environment == "https://axelglobe.example.com"
    assert (record.deployment_id, record.deployment_name) == (
        "1e8b8b0e-0000-4000-8000-000000000001",
        "order-axelglobe",
    )
    assert archives.known(journaled, "/archive")
    assert not archives.known(journaled, "/another")


def test_what_6fb9f58_asked_a_person_last_still_counts_until_it_was_answered(journaled: Ledger) -> None:
    asked, answered = journaled.read("asked"), journaled.read("asked-and-bought")
    assert asked.approval_question == "Waiting for approval: the second question"
    assert asked.approvals_asked == 2
    assert (answered.approval_question, answered.approvals_asked) == (None, 1)
    assert (answered.requests[0].price, answered.requests[0].currency) == (answered.price, "EUR")


def test_creates_that_6fb9f58_announced_have_the_rounds_looks_and_outcomes_they_had(journaled: Ledger) -> None:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)
    (open_one,) = journaled.read("doubt").open_requests
    assert (open_one.label, open_one.round, open_one.at, open_one.ours) == (
        "doubt",
        2,
        *2 * [noon + timedelta(hours=1)],
    )
    third = journaled.looked("doubt", open_one, noon + timedelta(hours=2), timedelta(seconds=45))
    assert third == 3, "two looks were noted before"
    assert journaled.record_intent("doubt", "request", "doubt", noon, noon) is None
    journaled.close_intent("doubt", open_one, "absent", "Never arrived")
    again = journaled.record_intent("doubt", "request", "doubt", noon, noon)
    assert again is not None
    assert again.round == 3
    for reference in ("twice", "asked-and-bought"):  # what stands is not announced again, also what was late
        assert journaled.record_intent(reference, "request", reference, noon, noon) is None
        assert not journaled.read(reference).in_doubt


def test_a_plan_that_6fb9f58_made_after_a_forgotten_one_keeps_its_label(journaled: Ledger) -> None:
    record = journaled.read("forgotten")
    assert (record.plan_id, record.plans_forgotten, record.plan_label) == ("P-2", 1, "forgotten~2")
    journaled.record("forgotten", "plan forgotten", "Planning again", plan_id=None)
    record = journaled.read("forgotten")
    assert (record.plan_id, record.plan_label) == (None, "forgotten~3")


def test_the_next_try_and_a_deferred_end_of_6fb9f58_go_on_where_they_stood(journaled: Ledger) -> None:
    assert journaled.read("tries").next_try_since == datetime(2026, 11, 20, 17, tzinfo=UTC)
    end = journaled.read("put-off").deferred_end
    assert end is not None
    assert (end.status, end.message) == ("expired", "No candidate left")


def test_what_6fb9f58_brought_home_is_known_by_its_folders_and_what_was_gone_is_fetched_again(
    journaled: Ledger,
) -> None:
    record = journaled.read("home")
    one, two, three = record.requests[0].deliverables
    assert (one.name, one.folders, one.missing_files) == ("one", ("one-a", "one-b"), ("scene s9",))
    assert one.delivered_at is not None
    assert (two.delivered_at, three.delivered_at, record.requests[0].undelivered) == (None, None, ["two", "three"])
    assert record.home == "/archive/home"
    assert record.requests[0].last.available_since["two"] == datetime(2026, 11, 20, 13, tzinfo=UTC)


def test_requests_of_6fb9f58_count_by_the_price_that_was_known_in_the_month_they_were_announced(
    journaled: Ledger,
) -> None:
    charges = {(one.reference, one.request_id): one for one in journaled.charges()}
    bought = charges["asked-and-bought", "R-asked-and-bought-C-1"]
    assert (bought.price, bought.currency, bought.state) == (Decimal("4500.25"), "EUR", ChargeState.RESERVED)
    assert bought.charged_at == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert charges["home", "R-home-C-1"].state is ChargeState.SPENT, "something of it came home"
    assert charges["tries", "R-tries-C-1"].state is ChargeState.REFUNDED, "it was rejected for good"
    assert charges["doubt", None].state is ChargeState.RESERVED, "nobody knows whether it arrived"
    assert {one for reference, one in charges if reference == "twice"} == {"R-twice-C-1", "R-twice-C-2"}
    assert journaled.counted(Payer("asked-and-bought", "-", None))["order"].taken("EUR") == Decimal("4500.25")


def test_requests_of_6fb9f58_are_found_by_the_id_that_a_webhook_names(journaled: Ledger) -> None:
    assert journaled.references_of_requests("iceye", {"r-twice-c-2"}) == {"twice": "run-of-twice"}


def test_a_pair_that_differs_in_capitals_is_kept_and_told_and_gets_no_third(old: str) -> None:
    with closing(open_ledger(old)) as book:
        for one, other in (("pair", "Pair"), ("Pair", "pair")):
            line = book.journal(one)[-1]
            assert line.event == "references alike"
            assert f"Order {other} is called the same" in line.message
            assert book.read(one).requests
        with pytest.raises(ReferenceTaken, match="capitals"):
            claim(book, "PAIR")
        with pytest.raises(ReferenceTaken, match="capitals"):
            claim(book, "Imagery")


def claim(book: Any, reference: str) -> None:
    order = {"name": "Bay", "account": "a/b", "reference": reference}
    book.claim(reference, order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)


def test_a_process_that_dies_while_it_upgrades_leaves_the_ledger_as_it_was(
    old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr("alembic.op.create_index", dies)
        with pytest.raises(KeyboardInterrupt):
            open_ledger(old)
    engine = create_engine(old)
    with engine.connect() as connection:
        assert not engine.dialect.has_table(connection, migrations.TABLE)
        assert connection.scalar(text("SELECT count(*) FROM journal WHERE event = 'references alike'")) == 0
    engine.dispose()
    test_a_ledger_of_128290c_holds_the_same_orders_after_the_upgrade(old)


def test_a_ledger_of_newer_code_is_refused_and_left_alone(database: str) -> None:
    with closing(open_ledger(database)) as book:
        claim(book, "bay")
    engine = create_engine(database)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {migrations.TABLE} SET version_num = '0999'"))
    with pytest.raises(LedgerUnavailable, match=r"newer code .*0999.*install that version") as refused:
        open_ledger(database)
    assert refused.value.retryable  # its orders wait
    with engine.begin() as connection:
        assert connection.scalars(text(f"SELECT version_num FROM {migrations.TABLE}")).all() == ["0999"]
        assert connection.scalars(text("SELECT reference FROM orders")).all() == ["bay"]
    engine.dispose()


def test_opening_a_ledger_that_is_up_to_date_is_one_query(database: str) -> None:
    open_ledger(database).close()
    asked: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        asked.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        open_ledger(database).close()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    questions = [one for one in asked if "BEGIN" not in one]
    assert len([one for one in questions if migrations.TABLE in one]) == 1
    assert [one for one in questions if migrations.TABLE not in one and "pg_catalog" not in one] in ([], FIRST_CONNECT)


FIRST_CONNECT = ["show standard_conforming_strings"]
"""What SQLAlchemy asks Postgres on an engine's first connection."""


def test_a_database_that_has_alembic_tables_of_others_is_no_ledger_of_theirs(empty_database: str) -> None:
    engine = create_engine(empty_database)
    with engine.begin() as connection:  # Prefect's server keeps its own here
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('9e83011d1f2a')"))
    with closing(open_ledger(empty_database)) as book:
        claim(book, "bay")
    with engine.begin() as connection:
        assert connection.scalars(text("SELECT version_num FROM alembic_version")).all() == ["9e83011d1f2a"]
    engine.dispose()


@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_revisions_make_the_tables_that_the_code_knows(empty_database: str) -> None:
    def ours(_name: Any, kind: str, _parent: Any) -> bool:
        return kind != "table" or _name != migrations.TABLE

    open_ledger(empty_database).close()
    engine = create_engine(empty_database)
    with engine.connect() as connection:
        # SQLite holds no text to its width, so that nothing is widened there
        options = {"compare_type": connection.dialect.name != "sqlite", "include_name": ours}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


def test_a_ledger_that_another_process_makes_between_two_looks_is_opened(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_ledger(database).close()
    read, before = upgrading._read_revisions, [ProgrammingError("SELECT", {}, Exception("no such table"))]

    def made_meanwhile(connection: Connection) -> list[str]:
        if before:  # it was not there yet at this look, and is there at the next
            raise before.pop()
        return read(connection)

    monkeypatch.setattr(upgrading, "_read_revisions", made_meanwhile)
    with closing(open_ledger(database)) as ledger:
        assert ledger.orders() == []
    assert before == []
