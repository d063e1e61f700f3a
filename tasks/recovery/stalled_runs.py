"""Tell when nobody starts the runs that are due: no worker, a paused pool, or one whose slots are taken for good."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowFilter, FlowFilterName, TaskRunFilter

from tasking.clock import utc_now
from tasks.recovery.runs import read_runs, running_processes
from tasks.step import step


class StalledRuns(NamedTuple):
    """Orders whose run should have been started.

    Attributes:
        orders: How many.
        since: When the run that waits longest was due.
        stuck: Nothing moves. Otherwise there is only more to do than is done at once, or it has just begun.
    """

    orders: int
    since: datetime
    stuck: bool


@step("stalled-runs")
def stalled_runs(flows: Sequence[str], watch: str, owners: Iterable[UUID], after: timedelta) -> StalledRuns | None:
    """The open orders whose run waits to be started for longer than this; ``None`` when there are none.

    Many orders that are due at once, and the hour after an outage, are no reason for an alarm. Stuck is only what has
    stood still for all this time: no step of any order began, none is at work on this machine, and a watch of before
    shows that Prefect and its workers for the watch were there meanwhile.

    Args:
        flows: Names of the flows that carry out orders.
        watch: Name of the watcher's flow. It has to run at least twice in the time that is given.
        owners: The runs that own an open order.
        after: How long a run may wait.
    """
    now, open_ones = utc_now(), set(owners)
    with get_client(sync_client=True) as client:
        due = read_runs(
            client,
            flows,
            state={"type": {"any_": ["SCHEDULED"]}},
            next_scheduled_start_time={"before_": now - after},
        )
        late = [run for run in due if run.id in open_ones]
        if not late:
            return None
        stuck = (
            _watched(client, watch, now - after, now - after / 2)
            and not _a_step_began(client, flows, now - after)
            and not _at_work_here(client, flows)
        )
    return StalledRuns(len(late), min(run.next_scheduled_start_time or now for run in late), stuck)


def _a_step_began(client: SyncPrefectClient, flows: Sequence[str], since: datetime) -> bool:
    """Whether a step of any order began: a run says only when it was started for the first time."""
    ours = FlowFilter(name=FlowFilterName(any_=list(flows)))
    began = TaskRunFilter.model_validate({"start_time": {"after_": since}})
    return bool(client.read_task_runs(flow_filter=ours, task_run_filter=began, limit=1))


def _watched(client: SyncPrefectClient, watch: str, begin: datetime, end: datetime) -> bool:
    """Whether a watch came to its end in this time: right after an outage, or an upgrade, none did."""
    return bool(read_runs(client, [watch], end_time={"after_": begin, "before_": end}, most=1))


def _at_work_here(client: SyncPrefectClient, flows: Sequence[str]) -> bool:
    """Whether an order has a process on this machine: the download of a large image takes its time."""
    return bool(read_runs(client, flows, id={"any_": list(running_processes().runs)}, most=1))
