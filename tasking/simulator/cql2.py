"""The small part of CQL2 text that the documents use, read strictly.

    filter  = clause *( AND clause )
    clause  = property "=" "'text'"  |  s_intersects(geometry, <WKT literal>)

``AND`` and ``s_intersects`` may be in any case, a quote inside a text is doubled, a property may stand in double
quotes. Anything else is refused, also where full CQL2 would allow it: the provider documents no more.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field

import shapely

_SPACE = re.compile(r"\s*")
_PROPERTY = re.compile(r'"([A-Za-z_][\w:.\-]*)"|([A-Za-z_:][\w:.]*)')
_TEXT = re.compile(r"'((?:[^']|'')*)'")
_AND = re.compile(r"AND\b", re.IGNORECASE)
_INTERSECTS = re.compile(r"s_intersects\s*\(", re.IGNORECASE)
_WKT = re.compile(r"(?:MULTI)?(?:POINT|LINESTRING|POLYGON)\s*Z?\s*(?=\()", re.IGNORECASE)


class FilterError(ValueError):
    """The filter is not one the document describes."""


@dataclass(frozen=True)
class Filter:
    """A filter taken apart: properties that must equal a text, and geometries to be intersected."""

    equals: dict[str, str] = field(default_factory=dict)
    intersects: tuple[shapely.Geometry, ...] = ()


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.place = text, 0

    def take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.place += len(_SPACE.match(self.text, self.place).group())  # type: ignore[union-attr]
        match = pattern.match(self.text, self.place)
        if match:
            self.place = match.end()
        return match

    def need(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        match = self.take(pattern)
        if match is None:
            found = self.text[self.place : self.place + 20] or "the end"
            raise FilterError(f"expected {what} at position {self.place}, found {found!r}")
        return match

    def geometry(self) -> shapely.Geometry:
        start = self.need(_WKT, "a WKT geometry").start()
        depth = 0
        for place in range(self.place, len(self.text)):
            depth += {"(": 1, ")": -1}.get(self.text[place], 0)
            if depth == 0:
                self.place = place + 1
                break
        else:
            raise FilterError("a parenthesis of the geometry is never closed")
        try:
            return shapely.from_wkt(self.text[start : self.place])
        except shapely.errors.ShapelyError as error:
            raise FilterError(f"the geometry cannot be read: {error}") from error


def read_filter(text: str, properties: Collection[str], *, geometry: bool = False) -> Filter:
    """Take a filter apart.

    Args:
        text: CQL2 text.
        properties: Names that may be compared.
        geometry: Whether ``s_intersects(geometry, ...)`` is documented for this collection.

    Raises:
        FilterError: For anything the document does not describe.
    """
    reader = _Reader(text)
    equals: dict[str, str] = {}
    shapes: list[shapely.Geometry] = []
    while True:
        if geometry and reader.take(_INTERSECTS):
            reader.need(re.compile(r"geometry\s*,"), "geometry and a comma")
            shapes.append(reader.geometry())
            reader.need(re.compile(r"\)"), "a closing parenthesis")
        else:
            found = reader.need(_PROPERTY, "a property")
            name = found.group(1) or found.group(2)
            if name not in properties:
                allowed = ", ".join(sorted(properties))
                raise FilterError(f"{name!r} cannot be filtered here; possible: {allowed}")
            reader.need(re.compile(r"="), "=")
            value = reader.need(_TEXT, "a text in single quotes").group(1).replace("''", "'")
            if equals.setdefault(name, value) != value:
                raise FilterError(f"{name!r} is compared with two values")
        if reader.take(_AND) is None:
            break
    reader.take(_SPACE)
    if reader.place != len(text):
        raise FilterError(f"expected AND or the end at position {reader.place}, found {text[reader.place :][:20]!r}")
    return Filter(equals, tuple(shapes))
