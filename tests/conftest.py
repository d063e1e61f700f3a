"""What is there for every test: a home of its own, and one Prefect and one Postgres server for those that ask."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from tests.support.postgres import ABSENT, Postgres, programs, running

SLOWEST_FIRST = ("stack", "prefect", "fuzz", "simulator")
"""The folders whose files take longest."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files whose tests take longest come first, so that at the end no worker is alone with one of them."""
    items.sort(key=lambda item: [folder not in item.path.parts for folder in SLOWEST_FIRST])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test touches the files of the person who runs it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A Prefect server of the tests' own, and without what would cost most of the tests' time and changes nothing.

    No heartbeats, a second a run. Prefect writes the whole schema of a block anew for each field that it saves, a third
    of a second for ours: it is written once for each kind of block. Each client of Prefect's loads all certificates,
    half of the processor time of a test: they are loaded once.
    """
    from prefect.blocks.core import Block
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    os.environ.update(PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1")
    no_heartbeats = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    written: Callable[..., dict[str, Any]] = lru_cache(Block.model_json_schema.__func__)  # type: ignore

    def schema(kind: type[Block], /, **options: Any) -> dict[str, Any]:
        return deepcopy(written(kind, **options))

    with (
        prefect_test_harness(server_startup_timeout=120),
        no_heartbeats,
        patch.object(Block, "model_json_schema", classmethod(schema)),
        patch("ssl.create_default_context", lru_cache(ssl.create_default_context)),
    ):
        yield


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A Postgres server of the tests' own; where it is not installed, what asks for it is skipped."""
    if programs() is None:
        pytest.skip(ABSENT)
    with running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: Postgres = request.getfixturevalue("postgres")
    return server.database()
