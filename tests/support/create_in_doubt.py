"""Orders of which a create got no answer."""

from __future__ import annotations

from prefect.client.schemas.objects import FlowRun

from tests.support.installation import Installation
from tests.support.order_kinds import Kind


def in_doubt(installation: Installation, kind: Kind) -> FlowRun:
    """A run whose request was made and whose answer was lost; it is parked until the first look."""
    installation.simulator.fault("reset_after", method="POST", path=kind.create)
    run = installation.start(kind.flow, order=kind.order(installation))
    for _ in range(5):
        if installation.ledger.read("bay").waits_for == "settling":
            return run
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(run.state)


def until_requested(installation: Installation, run: FlowRun) -> None:
    """Go on until the request's outcome is known; how imagery comes home is not the matter here."""
    for _ in range(20):
        if installation.ledger.read("bay").requests:
            return
        assert run.state is not None
        assert run.state.name == "AwaitingRetry", run.state
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(run.state)
