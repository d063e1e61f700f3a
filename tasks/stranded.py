"""Tend orders that are open while their run is not: ended by hand, or deleted."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from prefect import get_client, get_run_logger
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun

from tasking import lifecycle
from tasking.ledger import Ledger, OrderRecord
from tasking.status import StatusCode
from tasks.start import start
from tasks.step import ledger, step

AT_ONCE = 200


@step("tend-stranded")
def tend_stranded(records: Sequence[OrderRecord]) -> int:
    """Close orders whose run a person ended, and start a new run for those whose run was deleted.

    Returns:
        How many orders were tended.
    """
    tended = 0
    with get_client(sync_client=True) as client, ledger() as book:
        for start in range(0, len(records), AT_ONCE):
            some = records[start : start + AT_ONCE]
            ids = FlowRunFilterId(any_=[UUID(one.flow_run_id) for one in some])
            runs = {
                str(run.id): run for run in client.read_flow_runs(flow_run_filter=FlowRunFilter(id=ids), limit=AT_ONCE)
            }
            for record in some:
                try:
                    tended += _tend(book, record, runs.get(record.flow_run_id))
                except Exception as error:  # one broken order must not stop the sweep
                    get_run_logger().warning("Order %s could not be tended: %s", record.reference, error)
    return tended


def _tend(book: Ledger, record: OrderRecord, run: FlowRun | None) -> bool:
    if run is None:
        return _start_anew(record)
    state = run.state
    if state is None or not state.is_final() or state.is_crashed():
        return False
    fresh = book.read(record.reference)
    if fresh.ended is not None or fresh.flow_run_id != record.flow_run_id:
        return False
    word = StatusCode.USER_CANCELLED if state.is_cancelled() else StatusCode.FAILED
    unclear = book.open_intent(record.reference, "request", lifecycle.label(fresh)) is not None
    lifecycle.end(book, record.reference, word, _outcome(fresh, state.name or state.type.value, unclear))
    return True


def _outcome(record: OrderRecord, state: str, unclear: bool) -> str:
    current = record.current_request
    if unclear:
        return (
            f"Its run was ended by hand or by Prefect ({state}) while it was not known whether its request had "
            "arrived: Retry on that run finds out and goes on"
        )
    if current is None:
        return (
            f"Its run was ended by hand or by Prefect ({state}) before anything was ordered; Retry on that run goes on"
        )
    return (
        f"Its run was ended by hand or by Prefect ({state}), but request {current.last.id} stands at the provider: "
        "Retry on that run goes on and delivers it"
    )


def _start_anew(record: OrderRecord) -> bool:
    """The run was deleted; another one takes the order over."""
    key = f"anew-{record.reference}-{record.flow_run_id}"
    start.fn(record.provider, {**record.order, "reference": record.reference}, key)
    return True
