"""How much of an area each of many footprints covers, as true shares of the ground."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tasking.geometry_bounds import modest, step_deg

if TYPE_CHECKING:
    from tasking.area import Area

STEP_DEG = 0.25
"""Edges are straight in longitude and latitude; they are followed in steps this long when they are put on a plane."""


NOT_USED = "it cannot be read, lies around a pole, or has more corners or crossings than are followed"
"""Why a geometry that was given tells nothing here, for a person."""


def covered_percent(area: Area, footprints: Sequence[dict[str, Any] | None]) -> list[float | None]:
    """Share of ``area`` inside each footprint, 0..100, in the order given.

    Areas are compared on a Lambert equal-area plane centred on the area (WGS84), so shares are those of the ground.
    Footprints that cross themselves are repaired, and those that cross the 180° meridian may be written either way.

    Args:
        area: The area of the order.
        footprints: GeoJSON geometries (lon, lat). ``None``, empty, unreadable, around a pole, or too intricate (see
            `tasking.geometry_bounds`) gives ``None``.
    """
    import shapely

    target, which, parts = parts_inside(area, footprints)
    shares: list[float | None] = [None] * len(footprints)
    for index, part in zip(which, parts, strict=True):
        shares[int(index)] = _percent(shapely.area(part), target)
    return shares


def covered_together_percent(area: Area, footprints: Sequence[dict[str, Any] | None]) -> float | None:
    """Share of ``area`` inside all footprints together, 0..100; ``None`` when none of them can be read."""
    import shapely

    target, which, parts = parts_inside(area, footprints)
    return _percent(shapely.area(shapely.union_all(parts)), target) if len(which) else None


def _percent(covered: float, target: Any) -> float:
    return min(100.0, max(0.0, float(covered / target.area * 100)))


def parts_inside(area: Area, footprints: Sequence[dict[str, Any] | None]) -> tuple[Any, Any, Any]:
    """The area on its plane, which footprints can be read, and the part of the area inside each of those."""
    import numpy as np
    import pyproj
    import shapely

    lon_min, lat_min, lon_max, lat_max = area.bounds
    centre = ((lon_min + lon_max) / 2, (lat_min + lat_max) / 2)
    crs = pyproj.CRS.from_dict({"proj": "laea", "lon_0": centre[0], "lat_0": centre[1], "ellps": "WGS84"})
    plane = pyproj.Transformer.from_crs(crs.geodetic_crs, crs, always_xy=True)

    def flat(given: Any) -> Any:
        def onto(coordinates: Any) -> Any:
            return np.stack(plane.transform(coordinates[:, 0], coordinates[:, 1]), axis=1)

        return shapely.transform(shapely.segmentize(given, step_deg(given, STEP_DEG)), onto)

    target = flat(shapely.Polygon(area.ring))
    which, shapes = shapes_near(centre[0], footprints)
    parts = np.full(len(which), shapely.Polygon(), dtype=object)
    if len(which):
        west, south, east, north = shapely.bounds(shapes).T
        near = (west < lon_max) & (east > lon_min) & (south < lat_max) & (north > lat_min)
        if near.any():
            shapely.prepare(target)
            # repaired before as well: following its edges in steps, GEOS drops half of a shape that crosses itself
            parts[near] = shapely.intersection(target, repaired(flat(repaired(shapes[near]))))
    return target, which, parts


def shapes_near(middle: float, footprints: Sequence[dict[str, Any] | None]) -> tuple[Any, Any]:
    """The footprints that can be drawn, as shapely (multi)polygons turned to lie near the longitude ``middle``.

    Returns:
        Their indices in ``footprints`` and the shapes, two numpy arrays of one length.
    """
    import numpy as np
    import shapely

    texts = np.array([json.dumps(each) if each else None for each in footprints], dtype=object)
    shapes = shapely.from_geojson(texts, on_invalid="ignore")
    which = np.flatnonzero(np.isin(shapely.get_type_id(shapes), (3, 6)) & ~shapely.is_empty(shapes))
    if not len(which):
        return which, shapes[which]
    shapes, usable = modest(shapely.force_2d(shapes[which]))
    which, shapes = which[usable], shapes[usable]
    if not len(which):
        return which, shapes
    shapes, known = _around(shapes, middle)
    return which[known], shapes[known]


def repaired(shapes: Any) -> Any:
    """The shapes (a numpy array), those that cross themselves replaced by what their lines enclose."""
    import numpy as np
    import shapely

    shapes = shapes.copy()
    for index in np.flatnonzero(~shapely.is_valid(shapes)):
        # not make_valid: where a footprint lies over itself it would leave a hole
        lines = shapely.union_all(shapely.get_rings(shapely.get_parts(shapes[index])))
        shapes[index] = shapely.union_all(shapely.get_parts(shapely.polygonize([lines])))
    return shapes


def _around(shapes: Any, middle: float) -> tuple[Any, Any]:
    """The shapes with every ring continuous and near the longitude ``middle``, and which of them that worked for.

    A step of more than 180° in longitude is taken the short way. A ring that does not close then goes around a pole.
    """
    import numpy as np
    import shapely

    parts, of_shape = shapely.get_parts(shapes, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    coordinates, ring = shapely.get_coordinates(rings, return_index=True)
    lon = coordinates[:, 0]
    first = np.concatenate(([True], ring[1:] != ring[:-1]))
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(lon)) - 1

    turns = np.concatenate(([0.0], -np.round(np.diff(lon) / 360)))
    turns[first] = 0
    total = np.cumsum(turns)
    lon = lon + 360 * (total - total[starts][ring])
    closes = np.abs(lon[ends] - lon[starts]) < 180
    centre = (np.minimum.reduceat(lon, starts) + np.maximum.reduceat(lon, starts)) / 2
    lon = lon - 360 * np.round((centre - middle) / 360)[ring]

    whole = np.ones(len(shapes), dtype=bool)
    whole[of_shape[of_part[~closes]]] = False
    keep = np.isin(of_shape[of_part], np.flatnonzero(whole))
    moved = np.where(keep[ring], lon, coordinates[:, 0])
    return shapely.set_coordinates(shapes.copy(), np.stack((moved, coordinates[:, 1]), axis=1)), whole
