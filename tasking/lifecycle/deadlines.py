"""What a person may still do about a request, and until when, as part of a sentence."""

from __future__ import annotations

from datetime import datetime

from tasking.ledger import OrderRecord
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


def overdue(request_id: str, since: datetime) -> str:
    """What a person does about imagery that never came."""
    due = f"Request {request_id} was due by {format_utc(since)}."
    return f"{due} Ask the provider about that id; Retry on this run looks again."


def _until(step: FeeStep) -> str:
    fee = "nothing" if step.percent == 0 else f"{step.percent:g} % of the price"
    return f"{fee} until {format_utc(step.until)}"
