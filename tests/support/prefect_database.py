"""The database of a Prefect server that was started once: made once on a machine, and copied for each server of a test.

To make its tables and to register the blocks that Prefect brings costs twice as much as all else of a server's start.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

import prefect

import blocks
from tasking.lock import locked

START_ONCE = """
import asyncio, os
from prefect.server.api.server import create_app

async def start():
    app = create_app(ephemeral=True)
    async with app.router.lifespan_context(app):
        os._exit(0)  # all is written; its services need not end in peace

asyncio.run(start())
"""


def first_database(cache: Path) -> Path:
    """A Prefect server's database that nobody has used yet; do not change it.

    Args:
        cache: Where it is kept for the next time, for this version of Prefect and these blocks.
    """
    file = cache / f"prefect-{_key()}.sqlite"
    with locked(cache / "prefect.lock", 900.0):
        if not file.exists():
            _make(file)
    return file


def copy_database(first: Path, to: Path) -> None:
    """Give a server that is not started yet the database of one that was."""
    to.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(first, to)


def _key() -> str:
    code = b"".join(path.read_bytes() for path in sorted(Path(blocks.__file__).parent.glob("*.py")))
    return f"{prefect.__version__}-{sha256(code).hexdigest()[:16]}"


def _make(file: Path) -> None:
    with TemporaryDirectory() as folder:
        made, whole = Path(folder) / "prefect.sqlite", file.with_suffix(".part")
        told = {
            "PREFECT_HOME": folder,
            "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{made}",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        subprocess.run([sys.executable, "-c", START_ONCE], env=others | told, check=True, timeout=600)
        whole.unlink(missing_ok=True)
        with closing(sqlite3.connect(made)) as source, closing(sqlite3.connect(whole)) as target:
            source.backup(target)  # with what is still in its log; closed, it is one file
        whole.replace(file)
