"""From Satellogic's words and objects to the ones every provider shares.

An unknown word is kept and reported, never guessed. Words are those of the introduction, 'Task and capture statuses'.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tasking.candidate import Candidate
from tasking.provider import Request
from tasking.satellogic.models import Capture, Task
from tasking.satellogic.settings import SatellogicSettings
from tasking.status import StatusCode

logger = logging.getLogger(__name__)

STATUS = {
    "received": StatusCode.RECEIVED,
    "planning": StatusCode.ACCEPTED,
    "pending": StatusCode.SCHEDULED,
    "in_progress": StatusCode.PROCESSING,
    "completed": StatusCode.COMPLETED,
    "partially_completed": StatusCode.COMPLETED,
    "failed": StatusCode.EXPIRED,
    "canceled": StatusCode.USER_CANCELLED,
    "rejected": StatusCode.REJECTED,
}
"""Task words. Going back to ``planning`` is normal: a capture lost its place, or failed and is scheduled anew.
``failed`` means that the window ended with nothing published. A ``canceled`` task whose captures are still being taken
is shown as processing until they have settled. ``rejected`` is not in the introduction any more; older lists had it."""

ENDS = ("completed", "partially_completed", "failed", "canceled", "rejected")
"""Words after which a task changes no more."""

QUEUED, PROCESSING, PUBLISHED, FAILED = "queued", "processing", "published", "failed"
"""Capture words."""


def can_have_captures(task: Task) -> bool:
    """Whether a task's captures are worth a call.

    Not before it was planned. All else is asked, also ``planning``: a task that wants several captures goes back there
    with some of them published.
    """
    return task.status != "received"


def request_of(
    task: Task,
    captures: Sequence[Capture],
    settings: SatellogicSettings,
    now: datetime,
    candidate: Candidate | None = None,
) -> Request:
    """The shared words for a task.

    Args:
        task: As Satellogic gave it.
        captures: Its captures, as far as they were read.
        settings: When to look again, and when to give up.
        now: The provider's time.
        candidate: What was chosen; tells the capture's time while no capture is queued, when the task is for it alone.
    """
    word = task.status or ""
    status = STATUS.get(word)
    if status is None:
        logger.warning("satellogic: task %s has a status that is not known here: %r", task.task_id, word)
    captures = sorted({each.capture_id: each for each in captures}.values(), key=_by_time)
    open_ones = _open(task, captures, settings, now)
    if word == "canceled" and open_ones:
        status = StatusCode.PROCESSING
    start, end, platform = _when(task, captures, open_ones, settings, candidate)
    queued = [each.start for each in open_ones if each.status == QUEUED and each.start is not None]
    last_moment = max((each for each in (task.end, end) if each), default=now)
    return Request(
        id=task.task_id,
        status=status,
        provider_status=word,
        capture_ids=tuple(each.capture_id for each in captures if each.status == PUBLISHED),
        final=word == "rejected",
        note=_note(task, captures, len(open_ones)),
        start=start,
        end=end,
        platform=platform,
        # later than that the next capture is taken all the same, though Satellogic still takes the cancel
        cancel_until=min(queued) - timedelta(seconds=settings.cancel_notice_seconds) if queued else None,
        next_look_at=_next_look(word, open_ones, settings, now),
        give_up_at=last_moment + timedelta(seconds=settings.delivery_patience_seconds),
    )


def _open(task: Task, captures: Sequence[Capture], settings: SatellogicSettings, now: datetime) -> list[Capture]:
    """The captures that may still be published.

    A cancel spares no capture that is less than 12 hours away or taken already ('Task Statuses', canceled): those of a
    canceled task are waited for, though not for ever.
    """
    if task.status in ENDS and task.status != "canceled":
        return []
    found = [each for each in captures if each.status in (QUEUED, PROCESSING)]
    if task.status != "canceled":
        return found
    patience = timedelta(seconds=settings.delivery_patience_seconds)
    return [each for each in found if now < (each.end or each.start or task.end or now) + patience]


def _when(
    task: Task,
    captures: Sequence[Capture],
    open_ones: Sequence[Capture],
    settings: SatellogicSettings,
    candidate: Candidate | None,
) -> tuple[datetime | None, datetime | None, str | None]:
    """Start, end and satellite: of the next capture, else the last published, else what was chosen, else the window."""
    published = [each for each in captures if each.status == PUBLISHED]
    for each in [*open_ones[:1], *published[-1:]]:
        if each.start is not None:
            return each.start, each.end or each.start, each.satellite_name
    if candidate is not None and task.start is not None and task.end is not None:
        around = timedelta(seconds=settings.narrow_margin_seconds + 1)
        if candidate.start - around <= task.start and task.end <= candidate.end + around:
            return candidate.start, candidate.end, candidate.platform
    return task.start, task.end, None


def _next_look(word: str, open_ones: Sequence[Capture], settings: SatellogicSettings, now: datetime) -> datetime:
    """The next moment at which something can be new.

    While every open capture still lies ahead, it is the first one's delivery. A task that is being planned, or has a
    capture in processing, may change with every planning cycle.
    """
    poll = now + timedelta(seconds=settings.poll_interval_seconds)
    if word not in ("pending", "in_progress") or not open_ones or open_ones[0].start is None:
        return poll
    if any(each.status == PROCESSING for each in open_ones):
        return poll
    data = (open_ones[0].end or open_ones[0].start) + timedelta(seconds=settings.data_after_capture_seconds)
    return max(data, poll)


def _note(task: Task, captures: Sequence[Capture], still_open: int) -> str:
    """How far a task has come, for a person; empty when its status alone says it."""
    counts = Counter(each.status for each in captures)
    published, failed, wanted = counts[PUBLISHED], counts[FAILED], task.max_captures or 0
    partial = task.status == "partially_completed"
    parts = []
    if wanted > 1:
        parts.append(f"{published} of {wanted} captures published")
    elif published > 1 or partial or (published and task.status in ("canceled", "planning", "pending", "in_progress")):
        parts.append(f"{published} {'capture' if published == 1 else 'captures'} published")
    if failed:
        parts.append(f"{failed} failed")
    if task.status == "canceled" and still_open:
        parts.append(f"{still_open} taken despite the cancel, not published yet")
    if partial:
        area = (task.target or {}).get("type") == "Polygon"
        short = wanted - published
        if wanted > 1 and short > 0:
            parts.append(f"{short} missing when the window ended")
        elif task.expected_age:
            parts.append("a recurring task always ends as partially completed")
        elif area:
            parts.append("the area is not covered whole; Satellogic does not say how many strips are missing")
        else:
            parts.append("not all that was asked for came before the window ended")
    return "; ".join(parts)


def _by_time(capture: Capture) -> tuple[datetime, str]:
    return capture.start or datetime.max.replace(tzinfo=UTC), capture.capture_id


def positions(geometry: dict[str, Any] | None) -> list[tuple[float, float]]:
    """All positions of a geometry as (lon, lat); a third number is left out. Empty when it cannot be read."""
    found: list[tuple[float, float]] = []

    def gather(value: Any, depth: int = 0) -> None:
        if not isinstance(value, list) or depth > 5:
            raise ValueError("not a list of positions")
        if value and not isinstance(value[0], list):
            lon, lat = float(value[0]), float(value[1])
            if not (math.isfinite(lon) and math.isfinite(lat)):
                raise ValueError("not a position")
            found.append((lon, lat))
            return
        for each in value:
            gather(each, depth + 1)

    try:
        gather((geometry or {}).get("coordinates"))
    except (TypeError, ValueError, LookupError, OverflowError):
        return []
    return found
