"""Start the flow run that carries out an order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.filters import FlowFilter, FlowFilterName

from tasking.errors import TaskingError
from tasks.step import step


class NotDeployed(TaskingError):
    """The flow for this provider's orders has no deployment."""


@step("start")
def start(provider: str, order: dict[str, Any], idempotency_key: str, tags: Sequence[str] = ()) -> UUID:
    """Start an order; the same key gives the same run again.

    Args:
        provider: Provider name; its flow is ``order-<provider>``.
        order: The order, JSON, with a reference.
        idempotency_key: Names this start.
        tags: Tags of the run.

    Raises:
        NotDeployed: There is no deployment of that flow.
    """
    flow = FlowFilter(name=FlowFilterName(any_=[f"order-{provider}"]))
    with get_client(sync_client=True) as client:
        deployments = client.read_deployments(flow_filter=flow, limit=1)
        if not deployments:
            raise NotDeployed(f"order-{provider} is not deployed; run: prefect deploy --all")
        run = client.create_flow_run_from_deployment(
            deployments[0].id, parameters={"order": order}, idempotency_key=idempotency_key, tags=tags
        )
    return run.id
