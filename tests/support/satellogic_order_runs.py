"""Runs of a Satellogic order against the served simulator."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from prefect.client.schemas.objects import FlowRun, State
from prefect.states import AwaitingRetry

from flows.order_satellogic import order_satellogic
from tasking.clock import utc_now
from tasking.delivery.verify import verify
from tasking.satellogic.order import SatellogicOrder
from tests.support.installation import Installation

POINT = {"type": "Point", "coordinates": [72.905273, 19.023001]}
ZIPS = "/satellogic/telluric/scenes/*/attachments/*"
HALF_A_CYCLE = 900


def order(installation: Installation, days: float = 9, begins: float = 1, **changes: Any) -> SatellogicOrder:
    """A point near Mumbai; all of the window unless a test narrows it."""
    start = installation.simulator.clock.now() + timedelta(days=begins)
    window = {"start": start, "end": start + timedelta(days=days)}
    target = {} if "area" in changes else {"point": POINT}
    common = {"name": "Mumbai", "reference": "bay", "narrow": False, "window": window}
    return SatellogicOrder.model_validate({**common, **target, **changes})


def task(installation: Installation) -> dict[str, Any]:
    """The one task that was made."""
    made: list[dict[str, Any]] = installation.simulator.satellogic.tasks()
    assert len(made) == 1
    return made[0]


def published(installation: Installation) -> set[str]:
    return {one["capture_id"] for one in task(installation)["captures"] if one["status"] == "published"}


def woken(installation: Installation, run: FlowRun) -> FlowRun:
    """The run goes on now, as when the watcher has news for it."""
    installation.set_state(run.id, AwaitingRetry(scheduled_time=utc_now()))
    return installation.go_on(run.id)


def until(installation: Installation, status: str, step_seconds: float = HALF_A_CYCLE) -> None:
    """Let time pass at the provider until the task has a status."""
    for _ in range(3000):
        if task(installation)["status"] == status:
            return
        installation.simulator.advance(step_seconds)
    raise AssertionError(f"never {status}")


def placed(installation: Installation, **changes: Any) -> FlowRun:
    """An order whose task was made; its run waits for imagery."""
    run = installation.start(order_satellogic, order=order(installation, **changes))
    while not installation.simulator.satellogic.tasks():
        installation.pass_time(run)
        run = installation.go_on(run.id)
    return run


def said(state: State[Any] | None) -> str:
    assert state is not None
    return str(state.message)


def words(installation: Installation) -> str:
    """All that the journal says of the order."""
    return "\n".join(one.message or "" for one in installation.ledger.journal("bay"))


def assert_home(installation: Installation, captures: set[str]) -> None:
    """Those captures are in one catalog, whole, and each was fetched once."""
    assert verify(installation.archive / "bay") == []
    assert len(list((installation.archive / "bay").glob("*/*.json"))) == len(captures)
    assert set(installation.ledger.read("bay").delivered) == captures
    fetched = Counter(call["path"] for call in installation.simulator.journal(method="GET", path=ZIPS))
    assert set(fetched.values()) == {1}
    assert len(fetched) == len(captures)
