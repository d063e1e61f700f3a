"""OGC API Features as far as the providers document it: parameters read strictly, pages with links."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import shapely
from fastapi import Request, Response
from shapely.geometry import box

from tasking.simulator.clock import read_time
from tasking.simulator.cql2 import Filter, FilterError, read_filter
from tasking.simulator.problem import Problem

GEOJSON = "application/geo+json"
Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One authorised call: who asks, what was sent, and how to address this server."""

    request: Request
    client_id: str

    @property
    def body(self) -> bytes:
        """The request body."""
        return bytes(self.request.state.body)

    def feature(self) -> Json:
        """The request body as a GeoJSON Feature object; raises `Problem` 400 or 415."""
        media = self.request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media not in ("application/json", GEOJSON):
            raise Problem(415, f"content type must be application/json or {GEOJSON}, not {media or 'absent'}")
        try:
            feature = json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Problem(400, f"the body is not JSON: {error}") from error
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise Problem(400, 'type: must be "Feature"')
        for name in feature.keys() - {"type", "geometry", "properties"}:
            raise Problem(400, f"{name}: unknown member")
        if not isinstance(feature.get("properties"), dict):
            raise Problem(400, "properties: an object is required")
        if not isinstance(feature.get("geometry"), dict):
            raise Problem(400, "geometry: an object is required")
        return feature

    def params(self, known: Sequence[str], unknown: str) -> dict[str, str]:
        """Query parameters by name; raises `Problem` 400 for repeated and (when refused) unknown ones."""
        found: dict[str, str] = {}
        for name, value in self.request.query_params.multi_items():
            if name in found:
                raise Problem(400, f"{name}: given twice")
            if name in known:
                found[name] = value
            elif unknown == "refuse":
                raise Problem(400, f"{name}: unknown parameter; possible: {', '.join(known) or 'none'}")
        return found


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


def json_answer(body: Json, status: int = 200, media_type: str = "application/json") -> Response:
    """JSON as it is."""
    return Response(json.dumps(body), status, media_type=media_type)


def opaque(kind: str, value: str) -> str:
    """An id as the provider shows it: base64 of ``kind:value``."""
    return base64.b64encode(f"{kind}:{value}".encode()).decode()


def unopaque(kind: str, text: str) -> str | None:
    """The value inside an id, or ``None`` when it is no id of this kind."""
    try:
        found, _, value = base64.b64decode(text, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return value if found == kind else None


def whole_number(params: dict[str, str], name: str, lowest: int, highest: int | None, default: int) -> int:
    """A whole number within limits; raises `Problem` 400."""
    text = params.get(name)
    if text is None:
        return default
    value = int(text) if re.fullmatch(r"\d{1,12}", text) else None
    if value is None or value < lowest or (highest is not None and value > highest):
        limits = f"{lowest}..{highest}" if highest is not None else f"{lowest} or more"
        raise Problem(400, f"{name}: {text!r} is not a whole number in {limits}")
    return value


def box_param(params: dict[str, str], sizes: tuple[int, ...] = (4,)) -> shapely.Geometry | None:
    """The ``bbox`` parameter as an area (two areas across 180 degrees); raises `Problem` 400."""
    if "bbox" not in params:
        return None
    try:
        numbers = [float(part) for part in params["bbox"].split(",")]
    except ValueError as error:
        raise Problem(400, "bbox: numbers separated by commas are required") from error
    if len(numbers) not in sizes or not all(math.isfinite(number) for number in numbers):
        raise Problem(400, f"bbox: {' or '.join(str(size) for size in sizes)} numbers are required")
    if len(numbers) == 6:
        numbers = [numbers[0], numbers[1], numbers[3], numbers[4]]
    west, south, east, north = numbers
    if not (-90 <= south <= north <= 90 and -180 <= west <= 180 and -180 <= east <= 180):
        raise Problem(400, "bbox: must be west,south,east,north in degrees")
    if west <= east:
        return box(west, south, east, north)
    return shapely.union(box(west, south, 180, north), box(-180, south, east, north))


def time_param(params: dict[str, str]) -> tuple[float, float] | None:
    """The ``datetime`` parameter as start and end, seconds since 1970, open ends infinite; raises `Problem` 400."""
    text = params.get("datetime")
    if text is None:
        return None
    first, slash, last = text.partition("/")
    try:
        start = -math.inf if slash and first in ("", "..") else read_time(first)
        end = start if not slash else math.inf if last in ("", "..") else read_time(last)
    except ValueError as error:
        raise Problem(400, f"datetime: {error}") from error
    if start > end or (math.isinf(start) and math.isinf(end)):
        raise Problem(400, f"datetime: {text!r} is not an instant or an interval")
    return start, end


def filter_param(params: dict[str, str], properties: Sequence[str], *, geometry: bool = False) -> Filter:
    """The ``filter`` parameter; raises `Problem` 400."""
    if "filter" not in params:
        return Filter()
    try:
        return read_filter(params["filter"], properties, geometry=geometry)
    except FilterError as error:
        raise Problem(400, f"filter: {error}") from error


def raw_query(params: dict[str, str]) -> str:
    """A query as the provider writes it into hrefs: spaces and quotes stand as they are."""
    return "&".join(f"{name}={quote(value, safe=_LEFT_RAW)}" for name, value in params.items())


_LEFT_RAW = " '\"(),:/=*!~;@$?"


def page(
    href: str,
    params: dict[str, str],
    matched: Sequence[Any],
    show: Callable[[Any], Json],
    most: int,
    *,
    limit: int = 10,
) -> Json:
    """One page of a FeatureCollection with ``self``, ``next`` and ``prev`` links and ``numberMatched``.

    Args:
        href: The collection's items, without query.
        params: The parameters of the call.
        matched: Everything that matched, in order.
        show: Makes the feature of one.
        most: Largest ``limit``.
        limit: Its default.
    """
    size = whole_number(params, "limit", 1, most, limit)
    offset = whole_number(params, "offset", 0, None, 0)
    kept = {name: value for name, value in params.items() if name not in ("limit", "offset")}

    def link(rel: str, start: int) -> Json:
        query = raw_query({**kept, "limit": str(size), "offset": str(start)})
        return {"rel": rel, "href": f"{href}?{query}", "type": GEOJSON}

    links = [link("self", offset)]
    if offset + size < len(matched):
        links.append(link("next", offset + size))
    if offset:
        links.append(link("prev", max(0, offset - size)))
    return {
        "type": "FeatureCollection",
        "features": [show(one) for one in matched[offset : offset + size]],
        "links": links,
        "numberMatched": len(matched),
    }
