"""Long waits without a process: the run schedules itself and leaves; any worker starts it again when due.

Prefect has no public "suspend until"; this is the transition its own SIGTERM handling makes (Running to AwaitingRetry
with a time). The state keeps the name ``AwaitingRetry`` because the UI hides the history of runs scheduled under other
names; the reason is in the message.
"""

from __future__ import annotations

import os
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from prefect import get_client, get_run_logger
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.responses import SetStateStatus
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import ObjectNotFound, Pause
from prefect.states import AwaitingRetry

from tasking.clock import utc_now

AGAIN_SECONDS = 15.0
"""Pause before Prefect is told again that a run waits, after it did not answer."""


def inline_seconds() -> float:
    """A shorter wait is slept in the process: starting another costs more. ``TASKING_INLINE_WAIT_SECONDS``, else 15."""
    return float(os.environ.get("TASKING_INLINE_WAIT_SECONDS", "15"))


def park(until: datetime, message: str) -> None:
    """From a flow body: come back at ``until``; till then the run holds no process and no worker slot.

    Returns only when the wait was slept here: it was short, or Prefect was away for all of it. Otherwise the process
    ends in order, and the same run starts from the top of its flow when due, or when somebody wakes it.

    Args:
        until: Our time, aware.
        message: What is waited for; shown in the UI.

    Raises:
        ObjectNotFound: The run was deleted in Prefect.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None or TaskRunContext.get() is not None:
        raise RuntimeError("park is called from the body of a flow")
    if context.flow is not None and context.flow.retries:
        raise RuntimeError("a flow that parks must have no retries: Prefect strands such runs")
    left = (until - utc_now()).total_seconds()
    if left <= inline_seconds():
        time.sleep(max(0.0, left))
        return
    reply = _told(context.flow_run.id, until, message)
    if reply is None:
        return
    if reply.status is not SetStateStatus.ACCEPT:  # it is being cancelled, say
        raise Pause(f"not parked: {reply.details}", state=reply.state)
    raise Pause(message, state=reply.state)


def _told(run_id: UUID, until: datetime, message: str) -> OrchestrationResult[Any] | None:
    """What Prefect answers to the wish to wait, told again while it is away; ``None`` when the wait is over by then."""
    while (left := (until - utc_now()).total_seconds()) > 0:
        try:
            with get_client(sync_client=True) as client:
                # no process stands behind a parked run: told so, Prefect lets a cancel end it at once
                none = {"infrastructure_pid": None}
                client.request("PATCH", "/flow_runs/{id}", path_params={"id": run_id}, json=none)
                return client.set_flow_run_state(run_id, AwaitingRetry(scheduled_time=until, message=message))
        except httpx.HTTPError as away:
            if isinstance(away, httpx.HTTPStatusError) and away.response.status_code == httpx.codes.NOT_FOUND:
                raise ObjectNotFound(away) from away
            get_run_logger().warning("Prefect could not be told to wait, trying again: %s", away)
            time.sleep(min(left, AGAIN_SECONDS))
    return None
