"""Where an item lies, as GeoJSON (RFC 7946) has it, read from what a provider wrote."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tasking.delivery.stac.fields import Unreadable, read_number

_LEVELS = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""How many lists there are around a position."""
_LEAST = {"LineString": 2, "MultiLineString": 2, "Polygon": 4, "MultiPolygon": 4}
"""Positions in a line or ring."""


def read_geometry(given: Any, level: int = 0) -> dict[str, Any] | None:
    """A geometry that is valid GeoJSON; ``None`` when it cannot be told what is meant.

    A feature stands for its geometry, a number in quotes for the number, and a ring is closed.
    """
    if not isinstance(given, dict):
        return None
    if given.get("type") == "Feature" and level == 0:
        return read_geometry(given.get("geometry"), 1)
    try:
        if given.get("type") == "GeometryCollection":
            parts = given.get("geometries")
            if not isinstance(parts, list) or level >= 4:
                return None
            return _joined([read_geometry(one, level + 1) for one in parts])
        kind = given.get("type")
        if not isinstance(kind, str) or kind not in _LEVELS:
            return None
        return {**given, "coordinates": _coordinates(given.get("coordinates"), _LEVELS[kind], kind)}
    except Unreadable:
        return None


def _joined(parts: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """STAC takes no collection of geometries: those of one kind become one of several parts."""
    kinds = {part["type"].removeprefix("Multi") if part is not None else "" for part in parts}
    if len(kinds) != 1 or "" in kinds:
        return None
    made: list[Any] = []
    for part in parts:
        assert part is not None
        made += part["coordinates"] if part["type"].startswith("Multi") else [part["coordinates"]]
    return {"type": f"Multi{kinds.pop()}", "coordinates": made}


def _coordinates(given: Any, levels: int, kind: str) -> list[Any]:
    if not isinstance(given, list) or not given:
        raise Unreadable
    if levels == 0:
        return _position(given)
    made = [_coordinates(one, levels - 1, kind) for one in given]
    if levels == 1:
        if kind.endswith("Polygon") and made[0] != made[-1]:
            made.append(made[0])
        if len(made) < _LEAST.get(kind, 1):
            raise Unreadable
    return made


def _position(given: list[Any]) -> list[float]:
    if len(given) < 2:
        raise Unreadable
    made: list[float] = []
    for one in given:
        if one is None and len(made) >= 2:  # a height that is not known
            break
        made.append(read_number(one))
    return made


def read_bbox(given: Any, geometry: dict[str, Any]) -> list[float]:
    """The box that was given, if it is one (of 4 or 6 numbers), else that of the geometry."""
    if isinstance(given, list) and len(given) in (4, 6):
        try:
            return _position(given) if None not in given else _box_of(geometry)
        except Unreadable:
            pass
    return _box_of(geometry)


def _box_of(geometry: dict[str, Any]) -> list[float]:
    """West, south, east, north; west is larger than east for what lies across the antimeridian (RFC 7946, 5.2)."""
    places = list(_positions(geometry))
    lons, lats = [lon for lon, _ in places], [lat for _, lat in places]
    west, east = min(lons), max(lons)
    if east - west > 180 and any(lon > 0 for lon in lons) and any(lon < 0 for lon in lons):
        west, east = min(lon for lon in lons if lon > 0), max(lon for lon in lons if lon < 0)
    return [west, min(lats), east, max(lats)]


def _positions(geometry: dict[str, Any]) -> Iterator[tuple[float, float]]:
    waiting = [geometry["coordinates"]]
    while waiting:
        one = waiting.pop()
        if isinstance(one[0], list):
            waiting += one
        else:
            yield one[0], one[1]
