"""From what a person wrote (GeoJSON, WKT) to one canonical polygon, or a refusal that says what to change."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import Any, NoReturn

from tasking.errors import InvalidOrder
from tasking.geometry_text import geometry_from

Ring = list[tuple[float, float]]

_HOLES = "remove the inner ring; a satellite images what lies inside it all the same"
_SEVERAL = "place one order for each polygon, or draw one polygon around them"
_EMPTY = "it is empty; give one closed ring of at least 4 positions"
_DEEPEST = 5
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
    middle = _middle(rings[0])
    polygons = [_simple(_near(ring, middle)) for ring in rings]
    merged = polygons[0] if len(polygons) == 1 else shapely.union_all(polygons)
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
    if isinstance(value, str):
        value = geometry_from(value, "area", _KINDS, _EMPTY)
    if not isinstance(value, dict) and hasattr(value, "__geo_interface__"):
        value = value.__geo_interface__
    if not isinstance(value, dict):
        _refuse(where, value, _KINDS)
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
        _refuse(f"{where}.type", kind, _KINDS)
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
    positions = [_checked_position(position, f"{where}[{n}]") for n, position in enumerate(outer)]
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


def _checked_position(position: object, where: str) -> tuple[float, float]:
    if not isinstance(position, list | tuple) or len(position) < 2:
        _refuse(where, position, "write a position as [longitude, latitude]")
    lon, lat = position[0], position[1]
    for number in (lon, lat):
        if isinstance(number, bool) or not isinstance(number, int | float) or not abs(number) < 1e9:
            _refuse(where, position, "longitude and latitude are finite numbers in degrees")
    if not -90 <= lat <= 90:
        if -90 <= lon <= 90 and -180 <= lat <= 180:
            _refuse(where, [lon, lat], f"longitude comes first; write [{lat}, {lon}]")
        _refuse(where, [lon, lat], f"latitude {lat} is outside -90..90 degrees; are these degrees on WGS84?")
    if not -180 <= lon <= 360:
        _refuse(where, [lon, lat], f"longitude {lon} is outside -180..180 degrees; are these degrees on WGS84?")
    return float(lon), float(lat)


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
    return [(lon + turn, lat) for lon, lat in ring] if turn else ring


def _into_range(ring: Ring) -> Ring:
    """The same ring with its western edge in -180 <= lon < 180."""
    turn = -360 * math.floor((_extent(ring)[0] + 180) / 360)
    return [(lon + turn, lat) for lon, lat in ring] if turn else ring


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
