"""One order of a flow run: Prefect carries it out step by step, and starts it again after each wait."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

import httpx
from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.any_order import as_meant
from flows.approval import ask
from flows.ending import ended
from flows.parking import park
from tasking.clock import utc_now
from tasking.lifecycle.session import OrderSession
from tasking.order import Order
from tasking.order_run import Ended, Host, Step, run_order
from tasking.status import OrderStatus, StatusCode
from tasking.study import Study
from tasks.accept import accept
from tasks.order_steps import perform
from tasks.show import show_timeline
from tasks.show_study import show_study
from tasks.step import BLOCKS
from tasks.tag_run import tag_run


def carry_out(kind: type[Order], given: object, dry_run: bool = False) -> State[Any]:
    """Carry out the order of this flow run to its next wait or its end; see `tasking.order_run`.

    Args:
        kind: The provider's kind of order.
        given: The order as the run has it: checked here and not by Prefect, which would wrap what is wrong with it in a
            traceback.
        dry_run: Everything but the request; anything that is not false is a dry run.

    Returns:
        The state the run ends with, with a message for a person.
    """
    return ended(state_of(run_order(FlowRunHost(), kind, as_meant(given), dry_run=bool(dry_run))))


def order_name() -> str:
    """The order's name for its run, also when the order is not valid."""
    given = flow_run.parameters.get("order")
    name = given.get("name") if isinstance(given, dict) else getattr(given, "name", None)
    asks = "dry run: " if flow_run.parameters.get("dry_run") else ""
    return f"{asks}{name or 'unnamed order'}"[:100]


def scheduled_start() -> datetime:
    """When this run was to start first, by its schedule; by when it was created where it has none.

    Prefect writes it down once: neither a wait nor a retry moves it.
    """
    scheduled = flow_run.scheduled_start_time  # of a class of Prefect's own, whose members are deprecated
    return utc_now() if scheduled is None else datetime.fromtimestamp(scheduled.timestamp(), UTC)


class FlowRunHost(Host):
    """The flow run that this process carries out: each step is a task, each wait is told to Prefect."""

    def __init__(self) -> None:
        self.run_id, self.scheduled = str(flow_run.id), scheduled_start()
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

    def studied(self, study: Study) -> None:
        """Show it on this run's page, as a table for people and as JSON."""
        show_study(study)

    def is_away(self, error: Exception) -> bool:
        """Whether Prefect did not answer."""
        return isinstance(error, PrefectHTTPStatusError | httpx.HTTPError)

    def is_gone(self, error: Exception) -> bool:
        """Whether this run was deleted in Prefect: the watcher starts another."""
        return isinstance(error, ObjectNotFound)


def state_of(end: Ended) -> State[Any]:
    """Prefect's state for how an order's run ended."""
    if end.status in (StatusCode.COMPLETED, OrderStatus.DRY_RUN):
        return Completed(message=end.message)
    if end.status == StatusCode.USER_CANCELLED:
        return Cancelled(message=end.message)
    return Failed(message=end.message)
