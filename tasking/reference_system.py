"""The reference system that coordinates say they are in: WGS84, or so near to it that a pixel is larger.

RFC 7946 knows longitude and latitude on WGS84 only. Files of the years before it, and some tools of today, name another
system in a ``crs`` member, and texts of PostGIS in a leading ``SRID=``. Read as WGS84 they lie hundreds of metres off.
Nothing is transformed here: how well that can be done depends on grids that this machine need not have.
"""

from __future__ import annotations

import math
import re
from typing import Any, NoReturn

from tasking.errors import InvalidOrder

NEAR_M = 5.0
"""What is no farther from WGS84 than this, in metres, is taken for it: JGD2011, ETRS89, GDA2020, NAD83."""

_CODE = re.compile(r"(?:[^\s]*[:/])?(epsg|esri)(?:\.xml)?[:/#](?:[\d.]*[:/])?(\d{4,6})", re.IGNORECASE)
_WGS84 = re.compile(r"(?:.*[:/])?(?:crs:?84h?|wgs[ _]?(?:19)?84)", re.IGNORECASE | re.DOTALL)
_FIX = "give longitude and latitude on WGS84 (EPSG:4326): in QGIS, Export > Save Features As with that CRS"


def refuse_other_system(named: object, where: str, first: object) -> None:
    """Refuse coordinates that say they are in another system than WGS84.

    The order of numbers stays longitude, latitude whatever the system's own is: so did the format before RFC 7946 have
    it, and so do GDAL, QGIS, PostGIS and GeoServer write it.

    Args:
        named: What they say: a ``crs`` member of GeoJSON, a code such as ``4301``, or an object of pyproj.
        where: Its place, for the refusal.
        first: The first position, to tell how far off it is.

    Raises:
        InvalidOrder: Another system, or one that cannot be told.
    """
    import pyproj

    name = _name(named)
    if name is None or _WGS84.fullmatch(name.strip()):
        return
    crs = named if isinstance(named, pyproj.CRS) else _system(name.strip(), where)
    if crs.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True):
        return
    off = _metres_off(crs, first)
    if off is not None and off <= NEAR_M:
        return
    how_far = f", {off:.0f} m off here" if off is not None else ""
    unit = crs.axis_info[0].unit_name if crs.axis_info else "unknown units"
    _refuse(where, name, f"this is {crs.name}{how_far} (its unit: {unit}); {_FIX}")


def _name(named: object) -> str | None:
    """The system's name; ``None`` when nothing is said."""
    if isinstance(named, dict):
        about = named.get("properties")
        inside = about.get("name") or about.get("code") or about.get("href") if isinstance(about, dict) else None
        return f"EPSG:{inside}" if isinstance(inside, int) else str(inside or named)
    return None if named is None or named == "" else (f"EPSG:{named}" if isinstance(named, int) else str(named))


def _system(name: str, where: str) -> Any:
    import pyproj

    found = _CODE.fullmatch(name)
    if found is None:
        _refuse(where, name, f"this reference system is not known here; {_FIX}")
    authority, code = found[1].upper(), found[2]
    try:
        return pyproj.CRS.from_authority(authority, code)
    except pyproj.exceptions.CRSError:
        _refuse(where, name, f"there is no reference system {authority}:{code}; {_FIX}")


def _metres_off(crs: Any, first: object) -> float | None:
    """How far a position lies from where it would lie if it were on WGS84; ``None`` when that cannot be told."""
    import pyproj

    if not crs.is_geographic or crs.axis_info[0].unit_name != "degree":
        return None
    position = _first_position(first)
    try:
        change = pyproj.Transformer.from_crs(crs, 4326, always_xy=True, allow_ballpark=False)
        lon, lat = change.transform(*position)
        off = float(pyproj.Geod(ellps="WGS84").inv(*position, lon, lat)[2])
    except (pyproj.exceptions.ProjError, TypeError, ValueError):
        return None
    return off if math.isfinite(off) else None


def _first_position(value: object) -> tuple[float, float]:
    """The first position anywhere inside; raises `ValueError` when there is none to be found quickly."""
    for _ in range(12):
        if isinstance(value, dict):
            value = next((value[key] for key in ("features", "geometry", "coordinates") if key in value), None)
        elif isinstance(value, list | tuple) and value and not isinstance(value[0], int | float):
            value = value[0]
        else:
            break
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise ValueError("no position")
    return float(value[0]), float(value[1])


def _refuse(where: str, value: object, fix: str) -> NoReturn:
    raise InvalidOrder(where, value, fix)
