"""Announced creates: one row for each round of a label, which one process announces and which gets one outcome."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tasking.ledger.records import Intent
from tasking.ledger.rows import intent_of
from tasking.ledger.tables import CreateAttemptRow

MADE = ("made", "adopted")
"""Outcomes that say that it stands at the provider."""


def row_of(session: Session, reference: str, intent: Intent) -> CreateAttemptRow:
    """The row of an announcement."""
    return session.scalars(_of_label(reference, intent.verb, intent.label).filter_by(round=intent.round)).one()


def open_intent(session: Session, reference: str, verb: str, label: str) -> Intent | None:
    """The announcement that has no outcome yet, or ``None``."""
    last = session.scalar(_of_label(reference, verb, label).order_by(CreateAttemptRow.round.desc()).limit(1))
    return Intent.model_validate(intent_of(last)) if last is not None and last.outcome is None else None


def any_open(session: Session, reference: str, verb: str) -> bool:
    """Whether an announcement of an order has no outcome yet, whatever its label."""
    query = select(CreateAttemptRow.id).where(
        CreateAttemptRow.reference == reference, CreateAttemptRow.verb == verb, CreateAttemptRow.outcome.is_(None)
    )
    return session.scalar(query.limit(1)) is not None


def made(session: Session, reference: str, verb: str, label: str) -> bool:
    """Whether this create is known to have been made."""
    stands = CreateAttemptRow.outcome.in_(MADE) | CreateAttemptRow.made_late
    return session.scalar(_of_label(reference, verb, label).where(stands).limit(1)) is not None


def rounds(session: Session, reference: str, verb: str, label: str) -> int:
    """How often this create was announced."""
    query = select(func.max(CreateAttemptRow.round)).where(
        CreateAttemptRow.reference == reference, CreateAttemptRow.verb == verb, CreateAttemptRow.label == label
    )
    return session.scalar(query) or 0


def looks(row: CreateAttemptRow) -> list[datetime]:
    """Our times at which an announced create was looked for and was not there, oldest first."""
    return [datetime.fromisoformat(one) for one in row.looks]


def _of_label(reference: str, verb: str, label: str) -> Select[CreateAttemptRow]:
    return select(CreateAttemptRow).where(
        CreateAttemptRow.reference == reference, CreateAttemptRow.verb == verb, CreateAttemptRow.label == label
    )
