"""What a geometry from outside may cost: its corners and its crossings are bounded before anything is laid over it.

Repairing a ring that crosses itself costs by its crossings, and those grow with the square of its corners: 2,000
corners (39 KB) took 43 s and 1.2 GB. Footprints of real captures have tens of corners.
"""

from __future__ import annotations

from typing import Any

MOST_CORNERS = 1000
"""Of one footprint. One ring with more is drawn with fewer, to within a kilometre; what still has more is not used."""

MOST_CROSSINGS = 200
"""Of a footprint's edges with one another; what has more is not used."""

COARSER_DEG = (1e-4, 1e-3, 1e-2)
"""How much a ring with too many corners may change, degrees: 11 m, 110 m, 1.1 km."""

MOST_STEPS = 20_000
"""Corners of one shape after its edges were followed in steps."""

_AT_ONCE = 50


def modest(shapes: Any) -> tuple[Any, Any]:
    """The shapes with few enough corners, and which of them are on the globe and can be used.

    Args:
        shapes: (Multi)polygons in degrees, a numpy array.

    Returns:
        The shapes, simplified where they had to be; and a mask, false where one is not to be used.
    """
    import numpy as np
    import shapely

    bounds = shapely.bounds(shapes)
    with np.errstate(invalid="ignore"):
        usable = np.isfinite(bounds).all(axis=1) & (np.abs(bounds) <= (720, 90.001, 720, 90.001)).all(axis=1)
    shapes = shapes.copy()
    for index in np.flatnonzero(usable & (shapely.get_num_coordinates(shapes) > MOST_CORNERS)):
        shapes[index] = _with_fewer_corners(shapes[index])
    usable &= (shapely.get_num_coordinates(shapes) <= MOST_CORNERS) & ~shapely.is_empty(shapes)
    for index in np.flatnonzero(usable & ~shapely.is_valid(shapes)):
        usable[index] = not crosses_too_often(shapes[index])
    return shapes, usable


def _with_fewer_corners(shape: Any) -> Any:
    """The shape's outer ring with fewer corners, if it is one and that does; else the shape.

    The ring and not the polygon, whose simplification would repair what crosses itself.
    """
    import shapely

    if shapely.get_num_geometries(shape) != 1 or shapely.get_num_interior_rings(shapely.get_geometry(shape, 0)):
        return shape
    ring = shapely.get_exterior_ring(shapely.get_geometry(shape, 0))
    for coarser in COARSER_DEG:
        fewer = shapely.simplify(ring, coarser, preserve_topology=False)
        if 4 <= shapely.get_num_coordinates(fewer) <= MOST_CORNERS:
            return shapely.Polygon(shapely.get_coordinates(fewer))
    return shape


def crosses_too_often(shape: Any) -> bool:
    """Whether the edges of a shape meet one another more than `MOST_CROSSINGS` times, those at its corners aside."""
    import numpy as np
    import shapely

    coordinates, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
    edges = shapely.linestrings(np.stack((coordinates[:-1], coordinates[1:]), axis=1)[ring[:-1] == ring[1:]])
    tree, met, own = shapely.STRtree(edges), 0, 3 * len(edges)  # each meets itself and its two neighbours
    for first in range(0, len(edges), _AT_ONCE):
        met += tree.query(edges[first : first + _AT_ONCE], predicate="intersects").shape[1]
        if met > own + 2 * MOST_CROSSINGS:
            return True
    return False


def step_deg(shapes: Any, finest: float) -> Any:
    """The step in which edges of each shape are followed so that it has about `MOST_STEPS` corners at most, degrees."""
    import numpy as np
    import shapely

    return np.maximum(finest, shapely.length(shapes) / MOST_STEPS)
