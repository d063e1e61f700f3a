"""Long waits without a process: the run schedules itself and leaves; any worker starts it again when due.

Prefect has no public "suspend until"; this is the transition its own SIGTERM handling makes (Running to AwaitingRetry
with a time). The state keeps the name ``AwaitingRetry`` because the UI hides the history of runs scheduled under other
names; the reason is in the message.
"""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from prefect import get_client, get_run_logger
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.objects import FlowRunPolicy
from prefect.client.schemas.responses import SetStateStatus
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import ObjectNotFound, Pause
from prefect.states import AwaitingRetry

from tasking.clock import utc_now

INLINE_SECONDS = 15.0

AGAIN_SECONDS = 15.0
"""Pause before Prefect is told again that a run waits, after it did not answer."""

REFUSED_SECONDS = 300.0
"""For so long Prefect may refuse this process's credentials; one that is started anew has those that hold by then."""

_refused_since: float | None = None
"""Since when (monotonic) Prefect answers this process with nothing but 401 and 403; a wait may be shorter than that."""


def inline_seconds() -> float:
    """A shorter wait is slept in the process: starting another costs more. ``TASKING_INLINE_WAIT_SECONDS``, else 15.

    A setting that is no number is told in the log and not used: an order must not fail because of it.
    """
    given = os.environ.get("TASKING_INLINE_WAIT_SECONDS", f"{INLINE_SECONDS:g}")
    with suppress(ValueError):
        if math.isfinite(seconds := float(given)):
            return seconds
    get_run_logger().warning(
        "TASKING_INLINE_WAIT_SECONDS: %s: give seconds as a number, e.g. 15; %g are taken", given, INLINE_SECONDS
    )
    return INLINE_SECONDS


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
    reply = _told(context.flow_run.id, until, message, without_retries(context.flow_run.empirical_policy))
    if reply is None:
        return
    if reply.status is not SetStateStatus.ACCEPT:  # it is being cancelled, say
        raise Pause(f"not parked: {reply.details}", state=reply.state)
    raise Pause(message, state=reply.state)


def without_retries(policy: FlowRunPolicy) -> dict[str, Any]:
    """A run that was created with retries of its own must lose them: Prefect starts no parked run that was retried."""
    if not policy.retries and policy.retry_type is None:
        return {}
    without = policy.model_copy(update={"retries": 0, "retry_type": None})
    return {"empirical_policy": without.model_dump(mode="json")}


def _told(run_id: UUID, until: datetime, message: str, never_again: dict[str, Any]) -> OrchestrationResult[Any] | None:
    """What Prefect answers to the wish to wait, told again while it is away; ``None`` when the wait is over by then.

    Raises:
        Pause: It has refused our credentials for `REFUSED_SECONDS`: they were changed, and this process would ask with
            the old ones for weeks. Its run stays Running without a process, and the watcher starts it again.
    """
    while (left := (until - utc_now()).total_seconds()) > 0:
        try:
            with get_client(sync_client=True) as client:
                # no process stands behind a parked run: told so, Prefect lets a cancel end it at once
                told = {"infrastructure_pid": None, **never_again}
                client.request("PATCH", "/flow_runs/{id}", path_params={"id": run_id}, json=told)
                reply: OrchestrationResult[Any] = client.set_flow_run_state(
                    run_id, AwaitingRetry(scheduled_time=until, message=message)
                )
            _refused_for(None)
            return reply
        except httpx.HTTPError as away:
            if isinstance(away, httpx.HTTPStatusError) and away.response.status_code == httpx.codes.NOT_FOUND:
                raise ObjectNotFound(away) from away
            if _refused_for(away) >= REFUSED_SECONDS:
                said = "Prefect refuses our credentials: this process ends, and the watcher starts the run again"
                get_run_logger().error("%s: %s", said, away)
                raise Pause(said) from away
            get_run_logger().warning("Prefect could not be told to wait, trying again: %s", away)
            time.sleep(min(left, AGAIN_SECONDS))
    return None


def _refused_for(error: httpx.HTTPError | None) -> float:
    """For how many seconds now Prefect has said nothing but that our credentials are wrong."""
    global _refused_since
    status = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else None
    if status not in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        _refused_since = None
        return 0.0
    _refused_since = _refused_since or time.monotonic()
    return time.monotonic() - _refused_since
