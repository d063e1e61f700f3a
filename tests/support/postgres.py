"""A Postgres server of the tests' own, on loopback, in a temp folder; where Debian's ``postgresql`` is installed.

Its programs refuse to run as root; the server then runs as the user ``postgres`` that the package brings.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

ABSENT = "no Postgres here: install Debian's package postgresql (its programs are looked for on PATH and in /usr/lib)"


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    programs: Path
    port: int

    def database(self, *, like: str = "template1") -> str:
        """The URL of a database of its own: a copy of the one at another URL, or empty."""
        name, template = f"ledger_{uuid.uuid4().hex}", like.rpartition("/")[-1]
        where = f"host=127.0.0.1 port={self.port} user=ledger dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(SQL("CREATE DATABASE {} TEMPLATE {}").format(Identifier(name), Identifier(template)))
        return f"postgresql+psycopg://ledger@127.0.0.1:{self.port}/{name}"

    @cache  # noqa: B019 # there is one server
    def _loaded(self, dump: Path) -> str:
        url = self.database()
        where: list[str | Path] = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "ledger", url.rpartition("/")[-1]]
        psql = [self.programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", dump, *where]
        subprocess.run(psql, check=True, capture_output=True)
        return url

    def filled(self, dump: Path) -> str:
        """The URL of a database of its own, filled from a dump."""
        return self.database(like=self._loaded(dump))


def programs() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, the newest version's, or ``None``."""
    if (on_path := shutil.which("pg_ctl")) is not None:
        return Path(on_path).resolve().parent
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"), key=lambda one: float(one.parent.parent.name))
    return found[-1].parent if found else None


@contextmanager
def running() -> Iterator[Postgres]:
    """Start a server, and stop it at the end."""
    here = programs()
    assert here is not None, ABSENT
    folder = Path(tempfile.mkdtemp(prefix="tasking-flows-postgres-"))  # not pytest's, which only its user may enter
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        shutil.chown(folder, user, user)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def call(*command: str | Path) -> None:
        # no pipes: the server would inherit them, and hold them open
        subprocess.run(
            command, check=True, user=user, group=user, extra_groups=[] if user else None, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    data, control = folder / "data", here / "pg_ctl"
    try:
        call(here / "initdb", "-D", data, "-U", "ledger", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -F"
        call(control, "-D", data, "-o", options, "-l", folder / "log", "-w", "-t", "60", "start")
        yield Postgres(here, port)
    finally:
        if (data / "postmaster.pid").exists():
            call(control, "-D", data, "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)
