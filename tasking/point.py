"""The point of an order: one place on the ground, however it was written."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import ConfigDict, GetJsonSchemaHandler, RootModel, model_validator
from pydantic_core import CoreSchema

from tasking.errors import InvalidOrder
from tasking.geometry_text import geometry_from

EXAMPLE: dict[str, Any] = {"lat": 60.1699, "lon": 24.9384}
EXAMPLE_WKT = "POINT (24.9384 60.1699)"

_KINDS = "give latitude and longitude by name, e.g. " + json.dumps(EXAMPLE) + f", or {EXAMPLE_WKT} (longitude first)"
_DEEPEST = 5
_LON, _LAT = ("lon", "longitude", "lng"), ("lat", "latitude")


class Point(RootModel[dict[str, Any]]):
    """One place on the ground, WGS84, in canonical form: a GeoJSON Point with two numbers, longitude first.

    Accepts ``{"lat": ..., "lon": ...}``, a pair ``[lon, lat]``, a GeoJSON Point, a Feature or a FeatureCollection with
    one of them (as an object or as JSON text), WKT text, and any object with ``__geo_interface__``. Heights are
    dropped; longitudes from 180 to 360 are turned to their place in -180..180.

    Raises:
        InvalidOrder: Naming the value and what would be right (pydantic wraps it in its own error).
    """

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _canonical(cls, value: object) -> object:
        return value if isinstance(value, Point) else canonical_point(value)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        degrees = {"type": "number", "description": "Degrees on WGS84."}
        return {
            "title": "Point",
            "description": "What to image: one place, as latitude and longitude, a GeoJSON Point, or WKT text.",
            "anyOf": [
                {
                    "type": "object",
                    "title": "Latitude and longitude",
                    "properties": {
                        "lat": {"title": "Latitude", **degrees, "minimum": -90, "maximum": 90},
                        "lon": {"title": "Longitude", **degrees, "minimum": -180, "maximum": 360},
                    },
                    "required": ["lat", "lon"],
                    "examples": [EXAMPLE],
                },
                {
                    "type": "object",
                    "title": "GeoJSON",
                    "description": "A Point, a Feature or a FeatureCollection with one point; longitude first.",
                    "properties": {"type": {"enum": ["Point", "Feature", "FeatureCollection"]}},
                    "required": ["type"],
                },
                {
                    "type": "string",
                    "title": "Text: WKT or GeoJSON",
                    "description": f"For example {EXAMPLE_WKT}",
                    "examples": [EXAMPLE_WKT],
                },
                {
                    "type": "array",
                    "title": "Longitude, latitude",
                    "items": {"type": "number"},
                    "minItems": 2,
                    "maxItems": 3,
                },
            ],
            "examples": [EXAMPLE],
        }

    def __hash__(self) -> int:
        return hash((self.lon, self.lat))

    @property
    def lon(self) -> float:
        """Longitude, degrees, -180..180."""
        return float(self.root["coordinates"][0])

    @property
    def lat(self) -> float:
        """Latitude, degrees."""
        return float(self.root["coordinates"][1])

    @property
    def geometry(self) -> dict[str, Any]:
        """The GeoJSON Point; a copy."""
        return {"type": "Point", "coordinates": [self.lon, self.lat]}

    @property
    def wkt(self) -> str:
        """The point as WKT."""
        return f"POINT ({self.lon!r} {self.lat!r})"


def canonical_point(value: object, where: str = "point", *, depth: int = 0) -> dict[str, Any]:
    """The GeoJSON Point of what was written.

    Args:
        value: What a person wrote; see `Point`.
        where: Name of the field, for the refusal.
        depth: How deep in another value it was found.

    Raises:
        InvalidOrder: Naming the place, the value, and what would be right.
    """
    if depth > _DEEPEST:
        _refuse("point", "(nested too deeply)", _KINDS)
    if isinstance(value, str):
        value = geometry_from(value, where, _KINDS, "it is empty; " + _KINDS)
    if not isinstance(value, dict) and hasattr(value, "__geo_interface__"):
        value = value.__geo_interface__
    if isinstance(value, list | tuple):
        return _checked(value, where)
    if not isinstance(value, dict):
        _refuse(where, value, _KINDS)
    kind = value.get("type")
    if kind == "FeatureCollection":
        features = value.get("features")
        if not isinstance(features, list | tuple) or len(features) != 1:
            many = f"{len(features)} features" if isinstance(features, list | tuple) else features
            _refuse(f"{where}.features", many, "put one Feature with a Point in it; place one order for each point")
        return canonical_point(features[0], f"{where}.features[0]", depth=depth + 1)
    if kind == "Feature":
        if not value.get("geometry"):
            _refuse(f"{where}.geometry", value.get("geometry"), "give the Feature a Point")
        return canonical_point(value["geometry"], f"{where}.geometry", depth=depth + 1)
    if kind == "Point":
        return _checked(value.get("coordinates"), f"{where}.coordinates")
    if kind is not None:
        _refuse(f"{where}.type", kind, "the target is one point; " + _KINDS)
    return _named(value, where)


def _refuse(field: str, value: object, fix: str) -> NoReturn:
    raise InvalidOrder(field, value, fix)


def _named(value: dict[str, Any], where: str) -> dict[str, Any]:
    """From numbers given by name, which cannot be swapped unnoticed."""
    lons, lats = [key for key in value if key in _LON], [key for key in value if key in _LAT]
    if len(lons) != 1 or len(lats) != 1 or len(value) > 2:
        _refuse(where, value, _KINDS)
    lon, lat = value[lons[0]], value[lats[0]]
    if _is_number(lon) and _is_number(lat) and not -90 <= lat <= 90 and -90 <= lon <= 90 and -180 <= lat <= 180:
        _refuse(where, {"lat": lat, "lon": lon}, f"the two look swapped; write {json.dumps({'lat': lon, 'lon': lat})}")
    return _checked([lon, lat], where)


def _checked(position: object, where: str) -> dict[str, Any]:
    if not isinstance(position, list | tuple) or not 2 <= len(position) <= 3:
        _refuse(where, position, "write a position as [longitude, latitude]")
    lon, lat = position[0], position[1]
    if not _is_number(lon) or not _is_number(lat):
        _refuse(where, list(position), "longitude and latitude are finite numbers in degrees")
    if not -90 <= lat <= 90:
        if -90 <= lon <= 90 and -180 <= lat <= 180:
            _refuse(where, [lon, lat], f"longitude comes first; write [{lat}, {lon}]")
        _refuse(where, [lon, lat], f"latitude {lat} is outside -90..90 degrees; are these degrees on WGS84?")
    if not -180 <= lon <= 360:
        _refuse(where, [lon, lat], f"longitude {lon} is outside -180..180 degrees; are these degrees on WGS84?")
    return {"type": "Point", "coordinates": [float(lon - 360 if lon > 180 else lon), float(lat)]}


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and abs(value) < 1e9
