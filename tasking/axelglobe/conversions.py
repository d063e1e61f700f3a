"""From AxelGlobe's words and objects to the ones every provider shares.

An unknown word is kept and reported, never guessed.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from tasking.axelglobe.filters import captures_in
from tasking.axelglobe.models import TaskCandidate, TaskPlan, TaskRequest, href_of
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.candidate import Candidate
from tasking.lenient import Json
from tasking.provider import Plan, TaskingRequest
from tasking.status import StatusCode

logger = logging.getLogger(__name__)

STATUS = {
    "PLANNED": StatusCode.RECEIVED,
    "ACCEPTED": StatusCode.ACCEPTED,
    "PROCESSING": StatusCode.PROCESSING,
    "REJECTED": StatusCode.REJECTED,
    "DATA_AVAILABLE": StatusCode.COMPLETED,
}
"""Request words (Tasking API 2.1 and the provider's note on request status of November 2025). REJECTED may turn into
ACCEPTED until the window ends; the lifecycle waits for that."""

ACTIVE = "ACTIVE"
LONGEST_CAPTURE = timedelta(days=1)
"""A request whose times span less tells its capture, not just the window."""


def plan_of(plan: TaskPlan, settings: AxelGlobeSettings, now: datetime) -> Plan:
    """The shared words for a plan.

    Args:
        plan: As AxelGlobe gave it.
        settings: When candidates are due.
        now: The provider's time; stands in for a creation time that is missing.
    """
    facts = plan.properties
    created = facts.created or min(now, facts.valid_start or now)
    due = created + timedelta(seconds=settings.candidates_after_seconds)
    return Plan(
        id=plan.id,
        created=created,
        ready=facts.status == ACTIVE,
        candidates_at=due,
        patience_until=due + timedelta(seconds=settings.candidates_patience_seconds),
    )


def candidate_of(candidate: TaskCandidate) -> Candidate | None:
    """The shared words for a candidate; ``None`` (with a warning) when it has no id or no capture time."""
    facts = candidate.properties
    if not candidate.id or facts.start_datetime is None or facts.end_datetime is None:
        logger.warning("axelglobe: a candidate without an id or a capture time is left out (%s)", candidate.id)
        return None
    return Candidate(
        id=candidate.id,
        start=facts.start_datetime,
        end=facts.end_datetime,
        valid_until=facts.valid_until,
        platform=facts.platform,
        footprint=candidate.geometry if _is_drawn(candidate.geometry) else None,
        off_nadir_deg=facts.off_nadir,
        sun_elevation_deg=facts.sun_elevation,
        sun_azimuth_deg=facts.sun_azimuth,
        coverage_percent=facts.plan_coverage,
    )


def request_of(
    request: TaskRequest, settings: AxelGlobeSettings, now: datetime, candidate: Candidate | None = None
) -> TaskingRequest:
    """The shared words for a request.

    AxelGlobe may give a request the plan's whole window instead of its capture's times, and does not give back the
    candidate's id. Who knows the candidate passes it, so that ``start`` and ``end`` are the capture's.

    Captures are named only once their data is there: ``ag:capture_id`` and the link to the assets can be set before.
    The name is the id's, else the link's filter's, else the request's own where the link has no filter.
    """
    facts = request.properties
    word = facts.status or ""
    status = STATUS.get(word)
    if status is None:
        logger.warning("axelglobe: request %s has a status that is not known here: %r", request.id, word)
    start = candidate.start if candidate else facts.valid_start
    end = candidate.end if candidate else facts.valid_end
    window_end = max((each for each in (end, facts.valid_end) if each), default=now)
    return TaskingRequest(
        id=request.id,
        status=status,
        provider_status=word,
        capture_ids=_captures(request) if status is StatusCode.COMPLETED else (),
        start=start,
        end=end,
        platform=_platform(request, candidate),
        cancel_until=facts.cancel_until,
        next_look_at=_next_look(status, start, end, settings, now),
        give_up_at=window_end + timedelta(seconds=settings.delivery_patience_seconds),
    )


def _captures(request: TaskRequest) -> tuple[str, ...]:
    link = href_of(request.links, "assets")
    named = request.properties.capture_id or (min(captures_in(link), default=request.id) if link else None)
    return (named,) if named else ()


def _next_look(
    status: StatusCode | None, start: datetime | None, end: datetime | None, settings: AxelGlobeSettings, now: datetime
) -> datetime:
    """The next moment at which something can be new.

    A scheduled capture has no data before the documented time after it. Anything else may change at any time, and is
    polled as the document recommends. When only a long window is known, its begin is the earliest capture.
    """
    poll = now + timedelta(seconds=settings.poll_interval_seconds)
    if status not in (StatusCode.ACCEPTED, StatusCode.PROCESSING) or start is None:
        return poll
    captured = end if end is not None and end - start < LONGEST_CAPTURE else start
    data = captured + timedelta(seconds=settings.data_after_capture_seconds)
    return data if data > now else poll


def _platform(request: TaskRequest, candidate: Candidate | None) -> str | None:
    if candidate is not None and candidate.platform:
        return candidate.platform
    satellites = request.properties.satellites
    return satellites[0] if len(satellites) == 1 else None


def _is_drawn(geometry: Json | None) -> bool:
    """Whether a geometry is a polygon with numbers in it; the document allows ``coordinates: []``."""
    if geometry is None:
        return False
    rings = geometry.get("coordinates")
    if geometry.get("type") == "MultiPolygon":
        return isinstance(rings, list) and bool(rings) and all(_are_rings(polygon) for polygon in rings)
    return geometry.get("type") == "Polygon" and _are_rings(rings)


def _are_rings(rings: Any) -> bool:
    return (
        isinstance(rings, list)
        and bool(rings)
        and all(
            isinstance(ring, list) and len(ring) >= 4 and all(_is_position(each) for each in ring) for ring in rings
        )
    )


def _is_position(position: Any) -> bool:
    return (
        isinstance(position, list)
        and len(position) >= 2
        and all(isinstance(each, int | float) and not isinstance(each, bool) for each in position)
        and abs(position[0]) <= 540
        and abs(position[1]) <= 90
    )
