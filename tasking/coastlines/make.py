"""Writes ``land-50m.bin``: ``python -m tasking.coastlines.make land-50m.json``.

The input is Natural Earth's land at 1:50m as the npm package ``world-atlas`` 2.0.2 has it (TopoJSON). Natural Earth is
in the public domain. The file is made once and kept here, so that a map needs no network.
"""

from __future__ import annotations

import json
import sys
import zlib
from functools import partial
from pathlib import Path
from typing import Any

from tasking.coastlines import LAND, STEP_DEG

TOLERANCE_DEG = 0.004
"""Corners that lie closer to the line between their neighbours are left out: 450 m, finer than a scale of 1:50m."""


def polygons_of(topology: dict[str, Any]) -> list[Any]:
    """The land of a TopoJSON file, as shapely polygons in degrees."""
    import numpy as np
    import shapely

    scale, origin = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + origin for arc in topology["arcs"]]

    def ring(indices: list[int]) -> Any:
        pieces = [arcs[each] if each >= 0 else arcs[~each][::-1] for each in indices]
        return np.concatenate([pieces[0], *(piece[1:] for piece in pieces[1:])])

    found = []
    for geometry in topology["objects"]["land"]["geometries"]:
        polygons = geometry["arcs"] if geometry["type"] == "MultiPolygon" else [geometry["arcs"]]
        for first, *holes in polygons:
            inside = shapely.union_all([_flat(ring(each)) for each in holes])
            found += shapely.get_parts(shapely.difference(_flat(ring(first)), inside)).tolist()
    return found


def _flat(ring: Any) -> Any:
    """A ring on the globe, which the input cuts neither at the 180° meridian nor at the pole, within -180 and 180."""
    import numpy as np
    import shapely

    ring = np.column_stack([np.unwrap(ring[:, 0], period=360), ring[:, 1]])
    (start, _), (end, _) = ring[0], ring[-1]
    if abs(end - start) > 180:  # around the South Pole
        ring = np.vstack([ring, [end, -90.0], [start, -90.0], ring[:1]])
    whole = shapely.make_valid(shapely.Polygon(ring))
    turns = [
        shapely.transform(
            shapely.intersection(whole, shapely.box(turn - 180, -90, turn + 180, 90)), partial(np.add, (-turn, 0))
        )
        for turn in (-720, -360, 0, 360, 720)
    ]
    return shapely.union_all(turns)


def packed(polygons: list[Any]) -> bytes:
    """Polygons in the form that `tasking.coastlines` reads."""
    import numpy as np
    import shapely

    plain = shapely.set_precision(shapely.make_valid(shapely.simplify(polygons, TOLERANCE_DEG)), STEP_DEG)
    parts = [one for one in shapely.get_parts(plain) if one.geom_type == "Polygon" and not one.is_empty]
    rings = [[part.exterior, *part.interiors] for part in parts]
    corners = [np.rint(shapely.get_coordinates(one) / STEP_DEG).astype(np.int32) for each in rings for one in each]
    steps = [np.diff(each, axis=0, prepend=np.zeros((1, 2), np.int32)).astype(np.int32).T.ravel() for each in corners]
    head = [len(parts), len(corners), *map(len, rings), *map(len, corners)]
    numbers = np.concatenate([np.array(head, np.int32), *steps]).astype("<i4")
    # the first bytes of all numbers, then the second ones, ...: most are zero, and so pack well
    return zlib.compress(numbers.view(np.uint8).reshape(-1, 4).T.tobytes(), 9)


if __name__ == "__main__":
    LAND.write_bytes(packed(polygons_of(json.loads(Path(sys.argv[1]).read_text()))))
