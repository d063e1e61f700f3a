"""An installation of a test's own: blocks, ledger and archive, a simulator, and the hands of a worker."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.blocks.core import Block
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from prefect.flows import Flow
from prefect.states import AwaitingRetry, Cancelled, Cancelling, Running
from prefect.utilities.dispatch import lookup_type
from pydantic import SecretStr
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session

from blocks.image_archive import ImageArchive
from blocks.order_ledger import OrderLedger
from devstack.kits import KITS
from flows.watch_orders import watch_orders
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.clock import utc_now
from tasking.ledger import Ledger, OrderRecord
from tasking.ledger.tables import CreateAttemptRow
from tasking.simulator import Simulator
from tests.support.simulator_control import control

QUICK = {
    "requests_per_second": 1000,
    "attempts": 2,
    "wait_initial_seconds": 0.01,
    "wait_jitter_seconds": 0.01,
    "own_clock": True,
}
"""Calls to a provider on this machine, whose clock the tests move."""


@dataclass
class Installation:
    """Blocks, ledger and archive of one test, and the hands of a worker: it runs a run, and again when it is due."""

    simulator: Simulator
    ledger: Ledger
    folder: Path
    runs: dict[UUID, tuple[Flow[..., Any], dict[str, Any]]] = field(default_factory=dict)

    def order(self, **changes: Any) -> AxelGlobeOrder:
        """A small area near Tokyo, a week from the provider's tomorrow."""
        now = self.simulator.clock.now()
        order = {
            "name": "Tokyo Bay",
            "reference": "bay",
            "area": "POLYGON ((139.7 35.5, 139.9 35.5, 139.9 35.7, 139.7 35.7, 139.7 35.5))",
            "window": {"start": now + timedelta(days=1), "end": now + timedelta(days=8)},
        }
        return AxelGlobeOrder.model_validate({**order, **changes})

    def start(self, flow: Flow[..., Any], *, deployed: bool = False, **parameters: Any) -> FlowRun:
        """Create a run as the API does, and run it until it ends or parks."""
        return self.go_on(self.create(flow, deployed=deployed, **parameters).id)

    def create(self, flow: Flow[..., Any], *, deployed: bool = False, **parameters: Any) -> FlowRun:
        """Create a run as the API does."""
        given = flow.serialize_parameters(parameters)
        with get_client(sync_client=True) as client:
            if deployed:
                where = f"{flow.fn.__module__}.{flow.fn.__name__}"
                deployment = client.create_deployment(client.create_flow(flow), "order", entrypoint=where)
                run = client.create_flow_run_from_deployment(deployment, parameters=given)
            else:
                run = client.create_flow_run(flow, parameters=given)
        self.runs[run.id] = (flow, parameters)
        return run

    def go_on(self, run_id: UUID) -> FlowRun:
        """Run it as a worker does, in this process, until it ends or parks."""
        flow, parameters = self.runs[run_id]
        run = self.read(run_id)
        due = run.state.state_details.scheduled_time if run.state is not None and run.state.is_scheduled() else None
        assert due is None or due < utc_now() + timedelta(minutes=1), f"Prefect would sleep until {due}: pass the time"
        with suppress(Pause):
            run_flow(flow, flow_run=run, parameters=parameters, return_type="state")
        return self.read(run_id)

    def read(self, run_id: UUID) -> FlowRun:
        """The run as the server has it."""
        with get_client(sync_client=True) as client:
            return client.read_flow_run(run_id)

    def to_the_end(self, run: FlowRun, most: int = 60, seen: Callable[[OrderRecord], None] | None = None) -> State[Any]:
        """Let time pass at the provider until each wait is due, and go on, until the run ends."""
        for _ in range(most):
            assert run.state is not None
            if run.state.is_final():
                return run.state
            assert run.state.name == "AwaitingRetry", run.state
            self.pass_time(run)
            if seen is not None and (record := self.ledger.find("bay")) is not None:
                seen(record)
            run = self.go_on(run.id)
        raise AssertionError(f"not at its end after {most} waits: {run.state}")

    def pass_time(self, run: FlowRun) -> None:
        """Move the provider's clock on until the run is due."""
        assert run.state is not None
        due = run.state.state_details.scheduled_time
        assert due is not None
        left = due.timestamp() - utc_now().timestamp()
        self.simulator.advance(max(left, 0.0) + 2.0)
        self._age(max(left, 0.0) + 2.0)
        # our own clock has not moved: say that it is due
        self.set_state(run.id, AwaitingRetry(scheduled_time=utc_now(), message=run.state.message))

    def set_state(self, run_id: UUID, state: State[Any], *, force: bool = False) -> None:
        """Set a run's state by the API."""
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run_id, state, force=force)

    def watch(self, lost_after_seconds: float = 90.0) -> str:
        """A run of the watcher; its message."""
        run = self.start(watch_orders, lost_after_seconds=lost_after_seconds)
        assert run.state is not None
        assert run.state.is_completed(), run.state
        return str(run.state.message)

    def _age(self, seconds: float) -> None:
        """Our own clock does not move in tests: what was noted of it is so much longer ago."""
        engine = create_engine(ledger_url(self.folder))
        with Session(engine) as session, session.begin():
            back = timedelta(seconds=seconds)
            for row in session.scalars(select(CreateAttemptRow)):
                row.announced_ours = row.announced_ours and row.announced_ours - back
                row.looks = [(datetime.fromisoformat(one) - back).isoformat() for one in row.looks]
        engine.dispose()

    def retry(self, run: FlowRun) -> None:
        """Press Retry on a run that ended."""
        self.set_state(run.id, AwaitingRetry(scheduled_time=utc_now()), force=True)

    def cancel_by_hand(self, run: FlowRun) -> None:
        """Press Cancel in the UI on a run whose process is at work: that is surely a person."""
        states: list[State[Any]] = [Running(), Cancelling(), Cancelled(message="Flow run was cancelled successfully.")]
        for state in states:
            self.set_state(run.id, state, force=True)

    def save_blocks(self, **settings: Any) -> None:
        """Save the blocks again, with other settings of the account."""
        save_blocks(self.simulator, self.folder, **settings)

    @property
    def archive(self) -> Path:
        """Where deliveries go."""
        return self.folder / "archive"

    @property
    def created(self) -> tuple[int, int]:
        """Plans and requests made at the provider: the judge."""
        summary = self.simulator.axelglobe.summary()
        return len(summary["plans"]), len(summary["requests"])


def ledger_url(folder: Path) -> str:
    """A ledger of one test."""
    return f"sqlite:///{folder / 'ledger.sqlite'}"


def save_account(simulator: Simulator, provider: str, **settings: Any) -> None:
    """Save an account of a provider that points to the simulator."""
    kit = KITS[provider]
    with control(simulator) as client:
        account = kit.account(client)
    kind: type[Block] = lookup_type(Block, kit.block)
    kind(**{**account, "http": QUICK, **settings}).save("default", overwrite=True)


def save_blocks(simulator: Simulator, folder: Path, **settings: Any) -> None:
    """Save the blocks an installation needs: the archive, the ledger, and an account of each provider.

    ``settings`` are AxelGlobe's.
    """
    for provider in KITS:
        save_account(simulator, provider, **(settings if provider == "axelglobe" else {}))
    ImageArchive(url=str(folder / "archive")).save("default", overwrite=True)
    OrderLedger(url=SecretStr(ledger_url(folder))).save("default", overwrite=True)
