"""The area of an order: one polygon on the ground, however it was written.

Longitude comes first, in degrees on WGS84. What is accepted, what is refused and why an area that crosses the 180°
meridian keeps longitudes above 180 is told in docs/decisions/0002-antimeridian.md.
"""

from __future__ import annotations

import copy
import json
from functools import cached_property
from typing import Any

from pydantic import ConfigDict, GetJsonSchemaHandler, RootModel, model_validator
from pydantic_core import CoreSchema

from tasking.errors import InvalidOrder

EXAMPLE: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [[[139.70, 35.60], [139.85, 35.60], [139.85, 35.72], [139.70, 35.72], [139.70, 35.60]]],
}
EXAMPLE_WKT = "POLYGON ((139.70 35.60, 139.85 35.60, 139.85 35.72, 139.70 35.72, 139.70 35.60))"


class Area(RootModel[dict[str, Any]]):
    """One simple polygon without holes, in canonical form: closed, counterclockwise, two numbers per position.

    Accepts a GeoJSON Polygon, MultiPolygon, Feature or FeatureCollection (as an object or as JSON text), WKT text, and
    any object with ``__geo_interface__``. Several polygons are merged when they touch along an edge and so make one;
    otherwise they are refused. Heights are dropped, and so are positions that repeat the one before.

    An area that crosses the 180° meridian is held in one piece with longitudes above 180 (e.g. 179 to 181); `parts`
    gives it cut at the meridian, as RFC 7946 wants it.

    Raises:
        InvalidOrder: Naming the position, the value and what would be right (pydantic wraps it in its own error).
    """

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _canonical(cls, value: object) -> object:
        if isinstance(value, Area):
            return value
        from tasking.polygon_parsing import canonical_polygon

        return canonical_polygon(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {
            "title": "Area",
            "description": (
                "What to image: one polygon, longitude first, WGS84: WKT or GeoJSON (Polygon, Feature or "
                "FeatureCollection). The ring ends with its first position."
            ),
            # text first: the form opens with the first kind, and has no box for a bare object
            "anyOf": [
                {
                    "type": "string",
                    "title": "Text: WKT or GeoJSON",
                    "description": f"For example {EXAMPLE_WKT}",
                    "examples": [EXAMPLE_WKT],
                },
                {
                    "type": "object",
                    "title": "GeoJSON",
                    "description": "A Polygon, a Feature or a FeatureCollection with one polygon.",
                    "examples": [EXAMPLE],
                },
            ],
            "examples": [EXAMPLE_WKT],
        }

    def __hash__(self) -> int:
        return hash(self.wkt)

    @property
    def geometry(self) -> dict[str, Any]:
        """The GeoJSON Polygon; a copy, so changing it does not change the area."""
        return copy.deepcopy(self.root)

    @property
    def ring(self) -> list[list[float]]:
        """The outer ring: closed, counterclockwise, ``[lon, lat]`` in degrees; a copy."""
        return [list(position) for position in self.root["coordinates"][0]]

    @property
    def wkt(self) -> str:
        """The polygon as WKT."""
        return "POLYGON ((" + ", ".join(f"{lon!r} {lat!r}" for lon, lat in self.root["coordinates"][0]) + "))"

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """``(lon_min, lat_min, lon_max, lat_max)`` in degrees; ``lon_max`` is above 180 across the meridian."""
        lons, lats = zip(*self.root["coordinates"][0], strict=True)
        return min(lons), min(lats), max(lons), max(lats)

    @property
    def crosses_antimeridian(self) -> bool:
        """Whether part of the area lies on each side of the 180° meridian."""
        return self.bounds[2] > 180.0

    def parts(self) -> list[Area]:
        """The area cut at the 180° meridian: two or more areas within ±180°, or just this one."""
        if not self.crosses_antimeridian:
            return [self]
        import antimeridian
        import shapely

        cut = antimeridian.fix_polygon(shapely.Polygon(self.ring), great_circle=False)
        pieces = cut.geoms if hasattr(cut, "geoms") else [cut]
        return [Area.model_validate(shapely.geometry.mapping(piece)) for piece in sorted(pieces, key=_west_first)]

    @cached_property
    def width_km(self) -> float:
        """East-west width of the minimum bounding box in km, where it is widest (nearest to the equator)."""
        lon_min, lat_min, lon_max, lat_max = self.bounds
        lat = min(max(0.0, lat_min), lat_max)
        steps = max(2, int(lon_max - lon_min) + 2)
        lons = [lon_min + (lon_max - lon_min) * step / (steps - 1) for step in range(steps)]
        return float(_geod().line_length(lons, [lat] * steps)) / 1000

    @cached_property
    def height_km(self) -> float:
        """North-south height of the minimum bounding box in km."""
        lon_min, lat_min, _, lat_max = self.bounds
        return float(_geod().line_length([lon_min, lon_min], [lat_min, lat_max])) / 1000

    @cached_property
    def area_km2(self) -> float:
        """Geodesic area in km²."""
        lons, lats = zip(*self.root["coordinates"][0], strict=True)
        return abs(float(_geod().polygon_area_perimeter(lons, lats)[0])) / 1e6


def _west_first(piece: Any) -> tuple[float, ...]:
    """East longitudes lie west of the 180° meridian."""
    lon_min, lat_min, _, _ = piece.bounds
    return (-lon_min, lat_min)


def _geod() -> Any:
    import pyproj

    return pyproj.Geod(ellps="WGS84")


def area_from(value: object) -> Area:
    """Read an area outside of an order, with a plain error.

    Raises:
        InvalidOrder: What `Area` refuses.
    """
    from tasking.polygon_parsing import canonical_polygon

    if value is None or value == "":
        raise InvalidOrder("area", value, "give one polygon, e.g. " + json.dumps(EXAMPLE))
    return value if isinstance(value, Area) else Area.model_validate(canonical_polygon(value))
