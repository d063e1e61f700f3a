"""The deployment by which an order came: another run of it is started there, too."""

from __future__ import annotations

from typing import NamedTuple

from prefect import get_run_logger
from prefect.runtime import deployment

from tasking.ledger import Ledger, OrderRecord


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
    said = f"Its run is of deployment {name or deployment.id}"
    ledger.record(reference, "deployment", said, deployment_id=str(deployment.id), deployment_name=name)


def deployment_of(record: OrderRecord) -> OrderDeployment | None:
    """The deployment that was noted for an order last; ``None`` when there is none."""
    return OrderDeployment(record.deployment_id, record.deployment_name) if record.deployment_id is not None else None
