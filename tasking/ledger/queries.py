"""What can be asked of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy import func, select

from tasking.budget import SCOPES, Counted, Payer, Scope
from tasking.errors import LedgerUnavailable
from tasking.ledger import charges, creates
from tasking.ledger.records import ChargeRecord, Intent, JournalEntry, OrderRecord
from tasking.ledger.rows import WITH_ALL, record_of
from tasking.ledger.tables import JournalRow, OrderRow, RequestRow
from tasking.ledger.transactions import Transactions, UnknownReference
from tasking.status import ENDS, OrderStatus

IDS_AT_ONCE = 500
"""How many ids one query names: databases bound how many values it may carry."""


class Filter(BaseModel):
    """Which orders to list; unset fields do not narrow.

    Attributes:
        status: Where they stand with us, see `OrderRecord.order_status`.
        provider_status: The provider's own word for the last request.
    """

    model_config = ConfigDict(frozen=True)

    provider: str | None = None
    account: str | None = None
    site: str | None = None
    status: OrderStatus | None = None
    provider_status: str | None = None
    flow_run_id: str | None = None
    open_only: bool = False
    limit: int = 100


def in_turn(parts: Iterable[OrderRecord]) -> list[OrderRecord]:
    """Parts of one order as they were started."""
    return sorted(parts, key=lambda one: (one.created, len(one.reference), one.reference))


class Reading(Transactions):
    """The questions; none of them changes anything."""

    def find(self, reference: str) -> OrderRecord | None:
        """The order, or ``None``."""
        with self.session(reading=True) as session:
            row = session.get(OrderRow, reference, options=WITH_ALL)
            return None if row is None else record_of(row)

    def read(self, reference: str) -> OrderRecord:
        """The order; raises `UnknownReference`."""
        record = self.find(reference)
        if record is None:
            raise UnknownReference(f"reference: {reference}: the ledger has no such order")
        return record

    def open_intent(self, reference: str, verb: str, label: str) -> Intent | None:
        """The create that was announced and has no outcome yet, or ``None``."""
        with self.session(reading=True) as session:
            return creates.open_intent(session, reference, verb, label)

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
        query = select(OrderRow).options(*WITH_ALL).order_by(OrderRow.created.desc())
        for column in ("provider", "account", "site", "provider_status", "flow_run_id"):
            if (value := getattr(which, column)) is not None:
                query = query.where(getattr(OrderRow, column) == value)
        if which.open_only:
            query = query.where(OrderRow.ended.is_(None))
        if which.status is None:
            query = query.limit(which.limit)
        else:
            over = which.status in ENDS.values()
            query = query.where(OrderRow.ended.is_not(None) if over else OrderRow.ended.is_(None))
        with self.session(reading=True) as session:
            found: list[OrderRecord] = []
            for row in session.scalars(query.execution_options(yield_per=1000)):
                try:
                    record = record_of(row)
                except LedgerUnavailable as error:
                    if unreadable is None:
                        raise
                    unreadable(row.flow_run_id, str(error))
                    continue
                if which.status in (None, record.order_status):
                    found.append(record)
                if len(found) == which.limit:
                    break
            return found

    def parts(self, reference: str) -> list[OrderRecord]:
        """The parts of an order that goes to several accounts, oldest first, with the studies made for it."""
        query = select(OrderRow).options(*WITH_ALL).where(OrderRow.part_of == reference)
        with self.session(reading=True) as session:
            return in_turn(record_of(row) for row in session.scalars(query))

    def references_of_requests(self, provider: str, ids: Collection[str]) -> dict[str, str]:
        """The open orders, with their flow runs' ids, that have a request with one of these ids.

        Args:
            provider: Its name.
            ids: The provider's, in any capitals. There may be many thousands: every word of a webhook's body could be
                one.
        """
        found: dict[str, str] = {}
        lower = sorted({one.lower() for one in ids})
        with self.session(reading=True) as session:
            for start in range(0, len(lower), IDS_AT_ONCE):
                query = (
                    select(OrderRow.reference, OrderRow.flow_run_id)
                    .join(RequestRow, RequestRow.reference == OrderRow.reference)
                    .where(OrderRow.provider == provider, OrderRow.ended.is_(None))
                    .where(func.lower(RequestRow.provider_request_id).in_(lower[start : start + IDS_AT_ONCE]))
                )
                found |= {row.reference: row.flow_run_id for row in session.execute(query)}
        return found

    def counted(self, payer: Payer, scopes: Collection[Scope] = SCOPES) -> Counted:
        """What is reserved and spent by now of each limit that holds for a payer; its order may not exist yet.

        Args:
            payer: For whom.
            scopes: Which limits are asked for; without those of a month none is read.
        """
        with self.session(reading=True) as session:
            return charges.counted(session, payer, self.now(), scopes)

    def charges(
        self,
        *,
        provider: str | None = None,
        account: str | None = None,
        site: str | None = None,
        since: datetime | None = None,
        before: datetime | None = None,
    ) -> list[ChargeRecord]:
        """What requests cost, and announced ones that may have been made; the oldest first.

        Args:
            provider: Its name.
            account: The block, as type/name.
            site: Of the orders.
            since, before: Only those announced in this time of ours.
        """
        with self.session(reading=True) as session:
            found = charges.read(session, self.now(), None, None)
        return sorted(
            (
                one
                for one in found
                if provider in (None, one.provider)
                and account in (None, one.account)
                and site in (None, one.site)
                and (since is None or (one.charged_at is not None and one.charged_at >= since))
                and (before is None or (one.charged_at is not None and one.charged_at < before))
            ),
            key=lambda one: (one.charged_at or self.now(), one.reference),
        )

    def journal(self, reference: str) -> list[JournalEntry]:
        """Everything that happened to an order, oldest first."""
        with self.session(reading=True) as session:
            rows = session.scalars(select(JournalRow).where(JournalRow.reference == reference).order_by(JournalRow.id))
            return [JournalEntry.model_validate(row) for row in rows]
