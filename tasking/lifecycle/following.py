"""How the order's requests stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from tasking.candidate import Candidate
from tasking.errors import OrderEnded
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.pausing import look_after
from tasking.order import Order
from tasking.provider import Provider, Request
from tasking.status import StatusCode
from tasking.waiting import Wait, readable, wait_until

SAFETY_NET = timedelta(hours=12)
"""How often a run looks by itself once its next event is due; the watcher looks more often, and for many at once."""


ENDED = (StatusCode.FAILED, StatusCode.EXPIRED, StatusCode.CANCELLED, StatusCode.USER_CANCELLED)
"""Codes after which a request yields nothing more."""


def follow(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Request | Wait | None:
    """Read how the order's requests stand; hands back one whose imagery is there.

    Returns:
        A request with captures; a `Wait`; or ``None`` when it was rejected and the order allows the next candidate.

    Raises:
        OrderEnded: Rejected until the window's end, failed, cancelled at the provider, or nothing came in time.
    """
    record = ledger.read(reference)
    answers = provider.read([one.last.id for one in record.requests], ordered(record))
    record = note_answers(ledger, provider, record, answers)
    for one in record.requests:
        if one.last.capture_ids and one.last.status is StatusCode.COMPLETED:
            return one.last
    current = record.current_request
    assert current is not None, "requested before"
    last, now = current.last, provider.clock.now()
    if last.id not in answers:
        return wait_until(
            provider.clock,
            provider.clock.in_seconds(provider.poll_interval_seconds / 3),
            "imagery",
            f"The provider does not know request {last.id} just now; asking again",
        )
    if last.status is StatusCode.REJECTED:
        if order.on_rejection == "next-candidate" and now < order.window.end:
            ledger.record(
                reference,
                "next candidate",
                f"Request {last.id} was rejected; taking the next candidate",
                candidate=None,
            )
            return None
        if now >= order.window.end:
            raise OrderEnded(
                StatusCode.REJECTED,
                f"Rejected: the provider could not schedule request {last.id} before the window ended at "
                f"{readable(order.window.end)}. Order again with a new reference.",
            )
        again = min(max(last.next_look_at, now), order.window.end)
        return wait_until(
            provider.clock,
            again,
            "imagery",
            f"Rejected for now (request {last.id}); it may still be accepted until {readable(order.window.end)}",
        )
    if last.status in ENDED:
        assert last.status is not None
        raise OrderEnded(
            last.status, f"The provider ended request {last.id}: {last.provider_status}. Ask them, or order again."
        )
    if now >= last.give_up_at:
        raise OrderEnded(
            StatusCode.FAILED,
            f"No imagery of request {last.id} by {readable(last.give_up_at)} (the provider says "
            f"{last.provider_status}). Ask the provider about that id; Retry on this run looks again.",
        )
    # while the capture is still ahead its own time is the next event; after that the watcher looks more often than this
    again = max(last.next_look_at, now + SAFETY_NET)
    return wait_until(provider.clock, min(again, last.give_up_at), "imagery", _imagery_message(last))


def ordered(record: OrderRecord) -> dict[str, Candidate]:
    """What was ordered with each of an order's requests, by the provider's id."""
    return {one.last.id: one.candidate for one in record.requests if one.candidate is not None}


def note_answers(
    ledger: Ledger,
    provider: Provider,
    record: OrderRecord,
    answers: Mapping[str, Request],
    *,
    seen_by_watcher: bool = False,
) -> OrderRecord:
    """Write down what the provider said of an order's requests; a changed word gets its line in the journal."""
    requests = [one.model_copy(update={"last": answers.get(one.last.id, one.last)}) for one in record.requests]
    changed = [
        (old.last, new.last)
        for old, new in zip(record.requests, requests, strict=True)
        if (old.last.provider_status, old.last.capture_ids) != (new.last.provider_status, new.last.capture_ids)
    ]
    newest = requests[-1].last
    fields: dict[str, Any] = {
        "requests": requests,
        "status": newest.status,
        "provider_status": newest.provider_status,
        "look_after": look_after(provider, provider.poll_interval_seconds),
        "changed_at": ledger.now() if seen_by_watcher and can_go_on(record, [one.last for one in requests]) else None,
        "failures": 0,
    }
    if not changed:
        return ledger.record(record.reference, **fields)
    words = "; ".join(
        f"Request {new.id}: {old.provider_status} -> {new.provider_status}"
        + ("" if new.status else " (a word we do not know)")
        for old, new in changed
    )
    return ledger.record(record.reference, "status", words, **fields)


def can_go_on(record: OrderRecord, answers: Sequence[Request]) -> bool:
    """Whether the run would do something else than wait on if it were started now.

    Args:
        record: The order.
        answers: Its requests as just read, oldest first.
    """
    if any(one.capture_ids and one.status is StatusCode.COMPLETED for one in answers):
        return True
    last = answers[-1]
    next_one = last.status is StatusCode.REJECTED and record.order.get("on_rejection") == "next-candidate"
    return next_one or last.status in ENDED


def _imagery_message(last: Request) -> str:
    when = last.start
    by = f" by {last.platform}" if last.platform else ""
    if when is None:
        return f"Waiting for imagery ({last.provider_status})"
    return f"Waiting for imagery: capture{by} on {readable(when)} ({last.provider_status})"
