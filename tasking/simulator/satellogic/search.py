"""Reading a search of Satellogic's archive, and the tiles a capture is cut into."""

from __future__ import annotations

import json
from typing import Any

import shapely

from tasking.simulator.area import Flat, middle, ring_geometry
from tasking.simulator.clock import read_time
from tasking.simulator.cql2 import FilterError, read_filter
from tasking.simulator.features import Json
from tasking.simulator.satellogic.answers import Refusal

_TILE_KM = 2.0


def grid(ground: shapely.Geometry, most: int) -> list[Json]:
    """Tiles of 2 by 2 km around the middle of some ground, those nearest to the middle first."""
    flat = Flat(*middle(ground))
    covered = flat.area(ground)
    west, south, east, north = covered.bounds
    columns, rows = max(1, round((east - west) / _TILE_KM)), max(1, round((north - south) / _TILE_KM))
    centres = [
        ((column - (columns - 1) / 2) * _TILE_KM, (row - (rows - 1) / 2) * _TILE_KM)
        for column in range(columns)
        for row in range(rows)
    ]
    inside = [one for one in centres if covered.contains(shapely.Point(one))] or [(0.0, 0.0)]
    inside.sort(key=lambda one: (one[0] ** 2 + one[1] ** 2, one))
    half = _TILE_KM / 2
    corners = ((half, half), (-half, half), (-half, -half), (half, -half))
    return [ring_geometry([tuple(flat.lonlat(x + a, y + b)) for a, b in corners]) for x, y in inside[:most]]


def from_query(sent: Json) -> Json:
    """GET parameters as the members of a POST body."""
    lists = {name: sent[name].split(",") for name in ("collections", "ids", "bbox") if sent.get(name)}
    try:
        shape = {"intersects": json.loads(sent["intersects"])} if sent.get("intersects") else {}
    except ValueError as error:
        raise Refusal(400, "intersects: not JSON") from error
    return {**sent, **lists, **shape}


def outcome(asked: Any) -> str | None:
    """The outcome id a filter asks for, CQL2 as JSON or as text; raises `Refusal` 400 for any other filter."""
    if asked is None or asked == "":
        return None
    if isinstance(asked, str) and not asked.lstrip().startswith("{"):
        try:
            return read_filter(asked, ("satl:outcome_id",)).equals.get("satl:outcome_id")
        except FilterError as error:
            raise Refusal(400, f"filter: {error}") from error
    try:
        read = json.loads(asked) if isinstance(asked, str) else asked
        left, right = read["args"]
        if read["op"] == "=" and left == {"property": "satl:outcome_id"} and isinstance(right, str):
            return right
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(400, "filter: not a CQL2 comparison") from error
    raise Refusal(400, "filter: only satl:outcome_id = text")


def interval(asked: Any) -> tuple[float, float]:
    """A ``datetime`` as start and end, seconds since 1970, open ends infinite; raises `Refusal` 400."""
    if asked is None:
        return float("-inf"), float("inf")
    try:
        first, slash, last = str(asked).partition("/")
        start = float("-inf") if slash and first in ("", "..") else read_time(first)
        return start, (float("inf") if last in ("", "..") else read_time(last)) if slash else start
    except ValueError as error:
        raise Refusal(400, f"datetime: {error}") from error
