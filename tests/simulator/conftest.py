"""The simulator, and an installation that points to it without a Prefect server, at a fraction of the time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasking.simulator import Simulator
from tests.support.fixtures import installed
from tests.support.fixtures import simulator as simulator
from tests.support.installation import Installation
from tests.support.local_installation import LocalInstallation, blocks_in_memory


@pytest.fixture
def installation(simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installation]:
    """Blocks in memory, and runs in this process."""
    monkeypatch.setenv("TASKING_INLINE_WAIT_SECONDS", "0")
    with blocks_in_memory(), installed(LocalInstallation, simulator, tmp_path) as there:
        yield there
