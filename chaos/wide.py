"""What was bought of an order of a wide area, by what the provider says of its captures; with geometry of its own."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from shapely.affinity import scale
from shapely.geometry import shape
from shapely.ops import unary_union

TOLERANCE_PERCENT = 2.0
"""The plane of this judge is plainer than that of the project."""


def bought_too_much(requests: Sequence[Mapping[str, Any]], order: Mapping[str, Any]) -> int:
    """How many of the requests are for a capture that was bought before, or beyond what the order allows.

    Args:
        requests: All that the provider made for the order, each with its ``candidate_id``.
        order: The order, JSON.
    """
    same = sum(count - 1 for count in Counter(one["candidate_id"] for one in requests).values())
    return max(same, len(requests) - int(order["max_captures"]))


def covers_too_little(requests: Sequence[Mapping[str, Any]], order: Mapping[str, Any]) -> str:
    """Why a completed order has a hole that nobody asked for; empty when it has none, or something was rejected.

    Args:
        requests: As above, each with its ``status`` and the ``geometry`` of its ``capture``.
        order: The order, JSON.
    """
    if any(one["status"] == "REJECTED" for one in requests):
        return ""
    area = shape(order["area"])
    squeeze = math.cos(math.radians(area.centroid.y))
    flat = scale(area, squeeze, 1.0, origin=(0, 0))
    bought = unary_union([scale(shape(one["capture"]["geometry"]), squeeze, 1.0, origin=(0, 0)) for one in requests])
    share = 100.0 * flat.intersection(bought).area / flat.area
    least = float(order["coverage_min_percent"])
    if share >= least - TOLERANCE_PERCENT:
        return ""
    return f"completed, and what was bought covers {share:.1f} % of the area instead of {least:g} %"
