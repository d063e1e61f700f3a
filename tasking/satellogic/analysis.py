"""An analysis as a plan, and its opportunities as candidates.

Introduction, 'Analysis API': asynchronous, free of charge, ready after 20 to 60 seconds, kept for 24 hours. The shape
of its answers is not published; `tasking.satellogic.models` reads what it can find.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tasking.candidate import Candidate
from tasking.provider import Plan
from tasking.satellogic.conversions import positions
from tasking.satellogic.models import Analysis, Opportunity
from tasking.satellogic.settings import SatellogicSettings

logger = logging.getLogger(__name__)

_FINISHED = ("finished", "completed", "complete", "done", "success", "succeeded", "ready")
_BROKEN = ("failed", "error", "canceled", "cancelled", "rejected")
_STAMP = "%Y%m%dT%H%M%SZ"


class AnalysisName(NamedTuple):
    """An analysis as our plan id names it: ``opportunities/<their id>/20261201T000000Z``.

    Their id alone would not do: it does not tell which of the two analyses it is, nor when it was asked for, and
    without a time nobody could say that an analysis takes too long.
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
        return cls(kind, analysis_id, asked) if kind in ("opportunities", "can-add") and analysis_id else None


def is_broken(analysis: Analysis) -> bool:
    """Whether Satellogic says that an analysis came to nothing."""
    return (analysis.status or "").lower() in _BROKEN


def is_finished(analysis: Analysis) -> bool:
    """Whether the opportunities of an analysis are there."""
    word = (analysis.status or "").lower()
    return word in _FINISHED or (not word and analysis.opportunities is not None)


def plan_of(name: AnalysisName, analysis: Analysis, settings: SatellogicSettings) -> Plan:
    """The shared words for an analysis. A finished one without opportunities is not asked again: it says no."""
    ready = is_finished(analysis)
    patience = timedelta(seconds=0 if ready else settings.analysis_patience_seconds)
    return Plan(
        id=str(name),
        created=name.asked,
        ready=ready,
        candidates_at=name.asked + timedelta(seconds=settings.analysis_seconds),
        patience_until=name.asked + patience,
    )


def candidates_of(analysis: Analysis, settings: SatellogicSettings) -> list[Candidate]:
    """The opportunities of a finished analysis, in order of time; those without a time are left out with a warning.

    Satellogic gives an opportunity no id, so it gets one from the analysis, its start and its satellite. An
    opportunity can be ordered until the order cutoff before it; Satellogic itself sets no end.
    """
    found: dict[str, Candidate] = {}
    for given in (analysis.opportunities or ()) if is_finished(analysis) else ():
        each = Opportunity.model_validate(given)
        if each.start is None:
            logger.warning("satellogic: an opportunity without a start is left out (analysis %s)", analysis.id)
            continue
        cutoff = timedelta(seconds=settings.order_cutoff_seconds)
        same = f"{analysis.id}/{each.start:{_STAMP}}" + (f"/{each.platform}" if each.platform else "")
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
        )
    return sorted(found.values(), key=lambda one: (one.start, one.id))


def _is_drawn(geometry: dict[str, Any] | None) -> bool:
    """Whether a geometry is a polygon with positions in it."""
    if geometry is None or geometry.get("type") not in ("Polygon", "MultiPolygon"):
        return False
    return len(positions(geometry)) >= 4
