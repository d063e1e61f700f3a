"""Where land is, for a map that a person finds their way on: Natural Earth's land at 1:50m (public domain).

The shapes lie beside this file, see ``README.md`` there. They are read when a map is drawn, and not before.
"""

from __future__ import annotations

import zlib
from functools import cache, partial
from pathlib import Path
from typing import Any

LAND = Path(__file__).parent / "land-50m.bin"
STEP_DEG = 0.002
"""The corners lie on a grid this fine, about 200 m."""


def land_in(west: float, south: float, east: float, north: float) -> Any:
    """The land inside a box, as one shapely geometry; empty at sea.

    Args:
        west: In degrees; may lie beyond -180 or 180, as `tasking.area` holds what crosses the 180° meridian.
        south: In degrees.
        east: In degrees, more than ``west``.
        north: In degrees.
    """
    import numpy as np
    import shapely

    polygons, bounds = _land()
    found = []
    for turn in (-360, 0, 360):
        box = (west - turn, south, east - turn, north)
        near = (bounds[:, 0] < box[2]) & (bounds[:, 2] > box[0]) & (bounds[:, 1] < box[3]) & (bounds[:, 3] > box[1])
        parts = shapely.clip_by_rect(polygons[near], *box)
        found += [shapely.transform(part, partial(np.add, (turn, 0))) for part in parts]
    return shapely.union_all(found)  # what was cut at the 180° meridian is one again


@cache
def _land() -> tuple[Any, Any]:
    """All polygons, and their bounds."""
    import numpy as np
    import shapely

    raw = np.frombuffer(zlib.decompress(LAND.read_bytes()), np.uint8)
    numbers = raw.reshape(4, -1).T.copy().view("<i4").ravel()
    count, rings = int(numbers[0]), int(numbers[1])
    in_each, corners = numbers[2 : 2 + count], numbers[2 + count : 2 + count + rings]
    ends = 2 + count + rings + 2 * np.cumsum(corners)
    lines = [
        shapely.linearrings(np.cumsum(numbers[end - 2 * length : end].reshape(2, -1), axis=1).T * STEP_DEG)
        for end, length in zip(ends, corners, strict=True)
    ]
    last = np.cumsum(in_each)
    polygons = np.array(
        [
            shapely.Polygon(lines[stop - many], lines[stop - many + 1 : stop])
            for stop, many in zip(last, in_each, strict=True)
        ]
    )
    return polygons, shapely.bounds(polygons)
