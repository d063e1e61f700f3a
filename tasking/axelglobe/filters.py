"""The filters AxelGlobe documents, as CQL2 text. The only place where one is put together.

Documented (Tasking API 2.1): ``task_plan_id = '...'``, ``priority='...'``, ``satellite_id``, ``status='...'`` and
``s_intersects(geometry, POLYGON ((...)))``, joined by ``AND``; ``ag:capture_id = '...'`` in the STAC search.
"""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal

import httpx

from tasking.http.urls import resolved
from tasking.window import iso

_CAPTURE = re.compile(r"""["']?ag:capture_id["']?\s*(=|"\s*\}\s*,)\s*['"]((?:[^'"]|'')*)['"]""")
"""In CQL2 text, and in the JSON that some servers write into the same parameter."""


def equals(name: str, value: str) -> str:
    """``name = 'value'``; a quote within the value is doubled, as CQL2 wants it."""
    escaped = value.replace("'", "''")
    return f"{name} = '{escaped}'"


def intersects(ring: list[list[float]]) -> str:
    """``s_intersects(geometry, POLYGON ((...)))`` for a closed ring of ``[lon, lat]`` in degrees."""
    return f"s_intersects(geometry, POLYGON (({', '.join(f'{_plain(lon)} {_plain(lat)}' for lon, lat in ring)})))"


def captures_in(href: str) -> frozenset[str]:
    """The captures that the filter of an ``assets`` link names; none where it has no filter that can be read."""
    try:
        url = resolved(httpx.URL("https://api.invalid/"), href)
        return frozenset(
            one[1].replace("''", "'")
            for value in url.params.get_list("filter")
            for one in _CAPTURE.findall(value)
            if one[1]
        )
    except ValueError:
        return frozenset()


def both(*clauses: str | None) -> str | None:
    """The clauses that are there, joined by ``AND``; ``None`` when none is."""
    return " AND ".join(clause for clause in clauses if clause) or None


def interval(start: datetime, end: datetime) -> str:
    """The ``datetime`` parameter: start and end (aware) as RFC 3339 in UTC."""
    return f"{iso(start)}/{iso(end)}"


def box(bounds: tuple[float, float, float, float]) -> str:
    """The ``bbox`` parameter: west, south, east, north in degrees."""
    return ",".join(_plain(each) for each in bounds)


def _plain(degrees: float) -> str:
    """The number in full and without an exponent, which CQL2 text and some servers do not read."""
    return format(Decimal(repr(float(degrees))), "f")
