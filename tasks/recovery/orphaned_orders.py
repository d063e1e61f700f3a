"""Orders that are open while nobody carries them out: their run was ended, or deleted, or lost its work pool."""

from __future__ import annotations

import re
from collections.abc import Sequence

from prefect import get_client, get_run_logger
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled, Scheduled

from tasking import lifecycle
from tasking.clock import utc_now
from tasking.ledger import Ledger, OrderRecord, Revision
from tasking.status import StatusCode
from tasking.waiting import Wait
from tasks.order_deployment import deployment_of
from tasks.recovery.ended_runs import EndedBy, ended_by, question, resume, resume_paused
from tasks.recovery.recover_runs import REST, is_crash
from tasks.recovery.runs import PAGE, read_runs
from tasks.site_runs import site_tag
from tasks.start import start
from tasks.step import ledger, step

MOST_FAILURES = 5
"""Runs in place of a deleted one that may fail, one in each sweep, before they are tried only once in `REST`."""

OFFERED_TO_NOBODY = (
    "Its work pool was deleted: no worker is offered this run any more, and another takes its order over"
)

_GONE_WITH_ITS_DEPLOYMENT = re.compile(rf"Deployment \S+ no longer exists|{re.escape(OFFERED_TO_NOBODY)}")
"""What is said by who cancels a run that cannot be carried out: a worker of Prefect, when its deployment was deleted or
made anew, and this module."""


@step("reconcile")
def reconcile(records: Sequence[OrderRecord]) -> int:
    """Close orders whose run a person ended, and start a new run for those whose run, deployment or pool was deleted.

    A run that Prefect ended, or somebody who may be no person, closes no order that was bought, or may have been: it is
    set to start again, and says how the order is ended for good.

    Returns:
        How many orders were reconciled.
    """
    reconciled = 0
    with get_client(sync_client=True) as client, ledger() as book:
        for first in range(0, len(records), PAGE):
            some = records[first : first + PAGE]
            runs = {str(run.id): run for run in read_runs(client, [], id={"any_": [one.flow_run_id for one in some]})}
            for record in some:
                try:
                    run = runs.get(record.flow_run_id)
                    state = None if run is None else _state_if_offered(client, run)
                    if run is None or state is None or _lost_its_deployment(state):
                        reconciled += _replace_run(client, book, record)
                    else:
                        reconciled += _close_or_resume(client, book, record, run, state)
                except Exception as error:  # one broken order must not stop the sweep
                    get_run_logger().warning("Order %s could not be reconciled: %s", record.reference, error)
    return reconciled


def _state_if_offered(client: SyncPrefectClient, run: FlowRun) -> State:
    """The run's state; one that waits where no worker looks any more is cancelled first.

    A run loses its queue with its work pool, and Prefect gives a queue to new runs only.
    """
    state = run.state or Scheduled()
    waits = state.type in (StateType.SCHEDULED, StateType.PAUSED)
    if not waits or run.work_queue_id is not None or run.deployment_id is None:
        return state
    try:
        if client.read_deployment(run.deployment_id).work_queue_id is None:
            return state  # its deployment has no pool, or none yet: nobody would see a new run either
    except ObjectNotFound:  # gone as well
        pass
    now = client.read_flow_run(run.id).state or Scheduled()
    if now.id != state.id:  # a person did something to it
        return now
    client.set_flow_run_state(run.id, Cancelled(message=OFFERED_TO_NOBODY))
    return client.read_flow_run(run.id).state or Scheduled()


def _is_over(state: State) -> bool:
    """Whether a run goes on by itself no more, and is not started again either."""
    return state.is_final() and not is_crash(state)


def _lost_its_deployment(state: State) -> bool:
    """Whether no person cancelled a run, but Prefect or this module; Retry on it would come to the same end."""
    return state.is_cancelled() and _GONE_WITH_ITS_DEPLOYMENT.match(state.message or "") is not None


def _is_still(now: OrderRecord, seen: OrderRecord) -> bool:
    return now.ended is None and now.flow_run_id == seen.flow_run_id


def _close_or_resume(client: SyncPrefectClient, book: Ledger, record: OrderRecord, run: FlowRun, state: State) -> bool:
    """Close an order whose run a person ended, or go on with it: by what it is at that moment."""
    if state.is_paused():
        now = _as_a_whole(book, book.read(record.reference))
        return _is_still(now, record) and resume_paused(client, book, now, run, state)
    if not _is_over(state):
        return False
    by = ended_by(client.read_flow_run_states(run.id))
    if (
        record.has_parts
        and not _is_asked_about(_as_a_whole(book, record), by)
        and not _close_parts(book, record, state, by)
    ):
        return False  # something was ordered in this moment: the next sweep sees it
    closed, asked = False, list[Wait]()

    def change(now: OrderRecord) -> Revision:  # no request is announced between this look and the end
        nonlocal closed
        if not _is_still(now, record):
            return Revision(None, "", {})
        now = _as_a_whole(book, now)
        unclear = now.in_doubt
        if _is_asked_about(now, by):
            asked.append(question(now, state, by, unclear))
            fields = {"waits_message": asked[0].message, "wake_at": asked[0].until}
            return Revision("run ended by others", asked[0].message, fields)
        closed = True
        word = StatusCode.USER_CANCELLED if state.is_cancelled() else StatusCode.FAILED
        return lifecycle.ending(book, word, _outcome(now, state.name or state.type.value, unclear))

    changed = book.revise(record.reference, change)
    if closed:
        lifecycle.tell_archive(changed)
    return closed or any(resume(client, run, state, one) for one in asked)


def _is_asked_about(now: OrderRecord, by: EndedBy) -> bool:
    """Whether an order goes on though its run was ended: it may be bought, and it was no person for sure."""
    return by is EndedBy.PREFECT or (by is EndedBy.UNKNOWN and (bool(now.requests) or now.in_doubt))


def _as_a_whole(book: Ledger, record: OrderRecord) -> OrderRecord:
    """The order with what its open parts have requested, where it has parts."""
    if not record.has_parts:
        return record
    return record.with_parts([one for one in book.parts(record.reference) if one.ended is None and not one.is_study])


def _close_parts(book: Ledger, record: OrderRecord, state: State, by: EndedBy) -> bool:
    """Close the open parts of an order whose run was ended; whether all are closed."""
    for part in book.parts(record.reference):

        def change(now: OrderRecord) -> Revision:
            if now.ended is not None or _is_asked_about(now, by):
                return Revision(None, "", {})
            told = _outcome(now, state.name or state.type.value, now.in_doubt)
            return lifecycle.ending(book, StatusCode.USER_CANCELLED, told)  # of no account: Retry goes on with it

        lifecycle.tell_archive(book.revise(part.reference, change))
    return all(one.ended is not None for one in book.parts(record.reference))


def _outcome(record: OrderRecord, state: str, unclear: bool) -> str:
    current = record.current_request
    if unclear:
        return (
            f"Its run was ended by hand or by Prefect ({state}) while it was not known whether its request had "
            "arrived: Retry on that run finds out and goes on"
        )
    if current is None:
        return (
            f"Its run was ended by hand or by Prefect ({state}) before anything was ordered; Retry on that run goes on"
        )
    return (
        f"Its run was ended by hand ({state}), but request {current.last.id} stands at the provider: "
        "Retry on that run goes on and delivers it"
    )


def _replace_run(client: SyncPrefectClient, book: Ledger, record: OrderRecord) -> bool:
    """The run is gone for good; another one takes the order over, and another when that one failed before it could.

    At most one is started in a sweep. A person who cancels it wants the order to end.
    """
    if not _is_still(book.read(record.reference), record):
        return False
    tag = f"in place of {record.flow_run_id}"
    runs = read_runs(client, [], tags={"all_": [tag]})
    states = {run.id: _state_if_offered(client, run) for run in runs}
    if not all(map(_is_over, states.values())):
        return False  # one is on its way
    replaced = record.flow_run_id
    if runs:
        last = max(runs, key=lambda run: run.created or utc_now())
        state, replaced = states[last.id], str(last.id)
        if state.is_cancelled() and not _lost_its_deployment(state):
            return _close_or_resume(client, book, record, last, state)
        told = f"Order {record.reference}: run {last.id} was to take it over and ended ({state.name})"
        if len(runs) >= MOST_FAILURES and utc_now() - state.timestamp < REST:
            get_run_logger().warning(
                "%s, like %d before; a person should look. It is tried again an hour later", told, len(runs) - 1
            )
            return False
        get_run_logger().warning("%s; another one is started", told)
    # named for the run it replaces: of two watchers that see the same, both get the same run
    key = f"{record.reference} in place of {replaced}"
    tags = [tag, *([site_tag(record.site)] if record.site else [])]
    order = {**record.order, "reference": record.reference}
    start.fn(record.provider, order, key, tags, deployment_of(record))
    return True
