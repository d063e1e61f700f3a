"""What goes wrong beside the steps of an order and is waited out: outages, and code that cannot read it."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import Any

import httpx
from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.runtime import flow_run
from prefect.states import Failed

from blocks.account import load_account
from tasking import lifecycle
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, LedgerUnavailable
from tasking.ledger import Filter, Ledger, OrderRecord
from tasking.order import Order
from tasking.waiting import Wait, readable
from tasks.step import ledger

AWAY = timedelta(seconds=60)
"""Pause when the ledger itself is away, so that nothing can be read about the order."""

OTHER_CODE = timedelta(hours=1)
"""Pause of a claimed order that this worker's code cannot read: somebody has to upgrade the worker."""


class Later(Exception):
    """Something went wrong beside the steps of an order that is paid for: it is not closed, but tried again later."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait.message)
        self.wait = wait


def not_read(no: InvalidOrder) -> State[Any]:
    """A new order is refused; one that this run has claimed was fine for other code, and waits for that.

    Failed, its run would have the watcher close an order that may be paid for.
    """
    with ledger() as book:
        claimed = book.orders(Filter(flow_run_id=str(flow_run.id), open_only=True, limit=1))
        if not claimed:
            return Failed(message=str(no))
        until = utc_now() + OTHER_CODE
        message = (
            f"The code on this worker cannot read the order: {no}. Install the version there that can; "
            f"trying again at {readable(until)}"
        )
        book.record(claimed[0].reference, waits_message=message, wake_at=until)
    get_run_logger().error("Order %s: %s", claimed[0].reference, message)
    raise Later(Wait(until=until, waits_for="provider", message=message))


def away(order: Order, reference: str, step: str, error: Exception) -> Wait:
    """The pause after an error that is waited out; any other error is raised again."""
    if isinstance(error, ObjectNotFound):  # this run was deleted in Prefect: the watcher starts another
        raise error
    try:
        with ledger() as book:
            record = own_record(book, reference)
            of_prefect = isinstance(error, PrefectHTTPStatusError | httpx.HTTPError)
            if not of_prefect and not lifecycle.passes(book, record, error):
                raise error
            get_run_logger().warning("%s: %s", step, error)
            if record is None:
                return Wait(until=utc_now() + AWAY, waits_for="provider", message=f"Trying again: {error}")
            return lifecycle.pause(book, order, record, step, error, _ask_again_seconds(order))
    except LedgerUnavailable as away:
        return Wait(until=utc_now() + AWAY, waits_for="provider", message=f"Trying again: {away}")


def own_record(book: Ledger, reference: str) -> OrderRecord | None:
    """The order, if it is this run's: one that another run owns is neither closed nor changed by this one."""
    record = book.find(reference)
    return record if record is not None and record.flow_run_id == str(flow_run.id) else None


def _ask_again_seconds(order: Order) -> float:
    """The account's first pause; its default where the account cannot even be opened."""
    try:
        with closing(load_account(order.account).open()) as provider:
            return provider.ask_again_seconds
    except Exception:
        return 30.0
