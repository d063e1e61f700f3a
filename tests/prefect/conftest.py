"""The simulator, and an installation on a Prefect server that points to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tasking.simulator import Simulator
from tests.support.fixtures import installed
from tests.support.fixtures import simulator as simulator
from tests.support.installation import Installation


@pytest.fixture
def installation(
    prefect_server: None, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Installation]:
    """Blocks on the Prefect server; a test carries out runs as a worker does."""
    monkeypatch.setenv("TASKING_INLINE_WAIT_SECONDS", "0")
    with installed(Installation, simulator, tmp_path) as there:
        yield there
