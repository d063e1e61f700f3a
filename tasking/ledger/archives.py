"""Which archives were used before: one whose address is known, and whose marker is missing, has lost its disk.

Each is a line in the journal of the order that used it first, under a unique key, so that one line is written.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from tasking.ledger.ledger import Ledger
from tasking.ledger.tables import JournalRow


def known(ledger: Ledger, address: str) -> bool:
    """Whether an order of this ledger has used the archive at this address."""
    with ledger.session(reading=True) as session:
        return session.scalar(select(JournalRow.id).where(JournalRow.once == _once(address))) is not None


def remember(ledger: Ledger, reference: str, address: str) -> None:
    """Note that this order uses the archive at this address; only the first one to do so leaves a line."""
    if known(ledger, address):
        return
    with ledger.session() as session:
        said = f"Archive {address} used for the first time"
        ledger.note(session, reference, "archive", said, {"address": address}, once=_once(address))
        try:
            session.flush()
        except IntegrityError:  # another order was first
            session.rollback()


def _once(address: str) -> str:
    """No order's key begins like this: references hold no space. Hashed, because a path may be longer than a key."""
    return f"archive used/{hashlib.sha256(address.encode('utf-8', 'surrogateescape')).hexdigest()}"
