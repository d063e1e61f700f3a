"""Orders that go on although others ended, or paused, their run: what a person is asked, and when it starts again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import AwaitingRetry

from tasking import lifecycle
from tasking.clock import utc_now
from tasking.ledger import Ledger, OrderRecord
from tasking.waiting import Wait, readable
from tasks.recovery.ended_by import EndedBy
from tasks.recovery.recover_runs import NOT_ENDED

ANSWER = timedelta(hours=1)
"""How long a person may answer at least, before an order goes on whose run was ended by somebody who is not known."""

FORM_IS_SAVED = timedelta(minutes=1)
"""So long after it asked a run's process has saved the form, or died."""

SOON = timedelta(minutes=5)
"""Pause before an order goes on whose run Prefect itself has ended."""


def question(record: OrderRecord, state: State, by: EndedBy, unclear: bool) -> Wait:
    """What a person is told of an order that goes on although its run was ended, and until when it can be answered."""
    name, reference = state.name or state.type.value, record.reference
    if by is EndedBy.PREFECT:
        until = _not_before(record, SOON)
        said = f"{NOT_ENDED}Prefect set this run to {name} ({state.message}). That is not about order {reference}"
        return Wait(until=until, waits_for="provider", message=f"{said}: it goes on at {readable(until)}")
    until = _not_before(record, ANSWER)
    current = record.current_request
    stands = (
        "it is not known yet whether its request arrived"
        if unclear or current is None
        else f"request {current.last.id} was made at the provider"
    )
    message = (
        f"{NOT_ENDED}is order {reference} to end? Its run was set to {name}, and Prefect does not say by "
        f"whom; {stands}. To end the order run cancel-order with dry_run off (and stop_waiting on where the provider "
        f"takes no cancel). Otherwise it goes on at {readable(until)}"
    )
    return Wait(until=until, waits_for="provider", message=message)


def _not_before(record: OrderRecord, pause: timedelta) -> datetime:
    """After the pause, and not before the order's own wait is over; until a question's time is over is no such wait."""
    soon = utc_now() + pause
    return soon if record.waits_for == "approval" or record.wake_at is None else max(soon, record.wake_at)


def resume_paused(client: SyncPrefectClient, book: Ledger, record: OrderRecord, run: FlowRun, state: State) -> bool:
    """A pause that is not our question (of an automation, say) holds back no imagery that is paid for.

    Nor is a question left alone that nobody can answer: the process died before it had saved the form.
    """
    now = book.read(record.reference)
    if now.ended is not None or now.flow_run_id != record.flow_run_id:
        return False
    if now.waits_for == "approval":
        if utc_now() - state.timestamp < FORM_IS_SAVED or _has_its_form(client, run, state):
            return False
        message = f"{NOT_ENDED}the question about order {record.reference} lost its form, and is asked again"
        return resume(client, run, state, Wait(until=utc_now(), waits_for="provider", message=message))
    if not (now.requests or lifecycle.in_doubt(book, now)):
        return False
    message = (
        f"{NOT_ENDED}the run was set to {state.name}; order {record.reference} is paid for, or may be, and goes on"
    )
    book.record(record.reference, "run paused by others", message)
    return resume(client, run, state, Wait(until=utc_now(), waits_for="provider", message=message))


def _has_its_form(client: SyncPrefectClient, run: FlowRun, state: State) -> bool:
    key = (state.state_details.run_input_keyset or {}).get("schema")
    if key is None:
        return False
    try:
        client.request("GET", "/flow_runs/{id}/input/{key}", path_params={"id": run.id, "key": key})
    except PrefectHTTPStatusError as error:
        if error.response.status_code != httpx.codes.NOT_FOUND:
            raise
        return False
    return True


def resume(client: SyncPrefectClient, run: FlowRun, seen: State, wait: Wait) -> bool:
    """Have the run start again then; what somebody did to it meanwhile stands."""
    if (now := client.read_flow_run(run.id).state) is None or now.id != seen.id:
        return False
    again: State = AwaitingRetry(scheduled_time=wait.until, message=wait.message)
    reply: OrchestrationResult[Any] = client.set_flow_run_state(run.id, again, force=True)
    return reply.status is SetStateStatus.ACCEPT
