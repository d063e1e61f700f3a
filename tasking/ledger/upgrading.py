"""A ledger is brought to the revision of this code when it is opened, once, whoever comes first."""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, Engine, column, inspect, select, table, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from tasking.errors import LedgerUnavailable
from tasking.ledger.migrations import HEAD, TABLE

ADVISORY_LOCK = 7_305_201_104_912
"""Names our lock in Postgres, so that of several processes one upgrades; any number does that nobody else uses."""

_ALEMBIC = threading.Lock()
"""Alembic hands its context to the revisions in a global variable: one thread at a time."""


def bring_up_to_date(engine: Engine, place: str) -> None:
    """Make the tables, or bring them to the revision of this code; one query when they are there.

    All of it is one transaction, which a process that dies takes with it. A process that comes meanwhile waits for it,
    and finds it done.

    Args:
        engine: The database.
        place: Where that is, for a person.

    Raises:
        LedgerUnavailable: Newer code wrote this ledger.
    """
    reading = engine.execution_options(reading=True)  # no lock of the writers
    with reading.connect() as connection:
        if _revisions(connection) == [HEAD]:
            return
    with _ALEMBIC, engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": ADVISORY_LOCK})
        if (held := _revisions(connection)) != [HEAD]:
            _upgrade(connection, held, place)


def _revisions(connection: Connection) -> list[str]:
    """What the ledger says of its revision; nothing where it was never opened, or by code older than revisions."""
    try:
        return _read_revisions(connection)
    except (OperationalError, ProgrammingError):
        if not inspect(connection).has_table(TABLE):
            return []
        return _read_revisions(connection)  # another process made it between the two looks


def _read_revisions(connection: Connection) -> list[str]:
    with connection.begin_nested() if connection.in_transaction() else connection.begin():
        return list(connection.scalars(select(column("version_num")).select_from(table(TABLE))))


def _grant_alike(connection: Connection, before: set[str]) -> None:
    """Who may use the table of the orders may use those that came after it; everybody may look at the revision."""
    connection.execute(text(f"GRANT SELECT ON {TABLE} TO PUBLIC"))
    if "orders" not in before:  # a new ledger: its owner grants what he likes
        return
    made = sorted(set(inspect(connection).get_table_names()) - before - {TABLE})
    held = text(
        "SELECT grantee, privilege_type FROM information_schema.table_privileges "
        "WHERE table_schema = current_schema() AND table_name = 'orders' AND grantee <> grantor"
    )
    quote = connection.dialect.identifier_preparer.quote
    for grantee, right in connection.execute(held).all():
        who = "PUBLIC" if grantee == "PUBLIC" else quote(grantee)
        for name in made:
            connection.execute(text(f"GRANT {right} ON {quote(name)} TO {who}"))
            if right == "INSERT" and "id" in {one["name"] for one in inspect(connection).get_columns(name)}:
                connection.execute(text(f"GRANT USAGE ON SEQUENCE {quote(f'{name}_id_seq')} TO {who}"))


def _upgrade(connection: Connection, held: list[str], place: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    known = {one.revision for one in ScriptDirectory.from_config(config).walk_revisions()}
    if newer := [one for one in held if one not in known]:
        raise LedgerUnavailable(
            f"the ledger at {place} was written by newer code (its revision is {', '.join(newer)}, this code knows "
            f"{HEAD} and those before): install that version of tasking-flows on this machine; orders wait until then"
        )
    before = set(inspect(connection).get_table_names())
    try:
        command.upgrade(config, "head")
        if connection.dialect.name == "postgresql":
            _grant_alike(connection, before)
    except ProgrammingError as error:
        said = str(error.orig).partition("\n")[0]
        raise LedgerUnavailable(
            f"the ledger at {place} could not be brought to revision {HEAD}: {said}. Open it once as a user that "
            "may change its tables: tasking-flows list --ledger URL"
        ) from None
