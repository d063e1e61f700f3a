"""What is there for every test: a home of its own, databases, and one Prefect server for those that ask."""

from __future__ import annotations

import os
import sqlite3
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import deepcopy
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import settings

from tests.support.ledgers import new_address, statements_compiled_once

settings.register_profile("thorough", max_examples=300, deadline=None)
settings.register_profile("fast", max_examples=30, deadline=None)
settings.load_profile("thorough")
"""How many examples a property is tried with; ``--hypothesis-profile fast`` is for those who wait for it."""

NOT_TESTED = ("EVENT_PERSISTER", "TRIGGERS", "TASK_RUN_RECORDER")
"""What the tests' Prefect server need not do: nothing of ours reads events or task runs, nor has an automation."""

SLOWEST_FIRST = ("stack", "prefect", "postgres", "fuzz", "simulator")
"""The folders whose files take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests take longest come first, so that at the end no worker is alone with one of them."""
    items.sort(key=lambda item: [folder not in item.path.parts for folder in SLOWEST_FIRST])


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
def prefect_server() -> Iterator[None]:
    """A Prefect server of the tests' own, and without what would cost most of the tests' time and changes nothing.

    No heartbeats, a second a run, and no questions for CSRF tokens, a fifth of all calls. Prefect writes the schema
    of a block anew for each field that it saves, a third of a second for ours: it is written once for each kind of
    block. To save a block again is seven calls, of which the last but one changes it: the others are left out.
    """
    from prefect.blocks.core import Block
    from prefect.settings import (
        PREFECT_CLIENT_CSRF_SUPPORT_ENABLED,
        PREFECT_FLOWS_HEARTBEAT_FREQUENCY,
        temporary_settings,
    )
    from prefect.testing.utilities import prefect_test_harness

    from tests.support.account_blocks import saved_again_at_once

    os.environ.update(PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1")
    os.environ.update({f"PREFECT_SERVER_SERVICES_{one}_ENABLED": "false" for one in NOT_TESTED})
    quiet = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None, PREFECT_CLIENT_CSRF_SUPPORT_ENABLED: False})
    written: Callable[..., dict[str, Any]] = lru_cache(Block.model_json_schema.__func__)  # type: ignore

    def schema(kind: type[Block], /, **options: Any) -> dict[str, Any]:
        return deepcopy(written(kind, **options))

    with (
        prefect_test_harness(server_startup_timeout=120),
        quiet,
        patch.object(Block, "model_json_schema", classmethod(schema)),
        saved_again_at_once(),
    ):
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
