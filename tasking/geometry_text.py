"""Geometry that a person wrote as text: GeoJSON or WKT."""

from __future__ import annotations

import json
import re
from typing import NoReturn

from tasking.errors import InvalidOrder

_HEAD = re.compile(r"(?:SRID\s*=\s*(\d+)\s*;)?\s*([A-Za-z]*)", re.IGNORECASE)
_READ = ("POINT", "LINESTRING", "LINEARRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON")
"""Kinds of WKT that are handed to GEOS. Of the others some nest, and deep nesting ends the process there."""


def geometry_from(text: str, field: str, kinds: str, empty: str) -> object:
    """The GeoJSON object of GeoJSON text or WKT (also with a leading ``SRID=4326;``).

    Args:
        text: What was written.
        field: Name of the field, for the refusal.
        kinds: What would be right, as an instruction.
        empty: What would be right when the geometry is empty.

    Raises:
        InvalidOrder: It is neither.
    """

    def refuse(value: object, fix: str) -> NoReturn:
        raise InvalidOrder(field, value, fix)

    text = text.strip()
    if not text:
        refuse("(empty text)", kinds)
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except ValueError as error:
            refuse(text, f"this is not readable JSON ({error}); {kinds}")
        except RecursionError:
            refuse(text, f"this is not readable JSON (it is nested too deeply); {kinds}")
    head = _HEAD.match(text)
    assert head is not None, "it also fits nothing at all"
    if head[1] and head[1] != "4326":
        refuse(f"SRID={head[1]}", "give longitude and latitude in WGS84 (SRID 4326)")
    if not text.isascii() or "\0" in text or head[2].upper() not in _READ:
        refuse(text, f"this is neither GeoJSON nor WKT; {kinds}")
    import numpy as np
    import shapely

    try:
        with np.errstate(all="ignore"):  # numbers that are not finite are refused later, with their place
            geometry = shapely.from_wkt(text[head.start(2) :])
    except shapely.errors.GEOSException as error:
        if "closed" in str(error):
            refuse(text, "the ring is not closed; end it with its first position")
        refuse(text, f"this is neither GeoJSON nor WKT ({(str(error).splitlines() or ['unreadable'])[0]}); {kinds}")
    if geometry.is_empty:
        refuse(text, empty)
    return shapely.geometry.mapping(geometry)
