"""The steps of an order as Prefect's tasks, in the words that a person reads in the UI."""

from __future__ import annotations

from typing import assert_never

from tasking import lifecycle
from tasking.lifecycle.actions import Choose, Deliver, ListCandidates, Plan, Poll, Request
from tasking.lifecycle.session import OrderSession
from tasking.order_run import Step
from tasks.show import show_candidates, show_delivery
from tasks.step import step


@step(Plan.step)
def plan(session: OrderSession) -> None:
    """See `tasking.lifecycle.plan`."""
    lifecycle.plan(session)


@step(ListCandidates.step)
def list_candidates(session: OrderSession) -> None:
    """See `tasking.lifecycle.list_candidates`."""
    lifecycle.list_candidates(session)


@step(Choose.step)
def choose(session: OrderSession, any_coverage: bool) -> None:
    """Take the best candidate; the list is shown on the run's page."""
    chosen = lifecycle.choose(session, any_coverage=any_coverage)
    show_candidates(session.order, session.reference, chosen.ranked, chosen.candidates)


@step(Request.step)
def request(session: OrderSession) -> None:
    """Order the chosen candidate, exactly once: the step that costs money; see `tasking.lifecycle.request`."""
    lifecycle.request(session)


@step(Poll.step)
def await_data(session: OrderSession) -> None:
    """Read how the order's requests stand; see `tasking.lifecycle.poll`."""
    lifecycle.poll(session)


@step(Deliver.step)
def pull_assets(session: OrderSession, request_id: str) -> None:
    """The verified catalog, shown on the run's page; see `tasking.lifecycle.deliver`."""
    delivery = lifecycle.deliver(session, request_id)
    if delivery is not None:
        show_delivery(session.order, session.reference, delivery)


def perform(session: OrderSession, action: Step) -> None:
    """Run the task of a step."""
    match action:
        case Plan():
            plan(session)
        case ListCandidates():
            list_candidates(session)
        case Choose(any_coverage):
            choose(session, any_coverage)
        case Request():
            request(session)
        case Poll():
            await_data(session)
        case Deliver(request_id):
            pull_assets(session, request_id)
        case _:
            assert_never(action)
