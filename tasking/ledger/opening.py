"""Opening the ledger at its address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from tasking.errors import LedgerUnavailable
from tasking.ledger.ledger import Ledger

BUSY_SECONDS = 30
"""How long a write waits for another process's write (SQLite)."""


def open_ledger(url: str) -> Ledger:
    """The ledger at a SQLAlchemy URL, its tables made when absent.

    Args:
        url: ``sqlite:////absolute/path.sqlite`` (the folder is created) or ``postgresql+psycopg://user@host/db``.

    Raises:
        ValueError: The URL is not one; the message never shows its password.
        LedgerUnavailable: The database does not answer.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a password with a raw : or @ is read as a port or a host
        raise ValueError(
            "url: not a database URL: write sqlite:////folder/ledger.sqlite or postgresql+psycopg://..."
        ) from None
    if "@" in (parsed.host or ""):
        raise ValueError("url: the host holds an @: write the password's @ as %40 and its : as %3A")
    sqlite = parsed.get_backend_name() == "sqlite"
    if sqlite:
        if not parsed.database or parsed.database == ":memory:":
            raise ValueError(
                f"url: {url}: a ledger must outlive its process: name a file, sqlite:////folder/ledger.sqlite"
            )
        try:
            Path(parsed.database).expanduser().parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LedgerUnavailable(f"the ledger's folder cannot be used: {error}") from error
        parsed = parsed.set(database=str(Path(parsed.database).expanduser()))
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS})
        _prepare_sqlite(engine)
    else:
        engine = create_engine(parsed, pool_pre_ping=True)
    ledger = Ledger(engine)
    ledger.prepare()
    return ledger


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # a writer takes its lock at once and waits for it, instead of failing when it upgrades in the middle
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
