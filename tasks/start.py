"""Start the flow run that carries out an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName
from prefect.client.schemas.responses import DeploymentResponse

from tasking.errors import TaskingError
from tasks.order_deployment import OrderDeployment
from tasks.step import step

USUAL = "order"
"""Name of the deployment that carries out orders, as in prefect.yaml."""


class NotDeployed(TaskingError):
    """The flow for this provider's orders has no deployment."""


@step("start")
def start(
    provider: str,
    order: dict[str, Any],
    idempotency_key: str,
    tags: Sequence[str] = (),
    preferred: OrderDeployment | None = None,
) -> UUID:
    """Start an order; the same key gives the same run again.

    Args:
        provider: Provider name; its flow is ``order-<provider>``.
        order: The order, JSON, with a reference.
        idempotency_key: Names this start.
        tags: Tags of the run.
        preferred: The deployment that the order came by, where it was started before.

    Raises:
        NotDeployed: That flow has no deployment to use.
    """
    flow = FlowFilter(name=FlowFilterName(any_=[f"order-{provider}"]))
    with get_client(sync_client=True) as client:
        deployment = _deployment(client.read_deployments(flow_filter=flow), preferred)
        if deployment is None:
            raise NotDeployed(
                f"order-{provider} has no deployment named {USUAL} that is not paused; resume it, or run: "
                "prefect deploy --all"
            )
        run = client.create_flow_run_from_deployment(
            deployment.id, parameters={"order": order}, idempotency_key=idempotency_key, tags=tags
        )
    return run.id


def _deployment(there: Sequence[DeploymentResponse], preferred: OrderDeployment | None) -> DeploymentResponse | None:
    """The deployment that the order came by, also when it was made anew; else the usual one; never a paused one."""
    active = [one for one in there if not one.paused]
    by_id = [one for one in active if preferred is not None and str(one.id) == preferred.id]
    by_name = [one for one in active if preferred is not None and one.name == preferred.name]
    return next(iter([*by_id, *by_name, *(one for one in active if one.name == USUAL)]), None)
