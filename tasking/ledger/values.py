"""Values as every database takes them: SQLite keeps anything in any column, Postgres does not."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from pydantic import BaseModel
from sqlalchemy import String, Text

from tasking.errors import InvalidOrder
from tasking.ledger.tables import OrderRow

_LARGEST_POWER = 40
"""Of ten, in a price; beyond it a figure is a slip, and Postgres takes none with 131,072 digits."""


def plain(value: Any) -> Any:
    """A value without what a database refuses.

    A NUL goes, half of a surrogate pair becomes a question mark, and a number that is none (NaN, infinity) nothing.
    """
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Decimal):
        return value if value.is_finite() and abs(value.adjusted()) <= _LARGEST_POWER else None
    if isinstance(value, dict):
        return {plain(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value


def fitting(column: str, value: Any) -> Any:
    """Words for a person, cut to the width of their column."""
    width = _width(column)
    if width is None or not isinstance(value, str) or len(value) <= width:
        return value
    return value[: width - 1] + "…"


def refuse_too_long(column: str, value: str | None) -> None:
    """Refuse what orders are found by, where cut it would be another's; raises `InvalidOrder`."""
    width = _width(column)
    if value is not None and width is not None and len(value) > width:
        raise InvalidOrder(column, value, f"give at most {width} characters; these are {len(value)}")


def _width(column: str) -> int | None:
    mapped = getattr(OrderRow, column, None)
    kind = getattr(mapped, "type", None)
    return kind.length if isinstance(kind, String) and not isinstance(kind, Text) else None
