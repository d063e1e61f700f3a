"""Which archives were used before: one whose address is known, and whose marker is missing, has lost its disk."""

from __future__ import annotations

import hashlib

from sqlalchemy.exc import IntegrityError

from tasking.ledger.ledger import Ledger
from tasking.ledger.tables import ArchiveRow
from tasking.ledger.values import plain


def known(ledger: Ledger, address: str) -> bool:
    """Whether an order of this ledger has used the archive at this address."""
    with ledger.session(reading=True) as session:
        return session.get(ArchiveRow, _key(address)) is not None


def remember(ledger: Ledger, reference: str, address: str) -> None:
    """Note that this order uses the archive at this address; only the first one to do so leaves a line."""
    if known(ledger, address):
        return
    with ledger.session() as session:
        said = f"Archive {address} used for the first time"
        session.add(ArchiveRow(key=_key(address), address=plain(address), reference=reference, first_used=ledger.now()))
        ledger.note(session, reference, "archive", said, {"address": address})
        try:
            session.flush()
        except IntegrityError:  # another order was first
            session.rollback()


def _key(address: str) -> str:
    return hashlib.sha256(address.encode("utf-8", "surrogateescape")).hexdigest()
