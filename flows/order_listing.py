"""One order for a terminal, and for a program."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tasking import lifecycle
from tasking.ledger import OrderRecord
from tasking.lifecycle import deadlines
from tasking.waiting import format_utc

COLUMNS = (
    "reference",
    "name",
    "provider",
    "site",
    "part of",
    "status",
    "provider says",
    "covers",
    "created (UTC)",
    "what for, or how",
)


def row(record: OrderRecord) -> tuple[str, ...]:
    """A line of the table, in `COLUMNS`."""
    return (
        record.reference,
        record.name,
        record.provider,
        record.site or "",
        record.part_of or "",
        record.order_status,
        record.provider_status or "",
        covers(record),
        f"{record.created:%Y-%m-%d %H:%M}",
        record.outcome or record.waits_message or "",
    )


def facts(record: OrderRecord, now: datetime, parts: Sequence[OrderRecord] = ()) -> list[tuple[str, str]]:
    """What is worth a line of its own, as label and text; what is not known is left out.

    Args:
        record: The order.
        now: The time, for its deadlines.
        parts: Its parts, where it has some.
    """
    tries = [f"{one.reference} ({one.account}): {one.order_status}" for one in parts if not one.is_study]
    lines = [
        ("status", record.order_status.value),
        ("part of", record.part_of or ""),
        ("called off", record.called_off or ""),
        ("parts", ", ".join(tries)),
        ("provider says", record.provider_status or ""),
        ("plan", record.plan_id or ""),
        ("requests", ", ".join(one.last.id for one in record.requests)),
        ("covers", f"{covers(record)} of the area" if covers(record) else ""),
        ("approval", _approval(record) if record.ended is None else ""),
        ("decided", record.approval_answer.sentence if record.approval_answer is not None else ""),
        *deadlines.lines(record, now),
        ("waits for", record.waits_message or ""),
        ("wakes at", f"{record.wake_at:%Y-%m-%d %H:%M:%S} UTC" if record.wake_at else ""),
        ("ended", record.outcome or ""),
    ]
    return [(label, said) for label, said in lines if said]


def _approval(record: OrderRecord) -> str:
    if record.waits_for != "approval" or record.wake_at is None or record.candidate is None:
        return ""
    question = lifecycle.question_of(record, record.wake_at)
    answer = f"tasking-flows approve {record.reference}"
    return f"answer until {format_utc(question.deadline)} ({answer}). {question.otherwise}"


def as_json(record: OrderRecord) -> dict[str, Any]:
    """All that is known; ``status`` is the order's with us, and what the provider calls its request is beside it."""
    current = record.current_request
    return {
        **record.model_dump(mode="json"),
        "status": record.order_status,
        "provider_status_code": current.last.status if current is not None else None,
        "area_covered_percent": record.area_covered_percent,
    }


def covers(record: OrderRecord) -> str:
    """The share of its area that an order covers; ``unknown`` where nothing tells what was ordered or delivered."""
    if not record.order.get("area"):
        return ""
    share = record.area_covered_percent
    if share is not None:
        return f"{share:.1f} %"
    return "unknown" if record.requests else ""
