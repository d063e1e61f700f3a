"""Runs that others ended or paused: whose word it was, what a person is asked, and when the order goes on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from itertools import takewhile
from typing import Any

import httpx
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import AwaitingRetry

from tasking.clock import utc_now
from tasking.ledger import Ledger, OrderRecord
from tasking.waiting import Wait, format_utc
from tasks.recovery.runs import NOT_ENDED, accepts, is_changed

ANSWER = timedelta(hours=1)
"""How long a person may answer at least, before an order goes on whose run was ended by somebody who is not known."""

FORM_IS_SAVED = timedelta(minutes=1)
"""So long after it asked a run's process has saved the form, or died."""

SOON = timedelta(minutes=5)
"""Pause before an order goes on whose run Prefect itself has ended."""

OF_PREFECT = (
    "Deployment concurrency limit reached",
    "Deployment concurrency slot lost during provisioning",
    "The parent flow run was cancelled",
    "Cancelled by Automation ",
    "State changed by Automation ",
)
"""How Prefect begins what it says of a run that it, or an automation without a message of its own, has ended."""

_OF_PREFECT = re.compile("|".join(map(re.escape, OF_PREFECT)))


class EndedBy(Enum):
    """Whose word it was."""

    PERSON = "person"
    PREFECT = "Prefect"
    UNKNOWN = "somebody"


def ended_by(states: Sequence[State[Any]]) -> EndedBy:
    """Who ended a run that its own flow has not ended.

    ===========================================  =============================================================
    Cancelling without a message, then Cancelled  a person: Cancel in the UI on a run at work
    a message of Prefect's own                    Prefect: a concurrency limit, an automation, a parent run
    Cancelled at once, without a message          not known: Prefect makes this of a person's Cancel of a parked run in
                                                  the UI, and of an automation's, alike
    any other message, Failed, Completed          not known: an automation may say what it likes
    ===========================================  =============================================================

    Args:
        states: All states of the run, in any order.
    """
    newest_first = sorted(states, key=lambda one: one.timestamp, reverse=True)
    ending = list(takewhile(lambda one: one.is_cancelled() or one.is_cancelling(), newest_first))
    first = ending[-1] if ending else next(iter(newest_first), None)
    if first is None:
        return EndedBy.UNKNOWN
    if _OF_PREFECT.match(first.message or ""):
        return EndedBy.PREFECT
    return EndedBy.PERSON if first.is_cancelling() and not first.message else EndedBy.UNKNOWN


def question(record: OrderRecord, state: State, by: EndedBy, unclear: bool) -> Wait:
    """What a person is told of an order that goes on although its run was ended, and until when it can be answered."""
    name, reference, current = state.name or state.type.value, record.reference, record.current_request
    if by is EndedBy.PREFECT:
        until = _not_before(record, SOON)
        told = f"Prefect set this run to {name} ({state.message}). That is not about order {reference}: it"
    else:
        until = _not_before(record, ANSWER)
        stands = (
            "it is not known yet whether its request arrived"
            if unclear or current is None
            else f"request {current.last.id} was made at the provider"
        )
        told = (
            f"is order {reference} to end? Its run was set to {name}, and Prefect does not say by whom; {stands}. To "
            "end the order run cancel-order with dry_run off (and stop_waiting on where the provider takes no cancel). "
            "Otherwise it"
        )
    return Wait(until=until, waits_for="provider", message=f"{NOT_ENDED}{told} goes on at {format_utc(until)}")


def _not_before(record: OrderRecord, pause: timedelta) -> datetime:
    """After the pause, and not before the order's own wait is over; until a question's time is over is no such wait."""
    soon = utc_now() + pause
    return soon if record.waits_for == "approval" or record.wake_at is None else max(soon, record.wake_at)


def resume_paused(client: SyncPrefectClient, book: Ledger, now: OrderRecord, run: FlowRun, state: State) -> bool:
    """A pause that is not our question (of an automation, say) holds back no imagery that is paid for.

    Nor is a question left alone that nobody can answer: the process died before it had saved the form.
    """
    if now.waits_for == "approval":
        if utc_now() - state.timestamp < FORM_IS_SAVED or _has_its_form(client, run, state):
            return False
        told = f"{NOT_ENDED}the question about order {now.reference} lost its form, and is asked again"
    elif now.requests or now.in_doubt:
        told = f"{NOT_ENDED}the run was set to {state.name}; order {now.reference} is paid for, or may be, and goes on"
        book.record(now.reference, "run paused by others", told)
    else:
        return False
    return resume(client, run, state, Wait(until=utc_now(), waits_for="provider", message=told))


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
    again: State = AwaitingRetry(scheduled_time=wait.until, message=wait.message)
    return not is_changed(client, run.id, seen) and accepts(client, run.id, again, force=True)
