"""Who ended a run: a person, Prefect of its own accord, or somebody who cannot be told."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from itertools import takewhile
from typing import Any

from prefect.client.schemas.objects import State

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
