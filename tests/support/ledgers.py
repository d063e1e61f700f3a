"""Empty ledgers for tests: the tables are made once in a process, and each test gets a copy of the file."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tasking.ledger import Ledger, open_ledger


def new_ledger(folder: Path) -> Ledger:
    """Open an empty ledger of this folder's own."""
    file = folder / "ledger.sqlite"
    file.touch(mode=0o600)
    file.write_bytes(_empty())
    return open_ledger(f"sqlite:///{file}")


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.sqlite"
        open_ledger(f"sqlite:///{file}").close()
        return file.read_bytes()
