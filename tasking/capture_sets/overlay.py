"""The footprints of many candidates laid over each other: which of them cover which piece of an area."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from tasking.area import Area
from tasking.capture_sets.search import merged
from tasking.coverage import parts_inside

SLIVERS_PERCENT = 0.01
"""Share of the area, 0..100, whose smallest faces are left out of the search; bounds are raised by that."""

_FINEST = 1e-7
"""Lines nearer to each other than this are one, in lengths of the area's side: 2 cm for an area of 200 km."""


class Faces(NamedTuple):
    """The pieces that the edges of all footprints cut an area into; those covered by the same candidates are one.

    Attributes:
        candidates: Indices of the footprints that can be read, in the order given.
        covers: Which candidate covers which face, booleans, shape (candidates, faces).
        shares: Share of the area of each face, 0..100.
        fixed_percent: Share of the area that the fixed footprints cover already, 0..100.
        unread_fixed: How many of the fixed footprints tell nothing.
        slivers_percent: What a set may cover beside its faces, 0..100: the faces that were left out.
    """

    candidates: tuple[int, ...]
    covers: npt.NDArray[np.bool_]
    shares: npt.NDArray[np.float64]
    fixed_percent: float
    unread_fixed: int
    slivers_percent: float


def overlay(
    area: Area, footprints: Sequence[dict[str, Any] | None], fixed: Sequence[dict[str, Any] | None] = ()
) -> Faces:
    """Cut an area into faces, on the equal-area plane of `tasking.coverage`.

    Args:
        area: The area of the order.
        footprints: Of the candidates, GeoJSON (lon, lat).
        fixed: Footprints that count as covered already.
    """
    target, which, parts = parts_inside(area, [*footprints, *fixed])
    ours = which < len(footprints)
    held = shapely.union_all(parts[~ours])
    whole = shapely.area(target) / 100
    rings = shapely.get_rings(_polygons(np.append(parts[ours], held)))
    lines = shapely.union_all(rings, grid_size=math.sqrt(shapely.area(target)) * _FINEST)
    faces = shapely.get_parts(shapely.polygonize([lines]))
    inside = np.zeros((len(parts[ours]) + 1, len(faces)), dtype=bool)
    if len(faces):
        shapes = np.append(parts[ours], held)
        shapely.prepare(shapes)
        inside[tuple(shapely.STRtree(shapely.point_on_surface(faces)).query(shapes, predicate="intersects"))] = True
    sizes = shapely.area(faces)[~inside[-1]] / whole
    covers, shares, _ = merged(inside[:-1, ~inside[-1]], sizes, sizes)
    smallest_first = np.argsort(shares, kind="stable")
    slivers = smallest_first[np.cumsum(shares[smallest_first]) < SLIVERS_PERCENT]
    kept = np.setdiff1d(np.arange(len(shares)), slivers)
    return Faces(
        candidates=tuple(int(one) for one in which[ours]),
        covers=covers[:, kept],
        shares=shares[kept],
        fixed_percent=float(min(100.0, shapely.area(held) / whole)),
        unread_fixed=len(fixed) - int(np.count_nonzero(~ours)),
        slivers_percent=float(shares[slivers].sum()),
    )


def _polygons(shapes: Any) -> Any:
    pieces = shapely.get_parts(shapely.get_parts(shapes))  # an intersection may hold lines and points as well
    return pieces[shapely.get_type_id(pieces) == shapely.GeometryType.POLYGON]
