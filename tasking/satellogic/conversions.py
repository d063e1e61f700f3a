"""From Satellogic's words and objects to the ones every provider shares.

An unknown word is kept and reported, never guessed. Words are those of the introduction, 'Task and capture statuses'.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.provider import TaskingRequest
from tasking.satellogic.models import Capture, Task
from tasking.satellogic.settings import SatellogicSettings
from tasking.status import StatusCode
from tasking.utc import LATEST
from tasking.waiting import format_utc

logger = logging.getLogger(__name__)

UNSEEN = timedelta(hours=12)
"""How long captures are left alone at most where they may move, or appear, without a change of the task's word."""

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
``failed`` means that the window ended with nothing published. An ended task whose captures are still being taken or
processed is shown as processing until they have settled, see `_unsettled`. ``rejected`` is not in the introduction any
more; older lists had it."""

ENDS = ("completed", "partially_completed", "failed", "canceled", "rejected")
"""Words after which a task changes no more."""

QUEUED, PROCESSING, PUBLISHED, FAILED = "queued", "processing", "published", "failed"
"""Capture words. Any other is one that we do not know: a capture that began and is neither published nor failed."""

LIST_LAG = timedelta(hours=1)
"""For so long after the end of its window a failed task of which no capture is listed is not over: a capture that was
taken, and is paid, may only be missing in that answer, and the next opportunity would be bought beside it. Our guess:
no document says how far the lists lag."""

CAPTURES = "captures"
"""What `Candidate.quoted` says under ``captures``: how many captures a task wants, or ``several``."""


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
) -> TaskingRequest:
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
    unsettled = _unsettled(task, captures, now)
    over = task.end or (candidate.end if candidate is not None else None)
    open_ones = [each for each in unsettled if _is_awaited(task, each, over, settings, now)]
    start, end, platform, timed = _when(task, captures, open_ones, settings, candidate)
    wanted = _wanted(task, candidate)
    ahead = open_ones if word not in ENDS else ()
    queued = [each.start for each in ahead if each.status == QUEUED and each.start is not None]
    last_moment = max((each for each in (task.end, end) if each), default=now)
    give_up_at = last_moment + timedelta(seconds=settings.delivery_patience_seconds)
    published = tuple(each.capture_id for each in captures if each.status == PUBLISHED)
    late = word == "completed" and 0 < len(published) < (wanted or 0) and over is not None and now < give_up_at
    lag = min(LIST_LAG, timedelta(seconds=settings.delivery_patience_seconds))
    listed_by = over + lag if word == "failed" and not captures and over is not None else now
    unlisted = now < listed_by
    if word in ENDS and (open_ones or late or unlisted):
        status = StatusCode.PROCESSING
    elif word == "failed" and published:  # after its window, and home: whoever orders again would pay again
        status = StatusCode.COMPLETED
    return TaskingRequest(
        id=task.task_id,
        status=status,
        provider_status=word,
        capture_ids=published,
        final=word == "rejected",
        note=(
            f"no capture is listed; the list is read again at {format_utc(listed_by)}"
            if unlisted
            else _note(task, wanted or 0, captures, open_ones, [each for each in unsettled if each not in open_ones])
        ),
        start=start,
        end=end,
        platform=platform,
        timed=timed,
        # later than that the next capture is taken all the same, though Satellogic still takes the cancel
        cancel_until=min(queued) - timedelta(seconds=settings.cancel_notice_seconds) if queued else None,
        next_look_at=listed_by if unlisted else _next_look(word, open_ones, settings, now),
        next_look_is_due=unlisted,
        give_up_at=give_up_at,
        quiet_until=None if late or unlisted else _quiet_until(word, wanted, published, open_ones, over, now),
    )


def is_quiet(task: Task, known: TaskingRequest, now: datetime) -> bool:
    """Whether a task's captures can tell nothing new: its word is the one it had, and its time has not come."""
    return known.quiet_until is not None and now < known.quiet_until and known.provider_status == (task.status or "")


def still_so(known: TaskingRequest, settings: SatellogicSettings, now: datetime) -> TaskingRequest:
    """A task that stands as it stood."""
    again = now + timedelta(seconds=settings.poll_interval_seconds)
    return known.model_copy(update={"next_look_at": max(known.next_look_at, again)})


def _unsettled(task: Task, captures: Sequence[Capture], now: datetime) -> list[Capture]:
    """The captures that may still be published, also after the task's end.

    ``failed`` and ``partially_completed`` are told by the end of the collection period ('Task Statuses'), which may lie
    hours before a capture is published: it is ``queued`` also while it is taken and downloaded, then ``processing``
    ('Captures statuses'). A cancel spares no capture that is less than 12 hours away or taken already.
    """
    if task.status == "rejected":
        return []
    found = [each for each in captures if each.status not in (PUBLISHED, FAILED)]
    if task.status not in ENDS or task.status == "canceled":
        return found
    return [each for each in found if _has_begun(each, now)]


def _has_begun(capture: Capture, now: datetime) -> bool:
    """Whether a capture was begun, as far as its word and its time tell; whatever its word, its time tells."""
    if capture.status == PROCESSING:
        return True
    if capture.start is None:  # of an unknown word only this is known: it is not the one for what lies ahead
        return capture.status != QUEUED
    return capture.start <= now


def _is_awaited(
    task: Task, capture: Capture, over: datetime | None, settings: SatellogicSettings, now: datetime
) -> bool:
    """Whether an unsettled capture is waited for: after the task's end not for ever."""
    if task.status not in ENDS:
        return True
    taken = capture.end or capture.start or over
    return taken is None or now < taken + timedelta(seconds=settings.delivery_patience_seconds)


def _wanted(task: Task, candidate: Candidate | None) -> int | None:
    """How many captures a task wants: as it says, else as it was ordered; ``None`` when neither is a number.

    The document's default is one, and whether a task shows the number is not documented.
    """
    if task.max_captures:
        return task.max_captures
    ordered = (candidate.quoted or {}).get(CAPTURES, "") if candidate is not None else ""
    return int(ordered) if ordered.isascii() and ordered.isdigit() and len(ordered) < 6 else None


def _when(
    task: Task,
    captures: Sequence[Capture],
    open_ones: Sequence[Capture],
    settings: SatellogicSettings,
    candidate: Candidate | None,
) -> tuple[datetime | None, datetime | None, str | None, bool]:
    """Start, end and satellite, and whether they are a capture's and not the window's.

    Of the next capture, else the last published, else what was chosen, else the window.
    """
    published = [each for each in captures if each.status == PUBLISHED]
    for each in [*open_ones[:1], *published[-1:]]:
        if each.start is not None:
            return each.start, each.end or each.start, each.satellite_name, True
    if candidate is not None and candidate.id != WHOLE_WINDOW and task.start is not None and task.end is not None:
        around = timedelta(seconds=settings.narrow_margin_seconds + 1)
        if candidate.start - around <= task.start and task.end <= candidate.end + around:
            return candidate.start, candidate.end, candidate.platform, True
    return task.start, task.end, None, False


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


def _quiet_until(
    word: str,
    wanted: int | None,
    published: Sequence[str],
    open_ones: Sequence[Capture],
    over: datetime | None,
    now: datetime,
) -> datetime | None:
    """Until when a task's captures can tell nothing new as long as its word stays.

    A task of one capture tells all by its word: planned, taken, failed, published ('Task Statuses'). One of several
    stays ``in_progress``, or goes back to ``planning``, while captures are published; then the time of the next one
    tells. Captures that lie ahead may be moved without a word, so that they are looked at again after a while.
    """
    if word in ENDS:
        lists_lag = not published and word in ("completed", "partially_completed")
        return None if open_ones or lists_lag else LATEST
    if word not in ("received", "planning", "pending", "in_progress") or over is None or now >= over:
        return None
    due = [each.start for each in open_ones if each.start is not None]  # it may fail soon after, and be planned anew
    one = wanted == 1
    if len(due) < len(open_ones):
        return None
    if not due:  # what is queued changes the word; a list that lags behind it is asked again
        return min(now + UNSEEN, over) if word in ("received", "planning") else None
    if now < min(due):
        return min(due) if one else min(min(due), now + UNSEEN)
    return min(now + UNSEEN, over) if one else None


def _note(
    task: Task,
    wanted: int,
    captures: Sequence[Capture],
    open_ones: Sequence[Capture],
    given_up: Sequence[Capture],
) -> str:
    """How far a task has come, for a person; empty when its status alone says it."""
    counts = Counter(each.status for each in captures)
    published, failed = counts[PUBLISHED], counts[FAILED]
    partial, short = task.status == "partially_completed", wanted - published
    going_on = task.status in ("canceled", "planning", "pending", "in_progress", "failed")
    parts = []
    if wanted > 1:
        parts.append(f"{published} of {wanted} captures published")
    elif published > 1 or partial or (published and going_on):
        parts.append(f"{published} {'capture' if published == 1 else 'captures'} published")
    if failed:
        parts.append(f"{failed} failed")
    if task.status == "canceled" and open_ones:
        parts.append(f"{len(open_ones)} taken despite the cancel, not published yet")
    elif task.status in ENDS and open_ones:
        parts.append(f"{len(open_ones)} still in processing though the task is {task.status}")
    if given_up:
        names = ", ".join(each.capture_id[:100] for each in given_up[:5])
        parts.append(f"{len(given_up)} taken and never published ({names})")
    if task.status == "completed" and published and short > 0:
        parts.append(f"{short} not listed as published though the task is completed")
    if partial and not open_ones:
        area = (task.target or {}).get("type") == "Polygon"
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
