"""What a person may still do about a request, and until when, as part of a sentence."""

from __future__ import annotations

from datetime import datetime

from tasking.ledger import OrderRecord
from tasking.moment_text import moment_from
from tasking.provider import FeeStep, TaskingRequest
from tasking.waiting import format_utc


def cancelling(request: TaskingRequest, now: datetime) -> str:
    """Until when a cancel is taken and what it costs; empty when the provider does not say, or it is too late.

    Args:
        request: As last read.
        now: The provider's time; steps that are over are left out.
    """
    ahead = [step for step in request.cancel_fees if step.until > now]
    if ahead:
        return f"a cancel costs {', '.join(_until(step) for step in ahead)}"
    if not request.cancel_fees and request.cancel_until is not None and request.cancel_until > now:
        return f"cancels are taken until {format_utc(request.cancel_until)}"
    return ""


def ordering(record: OrderRecord, now: datetime) -> str:
    """Until when the chosen candidate can be ordered; empty when none is chosen, or it is ordered already."""
    candidate, current = record.candidate, record.current_request
    if candidate is None or candidate.valid_until is None or candidate.valid_until <= now:
        return ""
    if current is not None and current.candidate == candidate:
        return ""
    return f"what was chosen can be ordered until {format_utc(candidate.valid_until)}"


def needed(record: OrderRecord, now: datetime) -> str:
    """By when the order was to bring something; empty when it does not say. Late it says so, until it has ended."""
    by = needed_by(record)
    if by is None:
        return ""
    late = ": it is late" if record.ended is None and now >= by else ""
    return f"{format_utc(by)}{late}"


def needed_by(record: OrderRecord) -> datetime | None:
    """The order's own deadline, as it was accepted; ``None`` without one, and for orders of before there was any."""
    said = record.order.get("needed_by")
    return None if said is None else moment_from("needed_by", said)


def lines(record: OrderRecord, now: datetime) -> list[tuple[str, str]]:
    """All deadlines that are still ahead, each as a label and a text; the order's own also when it is past.

    Args:
        record: The order.
        now: The provider's time.
    """
    current = record.current_request
    open_still = record.ended is None
    told = [
        ("needed by", needed(record, now)),
        ("ordering", ordering(record, now) if open_still else ""),
        ("cancelling", cancelling(current.last, now) if open_still and current is not None else ""),
    ]
    return [(label, text) for label, text in told if text]


def overdue(request_id: str, since: datetime) -> str:
    """What a person does about imagery that never came."""
    due = f"Request {request_id} was due by {format_utc(since)}."
    return f"{due} Ask the provider about that id; Retry on this run looks again."


def _until(step: FeeStep) -> str:
    fee = "nothing" if step.percent == 0 else f"{step.percent:g} % of the price"
    return f"{fee} until {format_utc(step.until)}"
