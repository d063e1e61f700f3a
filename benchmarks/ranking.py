"""How long ranking takes: ``python benchmarks/choice.py [candidates]``."""

from __future__ import annotations

import random
import sys
import time
from datetime import UTC, datetime, timedelta

from tasking.area import Area
from tasking.candidate import Candidate
from tasking.ranking import rank


def made_up(count: int) -> list[Candidate]:
    """Slanted strips, 55 km wide, around Tokyo Bay."""
    dice = random.Random(7)  # noqa: S311  # figures for a stopwatch
    start = datetime(2026, 12, 1, tzinfo=UTC)
    found = []
    for n in range(count):
        lon, lat, half = 139.7 + dice.uniform(-1, 1), 35.6 + dice.uniform(-1, 1), 0.3
        ring = [
            [lon - half, lat - 1],
            [lon + half, lat - 1.05],
            [lon + half + 0.3, lat + 1],
            [lon - half + 0.3, lat + 1],
        ]
        when = start + timedelta(minutes=n)
        found.append(
            Candidate(
                id=str(n),
                start=when,
                end=when + timedelta(seconds=20),
                footprint={"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
                off_nadir_deg=dice.uniform(0, 30),
                sun_elevation_deg=dice.uniform(10, 60),
            )
        )
    return found


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    area = Area.model_validate("POLYGON ((139.2 35.2, 140.2 35.2, 140.2 36.0, 139.2 36.0, 139.2 35.2))")
    candidates = made_up(count)
    began = time.perf_counter()
    ranked = rank(area, candidates, "best-coverage", datetime(2026, 11, 30, tzinfo=UTC))
    print(f"{count} candidates ranked in {time.perf_counter() - began:.2f} s; best: {ranked[0].reason}")  # noqa: T201
