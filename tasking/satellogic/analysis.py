"""An analysis as a plan, and its opportunities as candidates.

Introduction, 'Analysis API': asynchronous, free of charge, ready after 20 to 60 seconds, kept for 24 hours. The shape
of its answers is not published, nor are its words; `tasking.satellogic.models` reads what it can find. What cannot be
read is told as such: it never means that an order is not feasible.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from tasking.candidate import Candidate
from tasking.lenient import positions
from tasking.satellogic.conversions import CAPTURES
from tasking.satellogic.models import Analysis, Opportunity
from tasking.satellogic.settings import SatellogicSettings

logger = logging.getLogger(__name__)

NO_ANALYSIS = "none"
KINDS = ("opportunities", "can-add")
_FINISHED = ("finished", "completed", "complete", "done", "success", "succeeded", "ready")
_BROKEN = ("failed", "error", "canceled", "cancelled", "rejected")
_GOING_ON = (
    "in_progress",
    "in progress",
    "running",
    "processing",
    "started",
    "pending",
    "queued",
    "received",
    "created",
)
_STAMP = "%Y%m%dT%H%M%SZ"


class Stage(StrEnum):
    """How far an analysis is, as far as we can tell."""

    GOING_ON = "going on"
    RESULTS = "results"
    NO_OPPORTUNITY = "no opportunity"
    BROKEN = "broken"
    UNREAD = "unread"


class AnalysisName(NamedTuple):
    """An analysis as our plan id names it: ``opportunities/<their id>/20261201T000000Z``.

    Their id alone would not do: it does not tell which of the two analyses it is, nor when it was asked for, and
    without a time nobody could say that an analysis takes too long. Where there is none, the kind is ``none`` and the
    id says why.
    """

    kind: str
    id: str
    asked: datetime

    def __str__(self) -> str:
        return f"{self.kind}/{self.id}/{self.asked.astimezone(UTC):{_STAMP}}"

    @classmethod
    def read(cls, plan_id: str) -> AnalysisName | None:
        """What a plan id means; ``None`` when it is none of ours."""
        kind, _, rest = plan_id.partition("/")
        analysis_id, _, stamp = rest.rpartition("/")
        try:
            asked = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(kind, analysis_id, asked) if kind in (NO_ANALYSIS, *KINDS) and analysis_id else None


def stage(analysis: Analysis, *, patience_is_over: bool = False) -> Stage:
    """How far an analysis is. Results are results, whatever its word, unless the word says that more are coming.

    Args:
        analysis: As just read.
        patience_is_over: Whether it had its time: what is there is taken, and what is not there never comes.
    """
    word, found = (analysis.status or "").lower(), analysis.opportunities
    if found and (word not in _GOING_ON or patience_is_over):
        readable = any(Opportunity.model_validate(each).start is not None for each in found)
        return Stage.RESULTS if readable else Stage.UNREAD
    if word in _BROKEN:
        return Stage.BROKEN
    if word in _FINISHED or (not word and found is not None):
        return Stage.NO_OPPORTUNITY if found is not None and not analysis.unread else Stage.UNREAD
    return Stage.UNREAD if patience_is_over else Stage.GOING_ON


def word_of(analysis: Analysis) -> str:
    """Its word, for a person, where it is not one of those that are known."""
    word = analysis.status or ""
    known = word.lower() in (*_FINISHED, *_BROKEN, *_GOING_ON)
    return "" if known or not word else f" (Satellogic calls it {word!r}, a word we do not know)"


def candidates_of(analysis: Analysis, settings: SatellogicSettings) -> list[Candidate]:
    """The opportunities of an analysis, in order of time; those without a time are left out with a warning.

    Satellogic gives an opportunity no id, so it gets one from the analysis, its start and its satellite. An
    opportunity can be ordered until the order cutoff before it; Satellogic itself sets no end.
    """
    found: dict[str, Candidate] = {}
    for given in analysis.opportunities or ():
        each = Opportunity.model_validate(given)
        if each.start is None:
            logger.warning("satellogic: an opportunity without a start is left out (analysis %s)", analysis.id)
            continue
        cutoff = timedelta(seconds=settings.order_cutoff_seconds)
        same = f"{analysis.id or 'analysis'}/{each.start:{_STAMP}}" + (f"/{each.platform}" if each.platform else "")
        number = sum(one == same or one.startswith(f"{same}#") for one in found)
        key = f"{same}#{number + 1}" if number else same
        found[key] = Candidate(
            id=key,
            start=each.start,
            end=max(each.end or each.start, each.start),
            valid_until=each.start - cutoff if cutoff else None,
            platform=each.platform,
            footprint=each.footprint if _is_drawn(each.footprint) else None,
            off_nadir_deg=each.off_nadir,
            sun_elevation_deg=each.sun_elevation,
            sun_azimuth_deg=each.sun_azimuth,
            quoted={CAPTURES: "1"},
        )
    return sorted(found.values(), key=lambda one: (one.start, one.id))


def _is_drawn(geometry: dict[str, Any] | None) -> bool:
    """Whether a geometry is a polygon with positions in it."""
    if geometry is None or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return False
    return len(positions(geometry)) >= 4
