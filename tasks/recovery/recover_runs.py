"""Start again the runs whose process is gone, and those whose end Prefect did not take."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from prefect import get_client, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import SetStateStatus
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import AwaitingRetry, Crashed

from tasking.clock import utc_now
from tasks.step import step

PROCESSES = Path("/proc")

HOST_GONE_AFTER = timedelta(hours=6)
"""How long a run of another machine may be Running or Pending; no step of an order takes nearly as long."""

REST = timedelta(hours=1)
"""Pause of a run that crashes again and again; a person may look meanwhile."""

PAGE = 200

RESTARTED = "Started again: its process was lost"

WAITS_AGAIN = "Waits again: "
"""So begins what a run waits for that was called Crashed while it waited, without a process that could have died."""

NOT_ENDED = "Not ended: "
"""So begins what the watcher says of a run that others ended and that goes on."""

RECENT = timedelta(days=1)
"""Failed runs that own no open order are looked at for so long after they failed."""


def _with_all_under(kind: type[Exception]) -> list[str]:
    return [kind.__name__, *(name for under in kind.__subclasses__() for name in _with_all_under(under))]


_NO_ANSWER = [*_with_all_under(httpx.HTTPError), ObjectNotFound.__name__]

_UNTOLD = re.compile(rf"Flow run encountered an exception: (?:{'|'.join(_NO_ANSWER)}):")
"""What Prefect's engine says when Prefect itself did not answer it; the flows let no such error of their own out.

A 404 is none either: a run that can be found afterwards was not deleted, so it came from a proxy before Prefect.
"""


@step("recover-runs")
def recover_runs(
    flows: Sequence[str],
    lost_after_seconds: float,
    most_crashes: int,
    elsewhere: Iterable[UUID] = (),
    owners: Sequence[UUID] = (),
) -> int:
    """Start lost runs of these flows again; returns how many.

    A run counts as lost when it is Crashed, or Running or Pending for longer than ``lost_after_seconds`` with no
    process on this machine; where processes cannot be seen (no ``/proc``), only when it is Crashed. One that Failed
    because Prefect did not answer when it came to its end counts as crashed. One that crashes again and again without
    getting to a wait is tried once an hour.

    Args:
        flows: Names of the flows whose runs are looked at.
        lost_after_seconds: How long a run may be without a process, e.g. while it starts.
        most_crashes: Crashes in a row after which a run rests for an hour.
        elsewhere: Runs whose processes live on other machines; the watcher there judges them. After `HOST_GONE_AFTER`
            such a machine is taken for gone (a container gets a new name each time), and the run is started here: its
            steps find what was done.
        owners: Runs that own an open order: they are looked at however long ago they failed.
    """
    states = [StateType.RUNNING, StateType.PENDING, StateType.CRASHED]
    with get_client(sync_client=True) as client:
        failed, since = _any_of(StateType.FAILED), utc_now() - RECENT
        recent = FlowRunFilterEndTime(after_=since)  # type: ignore[arg-type]  # any aware time does
        before = FlowRunFilterEndTime(before_=since)  # type: ignore[arg-type]
        runs = read_runs(client, flows, FlowRunFilter(state=_any_of(*states)))
        runs += read_runs(client, flows, FlowRunFilter(state=failed, end_time=recent))
        for first in range(0, len(owners), PAGE):
            some = FlowRunFilterId(any_=list(owners[first : first + PAGE]))
            runs += read_runs(client, flows, FlowRunFilter(id=some, state=failed, end_time=before))
        alive, skipped = runs_with_a_process(), set(elsewhere)  # after the read: a run seen must show its process
        if (hidden := _hidden_runs()) is not None:
            get_run_logger().warning(
                "Process %s is a flow run and does not show which: until it ends, runs count as lost only after %s",
                *(hidden, HOST_GONE_AFTER),
            )
            skipped |= {run.id for run in runs}
        return sum(
            _recover(client, run, most_crashes)
            for run in runs
            if run.deployment_id is not None
            and run.state is not None
            and (is_crash(run.state) or _lost(run, run.state, lost_after_seconds, alive, skipped))
        )


def _any_of(*states: StateType) -> FlowRunFilterState:
    return FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states)))


def is_crash(state: State) -> bool:
    """Whether a run in this state is brought back: its process died, or Prefect did not take its end."""
    return state.is_crashed() or (state.is_failed() and _UNTOLD.match(state.message or "") is not None)


def may_be_recovered(state: State) -> bool:
    """Whether a run in this state that owns no open order is brought back, or was seen by a watch that is about to."""
    return state.is_crashed() or (is_crash(state) and utc_now() - state.timestamp < RECENT + REST)


def read_runs(
    client: SyncPrefectClient,
    flows: Sequence[str],
    which: FlowRunFilter,
    *,
    sort: FlowRunSort = FlowRunSort.ID_DESC,
    most: int | None = None,
) -> list[FlowRun]:
    """The runs of these flows (of any when none is named) that the filter lets through; all, or the first ones.

    Prefect lists `PAGE` at once, or fewer: its server's ``PREFECT_API_DEFAULT_LIMIT`` refuses what is above it.
    """
    found: list[FlowRun] = []
    named, limit = FlowFilter(name=FlowFilterName(any_=list(flows))) if flows else None, PAGE
    while True:
        try:
            page = client.read_flow_runs(
                flow_filter=named, flow_run_filter=which, sort=sort, limit=limit, offset=len(found)
            )
        except PrefectHTTPStatusError as refused:
            if refused.response.status_code != httpx.codes.UNPROCESSABLE_ENTITY or limit == 1:
                raise
            limit //= 2
            continue
        found += page
        if len(page) < limit or (most is not None and len(found) >= most):
            return found


def runs_with_a_process() -> set[str]:
    """Ids of the flow runs that have a process on this machine: the engine's environment names its run."""
    found = set()
    for environ in PROCESSES.glob("[0-9]*/environ"):
        try:
            if environ.stat().st_uid != os.geteuid():  # anybody may write our run's id into an environment of theirs
                continue
            for item in environ.read_bytes().split(b"\0"):
                if item.startswith(b"PREFECT__FLOW_RUN_ID="):
                    found.add(item.split(b"=", 1)[1].decode())
        except OSError:  # ended meanwhile, or another user's
            continue
    return found


def _hidden_runs() -> str | None:
    """The id of a process of our user that carries out some flow run and does not let us see which.

    Those of other users do not count, whatever they are called: start the workers and the watcher as one user.
    """
    for process in PROCESSES.glob("[0-9]*"):
        try:
            if process.stat().st_uid != os.geteuid():
                continue
            if b"prefect.engine" in (process / "cmdline").read_bytes():
                (process / "environ").open("rb").close()
        except (FileNotFoundError, ProcessLookupError):  # ended meanwhile
            continue
        except OSError:
            return process.name
    return None


def _lost(run: FlowRun, state: State, lost_after_seconds: float, alive: set[str], elsewhere: set[UUID]) -> bool:
    silent = utc_now() - state.timestamp
    if state.is_final() or str(run.id) in alive or not (PROCESSES / "self" / "environ").exists():
        return False
    if run.id in elsewhere:
        return silent > HOST_GONE_AFTER
    return silent > timedelta(seconds=lost_after_seconds)


def _recover(client: SyncPrefectClient, run: FlowRun, most_crashes: int) -> bool:
    assert run.state is not None
    states = client.read_flow_run_states(run.id)
    crashes = _crashes_in_a_row(states)
    if crashes >= most_crashes and utc_now() - run.state.timestamp < REST:
        get_run_logger().warning(
            "Run %s (%s) crashed %d times in a row; a person should look. It is tried again an hour later",
            *(run.name, run.id, crashes),
        )
        return False
    try:
        # Many runs may have gone before this one: what a person did to it meanwhile, a cancel for one, stands. Prefect
        # cannot be told to set a state only where another still is: what is left is a Crashed run whose state somebody
        # changes by hand in the time of one call.
        now = client.read_flow_run(run.id).state
        if now is None or now.id != run.state.id:
            return False
        if not is_crash(now) and not _set(client, run.id, Crashed(message="Its process is gone")):
            return False  # Prefect lets no run crash that a person has cancelled
        waited = _waited(states)
        return _set(client, run.id, AwaitingRetry(scheduled_time=utc_now(), message=RESTARTED), waited)
    except ObjectNotFound:  # deleted meanwhile
        return False


def _waited(states: Sequence[State]) -> State | None:
    """The wait in which a run was called Crashed, as it was: started for nothing, it would only be called so again.

    Automations that look for runs without heartbeats do that: a run that waits has no process, and no heartbeats.
    """
    newest_first = sorted(states, key=lambda one: one.timestamp, reverse=True)
    before = next((one for one in newest_first if not one.is_crashed()), None)
    if before is not None and before.name == "Suspended":
        return before.fresh_copy()
    due = before.state_details.scheduled_time if before is not None else None
    if before is None or before.name != "AwaitingRetry" or before.message == RESTARTED or due is None:
        return None
    message = WAITS_AGAIN + (before.message or "").removeprefix(WAITS_AGAIN)
    return AwaitingRetry(scheduled_time=max(due, utc_now()), message=message)


def _set(client: SyncPrefectClient, run_id: UUID, state: State, instead: State | None = None) -> bool:
    """Whether Prefect took the state; it answers a refusal, and does not raise it.

    Args:
        client: Asks Prefect.
        run_id: Whose state.
        state: The state.
        instead: A wait to go back to. With force: a run that is over may not be suspended, else, and Prefect would
            throw away the form of its question.
    """
    reply: OrchestrationResult[Any] = client.set_flow_run_state(run_id, instead or state, force=instead is not None)
    return reply.status is SetStateStatus.ACCEPT


def _crashes_in_a_row(states: list[State]) -> int:
    """Crashes since the run last got to a wait of its own."""
    crashes = 0
    for state in sorted(states, key=lambda one: one.timestamp, reverse=True):
        if state.name == "AwaitingRetry" and not (state.message or "").startswith((RESTARTED, WAITS_AGAIN)):
            break
        crashes += is_crash(state)
    return crashes
