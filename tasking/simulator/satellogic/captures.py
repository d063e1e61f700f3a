"""A Satellogic capture and all that will become of it, and how a task stands at a moment."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from tasking.simulator.satellogic.passes import Pass

NEVER = math.inf


@dataclass(frozen=True)
class Capture:
    """A capture and all that will become of it (times in seconds since 1970).

    ``lost`` is when it lost its place in the schedule, ``settled`` when it is published or fails.
    """

    capture_id: str
    place: int
    look: Pass
    queued: float
    down: float
    done: float
    failure: str = ""
    lost: float = NEVER

    @property
    def settled(self) -> float:
        """When nothing changes any more."""
        return min(self.lost, self.down if self.failure == "orbit" else self.done)

    def troubled(self, now: float) -> bool:
        """Whether it failed or lost its place by now."""
        return self.settled <= now and (bool(self.failure) or self.lost <= self.settled)

    def published(self, now: float) -> bool:
        """Whether it was delivered by now."""
        return self.settled <= now and not self.troubled(now)

    def active(self, now: float) -> bool:
        """Whether it is queued or in processing."""
        return self.settled > now

    def status(self, now: float) -> str:
        """The provider's word for it."""
        if self.active(now):
            return "processing" if now >= self.down else "queued"
        return "failed" if self.failure else "published"


@dataclass(frozen=True)
class Story:
    """How a task stands: its word, its captures (without those that lost their place), and how many it needs."""

    status: str
    captures: tuple[Capture, ...]
    places: int
    lost: tuple[Capture, ...] = field(default=())
