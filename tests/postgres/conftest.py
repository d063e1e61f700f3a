"""One Postgres server, and on it what the tests of the ledger have in SQLite elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tasking.ledger import open_ledger
from tests.support.postgres import ABSENT, Postgres, programs, running


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server of the tests' own; where it is not installed, what asks for it is skipped."""
    if programs() is None:
        pytest.skip(ABSENT)
    with running() as server:
        yield server


@pytest.fixture(scope="session")
def without_orders(postgres: Postgres) -> str:
    """The URL of a ledger of which each test gets a copy."""
    url = postgres.database()
    open_ledger(url).close()
    return url


@pytest.fixture
def database(postgres: Postgres, without_orders: str) -> str:
    """The URL of a ledger without orders."""
    return postgres.database(like=without_orders)


@pytest.fixture
def empty_database(postgres: Postgres) -> str:
    """The URL of a database without tables."""
    return postgres.database()


@pytest.fixture
def dumped(postgres: Postgres) -> Callable[[Path], str]:
    """Fills a database from a dump, of which there is one for each kind: ``NAME-postgres.sql``; its URL."""
    return lambda dump: postgres.filled(dump.with_name(f"{dump.name}-postgres.sql"))
