"""The words for where an order and its requests stand.

The two are not the same. A provider calls a request completed once its data can be fetched; the order is completed once
the imagery is in the archive. `StatusCode` is for requests, `OrderStatus` for orders.

Source: STAPI v0.1.0 order statuses (core and optional), plus ``user_cancelled`` of its extension. ``cancelled`` means
that the *provider* could not collect; a person's cancel is ``user_cancelled``.
"""

from __future__ import annotations

from enum import StrEnum


class StatusCode(StrEnum):
    """STAPI order status codes used here."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    SCHEDULED = "scheduled"
    PROCESSING = "processing"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    USER_CANCELLED = "user_cancelled"


class OrderStatus(StrEnum):
    """Where an order stands with us; the last six are ends.

    ``awaiting_approval``: a person is asked. ``ordering``: a request is under way, and it is not known yet whether it
    arrived. ``delivering``: imagery can be fetched that is not in the archive yet. ``cancelling``: a person cancelled
    it, and what still comes of it is waited for. ``dry_run``: it was asked what would be ordered, and nothing was.
    """

    PLANNING = "planning"
    AWAITING_APPROVAL = "awaiting_approval"
    ORDERING = "ordering"
    ORDERED = "ordered"
    DELIVERING = "delivering"
    CANCELLING = "cancelling"
    COMPLETED = "completed"
    REJECTED = "rejected"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    DRY_RUN = "dry_run"


ENDS: dict[str, OrderStatus] = {
    StatusCode.COMPLETED: OrderStatus.COMPLETED,
    StatusCode.REJECTED: OrderStatus.REJECTED,
    StatusCode.EXPIRED: OrderStatus.EXPIRED,
    StatusCode.CANCELLED: OrderStatus.CANCELLED,
    StatusCode.USER_CANCELLED: OrderStatus.CANCELLED,
    StatusCode.FAILED: OrderStatus.FAILED,
    OrderStatus.DRY_RUN: OrderStatus.DRY_RUN,
}
"""How an order ended, by the code that was written down for its end; every other code means that it failed."""
