"""The address of a ledger: one that means the same database to every process that reads it, or none."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import NoReturn

from sqlalchemy import URL
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from tasking.errors import InvalidOrder

SPOKEN = ("sqlite", "postgresql+psycopg")
"""Kinds of address, with the driver that is installed for each."""

_FORMS = "sqlite:////folder/ledger.sqlite or postgresql+psycopg://user:password@host/database"


def ledger_address(text: str) -> URL:
    """The address, checked.

    Two processes that read one address as two databases do not see each other's orders, and order twice. So a file is
    named by its whole path, and a database by its host and name.

    Args:
        text: A database URL of SQLAlchemy.

    Raises:
        InvalidOrder: Another kind of database, none, one in memory, a relative path, ``~``, or a part that is left to
            the environment of the reader. The message never shows a password.
    """
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):  # a password with a raw : or @ is read as a port or a host
        _refuse("(not shown)", f"is not a database URL; write {_FORMS}")
    if "@" in (url.host or ""):
        _refuse("(not shown)", "the host holds an @; write the password's @ as %40 and its : as %3A")
    if url.drivername not in SPOKEN:
        hint = "; +asyncpg is for Prefect's own database" if "asyncpg" in url.drivername else ""
        _refuse(f"({url.drivername})", f"write {_FORMS}{hint}")
    if url.drivername == "sqlite":
        _check_file(url)
    else:
        _check_server(url)
    return url


def _check_file(url: URL) -> None:
    path, shown = url.database or "", url.render_as_string()
    if url.host or url.port or url.username:
        _refuse(shown, "two slashes name a host; a file has four: sqlite:////folder/ledger.sqlite")
    if not path or ":memory:" in path or "mode" in url.query:
        _refuse(shown, "a ledger must outlive its process: name a file, sqlite:////folder/ledger.sqlite")
    if path.startswith("file:") or "uri" in url.query:
        _refuse(shown, "write the path itself, without file: and uri=true: sqlite:////folder/ledger.sqlite")
    if path.startswith("~"):
        _refuse(shown, "~ is another folder for each user; write the whole path, sqlite:////folder/ledger.sqlite")
    if not PurePosixPath(path).is_absolute():
        _refuse(
            shown,
            "is relative, so each process would keep a ledger of its own; write the whole path with four slashes, "
            "sqlite:////folder/ledger.sqlite",
        )
    if path.endswith("/"):
        _refuse(shown, "is a folder; name a file in it, sqlite:////folder/ledger.sqlite")


def _check_server(url: URL) -> None:
    shown = url.set(query={}).render_as_string()
    named = {*url.query, *(("host",) if url.host else ()), *(("dbname",) if url.database else ())}
    if "service" in named:
        _refuse(shown, "a service is looked up in a file of each machine; write host and database here")
    if not {"host", "hostaddr"} & named:
        _refuse(shown, "name the host (of a socket: ?host=/folder); else each process takes the one of its environment")
    if "dbname" not in named:
        _refuse(shown, "name the database after the host; else each user gets one of the user's name")


def _refuse(shown: str, fix: str) -> NoReturn:
    raise InvalidOrder("url", shown, fix)
