"""Start again the runs whose process is gone, and those whose end Prefect did not take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta
from uuid import UUID

import httpx
from prefect import get_client, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.states import AwaitingRetry, Crashed

from tasking.clock import utc_now
from tasks.recovery.runs import PAGE, RESTARTED, WAITS_AGAIN, accepts, is_changed, read_runs, running_processes
from tasks.step import step

HOST_GONE_AFTER = timedelta(hours=6)
"""How long a run of another machine may be Running or Pending; no step of an order takes nearly as long."""

REST = timedelta(hours=1)
"""Pause of a run that crashes again and again; a person may look meanwhile."""

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
    """Start lost runs of these flows again, by the rules of `tasks.recovery`; returns how many.

    Where processes cannot be seen (no ``/proc``), a run counts as lost only when it is Crashed.

    Args:
        flows: Names of the flows whose runs are looked at.
        lost_after_seconds: How long a run may be without a process, e.g. while it starts.
        most_crashes: Crashes in a row after which a run rests for an hour.
        elsewhere: Runs whose processes live on other machines; the watcher there judges them. After `HOST_GONE_AFTER`
            such a machine is taken for gone (a container gets a new name each time), and the run is started here: its
            steps find what was done.
        owners: Runs that own an open order: they are looked at however long ago they failed.
    """
    with get_client(sync_client=True) as client:
        runs = _runs_in_question(client, flows, owners)
        processes = running_processes()  # after the read: a run seen must show its process
        unseen = set(elsewhere)
        if processes.hidden is not None:
            get_run_logger().warning(
                "Process %s is a flow run and does not show which: until it ends, runs count as lost only after %s",
                *(processes.hidden, HOST_GONE_AFTER),
            )
            unseen |= {run.id for run in runs}

        def is_lost(run: FlowRun, state: State) -> bool:
            if state.is_final() or str(run.id) in processes.runs or not processes.shown:
                return False
            patience = HOST_GONE_AFTER if run.id in unseen else timedelta(seconds=lost_after_seconds)
            return utc_now() - state.timestamp > patience

        return sum(
            _recover(client, run, run.state, most_crashes)
            for run in runs
            if run.deployment_id is not None
            and run.state is not None
            and (is_crash(run.state) or is_lost(run, run.state))
        )


def _runs_in_question(client: SyncPrefectClient, flows: Sequence[str], owners: Sequence[UUID]) -> list[FlowRun]:
    failed, since = {"type": {"any_": ["FAILED"]}}, utc_now() - RECENT
    runs = read_runs(client, flows, state={"type": {"any_": ["RUNNING", "PENDING", "CRASHED"]}})
    runs += read_runs(client, flows, state=failed, end_time={"after_": since})
    for first in range(0, len(owners), PAGE):
        some = {"any_": list(owners[first : first + PAGE])}
        runs += read_runs(client, flows, id=some, state=failed, end_time={"before_": since})
    return runs


def is_crash(state: State) -> bool:
    """Whether a run in this state is started again: its process died, or Prefect did not take its end."""
    return state.is_crashed() or (state.is_failed() and _UNTOLD.match(state.message or "") is not None)


def may_be_recovered(state: State) -> bool:
    """Whether a run in this state that owns no open order is started again, or was seen by a watch that is about to."""
    return state.is_crashed() or (is_crash(state) and utc_now() - state.timestamp < RECENT + REST)


def _recover(client: SyncPrefectClient, run: FlowRun, seen: State, most_crashes: int) -> bool:
    states = client.read_flow_run_states(run.id)
    crashes = _crashes_in_a_row(states)
    if crashes >= most_crashes and utc_now() - seen.timestamp < REST:
        get_run_logger().warning(
            "Run %s (%s) crashed %d times in a row; a person should look. It is tried again an hour later",
            *(run.name, run.id, crashes),
        )
        return False
    try:
        if is_changed(client, run.id, seen):  # many runs may have gone before this one
            return False
        if not is_crash(seen) and not accepts(client, run.id, Crashed(message="Its process is gone")):
            return False  # Prefect lets no run crash that a person has cancelled
        if (waited := _waited(states)) is not None:
            # with force: else a run that is over may not be suspended, and its question would lose its form
            return accepts(client, run.id, waited, force=True)
        return accepts(client, run.id, AwaitingRetry(scheduled_time=utc_now(), message=RESTARTED))
    except ObjectNotFound:  # deleted meanwhile
        return False


def _waited(states: Sequence[State]) -> State | None:
    """The wait in which a run was called Crashed, as it was: started for nothing, it would only be called so again.

    Automations that look for runs without heartbeats do that: a run that waits has no process, and no heartbeats.
    """
    before = max((one for one in states if not one.is_crashed()), key=lambda one: one.timestamp, default=None)
    if before is not None and before.name == "Suspended":
        return before.fresh_copy()
    due = before.state_details.scheduled_time if before is not None else None
    if before is None or before.name != "AwaitingRetry" or before.message == RESTARTED or due is None:
        return None
    message = WAITS_AGAIN + (before.message or "").removeprefix(WAITS_AGAIN)
    return AwaitingRetry(scheduled_time=max(due, utc_now()), message=message)


def _crashes_in_a_row(states: list[State]) -> int:
    """Crashes since the run last got to a wait of its own."""
    crashes = 0
    for state in sorted(states, key=lambda one: one.timestamp, reverse=True):
        if state.name == "AwaitingRetry" and not (state.message or "").startswith((RESTARTED, WAITS_AGAIN)):
            break
        crashes += is_crash(state)
    return crashes
