"""An ICEYE product as it is shown: a STAC-like item or a flat object, and the files that belong to it.

The asset keys ``grd-tif``, ``grd-xml``, ``thumbnail-png`` and ``...-cog`` are seen in public places; those of the other
product types follow them and are made up, as are the file names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
import shapely

from tasking.simulator.area import bounds, geometry
from tasking.simulator.iceye.calls import Json, stamp
from tasking.simulator.iceye.rules import mode_named
from tasking.simulator.rasters import PNG, TIFF

Fact = dict[str, Any]
XML = "application/xml"


@dataclass(frozen=True)
class File:
    """One file of a product: its asset key, name, media type, role and title."""

    key: str
    name: str
    media_type: str
    role: str
    title: str


def product_name(task: Fact, capture: Fact, product: str) -> str:
    """The id of a product, which starts the names of its files."""
    when = stamp(capture["start"]).replace("-", "").replace(":", "").rstrip("Z")
    return f"{capture['platform']}_{product}_{mode_named(task['mode']).code}_{task['frame']}_{when}"


def files_of(task: Fact, capture: Fact, product: str) -> list[File]:
    """The files of a product, the image first."""
    name, low = product_name(task, capture, product), product.lower()
    if product.endswith("-COG"):
        return [File(low, f"{name}.tif", TIFF, "data", f"{product} file")]
    files = [File(f"{low}-tif", f"{name}.tif", TIFF, "data", f"{product} file")]
    if product in ("GRD", "SLC"):
        files.append(File(f"{low}-xml", f"{name}.xml", XML, "metadata", f"{product} metadata"))
    if product == "GRD":
        files.append(File("thumbnail-png", f"{name}_thumbnail.png", PNG, "thumbnail", "Thumbnail png file"))
    return files


def looks(product: str) -> float:
    """Looks averaged in a product: complex ones have one, a quick look many."""
    return {"QLK": 16.0, "GRD": 4.0, "GRD-COG": 4.0, "SIDD": 4.0}.get(product, 1.0)


def _ring(footprint: Json) -> tuple[list[list[float]], list[float]]:
    """One ring and its box; beyond 180 degrees where it crosses the antimeridian, since no MultiPolygon fits here."""
    area = geometry(footprint)
    west, south, east, north = bounds(area)
    if len(getattr(area, "geoms", [])) > 1:
        parts = [
            shapely.transform(part, lambda c: np.add(c, [360 if c[:, 0].max() <= 0 else 0, 0])) for part in area.geoms
        ]
        area = shapely.convex_hull(shapely.union_all(parts))
    ring = [[round(x, 6), round(y, 6)] for x, y in shapely.orient_polygons(area).exterior.coords]
    return ring, [round(value, 6) for value in (west, south, east, north)]


def stac_item(task: Fact, capture: Fact, product: str, ready: float, hrefs: dict[str, str]) -> Json:
    """A product as the published OpenAPI describes it.

    Args:
        task: Its task.
        capture: The imaging it comes from.
        product: Its type.
        ready: When it was there, seconds since 1970.
        hrefs: Signed addresses by asset key.
    """
    ring, box = _ring(capture["footprint"])
    mode = mode_named(task["mode"])
    assets = {
        file.key: {"href": hrefs[file.key], "title": file.title, "type": file.media_type, "roles": [file.role]}
        for file in files_of(task, capture, product)
    }
    return {
        "id": product_name(task, capture, product),
        "type": "Feature",
        "stac_version": "1.0.0",
        "collection": task["exclusivity"].lower(),
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": box,
        "properties": {
            "frame_id": str(task["frame"]),
            "created": stamp(int(ready)),
            "updated": stamp(int(ready)),
            "start_datetime": stamp(capture["start"]),
            "end_datetime": stamp(capture["end"]),
            "sar:instrument_mode": mode.code,
            "sar:frequency_band": "X",
            "sar:polarizations": ["VV"],
            "sar:product_type": product,
            "sar:looks_range": 1.0,
            "sar:looks_azimuth": looks(product),
            "sar:observation_direction": capture["side"].lower(),
            "sat:orbit_state": capture["direction"].lower(),
            "iceye:acquisition_mode": task["mode"].lower(),
            "iceye:incidence_center": capture["incidence"],
            "iceye:incidence_near": capture["near"],
            "iceye:incidence_far": capture["far"],
            "iceye:satellite_look_angle": capture["look"],
            "iceye:azimuth_resolution": float(mode.resolution_m),
            "iceye:range_resolution_center": float(mode.resolution_m),
            "iceye:processing_mode": mode.code,
        },
        "assets": assets,
    }


def flat_item(task: Fact, product: str, url: str, expires: float, size: int) -> Json:
    """A product as the guide for applications shows it."""
    # From the task's own id, so that a product keeps its id at each call.
    number = UUID(task["id"]).int ^ sum(byte << place * 8 for place, byte in enumerate(product.encode()))
    return {
        "id": str(UUID(int=number)),
        "productType": product,
        "status": "available",
        "url": url,
        "expiresAt": stamp(int(expires)),
        "size": size,
    }


def metadata(task: Fact, capture: Fact, product: str) -> bytes:
    """The little XML beside an image; its shape is made up."""
    fields = {
        "product_name": product_name(task, capture, product),
        "product_type": product,
        "acquisition_mode": task["mode"].lower(),
        "satellite_name": capture["platform"],
        "look_side": capture["side"].lower(),
        "orbit_direction": capture["direction"].lower(),
        "incidence_center": f"{capture['incidence']:.2f}",
        "acquisition_start_utc": stamp(capture["start"]),
        "acquisition_end_utc": stamp(capture["end"]),
        "polarization": "VV",
    }
    lines = "".join(f"  <{name}>{value}</{name}>\n" for name, value in fields.items())
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Auxiliary_Data>\n{lines}</Auxiliary_Data>\n'.encode()
