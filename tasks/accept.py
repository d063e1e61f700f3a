"""Check an order and own its reference."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound

from blocks.image_archive import load_archive
from tasking import lifecycle
from tasking.ledger import OrderRecord, archives
from tasking.order import Order
from tasks import came_by
from tasks.bring_back import AGAIN, NOT_ENDED, WAITS_AGAIN
from tasks.step import ledger_and_provider, step


@step("accept")
def accept(order: Order, reference: str, flow_run_id: str) -> OrderRecord:
    """The order's record, once its archive can be written to; see `tasking.lifecycle.accept`."""
    with ledger_and_provider(order.account) as (ledger, provider):
        before = ledger.find(reference)
        archive = load_archive(order.archive) if before is None else None
        if archive is not None:  # told now, not when the imagery that is paid for has nowhere to go
            archive.folder(used_before=archives.known(ledger, archive.address))
        record = lifecycle.accept(ledger, provider, order, reference, flow_run_id, _is_gone, _started_since)
        if archive is not None:
            archives.remember(ledger, reference, archive.address)
        if before is None or before.flow_run_id != record.flow_run_id:
            came_by.note(ledger, reference)
        return record


def _is_gone(flow_run_id: str) -> bool:
    """Whether that run can no longer go on: it ended, or was deleted. A crashed one is brought back by the watcher."""
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(UUID(flow_run_id)).state
        except ObjectNotFound:
            return True
    return state is not None and state.is_final() and not state.is_crashed()


def _by_the_watcher(state: State) -> bool:
    return (state.message or "").startswith((AGAIN, NOT_ENDED, WAITS_AGAIN))


def _started_since(flow_run_id: str, when: datetime) -> bool:
    """Whether a person started that run, or pressed Retry on it, after this time; the watcher's doing is neither."""
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(flow_run_id))
        states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
    return (run.created is not None and run.created > when) or any(
        after.timestamp > when and before.is_final() and after.is_scheduled() and not _by_the_watcher(after)
        for before, after in pairwise(states)
    )
