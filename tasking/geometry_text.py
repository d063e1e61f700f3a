"""Geometry that a person wrote as text: GeoJSON or WKT, in quotes or not, as editors, maps and databases write it."""

from __future__ import annotations

import json
import re
import unicodedata
from contextlib import suppress
from typing import NoReturn

from tasking.display_text import named
from tasking.errors import InvalidOrder
from tasking.geometry_advice import advice
from tasking.reference_system import refuse_other_system

_WKT = re.compile(
    r"(?:SRID\s*=\s*(\d{1,9})\s*;\s*)?"
    r"(MULTIPOLYGON|MULTIPOINT|MULTILINESTRING|POINT|LINESTRING|LINEARRING|POLYGON)\s*(ZM|Z|M|25D)?\s*(\(.*|EMPTY)",
    re.IGNORECASE | re.DOTALL,
)
"""Kinds of WKT that are handed to GEOS. Of the others some nest, and deep nesting ends the process there."""

_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”", "‘": "’", "«": "»", "「": "」"}
_UNSEEN = frozenset("\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u00ad")
_DASHES = frozenset("\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d")
_POINTS = {"\uff0e": ".", "\u066b": "."}
_DEEPEST = 5


def geometry_from(text: str, field: str, kinds: str, empty: str) -> object:
    """The GeoJSON object of GeoJSON text or WKT (also with a leading ``SRID=4326;``).

    Quotes around it, byte order marks, the spaces, dashes and digits of typography and of other scripts are read as
    what they stand for; any other odd character is named with its place.

    Args:
        text: What was written.
        field: Name of the field, for the refusal.
        kinds: What would be right, as an instruction.
        empty: What would be right when the geometry is empty.

    Raises:
        InvalidOrder: It is neither, or it is in another reference system than WGS84.
    """

    def refuse(value: object, fix: str) -> NoReturn:
        raise InvalidOrder(field, value, fix)

    text = _unquoted(_plain(text))
    if not text:
        refuse("(empty text)", kinds)
    if text.startswith(("{", "[")):
        try:
            return json.loads(text)
        except RecursionError:
            refuse(text, f"this is not readable JSON (it is nested too deeply); {kinds}")
        except ValueError as error:
            odd = text[error.pos] if isinstance(error, json.JSONDecodeError) and error.pos < len(text) else ""
            there = f", {named(odd)}" if odd and not odd.isascii() else ""
            refuse(text, f"this is not readable JSON ({error}{there}); {kinds}")
    text = " ".join(_narrow(text).split())
    wkt = _WKT.fullmatch(text)
    if wkt is None:
        refuse(text, f"{advice(text) or 'this is neither GeoJSON nor WKT'}; {kinds}")
    srid, kind, dimensions, rest = wkt.groups()
    if not rest.isascii() or "\0" in rest:
        place, odd = next((n, letter) for n, letter in enumerate(rest) if not letter.isascii() or letter == "\0")
        at = len(text) - len(rest) + place + 1
        refuse(text, f"{named(odd)} at {at} has no place in WKT; take it out, or write the character it stands for")
    return _from_wkt(
        f"{kind} {'Z' if dimensions == '25D' else dimensions or ''} {rest}", srid, field, text, kinds, empty
    )


def _from_wkt(wkt: str, srid: str | None, field: str, text: str, kinds: str, empty: str) -> object:
    import numpy as np
    import shapely

    def refuse(fix: str) -> NoReturn:
        raise InvalidOrder(field, text, fix)

    try:
        with np.errstate(all="ignore"):  # numbers that are not finite are refused later, with their place
            geometry = shapely.force_2d(shapely.from_wkt(wkt))
    except shapely.errors.GEOSException as error:
        if "closed" in str(error):
            refuse("the ring is not closed; end it with its first position")
        if re.match(r"\D*[\d.]+\s*,", wkt):
            refuse("separate longitude and latitude by a space, and write decimals with a point: 139.76 35.42")
        refuse(f"this is neither GeoJSON nor WKT ({(str(error).splitlines() or ['unreadable'])[0]}); {kinds}")
    if geometry.is_empty:
        refuse(empty)
    read = shapely.geometry.mapping(geometry)
    if srid is not None:
        refuse_other_system(int(srid), f"{field}.SRID", read)
    return read


def _plain(text: str) -> str:
    """The text with plain spaces, digits and minus signs, and without what cannot be seen."""
    done: list[str] = []
    for place, letter in enumerate(text):
        if letter.isascii():
            done.append(letter)
        elif letter.isspace():
            done.append(" ")
        elif (digit := unicodedata.decimal(letter, None)) is not None:
            done.append(str(digit))
        elif letter in _DASHES and _is_sign(text, place):
            done.append("-")
        elif letter not in _UNSEEN:
            done.append(_POINTS.get(letter, letter))
    return "".join(done).strip()


def _is_sign(text: str, place: int) -> bool:
    """Whether a dash here is the minus of a number, and not the dash of a range such as 139–140."""
    after = text[place + 1 : place + 2]
    return not text[max(place - 1, 0) : place].isdecimal() and (after.isdecimal() or after in (".", "\uff0e"))


def _narrow(text: str) -> str:
    """Full-width letters, brackets and commas as ASCII, as an input method for Chinese or Japanese leaves them."""
    return "".join(chr(ord(letter) - 0xFEE0) if "！" <= letter <= "～" else letter for letter in text)


def _unquoted(text: str) -> str:
    """The text inside of quotes, however often it was put into some: a form that takes JSON asks for them."""
    for _ in range(_DEEPEST):
        closing = _QUOTES.get(text[:1])
        if closing is None or len(text) < 2 or not text.endswith(closing):
            break
        inside = text[1:-1]
        if closing == '"':
            with suppress(ValueError):  # one that is not escaped is taken as it stands
                inside = json.loads(text)
        text = inside.strip()
    return text
