"""Announced creates, as the journal has them.

An announcement and its outcome are lines of the journal with a unique name each, so that one create is announced by one
process and gets one outcome.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tasking.ledger.records import Intent
from tasking.ledger.tables import JournalRow


def once(reference: str, verb: str, label: str, number: int, what: str) -> str:
    """The unique name of an announcement (``intent``) or of its ``outcome``."""
    return f"{reference}/{verb}/{label}/{number}/{what}"


def open_intent(session: Session, reference: str, verb: str, label: str) -> Intent | None:
    """The announcement that has no outcome yet, or ``None``."""
    number = rounds(session, reference, verb, label)
    if number == 0:
        return None
    done = select(JournalRow.id).where(JournalRow.once == once(reference, verb, label, number, "outcome"))
    if session.scalar(done) is not None:
        return None
    query = select(JournalRow.detail).where(JournalRow.once == once(reference, verb, label, number, "intent"))
    return Intent.model_validate(session.scalar(query))


def late(verb: str) -> str:
    """The journal's word for a yes that came after its announcement had got another outcome."""
    return f"{verb} made late"


def all_open(session: Session, reference: str, verb: str) -> list[Intent]:
    """The announcements of an order that have no outcome yet, whatever their label, oldest first."""
    lines = select(JournalRow.once, JournalRow.detail).where(
        JournalRow.reference == reference, JournalRow.once.startswith(f"{reference}/{verb}/", autoescape=True)
    )
    found = {name: detail for name, detail in session.execute(lines.order_by(JournalRow.id)) if name is not None}
    return [
        Intent.model_validate(detail)
        for name, detail in found.items()
        if name.endswith("/intent") and f"{name.removesuffix('intent')}outcome" not in found
    ]


def made(session: Session, reference: str, verb: str, label: str) -> bool:
    """Whether this create is known to have been made."""
    done = select(JournalRow.id).where(
        JournalRow.reference == reference,
        JournalRow.event.in_((f"{verb} made", f"{verb} adopted", late(verb))),
        JournalRow.once.startswith(f"{reference}/{verb}/{label}/", autoescape=True),
    )
    return session.scalar(done) is not None


def rounds(session: Session, reference: str, verb: str, label: str) -> int:
    """How often this create was announced."""
    prefix = f"{reference}/{verb}/{label}/"
    query = select(func.count()).where(
        JournalRow.reference == reference,
        JournalRow.event == f"{verb} intended",
        JournalRow.once.startswith(prefix, autoescape=True),
    )
    return session.scalar(query) or 0


def looks(session: Session, reference: str, intent: Intent) -> list[datetime]:
    """Our times at which an announced create was looked for and was not there, oldest first."""
    query = (
        select(JournalRow.detail)
        .where(JournalRow.reference == reference, JournalRow.event == f"{intent.verb} not seen")
        .order_by(JournalRow.id)
    )
    return [
        datetime.fromisoformat(detail["looked"])
        for detail in session.scalars(query)
        if (detail["label"], detail["round"]) == (intent.label, intent.round)
    ]
