"""Opening the ledger at its address."""

from __future__ import annotations

import os
import threading
from collections import Counter
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event

from tasking.ledger.address import ledger_address
from tasking.ledger.ledger import Ledger
from tasking.ledger.own_file import prepare_file

BUSY_SECONDS = 30
"""How long a write waits for another process's write (SQLite)."""

SILENCE = {
    "connect_timeout": 10,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}
"""Of libpq, in seconds, the last in milliseconds: without them a call to a host that is gone waits for hours."""

LIMITS = {"lock_timeout": "30s", "statement_timeout": "60s", "idle_in_transaction_session_timeout": "60s"}
"""Of Postgres, for our connections: nothing here takes nearly as long."""


def open_ledger(url: str) -> Ledger:
    """The ledger at a SQLAlchemy URL, its tables made when absent, and brought up to date when older code made them.

    Args:
        url: ``sqlite:////absolute/path.sqlite`` (the folder is created) or ``postgresql+psycopg://user@host/db``.

    Raises:
        InvalidOrder: The address is none that all processes read alike; see `tasking.ledger.address`.
        LedgerUnavailable: The database does not answer, its file is another user's, or newer code wrote the ledger.
    """
    parsed = ledger_address(url)
    if parsed.get_backend_name() == "sqlite":
        prepare_file(Path(parsed.database or ""))
    engine = _engine(parsed, os.getpid())
    with _COUNTING:
        _OPEN[engine] += 1
    ledger = Ledger(engine, released=partial(_released, engine))
    try:
        ledger.prepare()
    except BaseException:
        ledger.close()
        raise
    return ledger


@lru_cache(maxsize=8)
def _engine(url: URL, _process: int) -> Engine:
    """The engine of this process for an address, with the statements that it has compiled.

    To compile them anew for each step cost a third of an order's processor time.
    """
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        _prepare_sqlite(engine)
    else:
        engine = create_engine(url, pool_pre_ping=True, connect_args=_patience(url))
        _limit_postgres(engine)
    return engine


_OPEN: Counter[Engine] = Counter()
"""How many ledgers are open on each engine."""

_COUNTING = threading.Lock()


def _released(engine: Engine) -> None:
    """One ledger less; with the last one the connections are closed, so that no file and no server is held on to."""
    with _COUNTING:
        _OPEN[engine] -= 1
        if _OPEN[engine] > 0:
            return
        del _OPEN[engine]
        engine.dispose()


def _patience(url: URL) -> dict[str, int]:
    """How long Postgres may be silent, also when its host is gone: what the address does not say itself."""
    return {name: value for name, value in SILENCE.items() if name not in url.query}


def _limit_postgres(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:  # only what nobody has set, be it in the address, the role or the server
            cursor.execute(
                "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS wished (name, value) "
                "JOIN pg_settings USING (name) WHERE source = 'default'",
                (list(LIMITS), list(LIMITS.values())),
            )
        connection.commit()


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
