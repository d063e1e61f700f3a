"""Bring runs forward that are parked until later."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from prefect import get_client

from tasking.clock import utc_now
from tasks.step import step

AT_ONCE = 50
"""Runs in one call; the server takes no more."""

DUE_SOON = timedelta(seconds=20)
"""A run that is due this soon may already be on its way to a worker (it prefetches 10 s ahead); it is left alone."""


@step("wake")
def wake(run_ids: Sequence[UUID], message: str) -> int:
    """Start parked runs now; returns how many were. Whatever is not parked, or is due soon, is left alone."""
    woken = 0
    for start in range(0, len(run_ids), AT_ONCE):
        woken += _wake_some(list(run_ids[start : start + AT_ONCE]), message, "AwaitingRetry", utc_now() + DUE_SOON)
    return woken


def _wake_some(run_ids: list[UUID], message: str, state_name: str, due_after: datetime | None) -> int:
    runs: dict[str, Any] = {"id": {"any_": [str(one) for one in run_ids]}, "state": {"name": {"any_": [state_name]}}}
    if due_after is not None:
        runs["next_scheduled_start_time"] = {"after_": due_after.isoformat()}
    with get_client(sync_client=True) as client:
        reply = client.request(
            "POST",
            "/flow_runs/bulk_set_state",  # type: ignore[arg-type]  # missing in the client's list of paths
            json={
                "flow_runs": runs,
                "state": {
                    "type": "SCHEDULED",
                    "name": "AwaitingRetry",
                    "message": message,
                    "state_details": {"scheduled_time": utc_now().isoformat()},
                },
            },
        )
    return sum(one["status"] == "ACCEPT" for one in reply.json()["results"])


@step("ask-anew")
def ask_anew(run_ids: Sequence[UUID], message: str = "Nobody answered in time; the order goes on as it says") -> int:
    """Start runs that are suspended for an approval: they look again, and ask again or do what the order says."""
    woken = 0
    for start in range(0, len(run_ids), AT_ONCE):
        some = list(run_ids[start : start + AT_ONCE])
        woken += _wake_some(some, message, "Suspended", None)
    return woken
