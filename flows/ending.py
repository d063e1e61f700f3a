"""How a run ends that did not do what was wished: as a state with its sentence."""

from __future__ import annotations

from typing import Any

import httpx
from prefect import get_client, get_run_logger
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.exceptions import Pause

from flows.parking import without_retries


def ended(state: State[Any]) -> State[Any]:
    """What a flow returns at its end.

    Prefect's engine makes an error and a traceback of a state that is returned and is not Completed, though nothing
    unexpected has happened. So such a state is told to Prefect here, and the process leaves in order.

    Raises:
        Pause: Prefect has the state.
    """
    context = FlowRunContext.get()
    if state.is_completed() or context is None or context.flow_run is None:
        return state
    run = context.flow_run
    try:
        with get_client(sync_client=True) as client:
            if policy := without_retries(run.empirical_policy):
                client.request("PATCH", "/flow_runs/{id}", path_params={"id": run.id}, json=policy)
            reply: OrchestrationResult[Any] = client.set_flow_run_state(run.id, state)
    except httpx.HTTPError as away:
        get_run_logger().warning("Prefect could not be told how the run ended, its engine tries again: %s", away)
        return state
    raise Pause(state.message or "", state=reply.state)
