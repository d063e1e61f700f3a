"""What is there for every test: a home of its own, databases, and one Prefect server for those that ask."""

from __future__ import annotations

import gc
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import lru_cache
from itertools import count, groupby, islice
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import settings

from tests.support.ledgers import new_address, statements_compiled_once

settings.register_profile("thorough", max_examples=300, deadline=None)
settings.register_profile("fast", max_examples=30, deadline=None)
settings.load_profile("thorough")
"""How many examples a property is tried with; ``--hypothesis-profile fast`` is for those who wait for it."""

SLOWEST_FIRST = ("prefect", "postgres", "fuzz", "simulator", "integration", "unit")
"""The folders whose files compute, longest first. Those of ``tests/stack`` wait most of the time."""

BESIDE = 3
"""How many files that compute come after one that waits: some workers compute while another waits."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long comes first, so that at the end no worker is alone with it; files that wait are spread."""
    items.sort(key=lambda item: [folder not in item.path.parts for folder in SLOWEST_FIRST])
    files = [list(tests) for _, tests in groupby(items, key=lambda item: item.path)]
    waiting = [tests for tests in files if "stack" in tests[0].path.parts]
    computing = iter([tests for tests in files if tests not in waiting])
    order = [tests for one in waiting for tests in (one, *islice(computing, BESIDE))]
    items[:] = [test for tests in (*order, *computing) for test in tests]


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: Python need not look through it again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where each test has its home; few make one."""
    folder = tmp_path_factory.mktemp("homes")
    return (folder / str(number) for number in count())


@pytest.fixture(autouse=True)
def home(homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the files of the person who runs it."""
    folder = next(homes)
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(folder))
    return folder


@pytest.fixture(scope="session", autouse=True)
def once() -> Iterator[None]:
    """What is the same for every test is made once: each ``httpx.Client`` would load all certificates, say."""
    certificates = patch("ssl.create_default_context", lru_cache(ssl.create_default_context))
    with certificates, statements_compiled_once():
        yield


@pytest.fixture(scope="session")
def prefect_database(pytestconfig: pytest.Config) -> Path:
    """What the database of each Prefect server of the tests is copied from."""
    from tests.support.prefect_database import first_database

    return first_database(pytestconfig.cache.mkdir("prefect"))


@pytest.fixture(scope="session")
def prefect_server(prefect_database: Path) -> Iterator[None]:
    """A Prefect server of the tests' own, without the services that no test but one needs."""
    from tests.support.prefect_server import UNUSED, prefect_server

    with prefect_server(prefect_database, without=UNUSED):
        yield


@pytest.fixture
def database(tmp_path: Path) -> str:
    """The URL of a ledger without orders. Here it is in SQLite, in ``tests/postgres`` in Postgres."""
    return new_address(tmp_path)


@pytest.fixture
def empty_database(tmp_path: Path) -> str:
    """The URL of a database without tables."""
    return f"sqlite:///{tmp_path / 'empty.sqlite'}"


@pytest.fixture
def dumped(tmp_path: Path) -> Callable[[Path], str]:
    """Fills a database from a dump, of which there is one for each kind: ``NAME-sqlite.sql``; its URL."""

    def fill(dump: Path) -> str:
        file = tmp_path / "old.sqlite"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(dump.with_name(f"{dump.name}-sqlite.sql").read_text())
        return f"sqlite:///{file}"

    return fill
