"""What can be asked of the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection

from pydantic import BaseModel, ConfigDict
from sqlalchemy import select

from tasking.errors import LedgerUnavailable
from tasking.ledger import intents
from tasking.ledger.records import Entry, Intent, OrderRecord
from tasking.ledger.tables import JournalRow, OrderRow
from tasking.ledger.transactions import Transactions, UnknownReference, record_of
from tasking.status import ENDS, OrderStatus


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


class Reading(Transactions):
    """The questions; none of them changes anything."""

    def find(self, reference: str) -> OrderRecord | None:
        """The order, or ``None``."""
        with self.session(reading=True) as session:
            row = session.get(OrderRow, reference)
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
            return intents.open_intent(session, reference, verb, label)

    def open_requests(self, reference: str) -> list[Intent]:
        """The requests that were announced and have no outcome yet; more than one only after an answer came late."""
        with self.session(reading=True) as session:
            return intents.all_open(session, reference, "request")

    def references_of_requests(self, ids: Collection[str]) -> dict[str, list[str]]:
        """The open orders that hold requests with these ids of the provider, by id.

        An id counts as it stands, and in lower case: providers write UUIDs either way. Ids that no open order has are
        left out. There may be many thousands: every word of a webhook's body could be one.
        """
        wanted, found = frozenset(ids), defaultdict[str, list[str]](list)
        query = select(OrderRow.reference, OrderRow.requests).where(OrderRow.ended.is_(None))
        with self.session(reading=True) as session:
            for reference, requests in session.execute(query):
                for request in requests:
                    request_id = str(request.get("last", {}).get("id"))  # newer code may write it otherwise
                    if request_id in wanted or request_id.lower() in wanted:
                        found[request_id].append(reference)
        return dict(found)

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
        query = select(OrderRow).order_by(OrderRow.created.desc())
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

    def journal(self, reference: str) -> list[Entry]:
        """Everything that happened to an order, oldest first."""
        with self.session(reading=True) as session:
            rows = session.scalars(select(JournalRow).where(JournalRow.reference == reference).order_by(JournalRow.id))
            return [Entry.model_validate(row) for row in rows]
