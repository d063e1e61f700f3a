"""Moments out of somebody else's answers."""

from __future__ import annotations

from datetime import UTC, datetime

EARLIEST, LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""A thousand years from either end of the calendar: adding a patience to one of these is always possible."""


def to_utc_clamped(when: datetime) -> datetime:
    """Aware, UTC and within `EARLIEST` and `LATEST`; a time without a zone is UTC.

    Servers write ``9999-12-31`` for *never* and ``0001-01-01`` for *not yet*. Either would leave the calendar as soon
    as something is added to it, so it is held a thousand years from its end.
    """
    try:
        utc = when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except OverflowError:
        return EARLIEST if when.year < 5000 else LATEST
    return min(max(utc, EARLIEST), LATEST)
