"""What the tests share: a Prefect server for those that ask for one, and an installation that points to a simulator."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from tasking.simulator import Simulator, serve
from tests.postgres import ABSENT, Postgres, programs, running

if TYPE_CHECKING:
    from tests.installation import Installation


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The simulator's own tests, and those of providers and orders against it, carry the mark ``simulator``.

    Files whose tests take longest come first, so that at the end no worker is alone with one of them.
    """
    for item in items:
        name = item.path.name
        of_simulator = name.startswith("test_simulator_") or name.endswith("_provider.py")
        if of_simulator or "installation" in getattr(item, "fixturenames", ()):
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


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A provider of the tests' own, at one second a second; tests move its clock."""
    with serve(seed=7) as running:
        yield running


@pytest.fixture
def installation(
    request: pytest.FixtureRequest, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """Blocks named ``default`` that point to the simulator and to folders of this test.

    On a Prefect server for the tests that are marked ``server``; else without Prefect, at a fraction of the time.
    """
    from tasking.ledger import open_ledger
    from tests.installation import Installation, ledger_url, save_blocks
    from tests.local_installation import LocalInstallation, blocks_in_memory

    monkeypatch.setenv("TASKING_INLINE_WAIT_SECONDS", "0")
    with_prefect = request.node.get_closest_marker("server") is not None
    if with_prefect:
        request.getfixturevalue("prefect_server")
    with nullcontext() if with_prefect else blocks_in_memory():
        save_blocks(simulator, tmp_path)
        with closing(open_ledger(ledger_url(tmp_path))) as ledger:
            yield (Installation if with_prefect else LocalInstallation)(simulator, ledger, tmp_path)
