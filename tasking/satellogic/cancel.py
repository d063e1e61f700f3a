"""Cancelling a task, and what that means: the 12-hour rule of the introduction ('Task Statuses', canceled) in words."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tasking.errors import NotFound, ProviderError, Refused, Unavailable, Uncertain
from tasking.provider import CancelTerms
from tasking.satellogic.client import SatellogicClient
from tasking.satellogic.conversions import ENDS, PROCESSING, PUBLISHED, QUEUED
from tasking.satellogic.models import Capture, Task
from tasking.satellogic.settings import SatellogicSettings


def terms(task: Task, captures: Sequence[Capture], settings: SatellogicSettings, now: datetime) -> CancelTerms:
    """What a cancel of a task would mean now. The document says nothing of fees.

    Args:
        task: The task as just read.
        captures: Its captures.
        settings: How much notice a cancel needs to spare a capture.
        now: The provider's time.
    """
    published = sum(each.status == PUBLISHED for each in captures)
    if task.status in ENDS:
        return CancelTerms(allowed=False, message=f"Task {task.task_id} is {task.status}; nothing is left to cancel.")
    notice = timedelta(seconds=settings.cancel_notice_seconds)
    hours = f"{settings.cancel_notice_seconds / 3600:g} hours"
    queued = [each for each in captures if each.status == QUEUED]
    spared = [each for each in queued if each.start is not None and each.start - now > notice]
    taken = len(queued) - len(spared)
    said = ["No new captures will be planned."]
    if spared:
        said.append(f"{_count(len(spared))} more than {hours} away will not be taken.")
    if taken:
        said.append(f"{_count(taken)} within {hours} will be taken all the same.")
    if working := sum(each.status == PROCESSING for each in captures):
        said.append(f"{_count(working)} taken already and being processed may still be published.")
    if published:
        said.append(f"{_count(published)} published already {'stays' if published == 1 else 'stay'} yours.")
    if not queued:
        said.append(f"No capture is queued; one that is queued by then is spared when it is more than {hours} away.")
    said.append("Satellogic publishes no cancellation fees; your contract says whether there are any.")
    return CancelTerms(allowed=True, message=" ".join(said))


def cancel(client: SatellogicClient, task_id: str) -> Task:
    """Cancel a task, and read it again: the answer may be empty or lost. One PATCH.

    Returns:
        The task. It is canceled, or the provider took the cancel and has yet to show it.

    Raises:
        Refused: The task has ended otherwise, or the provider says no.
        NotFound: No such task.
        Unavailable: No clear answer, and the task is not canceled: cancel again, which does no harm.
    """
    problem: ProviderError | None = None
    try:
        client.cancel_task(task_id)
    except NotFound:
        raise
    except (Refused, Uncertain) as error:
        problem = error
    task = client.task(task_id)
    taken = problem is None or (isinstance(problem, Uncertain) and 200 <= (problem.status or 0) < 300)
    if task.status == "canceled" or (taken and task.status not in ENDS):
        return task
    unclear = isinstance(problem, Uncertain) and task.status not in ENDS
    kind: type[ProviderError] = Unavailable if unclear else Refused
    message = (
        f"no clear answer, and the task is {task.status}: cancel again" if unclear else f"the task is {task.status}"
    )
    outcome = client.error(kind, message, "cancel task", provider_id=task_id)
    if problem is not None:
        outcome.said, outcome.status = problem.said, problem.status
    raise outcome


def _count(number: int) -> str:
    return f"{number} {'capture' if number == 1 else 'captures'}"
