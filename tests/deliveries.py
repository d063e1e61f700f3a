"""A delivery without an order around it, for tests."""

from __future__ import annotations

from typing import Any

from tasking.delivery.order_folder import deliver_items
from tasking.delivery.outcome import Delivery, error_to_raise


def deliver(*given: Any, **more: Any) -> Delivery:
    """Deliver the items, and raise what went wrong with any of them; see `deliver_items`."""
    delivery, outcomes = deliver_items(*given, **more)
    if troubles := [trouble for one in outcomes for trouble in one.troubles]:
        raise error_to_raise(troubles)
    assert delivery is not None, "what is without trouble is home"
    return delivery
