"""Which errors are waited out, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta

from tasking.clock import CLOCKS_APART, utc_now
from tasking.errors import CredentialsRefused, OrderEnded, ReferenceTaken, UnsafeAsset
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.deadlines import ordering, overdue
from tasking.order import Order
from tasking.status import StatusCode
from tasking.waiting import Wait, format_utc

LONGEST_PAUSE_SECONDS = 3600.0

LONGEST_ASKED_SECONDS = 6 * 3600.0
"""A server may ask for a longer pause than ours. What it asks beyond this is a slip: milliseconds, a wrong date."""

TRIES_BY_OUR_CLOCK = 24
"""An order ends by our clock alone only after so many failures in a row, half a day or more of them: a clock that was
set wrong has the certificates of a provider expire as well, and would end each order at its first failure."""


def is_transient(record: OrderRecord | None, error: Exception) -> bool:
    """Whether an error is waited out.

    ========================================  =============================================================
    nothing was made yet                      only what may pass by itself: outages, 429, a locked ledger
    something was planned                     also refused credentials: they can be mended
    something was ordered, or may have been   everything but an unsafe product and a reference of another's
    ========================================  =============================================================
    """
    if isinstance(error, OrderEnded | ReferenceTaken | UnsafeAsset):
        return False
    if getattr(error, "retryable", False):
        return True
    if record is None:
        return False
    if record.requests or record.in_doubt:
        return True
    return isinstance(error, CredentialsRefused) and (record.plan_id is not None or record.candidate is not None)


def wait_after_error(
    ledger: Ledger, order: Order, record: OrderRecord, step: str, error: Exception, first_seconds: float
) -> Wait:
    """The pause after an error that is waited out: longer each time, up to an hour; six when the server asks for it.

    Raises:
        OrderEnded: Its time is over: nothing was ordered and the window ended, or what was ordered is long overdue.
            Never while a request is in doubt: neither is known then. The provider's clock is not known here, so it has
            to be over by a day and more, and to have failed `TRIES_BY_OUR_CLOCK` times in a row.
    """
    now = utc_now()
    failures = record.failures if record.failing_step == step else 0
    if failures >= TRIES_BY_OUR_CLOCK and not record.in_doubt:
        _refuse_overdue(order, record, error, now)
    ledger.record(record.reference, "away", str(error), failing_step=step, failures=failures + 1)
    seconds = min(first_seconds * 2 ** min(failures, 20), LONGEST_PAUSE_SECONDS)
    asked = min(getattr(error, "retry_after", None) or 0.0, LONGEST_ASKED_SECONDS)
    until = now + timedelta(seconds=max(seconds, asked))
    deadline = f" (beware: {said})" if (said := ordering(record, now)) else ""
    return Wait(until=until, waits_for="provider", message=f"Trying again at {format_utc(until)}{deadline}: {error}")


def _refuse_overdue(order: Order, record: OrderRecord, error: Exception, now: datetime) -> None:
    current = record.current_request
    if current is None and now >= order.window.end + CLOCKS_APART:
        raise OrderEnded(StatusCode.EXPIRED, f"Its window ended before anything was ordered; at last: {error}")
    if current is not None and now >= current.last.give_up_at + CLOCKS_APART:
        raise OrderEnded(StatusCode.FAILED, f"{error}. {overdue(current.last.id, current.last.give_up_at)}")
