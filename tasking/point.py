"""The point of an order: one place on the ground, however it was written."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from pydantic import ConfigDict, GetJsonSchemaHandler, RootModel, model_validator
from pydantic_core import CoreSchema

from tasking.errors import InvalidOrder
from tasking.geometry_object import geometry_object
from tasking.position import checked_position, is_number, turned

EXAMPLE: dict[str, Any] = {"lat": 60.1699, "lon": 24.9384}
EXAMPLE_WKT = "POINT (24.9384 60.1699)"

_KINDS = "give latitude and longitude by name, e.g. " + json.dumps(EXAMPLE) + f", or {EXAMPLE_WKT} (longitude first)"
_DEEPEST = 5
_LON, _LAT = ("lon", "longitude", "lng"), ("lat", "latitude")


class Point(RootModel[dict[str, Any]]):
    """One place on the ground, WGS84, in canonical form: a GeoJSON Point with two numbers, longitude first.

    Accepts ``{"lat": ..., "lon": ...}``, a pair ``[lon, lat]``, a GeoJSON Point, a Feature or a FeatureCollection with
    one of them (as an object or as JSON text), WKT text, and any object with ``__geo_interface__``. Heights are
    dropped; longitudes of another copy of the world (-220, 499) are turned to their place in -180..180.

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
            "description": "What to image: one place, as WKT, a GeoJSON Point, or latitude and longitude.",
            # text first: the form opens with the first kind
            "anyOf": [
                {
                    "type": "string",
                    "title": "Text: WKT or GeoJSON",
                    "description": f"For example {EXAMPLE_WKT}",
                    "examples": [EXAMPLE_WKT],
                },
                {
                    "type": "object",
                    "title": "Latitude and longitude",
                    "properties": {
                        "lat": {"title": "Latitude", "position": 0, **degrees, "minimum": -90, "maximum": 90},
                        "lon": {"title": "Longitude", "position": 1, **degrees, "minimum": -180, "maximum": 360},
                    },
                    "required": ["lat", "lon"],
                    "examples": [EXAMPLE],
                },
                {
                    "type": "object",
                    "title": "GeoJSON",
                    "description": "A Point, a Feature or a FeatureCollection with one point; longitude first.",
                    "properties": {"type": {"enum": ["Point", "Feature", "FeatureCollection"], "position": 0}},
                    "required": ["type"],
                },
                {
                    "type": "array",
                    "title": "Longitude, latitude",
                    "items": {"type": "number"},
                    "minItems": 2,
                    "maxItems": 3,
                },
            ],
            "examples": [EXAMPLE_WKT],
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
    value = geometry_object(value, where, _KINDS, "it is empty; " + _KINDS)
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
    if kind == "MultiPoint" and isinstance(value.get("coordinates"), list | tuple) and len(value["coordinates"]) == 1:
        return _checked(value["coordinates"][0], f"{where}.coordinates[0]")
    if kind is not None:
        _refuse(f"{where}.type", kind, "the target is one point; " + _KINDS)
    return _named(value, where)


def _refuse(field: str, value: object, fix: str) -> NoReturn:
    raise InvalidOrder(field, value, fix)


def _named(value: dict[str, Any], where: str) -> dict[str, Any]:
    """From numbers given by name, which cannot be swapped unnoticed."""
    value = {str(key).strip().lower(): number for key, number in value.items()}
    lons, lats = [key for key in value if key in _LON], [key for key in value if key in _LAT]
    if len(lons) != 1 or len(lats) != 1 or len(value) > 2:
        _refuse(where, value, _KINDS)
    lon, lat = value[lons[0]], value[lats[0]]
    if is_number(lon) and is_number(lat) and not -90 <= lat <= 90 and -90 <= lon <= 90 and -180 <= lat <= 180:
        _refuse(where, {"lat": lat, "lon": lon}, f"the two look swapped; write {json.dumps({'lat': lon, 'lon': lat})}")
    return _checked([lon, lat], where)


def _checked(position: object, where: str) -> dict[str, Any]:
    lon, lat = checked_position(position, where)
    turns = 0 if -180 <= lon <= 180 else round(lon / 360)
    return {"type": "Point", "coordinates": [turned(lon, -360 * turns), lat]}
