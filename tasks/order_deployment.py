"""The deployment by which an order came: another run of it is started there, too."""

from __future__ import annotations

from typing import NamedTuple

from prefect import get_run_logger
from prefect.runtime import deployment

from tasking.ledger import Ledger

NOTED = "deployment"
"""The journal's word for it; the detail has id and name."""


class OrderDeployment(NamedTuple):
    """A deployment."""

    id: str
    name: str | None


def record_deployment(ledger: Ledger, reference: str) -> None:
    """Write down the deployment of this run; one call to Prefect, for its name, which outlives its id."""
    if deployment.id is None:
        return
    try:
        name = deployment.name
    except Exception as error:
        get_run_logger().warning("The deployment's name was not read: %s", error)
        name = None
    detail = {"deployment": {"id": str(deployment.id), "name": name}}
    ledger.record(reference, NOTED, f"Its run is of deployment {name or deployment.id}", detail=detail)


def deployment_of(ledger: Ledger, reference: str) -> OrderDeployment | None:
    """The deployment that was noted for an order last; ``None`` when there is none."""
    noted = [one.detail["deployment"] for one in ledger.journal(reference) if one.event == NOTED]
    return OrderDeployment(**noted[-1]) if noted else None
