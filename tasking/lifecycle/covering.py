"""What the delivered images cover of an order's area: on each item, and all of them together."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasking.area import area_from
from tasking.coverage import covered_percent, covered_together_percent
from tasking.ledger import Ledger, OrderRecord
from tasking.order import Order

AREA_COVERED = "tasking:area_covered_percent"
"""Property of an item: the share of the order's area inside its geometry, 0..100."""

LARGEST_ITEM = 32 * 1024 * 1024
"""Bytes of an item's file that are still read for its geometry."""


def mark(order: Order, items: Iterable[dict[str, Any]]) -> None:
    """Write on each item of an order of an area what it covers of it; an item whose geometry tells nothing stays."""
    given = [one for one in items if isinstance(one.get("properties"), dict)]
    if not given or not _has_area(order):
        return
    shares = covered_percent(area_from(order.footprint), [_geometry(one) for one in given])
    for one, share in zip(given, shares, strict=True):
        if share is not None:
            one["properties"][AREA_COVERED] = round(share, 1)


def covered(ledger: Ledger, order: Order, reference: str, home: Path, done: str) -> str:
    """What was delivered, with the share of the area that is home; noted on the order's last request, too.

    Args:
        ledger: The order's.
        order: The order.
        reference: Ours.
        home: Its folder in the archive.
        done: What was delivered, in words.
    """
    if not _has_area(order):
        return done
    area, images = area_from(order.footprint), archived(home)
    share = covered_together_percent(area, images)
    if share is None:
        return f"{done}; it is unknown what that covers of the area"
    share, unknown = round(share, 1), covered_percent(area, images).count(None)

    def noted(now: OrderRecord) -> list[Any]:
        return [one.model_copy(update={"covered_percent": share}) for one in now.requests[-1:]]

    ledger.record(reference, requests=noted)
    least = order.least_coverage_percent
    less = f", less than the {least:g} % that were asked for" if least is not None and share < least else ""
    more = f" ({unknown} of {len(images)} images are not counted: their footprints tell nothing)" if unknown else ""
    return f"{done}; that covers {share:g} % of the area{less}{more}"


def _has_area(order: Order) -> bool:
    return getattr(order, "area", None) is not None


def archived(home: Path) -> list[dict[str, Any] | None]:
    """The geometries of the items that stand in an order's folder."""
    found = []
    for file in sorted(home.glob("*/*.json")):
        with suppress(OSError, ValueError):
            if file.stem == file.parent.name and file.stat().st_size <= LARGEST_ITEM:
                found.append(_geometry(json.loads(file.read_text("utf-8"))))
    return found


def _geometry(item: Any) -> dict[str, Any] | None:
    geometry = item.get("geometry") if isinstance(item, dict) else None
    return geometry if isinstance(geometry, dict) else None
