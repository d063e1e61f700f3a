"""Areas on the ellipsoid: a flat equal-area picture around a centre, sizes, overlap, and the cut at 180 degrees."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from pyproj import Geod, Transformer
from shapely.geometry import box, mapping, shape

_WGS84 = Geod(ellps="WGS84")


def middle(area: shapely.Geometry) -> tuple[float, float]:
    """Longitude and latitude of the middle of an area's bounding box; areas on both sides of 180 degrees are joined."""
    west, south, east, north = bounds(area)
    return (west + east) / 2 % 360 - (360 if (west + east) / 2 % 360 > 180 else 0), (south + north) / 2


def bounds(area: shapely.Geometry) -> tuple[float, float, float, float]:
    """West, south, east, north; east is above 180 for a MultiPolygon that lies on both sides of the antimeridian."""
    parts = [part.bounds for part in getattr(area, "geoms", [area])]
    if len(parts) > 1 and max(part[2] for part in parts) - min(part[0] for part in parts) > 180:
        parts = [(w + 360, s, e + 360, n) if e <= 0 else (w, s, e, n) for w, s, e, n in parts]
    return (
        min(part[0] for part in parts),
        min(part[1] for part in parts),
        max(part[2] for part in parts),
        max(part[3] for part in parts),
    )


def size_km(area: shapely.Geometry) -> tuple[float, float]:
    """Width and height of the bounding box, km on the ellipsoid; the width is taken where the box is widest."""
    west, south, east, north = bounds(area)
    widest = 0.0 if south <= 0 <= north else min((south, north), key=abs)
    # A box wider than 180 degrees would be measured the short way round: half of it, twice.
    width = 2 * _WGS84.inv(west, widest, (west + east) / 2, widest)[2]
    height = _WGS84.inv(west, south, west, north)[2]
    return width / 1000, height / 1000


@lru_cache(maxsize=256)
def _transformers(lon: float, lat: float) -> tuple[Transformer, Transformer]:
    flat = f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=km"
    return (
        Transformer.from_crs("EPSG:4326", flat, always_xy=True),
        Transformer.from_crs(flat, "EPSG:4326", always_xy=True),
    )


class Flat:
    """An equal-area plane (Lambert azimuthal, WGS84), km, x east and y north at its centre."""

    def __init__(self, lon: float, lat: float) -> None:
        self._to, self._back = _transformers(lon, lat)

    def point(self, lon: Any, lat: Any) -> Any:
        """Plane coordinates, km."""
        return self._to.transform(lon, lat)

    def lonlat(self, x: Any, y: Any) -> Any:
        """Longitude and latitude, degrees."""
        return self._back.transform(x, y)

    def area(self, area: shapely.Geometry) -> shapely.Geometry:
        """An area in the plane; its edges, straight in longitude and latitude, are followed every 0.05 degrees."""

        def flatten(coordinates: Any) -> Any:
            x, y = self._to.transform(coordinates[:, 0], coordinates[:, 1])
            return np.column_stack([x, y])

        return shapely.transform(shapely.segmentize(area, 0.05), flatten)


def coverage_percent(area: shapely.Geometry, footprint: shapely.Geometry) -> float:
    """How much of an area a footprint covers, percent of its true area."""
    flat = Flat(*middle(area))
    wanted = flat.area(area)
    return float(100 * wanted.intersection(flat.area(footprint)).area / wanted.area)


def ring_geometry(corners: list[tuple[float, float]]) -> dict[str, Any]:
    """GeoJSON of a closed, counter-clockwise ring; cut in two where it crosses 180 degrees (RFC 7946, 3.1.9)."""
    longitudes = [lon for lon, _ in corners]
    if max(longitudes) - min(longitudes) <= 180:
        return _rounded(shapely.orient_polygons(shapely.Polygon(corners)))
    east = shapely.Polygon([(lon + 360 if lon < 0 else lon, lat) for lon, lat in corners])
    near = east.intersection(box(0, -90, 180, 90))
    far = shapely.transform(east.intersection(box(180, -90, 540, 90)), lambda c: c - [360, 0])
    parts = [shapely.orient_polygons(part) for part in (near, far) if not part.is_empty]
    return _rounded(shapely.MultiPolygon(parts) if len(parts) > 1 else parts[0])


def _rounded(area: shapely.Geometry) -> dict[str, Any]:
    return dict(mapping(shapely.transform(area, lambda c: np.round(c, 6))))


def geometry(geojson: dict[str, Any]) -> shapely.Geometry:
    """Shapely's view of a GeoJSON geometry."""
    return shape(geojson)
