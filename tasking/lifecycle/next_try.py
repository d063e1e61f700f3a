"""The next try, after the provider gave a request up for good.

It is made only once everything that was requested before is over for good, so that never two are paid at once. A
provider with candidates gives the next one. One that picks the pass itself takes a new request for what is left of the
window.
"""

from __future__ import annotations

from datetime import timedelta

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.errors import OrderEnded
from tasking.ledger import Ledger, OrderRecord, Revision
from tasking.order import Order
from tasking.provider import Plans, Provider, Request, TriesAgain
from tasking.status import StatusCode
from tasking.waiting import Wait, readable, wait_until
from tasking.window import Window

MOST_TRIES = 5
"""Requests of one order where the provider picks the pass: it has seen the same wish as often by then."""

AFTER_REJECTION = timedelta(hours=6)
"""Pause before the next try after a rejection: the provider has just found no place for this wish."""

GIVEN_UP = (StatusCode.FAILED, StatusCode.EXPIRED, StatusCode.CANCELLED)
"""Codes after which a request yields nothing more, though no person cancelled it."""


def try_again(ledger: Ledger, provider: Provider, order: Order, record: OrderRecord) -> bool:
    """Whether another request is made for the order; its candidate is then given up, and nothing counts as approved.

    Args:
        ledger: Where that is written down.
        provider: Of the order's account.
        order: The order.
        record: As just read; its last request is over for good.
    """
    if not _may_be_tried(provider, order, record):
        return False
    current = record.current_request
    assert current is not None, "something was requested"
    message = f"Request {current.last.id} ended as {current.last.provider_status}; the next try is made"
    since = provider.clock.now()

    def change(now: OrderRecord) -> Revision:
        if now.cancel_asked or now.candidate != current.candidate or len(now.requests) != len(record.requests):
            return Revision(None, "", {})  # another process of ours has gone on already
        fields = {"candidate": None, "approved_candidate_id": None, "next_try_since": since}
        return Revision("next try", message, fields)

    ledger.revise(record.reference, change)
    return True


def rest_of_window(provider: Provider, order: Order, record: OrderRecord) -> Order | Wait:
    """The order for what is left of its window; a `Wait` after a rejection.

    Raises:
        OrderEnded: Nothing that could be ordered is left of it.
    """
    current = record.current_request
    assert current is not None, "something was requested"
    provider.learn_time()
    due = (record.next_try_since or record.updated) + AFTER_REJECTION
    if current.last.status is StatusCode.REJECTED and provider.clock.now() < due:
        message = f"Request {current.last.id} was rejected; the next try is made at {readable(due)}"
        return wait_until(provider.clock, due, "candidates", message)
    rest = _rest(provider, order, record)
    if rest is None:
        raise OrderEnded(current.last.status or StatusCode.FAILED, "Too little of the window is left for another try.")
    return order.model_copy(update={"window": rest})


def wish_of(order: Order, candidate: Candidate) -> Order:
    """The order as a candidate asks for it: a later try of a whole window is for what was left of it."""
    if candidate.id != WHOLE_WINDOW or candidate.attempt == 1:
        return order
    return order.model_copy(update={"window": Window(start=candidate.start, end=candidate.end)})


def between_tries(record: OrderRecord) -> bool:
    """Whether all that was requested is over for good, and the next try is not ordered yet: then nothing is paid."""
    current = record.current_request
    if current is None or record.candidate == current.candidate:
        return False
    last = [one.last for one in record.requests]
    return all(one.status in GIVEN_UP or (one.status is StatusCode.REJECTED and one.final) for one in last)


def told(record: OrderRecord) -> str:
    """What became of the requests before, as a sentence; empty when there were none."""
    if not record.requests:
        return ""
    ended = "; ".join(f"request {one.last.id}: {_word(one.last)}" for one in record.requests)
    return f" Before that: {ended}."


def _word(request: Request) -> str:
    return f"{request.provider_status} ({request.note})" if request.note else request.provider_status


def _may_be_tried(provider: Provider, order: Order, record: OrderRecord) -> bool:
    # an order of before the field was there ends at its first failure, as it was told to
    wished = record.order.get("on_failure", "end") == "next-candidate" and not record.cancel_asked
    if not wished or record.delivered or not all(_is_over(order, one.last) for one in record.requests):
        return False
    current = record.current_request
    if isinstance(provider, Plans):
        # a whole window is tried again by the provider itself, for as long as it lasts
        by_itself = current is None or current.candidate is None or current.candidate.id == WHOLE_WINDOW
        return record.plan_id is not None and not by_itself and provider.clock.now() < order.window.end
    return len(record.requests) < MOST_TRIES and _rest(provider, order, record) is not None


def _is_over(order: Order, request: Request) -> bool:
    """Whether nothing comes of a request any more, or the order allows another beside one that may be taken back."""
    if request.status is StatusCode.REJECTED:
        return request.final or order.on_rejection == "next-candidate"
    return request.status in GIVEN_UP and not request.capture_ids


def _rest(provider: Provider, order: Order, record: OrderRecord) -> Window | None:
    current = record.current_request
    candidate = current.candidate if current is not None else None
    return provider.rest_of(order, candidate) if isinstance(provider, TriesAgain) else None
