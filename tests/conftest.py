"""What the tests share: a Prefect server for those that ask for one, and an installation that points to a simulator."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from tasking.simulator import Simulator, serve
from tests.postgres import ABSENT, Postgres, programs, running

if TYPE_CHECKING:
    from tests.installation import Installation


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The simulator's own tests, and those of the providers against it, carry the mark ``simulator``.

    Files whose tests take longest come first, so that at the end no worker is alone with one of them.
    """
    for item in items:
        name = item.path.name
        if name.startswith("test_simulator_") or name.endswith("_provider.py"):
            item.add_marker(pytest.mark.simulator)
    items.sort(key=lambda item: [item.get_closest_marker(mark) is None for mark in ("processes", "server")])


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
    of a second for ours: which fields are secret is worked out once for each kind of block. Each client of Prefect's
    loads all certificates, half of the processor time of a test: they are loaded once.
    """
    from prefect.blocks.core import Block
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
    from prefect.testing.utilities import prefect_test_harness

    os.environ.update(PREFECT_SERVER_ANALYTICS_ENABLED="false", DO_NOT_TRACK="1")
    no_heartbeats = temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None})
    slow = Block._field_has_secrets

    known: dict[tuple[type[Block], str], bool] = {}

    def once(self: Block, field: str) -> bool:
        if (type(self), field) not in known:
            known[type(self), field] = slow(self, field)
        return known[type(self), field]

    with (
        prefect_test_harness(server_startup_timeout=120),
        no_heartbeats,
        patch.object(Block, "_field_has_secrets", once),
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


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A provider of the tests' own, at one second a second; tests move its clock."""
    with serve(seed=7) as running:
        yield running


@pytest.fixture
def installation(
    prefect_server: None, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """Blocks named ``default`` that point to the simulator and to folders of this test."""
    from tasking.ledger import open_ledger
    from tests.installation import Installation, ledger_url, save_blocks

    monkeypatch.setenv("TASKING_INLINE_WAIT_SECONDS", "0")
    save_blocks(simulator, tmp_path)
    with closing(open_ledger(ledger_url(tmp_path))) as ledger:
        yield Installation(simulator, ledger, tmp_path)
