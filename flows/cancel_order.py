"""Cancel an order by its reference."""

from __future__ import annotations

from contextlib import closing
from typing import Any
from uuid import UUID

from prefect import flow, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Completed, Failed

from blocks.account import load_account
from tasking import lifecycle
from tasking.errors import Refused
from tasking.ledger import Ledger, OrderRecord
from tasking.provider import Cancels
from tasking.status import StatusCode
from tasking.waiting import readable
from tasks.step import ledger


@flow(name="cancel-order", persist_result=False)
def cancel_order(reference: str, stop_waiting: bool = False) -> State[Any]:
    """Cancel an order: before the request is made always, afterwards where the provider has a way.

    Args:
        reference: The order's reference.
        stop_waiting: For a request that cannot be cancelled at the provider: end our order all the same. The capture
            may still be made and paid; Retry on the order's run is then the way to fetch it.
    """
    with ledger() as book:
        record = book.find(reference)
        if record is None:
            return Failed(
                message=f"reference: {reference}: the ledger has no such order; the reference is on the order's run"
            )
        if record.ended is not None:
            return Completed(message=f"Order {reference} has already ended: {record.outcome}")
        if not record.requests:
            record = book.record(reference, "cancel asked", "Nothing new is created from here on", cancel_asked=True)
            if not record.requests and book.open_intent(reference, "request", lifecycle.label(record)) is not None:
                return Completed(
                    message=f"Order {reference} has a request under way whose outcome is not known yet. If it did not "
                    "arrive, it is not made again and the order ends; if it did, run cancel-order again."
                )
        if not record.requests:
            return _end(book, record, f"Order {reference} was cancelled before anything was ordered")
        return _cancel_requested(book, record, stop_waiting)


def _cancel_requested(book: Ledger, record: OrderRecord, stop_waiting: bool) -> State[Any]:
    current = record.current_request
    assert current is not None
    request_id, until = current.last.id, current.last.cancel_until
    with closing(load_account(record.account).open()) as provider:
        if isinstance(provider, Cancels):
            try:
                provider.cancel(request_id)
            except Refused as no:
                return Failed(message=f"Order {record.reference} was not cancelled: {no}. It goes on.")
            return _end(
                book, record, f"Order {record.reference} was cancelled at {record.provider}: request {request_id}"
            )
    told = f" It takes cancellations until {readable(until)}: ask its support, naming that request." if until else ""
    why = f"{record.provider} documents no way to cancel request {request_id} by its API.{told}"
    if not stop_waiting:
        return Failed(
            message=f"Order {record.reference} was not cancelled and goes on: {why} "
            "To end it on our side all the same, run cancel-order with stop_waiting."
        )
    return _end(book, record, f"Order {record.reference} was ended on our side; the request stands. {why}")


def _end(book: Ledger, record: OrderRecord, message: str) -> State[Any]:
    lifecycle.end(book, record.reference, StatusCode.USER_CANCELLED, message)
    with get_client(sync_client=True) as client:
        try:
            run = client.read_flow_run(UUID(record.flow_run_id))
        except ObjectNotFound:
            run = None
        # a run in the middle of a step finds the order ended by itself
        if run is not None and run.state is not None and (run.state.is_scheduled() or run.state.is_paused()):
            client.set_flow_run_state(run.id, Cancelled(message=message))
    return Completed(message=message)
