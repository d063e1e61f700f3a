"""Check an order and own its reference."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound

from tasking import lifecycle
from tasking.ledger import Ledger
from tasking.lifecycle.session import OrderSession
from tasks import order_deployment
from tasks.recovery.runs import NOT_ENDED, RESTARTED, WAITS_AGAIN
from tasks.step import step


@step("accept")
def accept(session: OrderSession) -> None:
    """Check the order, and own it by this flow run; see `tasking.lifecycle.accept`."""
    lifecycle.accept(session, FlowRuns())


class FlowRuns:
    """What Prefect knows of runs."""

    def is_gone(self, run_id: str) -> bool:
        """Whether that run can no longer go on. A crashed one is brought back by the watcher."""
        with get_client(sync_client=True) as client:
            try:
                state = client.read_flow_run(UUID(run_id)).state
            except ObjectNotFound:
                return True
        return state is not None and state.is_final() and not state.is_crashed()

    def started_since(self, run_id: str, when: datetime) -> bool:
        """Whether a person started that run, or pressed Retry on it, since then; the watcher's doing is neither."""
        with get_client(sync_client=True) as client:
            run = client.read_flow_run(UUID(run_id))
            states = sorted(client.read_flow_run_states(run.id), key=lambda state: state.timestamp)
        return (run.created is not None and run.created > when) or any(
            after.timestamp > when and before.is_final() and after.is_scheduled() and not _by_the_watcher(after)
            for before, after in pairwise(states)
        )

    def claimed(self, ledger: Ledger, reference: str) -> None:
        """Write down the deployment of this run."""
        order_deployment.record_deployment(ledger, reference)


def _by_the_watcher(state: State) -> bool:
    return (state.message or "").startswith((RESTARTED, NOT_ENDED, WAITS_AGAIN))
