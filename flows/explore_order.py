"""What could be ordered, from whom, at what price and by when: a feasibility study over accounts, without an order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.any_order import AnyOrder, as_meant, read_orders
from flows.ending import ended
from flows.order import FlowRunHost
from flows.parking import park
from flows.pinned import pinned
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, LedgerUnavailable
from tasking.exploring import Exploration, explore, finish
from tasking.lifecycle.rehearsal import price_of
from tasking.local_host import Parked
from tasking.order import Order
from tasking.order_run import AWAY, Host
from tasking.waiting import format_utc
from tasks.show_study import show_exploration


def _run_name() -> str:
    given = flow_run.parameters.get("orders")
    first = given[0] if isinstance(given, list) and given else None
    name = first.get("name") if isinstance(first, dict) else getattr(first, "name", None)
    return f"explore {name or 'orders'}"[:100]


@pinned("explore-order", validate_parameters=False, flow_run_name=_run_name)
def explore_order(orders: list[AnyOrder]) -> State[Any]:
    """Find out what could be ordered, without ordering: all accounts in one ranked table.

    Plans are made, opportunities analysed, prices and feasibility asked for; none of it costs anything. Where
    candidates take their time the run waits as an order does, and holds no process. The table is kept as an artifact,
    and as JSON.

    Args:
        orders: What to study: one order for each account that could bring it, each with its own fields. The table is
            ranked by what each order chooses by, so let all say the same.
    """
    host = StudyHost()
    try:
        wishes = read_orders(as_meant(orders), host.scheduled)
    except InvalidOrder as error:
        return ended(Failed(message=str(error)))
    found = _complete(host, wishes)
    show_exploration(found)
    finish(host, found)
    return Completed(message=_said(found))


class StudyHost(FlowRunHost):
    """The flow run that studies several orders: a wait of one keeps no other waiting."""

    def park(self, until: datetime, message: str) -> None:
        """End the study's turn; the flow waits once all have had theirs."""
        raise Parked(until, message)

    def begins(self, order: Order, reference: str) -> None:
        """The run is no order's."""

    def show(self, reference: str) -> None:
        """The exploration is shown as a whole."""


def _complete(host: Host, wishes: list[Order]) -> Exploration:
    """All studies, once none has to be waited for any more."""
    while True:
        try:
            found = explore(host, wishes)
        except LedgerUnavailable as away:
            park(utc_now() + AWAY, f"Trying again: {away}")
            continue
        if found.wait is None:
            return found
        park(found.wait.until, found.wait.message)


def _said(found: Exploration) -> str:
    usable = sum(one.usable for one in found.options)
    refused = [f"{one.account}: {one.outcome}" for one in found.studies if one.refused]
    notes = f" Nothing from {'; '.join(refused)}" if refused else ""
    if (best := found.best) is None:
        return f"Nothing could be ordered.{notes}"
    return (
        f"{usable} options of {len(found.studies)} studies could be ordered. The best is of {best.account}: taken by "
        f"{format_utc(best.taken_by)}, {price_of(best.price, best.currency)}; {best.reason}.{notes}"
    )
