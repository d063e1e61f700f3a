"""A provider that is only installed goes the whole way with Prefect: order, watcher, cancel, restart, a lost run."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from prefect.client.schemas.objects import FlowRun
from prefect.states import Crashed, Running

from devstack.kits import KITS
from devstack.stack import PROJECT
from flows.cancel_order import cancel_order
from tasking.clock import utc_now
from tasking.delivery.verify import verify
from tests.support.installation import Installation
from tests.support.order_kinds import KINDS
from tests.support.oriole.flow import order_oriole

ORIOLE = KINDS["oriole"]


def ordered(installation: Installation) -> FlowRun:
    """An order that waits for its image."""
    run = installation.start(order_oriole, deployed=True, order=ORIOLE.order(installation))
    assert installation.ledger.read("bay").waits_for == "imagery"
    return run


def held(installation: Installation) -> dict[str, Any]:
    """What the provider holds."""
    return installation.simulator.providers["oriole"].summary()


def test_the_watcher_wakes_its_order_when_the_image_is_there_and_it_comes_home(installation: Installation) -> None:
    run = ordered(installation)
    installation.simulator.advance(timedelta(days=3).total_seconds())
    installation.ledger.record("bay", next_poll_at=utc_now() - timedelta(seconds=1))
    assert "1 woken" in installation.watch()
    state = installation.go_on(run.id).state
    assert state is not None
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []
    assert KITS["oriole"].made(held(installation), "bay") == {"orders": 1}


def test_its_order_is_cancelled_at_the_provider(installation: Installation) -> None:
    run = ordered(installation)
    cancel = installation.start(cancel_order, reference="bay", dry_run=False)
    assert cancel.state is not None
    assert str(cancel.state.message).startswith("Order bay was cancelled at oriole")
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert list(KITS["oriole"].paid_for(held(installation), "bay").values()) == [True]


def test_its_run_that_crashed_is_brought_back_and_orders_nothing_twice(installation: Installation) -> None:
    run = ordered(installation)
    installation.set_state(run.id, Running(), force=True)
    installation.set_state(run.id, Crashed(message="the machine died"), force=True)
    assert "1 recovered" in installation.watch()
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert KITS["oriole"].made(held(installation), "bay") == {"orders": 1}


def test_nothing_but_its_own_folder_names_it() -> None:
    ours = [*(PROJECT / "tests/support/oriole").rglob("*"), Path(__file__), PROJECT / "tests/__init__.py"]
    places = ("flows", "tasks", "blocks", "tasking", "devstack", "demo", "chaos", "benchmarks", "tests")
    named = [
        path
        for place in places
        for path in (PROJECT / place).rglob("*.py")
        if path not in ours and "oriole" in path.read_text().lower()
    ]
    assert named == []


def test_each_kit_that_is_ours_has_its_deployment() -> None:
    """The one line elsewhere that a provider adds."""
    entries = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    deployed = {one["entrypoint"] for one in entries if "order" in one["tags"]}
    deployed.remove("flows.order_anywhere.order_anywhere")  # of no provider
    assert {kit.entrypoint for kit in KITS.values() if kit.name != "oriole"} == deployed
