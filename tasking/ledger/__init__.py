"""The ledger: what is true about every order, in one small SQL database.

It is the claim (two runs cannot own one reference), the write-ahead intent before every create, the history a person
filters, and what the watcher reads. Whether a flow run is scheduled, running or failed is Prefect's to say and is not
copied here.
"""

from tasking.ledger.engine import open_ledger
from tasking.ledger.ledger import Ledger, Revision
from tasking.ledger.queries import Filter
from tasking.ledger.records import (
    ANYWHERE,
    ChargeRecord,
    ChargeState,
    DeferredEnd,
    Deliverable,
    Intent,
    JournalEntry,
    OrderRecord,
    RequestRecord,
)

__all__ = [
    "ANYWHERE",
    "ChargeRecord",
    "ChargeState",
    "DeferredEnd",
    "Deliverable",
    "Filter",
    "Intent",
    "JournalEntry",
    "Ledger",
    "OrderRecord",
    "RequestRecord",
    "Revision",
    "open_ledger",
]
