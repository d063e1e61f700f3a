"""Fixtures of the folders whose tests have a provider: the simulator, and what points to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tasking.simulator import Simulator, serve
from tests.support.installation import Installation, save_blocks
from tests.support.ledgers import new_ledger


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    """A provider of the test's own, at one second a second; tests move its clock."""
    with serve(seed=7) as running:
        yield running


@contextmanager
def installed(kind: type[Installation], simulator: Simulator, folder: Path) -> Iterator[Installation]:
    """Blocks named ``default`` that point to the simulator and to this folder."""
    save_blocks(simulator, folder)
    with closing(new_ledger(folder)) as ledger:
        yield kind(simulator, ledger, folder)
