"""What text that is neither GeoJSON nor WKT looks like, and how the same is written so that it can be read."""

from __future__ import annotations

import re

_NUMBERS_ONLY = re.compile(r"[\s\d.,;:+\-()\[\]eE]+")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)")
_OTHER_KINDS = re.compile(
    r"\s*(?:SRID=\d+;)?\s*(GEOMETRYCOLLECTION|CURVEPOLYGON|MULTISURFACE|MULTICURVE|COMPOUNDCURVE|CIRCULARSTRING"
    r"|POLYHEDRALSURFACE|SURFACE|CURVE|TRIANGLE|TIN|BOX3?D?|ENVELOPE|BBOX)\b",
    re.IGNORECASE,
)


def advice(text: str) -> str | None:
    """One clause of what it looks like and what to do; ``None`` when it looks like nothing known."""
    if text.startswith("<"):
        return "this looks like XML, such as KML or GML; convert it, e.g. in QGIS, and paste GeoJSON or WKT"
    if kind := _OTHER_KINDS.match(text):
        return f"{kind[1].upper()} is not taken"
    if re.fullmatch(r"(?:\\x|0x)?0[01][0-9A-Fa-f]{16,}", text):
        return "this looks like WKB in hexadecimal digits; write it as text (in PostGIS: ST_AsText)"
    if re.match(r"(?:https?|file|s3)://", text) or re.search(
        r"\.(?:(?:geo|topo)?json|kml|kmz|shp|gpkg|zip|wkt|gml|csv)$", text
    ):
        return "this is the name of a file; paste what is in it"
    if re.search(r"\d\s*[°º'′\"″]|\d\s*[NSEW]\b|\b[NSEW]\s*\d", text):
        return "write degrees as decimal numbers with a sign, without marks or letters: 35°25'12\"N is 35.42"
    if _NUMBERS_ONLY.fullmatch(text):
        return _of_numbers([float(each) for each in _NUMBER.findall(text)])
    return None


def _of_numbers(numbers: list[float]) -> str | None:
    if len(numbers) == 2:
        one, other = map(repr, numbers)
        return f"two numbers do not say which is the longitude; write POINT ({one} {other}) or POINT ({other} {one})"
    if len(numbers) == 4:
        west, south, east, north = numbers
        if -180 <= west < east <= 360 and -90 <= south < north <= 90:
            w, s, e, n = (repr(number) for number in numbers)
            box = f"POLYGON (({w} {s}, {e} {s}, {e} {n}, {w} {n}, {w} {s}))"
            return f"if these are bounds (west, south, east, north), write {box}"
        return "these look like bounds; write the polygon around them"
    return "these are numbers alone; write what they are"
