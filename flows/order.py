"""One order of a flow run: Prefect carries it out step by step, and starts it again after each wait."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

import httpx
from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.approval import ask
from flows.ending import ended
from flows.parking import park
from tasking.lifecycle.session import OrderSession
from tasking.order import Order
from tasking.order_run import Ended, Host, Step, run_order
from tasking.status import StatusCode
from tasks.accept import accept
from tasks.order_steps import perform
from tasks.show import show_timeline
from tasks.step import BLOCKS
from tasks.tag_run import tag_run


def carry_out(kind: type[Order], given: object) -> State[Any]:
    """Carry out the order of this flow run to its next wait or its end; see `tasking.order_run`.

    Args:
        kind: The provider's kind of order.
        given: The order as the run has it: checked here and not by Prefect, which would wrap what is wrong with it in a
            traceback.

    Returns:
        The state the run ends with, with a message for a person.
    """
    return ended(state_of(run_order(FlowRunHost(), kind, given)))


def order_name() -> str:
    """The order's name for its run, also when the order is not valid."""
    given = flow_run.parameters.get("order")
    name = given.get("name") if isinstance(given, dict) else getattr(given, "name", None)
    return str(name or "unnamed order")[:100]


class FlowRunHost(Host):
    """The flow run that this process carries out: each step is a task, each wait is told to Prefect."""

    def __init__(self) -> None:
        self.run_id = str(flow_run.id)
        self.log: logging.Logger | logging.LoggerAdapter[Any] = get_run_logger()
        self.installed = BLOCKS

    def accept(self, session: OrderSession) -> None:
        """Run the task."""
        accept(session)

    def ask(self, session: OrderSession) -> None:
        """See `flows.approval.ask`."""
        ask(session)

    def perform(self, session: OrderSession, action: Step) -> None:
        """Run the task of this step."""
        perform(session, action)

    def park(self, until: datetime, message: str) -> None:
        """See `flows.parking.park`."""
        park(until, message)

    def begins(self, order: Order, reference: str) -> None:
        """Tag this run."""
        tag_run(order, reference)

    def show(self, reference: str) -> None:
        """Renew the timeline on this run's page."""
        show_timeline(reference)

    def is_away(self, error: Exception) -> bool:
        """Whether Prefect did not answer."""
        return isinstance(error, PrefectHTTPStatusError | httpx.HTTPError)

    def is_gone(self, error: Exception) -> bool:
        """Whether this run was deleted in Prefect: the watcher starts another."""
        return isinstance(error, ObjectNotFound)


def state_of(end: Ended) -> State[Any]:
    """Prefect's state for how an order's run ended."""
    if end.status == StatusCode.COMPLETED:
        return Completed(message=end.message)
    if end.status == StatusCode.USER_CANCELLED:
        return Cancelled(message=end.message)
    return Failed(message=end.message)
