"""From what a person wrote (GeoJSON, WKT) to one canonical polygon, or a refusal that says what to change."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any, NoReturn

from tasking.errors import InvalidOrder
from tasking.geometry_advice import advice
from tasking.geometry_object import geometry_object
from tasking.position import checked_position, turned

Ring = list[tuple[float, float]]

_HOLES = "remove the inner ring; a satellite images what lies inside it all the same"
_SEVERAL = "place one order for each polygon, or draw one polygon around them"
_EMPTY = "it is empty; give one closed ring of at least 4 positions"
_DEEPEST = 5
MOST_POSITIONS, MOST_OF_SEVERAL, MOST_MEETING = 10_000, 5_000, 100_000
"""Of one ring, of several together, and pairs of their edges: what is more costs minutes and gigabytes."""
_KINDS = "give a GeoJSON Polygon, Feature or FeatureCollection, or WKT such as POLYGON ((...))"


def canonical_polygon(value: object) -> dict[str, Any]:
    """The GeoJSON Polygon of what was written: closed, counterclockwise, simple, without holes, two-dimensional.

    Raises:
        InvalidOrder: Naming the place, the value, and what would be right.
    """
    import shapely

    rings = [_checked_ring(rings, where) for rings, where in _polygons(value, "area")]
    if not rings:
        _refuse("area", value, "it holds no polygon; " + _KINDS)
    _refuse_too_much_work(rings)
    middle = _middle(rings[0])
    polygons = [_simple(_near(ring, middle)) for ring in rings]
    merged = polygons[0] if len(polygons) == 1 else _united(polygons)
    if merged.geom_type != "Polygon":
        _refuse("area", f"{len(rings)} separate polygons", _SEVERAL)
    if len(merged.interiors):
        _refuse("area", f"{len(rings)} polygons around a hole", _HOLES)
    ring = list(shapely.geometry.polygon.orient(merged).exterior.coords)
    return {"type": "Polygon", "coordinates": [[list(position) for position in _into_range(ring)]]}


def _refuse(field: str, value: object, fix: str) -> NoReturn:
    raise InvalidOrder(field, value, fix)


def _polygons(value: object, where: str, depth: int = 0) -> list[tuple[object, str]]:
    """Every polygon in ``value`` as its coordinates and the place where it was found."""
    if depth > _DEEPEST:
        _refuse("area", "(nested too deeply)", _KINDS)
    value = geometry_object(value, where, _KINDS, _EMPTY)
    if not isinstance(value, dict):
        flat = isinstance(value, list | tuple) and all(isinstance(each, int | float) for each in value)
        seen = advice(str(value)) if flat else None
        _refuse(where, value, f"{seen}; {_KINDS}" if seen else _KINDS)
    kind = value.get("type")
    if kind == "FeatureCollection":
        features = value.get("features")
        if not isinstance(features, list | tuple) or not features:
            _refuse(f"{where}.features", features, "put one Feature with a Polygon in it")
        return [
            found
            for n, feature in enumerate(features)
            for found in _polygons(feature, f"{where}.features[{n}]", depth + 1)
        ]
    if kind == "Feature":
        if not value.get("geometry"):
            _refuse(f"{where}.geometry", value.get("geometry"), "give the Feature a Polygon")
        return _polygons(value["geometry"], f"{where}.geometry", depth + 1)
    coordinates = value.get("coordinates")
    if kind not in ("Polygon", "MultiPolygon"):
        esri = "this is the JSON of Esri; " if "rings" in value else ""
        _refuse(f"{where}.type", kind, esri + _KINDS)
    if not isinstance(coordinates, list | tuple) or not coordinates:
        _refuse(f"{where}.coordinates", coordinates, _EMPTY)
    if kind == "Polygon":
        return [(coordinates, f"{where}.coordinates")]
    return [(polygon, f"{where}.coordinates[{n}]") for n, polygon in enumerate(coordinates)]


def _checked_ring(rings: object, where: str) -> Ring:
    """The outer ring of one polygon, without heights and repeats, made continuous across the 180° meridian."""
    if not isinstance(rings, list | tuple) or not rings:
        _refuse(where, rings, _EMPTY)
    if len(rings) > 1:
        _refuse(f"{where}[1]", f"{len(rings) - 1} inner ring(s)", _HOLES)
    outer, where = rings[0], f"{where}[0]"
    if not isinstance(outer, list | tuple) or not outer:
        _refuse(where, outer, _EMPTY)
    positions = [checked_position(position, f"{where}[{n}]") for n, position in enumerate(outer)]
    if positions[0] != positions[-1]:
        first, last = list(positions[0]), list(positions[-1])
        _refuse(where, f"starts at {first} and ends at {last}", f"the ring is not closed; repeat {first} at its end")
    ring = positions[:1] + [now for before, now in pairwise(positions) if now != before]
    if len(ring) < 4:
        _refuse(where, f"{len(ring)} different positions in a row", "a closed ring needs at least 4: a triangle")
    west, east = _extent(ring)
    if east - west < 360:
        ring = _continuous(ring, where)
        west, east = _extent(ring)
    if east - west > 180:
        _refuse(where, f"longitudes {west:g} to {east:g}", "it spans more than half the globe; draw a smaller polygon")
    return ring


def _continuous(ring: Ring, where: str) -> Ring:
    """A step of more than 180° in longitude is a step the short way, across the 180° meridian."""
    turns, done = 0, [ring[0]]
    for (before, _), (lon, lat) in pairwise(ring):
        turns -= round((lon - before) / 360) if abs(lon - before) > 180 else 0
        done.append((lon + 360 * turns, lat))
    if done[0] != done[-1]:
        _refuse(where, f"{len(ring)} positions", "it goes around a pole; order the area in parts that do not hold it")
    return done


def _extent(ring: Ring) -> tuple[float, float]:
    lons = [lon for lon, _ in ring]
    return min(lons), max(lons)


def _middle(ring: Ring) -> float:
    return sum(_extent(ring)) / 2


def _near(ring: Ring, middle: float) -> Ring:
    """The same ring, turned by whole circles so that it lies near ``middle``: parts cut at 180° meet again."""
    turn = -360 * round((_middle(ring) - middle) / 360)
    return [(turned(lon, turn), lat) for lon, lat in ring]


def _into_range(ring: Ring) -> Ring:
    """The same ring with its western edge in -180 <= lon < 180."""
    turn = -360 * math.floor((_extent(ring)[0] + 180) / 360)
    return [(turned(lon, turn), lat) for lon, lat in ring]


def _refuse_too_much_work(rings: list[Ring]) -> None:
    positions, most = sum(map(len, rings)), MOST_POSITIONS if len(rings) == 1 else MOST_OF_SEVERAL
    if positions > most:
        _refuse("area", f"{positions} positions", f"simplify it to {most} at most, e.g. to one each 100 m")


def _united(polygons: list[Any]) -> Any:
    """The polygons as one, where few of their edges can meet: an overlay costs what it has crossings."""
    import numpy as np
    import shapely

    rings = [shapely.get_coordinates(polygon) for polygon in polygons]
    edges = shapely.linestrings(np.concatenate([np.stack([ring[:-1], ring[1:]], axis=1) for ring in rings]))
    meeting = shapely.STRtree(edges).query(edges).shape[1]
    if meeting > MOST_MEETING:
        _refuse("area", f"{len(polygons)} polygons that lie across each other", _SEVERAL)
    return shapely.union_all(polygons, grid_size=1e-9)  # a tenth of a millimetre: what is left of floating point


def _simple(ring: Ring) -> Any:
    import shapely

    polygon = shapely.Polygon(ring)
    if polygon.convex_hull.area <= 1e-12:
        _refuse("area", f"{len(ring)} positions on a line", "it encloses no area; give positions around an area")
    if not polygon.is_valid:
        said = shapely.is_valid_reason(polygon)
        place = re.search(r"\[(\S+) (\S+)\]", said)
        near = f"near [{place[1]}, {place[2]}]" if place else f"({said})"
        _refuse("area", polygon.wkt, f"the ring crosses or touches itself {near}; draw it around the area once")
    return polygon
