"""Reading and writing the ledger; every change is one transaction together with its journal line."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import Engine, func, inspect, select
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable, OrderEnded, ReferenceTaken, TaskingError
from tasking.ledger import intents
from tasking.ledger.records import Entry, Intent, OrderRecord
from tasking.ledger.tables import Base, JournalRow, OrderRow
from tasking.status import StatusCode


class UnknownReference(TaskingError, LookupError):
    """The ledger has no order with this reference."""


class Filter(BaseModel):
    """Which orders to list; unset fields do not narrow."""

    model_config = ConfigDict(frozen=True)

    provider: str | None = None
    account: str | None = None
    site: str | None = None
    status: str | None = None
    flow_run_id: str | None = None
    open_only: bool = False
    limit: int = 100


class Revision(NamedTuple):
    """A change of an order: its line in the journal (``None`` for none), and its columns."""

    happened: str | None
    message: str
    fields: dict[str, Any]


class Ledger:
    """The orders and their journal. Usable from several processes and threads at once.

    Every method raises `LedgerUnavailable` when the database does not answer, or refuses to work: it takes no writes,
    lacks a right or a column, or holds an order that only newer code can read. None of that is about the order.
    """

    def __init__(self, engine: Engine, now: Callable[[], datetime] = utc_now) -> None:
        self._engine, self._now = engine, now
        where = engine.url
        self._place = f"{where.host}:{where.port or ''}/{where.database}" if where.host else str(where.database)

    def prepare(self) -> None:
        """Make the tables when they are absent."""
        with self._answering():
            reading = self._engine.execution_options(reading=True)  # making tables takes the lock of all writers
            if set(Base.metadata.tables) <= set(inspect(reading).get_table_names()):
                return
            try:
                Base.metadata.create_all(self._engine)
            except DBAPIError:  # another process made them in the same moment
                Base.metadata.create_all(self._engine)

    def now(self) -> datetime:
        """Our time, as written beside what happens."""
        return self._now()

    def close(self) -> None:
        """Give back the connections."""
        self._engine.dispose()

    def find(self, reference: str) -> OrderRecord | None:
        """The order, or ``None``."""
        with self._session(reading=True) as session:
            row = session.get(OrderRow, reference)
            return None if row is None else _record(row)

    def read(self, reference: str) -> OrderRecord:
        """The order; raises `UnknownReference`."""
        record = self.find(reference)
        if record is None:
            raise UnknownReference(f"reference: {reference}: the ledger has no such order")
        return record

    def claim(
        self,
        reference: str,
        order: dict[str, Any],
        *,
        provider: str,
        flow_run_id: str,
        owner_is_gone: Callable[[str], bool],
    ) -> OrderRecord:
        """Own a reference: the first run gets it, the same run keeps it, another only when the owner is gone.

        An order that ended without a delivery is opened again for the run that owns it (a person pressed Retry): the
        steps find what was already made. A delivered or cancelled one is handed back as it is, with ``ended`` set.

        Args:
            reference: Ours.
            order: The order, JSON; must equal the one first claimed.
            provider: Provider name.
            flow_run_id: Who asks.
            owner_is_gone: Tells for the owner's flow run id whether it can no longer go on.

        Raises:
            ReferenceTaken: Another run owns it, or it names another order.
        """
        with self._session(reading=True) as session:
            like = select(OrderRow.reference).where(func.lower(OrderRow.reference) == reference.lower())
            if (other := session.scalar(like.where(OrderRow.reference != reference))) is not None:
                raise ReferenceTaken(
                    f"reference: {reference}: differs from {other} in capitals only, and many disks do not tell them "
                    "apart: give this order a reference of its own"
                )
        with self._session() as session:
            session.add(
                OrderRow(
                    reference=reference,
                    provider=provider,
                    account=order["account"],
                    site=order.get("site"),
                    name=order["name"],
                    order=order,
                    flow_run_id=flow_run_id,
                    host=socket.gethostname(),
                    created=self._now(),
                    updated=self._now(),
                )
            )
            try:
                session.flush()
            except IntegrityError:
                session.rollback()
            else:
                self._note(session, reference, "claimed", f"Order {reference} accepted: {order['name']}")
                return self._snapshot(session, reference)
        held = self.read(reference)
        gone = held.flow_run_id != flow_run_id and may_go_on(held) and owner_is_gone(held.flow_run_id)
        return self._take_over(held, order, flow_run_id, gone)

    def _take_over(self, held: OrderRecord, order: dict[str, Any], flow_run_id: str, gone: bool) -> OrderRecord:
        mine = held.flow_run_id == flow_run_id
        if not mine and not gone:
            state = f"ended: {held.outcome}" if held.ended else "still open"
            raise ReferenceTaken(
                f"reference: {held.reference}: owned by flow run {held.flow_run_id} ({state}): "
                "give this order a reference of its own, or look at that run"
            )
        if not mine and not _same(held.order, order):
            raise ReferenceTaken(
                f"reference: {held.reference}: names another order ({held.name}): "
                "give this order a reference of its own"
            )
        with self._session() as session:
            row = self._locked(session, held.reference)
            if row.flow_run_id != held.flow_run_id:
                raise ReferenceTaken(f"reference: {held.reference}: flow run {row.flow_run_id} took it over just now")
            if not mine:
                row.flow_run_id = flow_run_id
                self._note(session, row.reference, "taken over", f"Run {flow_run_id} goes on for {held.flow_run_id}")
            if row.ended is not None and may_go_on(_record(row)):
                row.ended = row.outcome = None
                self._note(session, row.reference, "reopened", "Tried again; what was already made is found again")
            row.waits_for = row.wake_at = None
            row.host = socket.gethostname()
            return self._snapshot(session, row.reference)

    def record(self, reference: str, happened: str | None = None, message: str = "", /, **fields: Any) -> OrderRecord:
        """Change columns of an order and, when ``happened`` is given, add its line to the journal, in one transaction.

        Args:
            reference: Ours.
            happened: Event word, e.g. ``planned``; ``None`` for a change not worth a line.
            message: What happened, for a person.
            fields: Columns of `OrderRecord`; ``detail`` goes to the journal line. A function gets the order as it
                stands now and hands back the value, so that nothing newer is overwritten.
        """
        return self.revise(reference, lambda _now: Revision(happened, message, fields))

    def revise(self, reference: str, change: Callable[[OrderRecord], Revision]) -> OrderRecord:
        """Change an order by what it is now: ``change`` sees the order while nobody else can write it."""
        with self._session() as session:
            row = self._locked(session, reference)
            now = _record(row)
            happened, message, fields = change(now)
            detail = fields.pop("detail", {})
            _assign(row, now, fields)
            if happened is not None:
                self._note(session, reference, happened, message, detail)
            return self._snapshot(session, reference)

    def open_intent(self, reference: str, verb: str, label: str) -> Intent | None:
        """The create that was announced and has no outcome yet, or ``None``."""
        with self._session(reading=True) as session:
            return intents.open_intent(session, reference, verb, label)

    def intend(
        self, reference: str, verb: str, label: str, at: datetime, ours: datetime | None = None
    ) -> Intent | None:
        """Announce a create, durably, before it is sent.

        Args:
            reference: Ours.
            verb: ``plan`` or ``request``.
            label: What the create will carry.
            at: The provider's time now.
            ours: Our own time now.

        Returns:
            The intent, or ``None`` when it must not be sent: another process announced the same create and its outcome
            is unknown, or it was made already.

        Raises:
            OrderEnded: The order ended, or a person asked to cancel it.
        """
        with self._session() as session:
            row = self._locked(session, reference)
            if row.cancel_asked or row.ended is not None:
                raise OrderEnded(
                    "user_cancelled", row.outcome or f"Order {reference} was cancelled before the {verb} was made"
                )
            if intents.open_intent(session, reference, verb, label) is not None or intents.made(
                session, reference, verb, label
            ):
                return None
            number = intents.rounds(session, reference, verb, label) + 1
            intent = Intent(verb=verb, label=label, round=number, at=at, ours=ours)
            self._note(
                session,
                reference,
                f"{verb} intended",
                f"About to create the {verb} {label}" + (f" (try {number})" if number > 1 else ""),
                intent.model_dump(mode="json"),
                once=intents.once(reference, verb, label, number, "intent"),
            )
            try:
                session.flush()
            except IntegrityError:
                session.rollback()
                return None
            return intent

    def looked(self, reference: str, intent: Intent, ours: datetime, apart: timedelta) -> int:
        """Note that an announced create was looked for and is not there; how many such looks there are by now.

        Args:
            reference: Ours.
            intent: What was announced.
            ours: Our own time of this look.
            apart: Looks closer to the one before, or to the announcement, are not counted.
        """
        with self._session() as session:
            self._locked(session, reference)
            before = intents.looks(session, reference, intent)
            last = before[-1] if before else intent.ours
            if last is not None and abs(ours - last) < apart:
                return len(before)
            detail = {**intent.model_dump(mode="json"), "looked": ours.isoformat()}
            self._note(
                session, reference, f"{intent.verb} not seen", f"The {intent.verb} {intent.label} is not there", detail
            )
            return len(before) + 1

    def settle(self, reference: str, intent: Intent, outcome: str, message: str, /, **fields: Any) -> OrderRecord:
        """Close an intent with what became of it, together with what is then known.

        Args:
            reference: Ours.
            intent: What was announced.
            outcome: ``made``, ``adopted``, ``refused`` or ``absent``.
            message: For a person.
            fields: Columns of `OrderRecord`.

        Closing it a second time changes nothing in the journal (two processes may both see the outcome).
        """
        with self._session() as session:
            row = self._locked(session, reference)
            once = intents.once(reference, intent.verb, intent.label, intent.round, "outcome")
            if session.scalar(select(JournalRow.id).where(JournalRow.once == once)) is None:
                _assign(row, _record(row), fields)
                self._note(
                    session, reference, f"{intent.verb} {outcome}", message, intent.model_dump(mode="json"), once=once
                )
            return self._snapshot(session, reference)

    def orders(
        self, which: Filter | None = None, *, unreadable: Callable[[str, str], None] | None = None
    ) -> list[OrderRecord]:
        """Orders, newest first.

        Args:
            which: Which ones.
            unreadable: Told of each order that this code cannot read (its flow run id, and why); it is left out then.
                Without it such an order raises `LedgerUnavailable`: who asks whether there is one must not hear no.
        """
        which = which or Filter()
        query = select(OrderRow).order_by(OrderRow.created.desc()).limit(which.limit)
        for column in ("provider", "account", "site", "status", "flow_run_id"):
            if (value := getattr(which, column)) is not None:
                query = query.where(getattr(OrderRow, column) == value)
        if which.open_only:
            query = query.where(OrderRow.ended.is_(None))
        with self._session(reading=True) as session:
            found = []
            for row in session.scalars(query):
                try:
                    found.append(_record(row))
                except LedgerUnavailable as error:
                    if unreadable is None:
                        raise
                    unreadable(row.flow_run_id, str(error))
            return found

    def journal(self, reference: str) -> list[Entry]:
        """Everything that happened to an order, oldest first."""
        with self._session(reading=True) as session:
            rows = session.scalars(select(JournalRow).where(JournalRow.reference == reference).order_by(JournalRow.id))
            return [Entry.model_validate(row) for row in rows]

    def _note(
        self,
        session: Session,
        reference: str,
        happened: str,
        message: str,
        detail: dict[str, Any] | None = None,
        once: str | None = None,
    ) -> None:
        session.add(
            JournalRow(
                reference=reference,
                at=self._now(),
                event=happened,
                message=_plain(message),
                detail=detail or {},
                once=once,
            )
        )

    def _locked(self, session: Session, reference: str) -> OrderRow:
        row = session.get(OrderRow, reference, with_for_update=True)
        if row is None:
            raise UnknownReference(f"reference: {reference}: the ledger has no such order")
        row.updated = self._now()
        return row

    def _snapshot(self, session: Session, reference: str) -> OrderRecord:
        session.flush()
        session.expire_all()
        return _record(session.get_one(OrderRow, reference))

    @contextmanager
    def _session(self, *, reading: bool = False) -> Iterator[Session]:
        engine = self._engine.execution_options(reading=reading)
        with self._answering(), Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, DataError):  # about what was to be written, not about the database
            raise
        except DBAPIError as error:
            # the driver's words, without the statement and its parameters, which hold a person's data
            raise LedgerUnavailable(f"the ledger at {self._place} did not answer: {error.orig}") from None


def _record(row: OrderRow) -> OrderRecord:
    try:
        return OrderRecord.model_validate(row)
    except ValidationError as error:
        wrong = "; ".join(
            f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)[:3]
        )
        raise LedgerUnavailable(
            f"the code on this machine cannot read order {row.reference} in the ledger ({wrong}): upgrade it"
        ) from None


def _assign(row: OrderRow, now: OrderRecord, fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        setattr(row, name, _plain(value(now) if callable(value) else value))


def may_go_on(record: OrderRecord) -> bool:
    """Whether an order may be opened again once it has ended.

    ======================================  ==========================================================
    delivered                               no: there is nothing left to do
    cancelled before anything was ordered   no: a person wished so, and nothing is owed
    any other end                           yes: Retry finds what was made and goes on with it
    ======================================  ==========================================================
    """
    if record.ended is None:
        return True
    return record.status != StatusCode.COMPLETED and not (record.cancel_asked and not record.requests)


def _same(held: dict[str, Any], order: dict[str, Any]) -> bool:
    """Whether two orders ask for the same; fields that only one of them knows came or went with a new version."""
    return all(held[key] == order[key] for key in held.keys() & order.keys() if key != "reference")


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, str):
        return value.replace("\0", "")  # Postgres takes none
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value
