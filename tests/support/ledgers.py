"""Empty ledgers for tests: the tables are made once in a process, and each test gets a copy of the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from sqlalchemy import Engine, create_engine

from tasking.ledger import Ledger, open_ledger


def new_ledger(folder: Path) -> Ledger:
    """Open an empty ledger of this folder's own."""
    return open_ledger(new_address(folder))


def new_address(folder: Path) -> str:
    """Make an empty ledger in this folder; its URL."""
    file = folder / "ledger.sqlite"
    file.touch(mode=0o600)
    file.write_bytes(_empty())
    return f"sqlite:///{file}"


@contextmanager
def statements_compiled_once() -> Iterator[None]:
    """All engines of the ledger share the statements that one has compiled, though each test has a database of its own.

    To compile them anew for each test is a quarter of the processor time of tests that have a ledger.
    """
    first: dict[str, Engine] = {}

    def create(*given: Any, **more: Any) -> Engine:
        engine = create_engine(*given, **more)
        shared = first.setdefault(engine.dialect.name, engine)
        engine.dialect, engine._compiled_cache = shared.dialect, shared._compiled_cache
        return engine

    with patch("tasking.ledger.engine.create_engine", create):
        yield


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.sqlite"
        open_ledger(f"sqlite:///{file}").close()
        return file.read_bytes()
