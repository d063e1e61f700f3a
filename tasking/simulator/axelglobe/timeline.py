"""Where a plan's candidates and a request stand at a moment: pure functions of stored facts and the time.

A plan lists its candidates in generations. The first appears when the plan is ready; the next when the life of the last
ended (or when the list was replaced by hand), with new ids and the passes still ahead.

A request's own story is PLANNED, ACCEPTED, PROCESSING (from uplink) and DATA_AVAILABLE. Decisions, made by chance at
its creation or by hand, change it: REJECTED holds until another decision; ACCEPTED goes back to the story, with a later
capture when the first one's time has gone by.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Fact = dict[str, Any]
STORY = ("PLANNED", "ACCEPTED", "PROCESSING", "DATA_AVAILABLE")


@dataclass(frozen=True)
class Generation:
    """One list of candidates: its number, when it appeared and when it ends (seconds since 1970)."""

    number: int
    start: float
    end: float


def generation(plan: Fact, now: float) -> Generation | None:
    """The list shown now, or ``None`` while the plan is in PROCESSING."""
    if now < plan["ready"]:
        return None
    starts = sorted({plan["ready"], *(at for at in plan["replaced"] if plan["ready"] < at)})
    before, life = 0, plan["life"]
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else float("inf")
        if now < end:
            lived = int((now - start) // life)
            return Generation(before + lived, start + lived * life, min(end, start + (lived + 1) * life))
        before += int((end - start) // life) + 1
    return None


@dataclass(frozen=True)
class Standing:
    """How a request stands: its word, its capture, whether that was taken, and when its data is or will be there."""

    status: str
    capture: Fact
    captured: bool
    data_at: float


def _decision(request: Fact, now: float) -> Fact | None:
    made = sorted((one for one in request["decisions"] if one["at"] <= now), key=lambda one: one["at"])
    return made[-1] if made else None


def capture_of(request: Fact, now: float) -> Fact:
    """The capture meant at a time: the latest that a decision brought, else the requested one."""
    moved = [one for one in request["decisions"] if one["at"] <= now and one.get("capture")]
    capture: Fact = max(moved, key=lambda one: one["at"])["capture"] if moved else request["capture"]
    return capture


def _word(request: Fact, capture: Fact, data_at: float, now: float) -> str:
    accepted = min(request["created"] + request["accept_seconds"], capture["start"])
    uplinked = max(accepted, capture["start"] - request["lead_seconds"])
    step = (now >= accepted) + (now >= uplinked) + (now >= data_at)
    decision = _decision(request, now)
    if decision is None:
        return STORY[step]
    if decision["status"] in STORY:
        return STORY[max(step, STORY.index(decision["status"]))]
    return str(decision["status"])


def standing(request: Fact, now: float) -> Standing:
    """How a request stands at a time."""
    capture = capture_of(request, now)
    forced = [one["at"] for one in request["decisions"] if one["status"] == "DATA_AVAILABLE"]
    data_at = min([capture["end"] + request["data_seconds"], *(at for at in forced if at >= capture["end"])])
    taken = _word(request, capture, data_at, capture["start"]) in STORY
    word = _word(request, capture, data_at, now)
    if word in STORY and now >= capture["start"] and not taken:
        word = "REJECTED"  # it was not scheduled when its time came
    return Standing(word, capture, taken and now >= capture["end"], data_at)
