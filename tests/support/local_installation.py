"""An installation without Prefect: blocks in memory, runs in this process. For what is about orders alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

from prefect.blocks.core import Block
from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.states import AwaitingRetry, Pending

from devstack.kits import KITS
from flows.order import state_of
from flows.order_anywhere import order_anywhere, read_wish
from tasking.anywhere.running import run_anywhere
from tasking.anywhere.wish import Wish
from tasking.clock import utc_now
from tasking.exploring import Exploration
from tasking.ledger import Ledger
from tasking.local_host import LocalHost, Parked
from tasking.order_run import Ended, run_order
from tasking.study import Study
from tasks.step import BLOCKS
from tests.support.installation import Installation

KINDS = {f"order-{name}": kit.order_kind for name, kit in KITS.items()}


@contextmanager
def blocks_in_memory() -> Iterator[None]:
    """What is saved as a block is kept here, and loaded from here."""
    kept: dict[str, Block] = {}

    def save(self: Block, name: str, *, overwrite: bool = False) -> None:
        key = f"{self.get_block_type_slug()}/{name}"
        assert overwrite or key not in kept
        kept[key] = self.model_copy(deep=True)

    def load(name: str) -> Block:
        if name not in kept:
            raise ValueError(f"no block {name}")
        return kept[name].model_copy(deep=True)

    with patch.object(Block, "save", save), patch.object(Block, "load", load):
        yield


@dataclass
class LocalInstallation(Installation):
    """Runs of orders in this process: each start goes to the next wait or to the end, as a worker's process does."""

    held: dict[UUID, FlowRun] = field(default_factory=dict)
    pressed: dict[UUID, datetime] = field(default_factory=dict)
    starts: Counter[UUID] = field(default_factory=Counter)
    study: Study | None = None
    exploration: Exploration | None = None

    def create(self, flow: Flow[..., Any], *, deployed: bool = False, **parameters: Any) -> FlowRun:
        """A run that is to start; ``deployed`` makes no difference here."""
        assert flow.name in (*KINDS, order_anywhere.name), (
            f"{flow.name} needs Prefect: its tests belong into tests/prefect"
        )
        run = FlowRun.model_validate(
            {"id": uuid4(), "flow_id": uuid4(), "name": "local", "state": Pending(), "created": utc_now()}
        )
        self.runs[run.id] = (flow, flow.serialize_parameters(parameters))
        self.held[run.id] = run
        return run

    def turn(self, flow: Flow[..., Any], scheduled: datetime, **parameters: Any) -> FlowRun:
        """A turn of a schedule: a run that was to start then, carried out until it waits or ends."""
        run = self.create(flow, **parameters)
        self.held[run.id] = self.held[run.id].model_copy(update={"expected_start_time": scheduled})
        return self.go_on(run.id)

    def go_on(self, run_id: UUID) -> FlowRun:
        """Carry the order out until it waits or ends."""
        flow, parameters = self.runs[run_id]
        self.starts[run_id] += 1
        host = LocalHost(BLOCKS, run_id, _Runs(self), scheduled=self.held[run_id].expected_start_time)
        try:
            end = self._carried_out(host, flow.name, parameters["order"], bool(parameters.get("dry_run")))
            self.set_state(run_id, state_of(end))
        except Parked as wait:
            self.set_state(run_id, AwaitingRetry(scheduled_time=wait.until, message=wait.message))
        finally:
            self.study = host.study
        return self.read(run_id)

    def _carried_out(self, host: LocalHost, flow: str, order: object, dry_run: bool) -> Ended:
        if flow != order_anywhere.name:
            return run_order(host, KINDS[flow], order, dry_run=dry_run)

        def read(held: Mapping[str, Any] | None) -> Wish:
            return read_wish(order if held is None else held, host.scheduled)

        return run_anywhere(host, read, self, dry_run=dry_run)

    def begins(self, wish: Wish, reference: str) -> None:
        """An order for several accounts is known: nothing is tagged here."""

    def explored(self, found: Exploration) -> None:
        """Keep what all accounts could bring."""
        self.exploration = found

    def read(self, run_id: UUID) -> FlowRun:
        """The run as it stands."""
        return self.held[run_id].model_copy(update={"run_count": self.starts[run_id]})

    def set_state(self, run_id: UUID, state: State[Any], *, force: bool = False) -> None:
        """Set a run's state."""
        self.held[run_id] = self.held[run_id].model_copy(update={"state": state})

    def retry(self, run: FlowRun) -> None:
        """Press Retry on a run that ended."""
        self.pressed[run.id] = utc_now()
        super().retry(run)


class _Runs:
    """What is known of the runs of an installation."""

    def __init__(self, installation: LocalInstallation) -> None:
        self._all = installation

    def is_gone(self, run_id: str) -> bool:
        state = self._all.held[UUID(run_id)].state
        return state is not None and state.is_final() and not state.is_crashed()

    def started_since(self, run_id: str, when: datetime) -> bool:
        created, pressed = self._all.held[UUID(run_id)].created, self._all.pressed.get(UUID(run_id))
        return (created is not None and created > when) or (pressed is not None and pressed > when)

    def claimed(self, ledger: Ledger, reference: str) -> None:
        pass
