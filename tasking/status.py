"""The words for where an order stands: STAPI's status codes.

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
