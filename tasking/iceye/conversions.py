"""From ICEYE's words and objects to the ones every provider shares.

An unknown word is kept and reported, never guessed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from tasking.iceye.fees import CANCELLABLE, fee_steps, never_cancellable
from tasking.iceye.models import Scene, Task, Times
from tasking.iceye.settings import IceyeSettings
from tasking.provider import CancelTerms, TaskingRequest
from tasking.status import StatusCode
from tasking.window import iso

logger = logging.getLogger(__name__)

STATUS = {
    "RECEIVED": StatusCode.RECEIVED,
    "ACTIVE": StatusCode.ACCEPTED,
    "FULFILLED": StatusCode.PROCESSING,
    "DONE": StatusCode.COMPLETED,
    "REJECTED": StatusCode.REJECTED,
    "FAILED": StatusCode.FAILED,
    "CANCELED": StatusCode.USER_CANCELLED,
}
"""Task words (Tasking API v2, 'Get task'). ACTIVE can still be cancelled, so it is ``accepted``, not ``scheduled``."""

WITH_SCENE = ("ACTIVE", "FULFILLED", "DONE")
"""States in which ICEYE asks for the scene at all."""
WITH_PRODUCTS = ("FULFILLED", "DONE")

SLA_PRODUCTS, ALL_PRODUCTS = "sla-products", "all-products"
"""What can be fetched: the products that the SLA promises (FULFILLED), and all of them (DONE)."""
PARTS = {"FULFILLED": (SLA_PRODUCTS,), "DONE": (SLA_PRODUCTS, ALL_PRODUCTS)}

SHOT, DELIVERIES = "scene", "deliveries"
"""What is kept in `TaskingRequest.details`: the scene in words, and the customer's own deliveries by place."""
SCENE_AGAIN, DAY = timedelta(hours=1), timedelta(days=1)

_MINOR_DIGITS = {"BHD": 3, "CLP": 0, "ISK": 0, "JOD": 3, "JPY": 0, "KRW": 0, "KWD": 3, "OMR": 3, "TND": 3, "VND": 0}


def money(minor: int, currency: str | None) -> Decimal:
    """An amount in a currency's minor unit (cents) as one in its main unit."""
    return Decimal(minor).scaleb(-_MINOR_DIGITS.get((currency or "").upper(), 2))


def request_of(
    task: Task,
    scene: Scene | None,
    settings: IceyeSettings,
    now: datetime,
    known: TaskingRequest | None = None,
    *,
    asked: bool = True,
) -> TaskingRequest:
    """The shared words for a task.

    ``start`` and ``end`` are those of the scene (planned, and once imaged the actual one) when there is one, else the
    window's. Before ICEYE has decided, the next event is its decision, 20 minutes after the task was made; then the
    imaging; then the products, when the SLA has them due.

    Args:
        task: As ICEYE gave it.
        scene: Its scene, when it was asked for and there is one.
        settings: When things are due.
        now: The provider's time.
        known: What was read of it before.
        asked: Whether the scene was asked for now; else that of ``known`` still holds.
    """
    word = task.status or ""
    status = STATUS.get(word)
    if status is None:
        logger.warning("iceye: task %s has a status that is not known here: %r", task.id[:200], word)
    before = known if known is not None and not asked and word in WITH_SCENE else None
    if before is not None:
        imaging = Times(start=before.start, end=before.end) if before.timed else Times()
    else:
        imaging = scene.imaging_time if scene is not None else Times()
    start, end = (imaging.start or task.window.start, imaging.end or task.window.end)
    last_moment = max((each for each in (end, task.window.end) if each is not None), default=now)
    patience = timedelta(seconds=settings.delivery_patience_seconds)
    due = _next_due(task, imaging.end or imaging.start, settings, now)
    shot = str(before.details.get(SHOT, "")) if before is not None else _shot(word, scene)
    deliveries = own_deliveries(task) or (known.details.get(DELIVERIES, {}) if known is not None else {})
    return TaskingRequest(
        id=task.id,
        status=status,
        provider_status=word,
        capture_ids=PARTS.get(word, ()),
        final=word == "REJECTED",
        note=_note(task, shot, deliveries),
        start=start,
        end=end,
        cancel_until=imaging.start if word == "ACTIVE" and not never_cancellable(task) else None,
        cancel_fees=fee_steps(task, imaging.start),
        next_look_at=due or now + timedelta(seconds=settings.poll_interval_seconds),
        next_look_is_due=due is not None,
        give_up_at=last_moment + due_after(task, settings) + patience,
        timed=imaging.start is not None,
        details_at=before.details_at if before is not None else now if word in WITH_SCENE else None,
        details={key: what for key, what in ((SHOT, shot), (DELIVERIES, deliveries)) if what},
    )


def scene_is_due(task: Task, known: TaskingRequest | None, settings: IceyeSettings, now: datetime) -> bool:
    """Whether a task's scene can be another one than when it was read last.

    ICEYE asks for it on changes of the state only. A plan may move until it is imaged, so it is read again an hour
    before that, when it is over, and when its products are due; daily from then on, should the state stay.

    Args:
        task: As the list has it.
        known: What was read of it before; ``None`` when nothing was.
        settings: When things are due.
        now: The provider's time.
    """
    if task.status not in WITH_SCENE:
        return False
    if known is None or known.provider_status != task.status or known.details_at is None:
        return True
    if not known.timed or known.start is None:  # there was none yet
        return now - known.details_at >= SCENE_AGAIN
    if task.status != "ACTIVE":
        return False  # it tells what was done
    over = known.end or known.start
    due = over + due_after(task, settings)
    events = (known.start - SCENE_AGAIN, over, due)
    return any(known.details_at < each <= now for each in events) or (now > due and now - known.details_at >= DAY)


def own_deliveries(task: Task) -> dict[str, str]:
    """How the deliveries to places of the customer's own stand, by place; empty where there are none."""
    found = {}
    for number, each in enumerate(task.deliveries, start=1):
        places = ", ".join("/".join(filter(None, (one.path, one.sub_path))) for one in each.locations[:3])
        found[places or f"no. {number}"] = (each.status or "no word").lower()
    return found


def due_after(task: Task, settings: IceyeSettings) -> timedelta:
    """How long after imaging SLA products are due: as the task says, else by its SLA's name, else by the settings."""
    seconds = task.products_after_seconds
    if seconds is None or not 0 <= seconds <= 366 * 86400:
        hours = re.fullmatch(r"SLA_(\d{1,4})H", task.sla or "")
        seconds = int(hours[1]) * 3600.0 if hours else settings.products_after_seconds
    return timedelta(seconds=seconds)


def _next_due(task: Task, imaged: datetime | None, settings: IceyeSettings, now: datetime) -> datetime | None:
    """The next moment for which ICEYE promises something: its decision, the imaging, the products of the SLA."""
    events: list[datetime] = []
    if task.status == "RECEIVED" and task.created is not None:
        events = [task.created + timedelta(seconds=settings.decision_seconds)]
    elif task.status == "ACTIVE" and imaged is not None:
        events = [imaged, imaged + due_after(task, settings)]
    return next((event for event in events if event > now), None)


def _shot(word: str, scene: Scene | None) -> str:
    """The scene for a person: how it is planned, or was imaged."""
    if scene is None:
        return ""
    angle = f"{scene.incidence_deg:g}° incidence" if scene.incidence_deg is not None else ""
    side = f"{scene.look_side.lower()} looking" if scene.look_side else ""
    facts = ", ".join(part for part in (angle, side, (scene.pass_direction or "").lower()) if part)
    if not facts:
        return ""
    return f"{'planned' if word == 'ACTIVE' else 'imaged'} at {facts}" if angle else facts


def _note(task: Task, shot: str, deliveries: Mapping[str, str]) -> str:
    """What a person should know beside the status: the scene, when it was fulfilled, and their own deliveries."""
    fulfilled = f"first products at {iso(task.fulfilled)}" if task.fulfilled is not None else ""
    own = [f"own delivery to {place}: {word}" for place, word in deliveries.items()]
    return "; ".join(filter(None, (shot, fulfilled, *own)))


def cancel_terms_of(task: Task, scene: Scene | None, now: datetime) -> CancelTerms:
    """What a cancel would cost now, by ICEYE's published policy ('Constellation orders').

    A task is cancellable in RECEIVED or ACTIVE, before it is imaged. The fee follows the time to the start of its
    window: none above 72 hours, 10 % from 72 to 48, 20 % from 48 to 24, and all of it below 24 if it was ordered more
    than 24 hours before that start; if later than that, the policy says it cannot be cancelled.
    """
    if task.status not in CANCELLABLE:
        return CancelTerms(
            allowed=False, message=f"Task {task.id} is {task.status}; ICEYE cancels tasks that are RECEIVED or ACTIVE"
        )
    imaging = scene.imaging_time.start if scene is not None else None
    if imaging is not None and imaging <= now:
        return CancelTerms(
            allowed=False, message=f"Imaging of task {task.id} began at {iso(imaging)}; ICEYE cancels before it only"
        )
    start = task.window.start
    if start is None:
        return CancelTerms(allowed=True, message="ICEYE takes a cancel; the fee depends on the window, which it hides")
    hours = (start - now) / timedelta(hours=1)
    about = f"{hours:.0f} hours before the window starts" if hours > 0 else "after the window has started"
    if hours < 24 and never_cancellable(task):
        return CancelTerms(
            allowed=False,
            message=f"Task {task.id} was ordered 24 hours or less before its window starts; by ICEYE's policy it "
            "cannot be cancelled then. Ask ICEYE's support.",
        )
    fee = 0.0 if hours > 72 else 10.0 if hours > 48 else 20.0 if hours >= 24 else 100.0
    due = "costs nothing" if fee == 0 else f"costs {fee:.0f} % of the price"
    return CancelTerms(allowed=True, fee_percent=fee, message=f"A cancel {about} {due}, by ICEYE's published policy")
