"""One AxelGlobe order from plan to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

import pytest

from flows.order_axelglobe import order_axelglobe
from tasking.delivery.catalog import verify
from tests.conftest import Installation

pytestmark = [pytest.mark.server, pytest.mark.xdist_group("prefect")]


def test_an_order_comes_home_as_a_whole_catalog(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []
    assert installation.created == (1, 1)
    record = installation.ledger.read("bay")
    assert record.status == "completed"
    assert record.outcome == state.message
    print(*[f"{e.at:%H:%M:%S} {e.event}: {e.message}" for e in installation.ledger.journal("bay")], sep="\n")
