"""Check an order and own its reference."""

from __future__ import annotations

from uuid import UUID

from prefect import get_client
from prefect.exceptions import ObjectNotFound

from tasking import lifecycle
from tasking.ledger import OrderRecord
from tasking.order import Order
from tasks.step import ledger_and_provider, step


@step("accept")
def accept(order: Order, reference: str, flow_run_id: str) -> OrderRecord:
    """The order's record; see `tasking.lifecycle.accept`."""
    with ledger_and_provider(order.account) as (ledger, provider):
        return lifecycle.accept(ledger, provider, order, reference, flow_run_id, _is_gone)


def _is_gone(flow_run_id: str) -> bool:
    """Whether that run can no longer go on: it ended, or was deleted. A crashed one is brought back by the watcher."""
    with get_client(sync_client=True) as client:
        try:
            state = client.read_flow_run(UUID(flow_run_id)).state
        except ObjectNotFound:
            return True
    return state is not None and state.is_final() and not state.is_crashed()
