"""Writes of the ledger that are struck: before their commit, after it, or by an answer that never comes."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from chaos.fault_plan import Fault
from chaos.inject_http import die
from chaos.trace import Trace


def inject_ledger(trace: Trace) -> None:
    """From now on each commit of this process that writes is a point, named by its lines in the journal."""

    @event.listens_for(Session, "before_flush")
    def remember(session: Session, _context: Any, _instances: Any) -> None:
        events = [one.event for one in session.new if hasattr(one, "event")]
        if events or session.dirty or session.new:
            session.info["writes"] = [*session.info.get("writes", []), *events]

    @event.listens_for(Session, "before_commit")
    def before(session: Session) -> None:
        session.flush()
        if "writes" not in session.info:
            return
        what = " + ".join(session.info.pop("writes")) or "columns"
        fault = session.info["fault"] = trace.reach("ledger", what)
        if fault is not None and fault.kind == "killed before":
            die()
        if fault is not None and fault.kind == "locked":
            raise _broken("database is locked")

    @event.listens_for(Session, "after_commit")
    def after(session: Session) -> None:
        fault: Fault | None = session.info.pop("fault", None)
        if fault is not None and fault.kind == "killed after":
            die()
        if fault is not None and fault.kind == "answer lost":
            raise _broken("server closed the connection unexpectedly")


def _broken(words: str) -> OperationalError:
    return OperationalError("COMMIT", {}, sqlite3.OperationalError(words))
