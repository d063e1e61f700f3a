"""The ledger's database: one transaction for each change, together with its line in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable, TaskingError
from tasking.ledger.records import OrderRecord
from tasking.ledger.rows import WITH_ALL, record_of
from tasking.ledger.tables import JournalRow, OrderRow
from tasking.ledger.upgrading import bring_up_to_date
from tasking.ledger.values import plain


class UnknownReference(TaskingError, LookupError):
    """The ledger has no order with this reference."""


class Transactions:
    """Opens transactions on the ledger's database, and writes the journal in them."""

    def __init__(
        self, engine: Engine, now: Callable[[], datetime] = utc_now, released: Callable[[], None] | None = None
    ) -> None:
        self._engine, self._now, self._released = engine, now, released or engine.dispose
        where = engine.url
        self._place = f"{where.host}:{where.port or ''}/{where.database}" if where.host else str(where.database)

    def prepare(self) -> None:
        """Make the tables, or bring those of an older version up to date."""
        with self._answering():
            bring_up_to_date(self._engine, self._place)

    def now(self) -> datetime:
        """Our time, as written beside what happens."""
        return self._now()

    def close(self) -> None:
        """Give back the connections; once is enough."""
        released, self._released = self._released, _nothing
        released()

    def note(
        self,
        session: Session,
        reference: str,
        happened: str,
        message: str,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """Add a line to an order's journal."""
        session.add(
            JournalRow(
                reference=reference,
                at=self._now(),
                event=happened,
                message=plain(message),
                detail=plain(detail or {}),
            )
        )

    def locked(self, session: Session, reference: str) -> OrderRow:
        """The order's row, which nobody else can write until the transaction ends; raises `UnknownReference`."""
        row = session.get(OrderRow, reference, with_for_update=True, options=WITH_ALL)
        if row is None:
            raise UnknownReference(f"reference: {reference}: the ledger has no such order")
        row.updated = self._now()
        return row

    def snapshot(self, session: Session, reference: str) -> OrderRecord:
        """The order as this transaction leaves it."""
        session.flush()
        session.expire_all()
        return record_of(session.get_one(OrderRow, reference, options=WITH_ALL))

    @contextmanager
    def session(self, *, reading: bool = False) -> Iterator[Session]:
        """One transaction, committed at the end.

        A reading one sees all tables as they were in one moment, and does not wait for the writers' lock (SQLite).
        """
        engine = self._engine.execution_options(reading=reading)
        if engine.dialect.name == "postgresql":
            # a writer that has waited for a lock must see what was written meanwhile, whatever the server's default is
            level = "REPEATABLE READ" if reading else "READ COMMITTED"
            engine = engine.execution_options(isolation_level=level)
        with self._answering(), Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:  # about what was to be written, not about the database
            raise
        except PoolTimeout:
            raise LedgerUnavailable(f"the ledger at {self._place} did not answer: all connections are busy") from None
        except DBAPIError as error:
            # the driver's words, without the statement and its parameters, which hold a person's data
            raise LedgerUnavailable(f"the ledger at {self._place} did not answer: {error.orig}") from None


def _nothing() -> None:
    pass
