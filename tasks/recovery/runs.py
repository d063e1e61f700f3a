"""What recovery asks Prefect, and this machine, about flow runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, FlowRunFilter
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import PrefectHTTPStatusError

PROCESSES = Path("/proc")
PAGE = 200

RESTARTED = "Started again: its process was lost"
"""The message of a run that is started again."""

WAITS_AGAIN = "Waits again: "
"""So begins what a run waits for that was called Crashed while it waited, without a process that could have died."""

NOT_ENDED = "Not ended: "
"""So begins what the watcher says of a run that others ended and that goes on."""


def read_runs(
    client: SyncPrefectClient,
    flows: Sequence[str],
    *,
    sort: FlowRunSort = FlowRunSort.ID_DESC,
    most: int | None = None,
    **which: Mapping[str, Any],
) -> list[FlowRun]:
    """The runs of these flows (of any when none is named); all, or the first ones.

    Prefect lists `PAGE` at once, or fewer: its server's ``PREFECT_API_DEFAULT_LIMIT`` refuses what is above it.

    Args:
        client: Asks Prefect.
        flows: Names of flows.
        sort: Their order.
        most: How many are enough.
        which: The fields of Prefect's `FlowRunFilter`.
    """
    found: list[FlowRun] = []
    named, limit = FlowFilter(name=FlowFilterName(any_=list(flows))) if flows else None, min(PAGE, most or PAGE)
    while True:
        try:
            page = client.read_flow_runs(
                flow_filter=named,
                flow_run_filter=FlowRunFilter.model_validate(which),
                sort=sort,
                limit=limit,
                offset=len(found),
            )
        except PrefectHTTPStatusError as refused:
            if refused.response.status_code != httpx.codes.UNPROCESSABLE_ENTITY or limit == 1:
                raise
            limit //= 2
            continue
        found += page
        if len(page) < limit or (most is not None and len(found) >= most):
            return found


def is_changed(client: SyncPrefectClient, run_id: UUID, seen: State) -> bool:
    """Whether somebody changed the run since it was seen in this state: what a person did to it meanwhile stands.

    Prefect cannot be told to set a state only where another still is: what is left is the time of one call.
    """
    now = client.read_flow_run(run_id).state
    return now is None or now.id != seen.id


def accepts(client: SyncPrefectClient, run_id: UUID, state: State, *, force: bool = False) -> bool:
    """Set a run's state; whether Prefect took it. It answers a refusal, and does not raise it."""
    reply: OrchestrationResult[Any] = client.set_flow_run_state(run_id, state, force=force)
    return reply.status is SetStateStatus.ACCEPT


class Processes(NamedTuple):
    """The processes of this machine that carry out flow runs.

    Attributes:
        shown: Whether this system shows its processes at all.
        runs: Ids of the runs, by what the engine's environment names.
        hidden: A process of our user that carries out some run and does not let us see which.
    """

    shown: bool
    runs: set[str]
    hidden: str | None


def running_processes() -> Processes:
    """The processes of our own user: anybody may write our run's id into an environment of theirs.

    Start the workers and the watcher as one user.
    """
    runs, hidden = set[str](), None
    for process in PROCESSES.glob("[0-9]*"):
        is_engine = True
        try:
            if process.stat().st_uid != os.geteuid():
                continue
            is_engine = b"prefect.engine" in (process / "cmdline").read_bytes()
            for item in (process / "environ").read_bytes().split(b"\0"):
                if item.startswith(b"PREFECT__FLOW_RUN_ID="):
                    runs.add(item.split(b"=", 1)[1].decode("ascii", "replace"))
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
        except OSError:
            hidden = process.name if is_engine else hidden
    return Processes((PROCESSES / "self" / "environ").exists(), runs, hidden)
