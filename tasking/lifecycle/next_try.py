"""The next try, after the provider gave a request up for good.

It is made only once everything that was requested before is over for good, so that never two are paid at once. A
provider with candidates gives the next one. One that picks the pass itself takes a new request for what is left of the
window.
"""

from __future__ import annotations

from datetime import timedelta

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.lifecycle.standing import GIVEN_UP
from tasking.lifecycle.state import OrderState
from tasking.order import Order
from tasking.provider import TaskingRequest
from tasking.status import StatusCode
from tasking.window import Window

MOST_TRIES = 5
"""Requests of one order where the provider picks the pass: it has seen the same wish as often by then."""

AFTER_REJECTION = timedelta(hours=6)
"""Pause before the next try after a rejection: the provider has just found no place for this wish."""


def may_be_tried(state: OrderState) -> bool:
    """Whether another request is made for an order whose last request is over for good."""
    record = state.record
    # an order of before the field was there ends at its first failure, as it was told to
    wished = record.order.get("on_failure", "end") == "next-candidate" and not record.cancel_asked
    if not wished or record.delivered or not all(_is_over(state.order, one.last) for one in record.requests):
        return False
    if not state.provider.lists_candidates:
        return len(record.requests) < MOST_TRIES and state.provider.rest_of_window is not None
    current = record.current_request
    # a whole window is tried again by the provider itself, for as long as it lasts
    by_itself = current is None or current.candidate is None or current.candidate.id == WHOLE_WINDOW
    return record.plan_id is not None and not by_itself and state.clock.now < state.order.window.end


def wish_of(order: Order, candidate: Candidate) -> Order:
    """The order as a candidate asks for it: a later try of a whole window is for what was left of it.

    Nothing is asked for that is taken after the image is needed.
    """
    if candidate.id != WHOLE_WINDOW:
        return order
    window = order.window if candidate.attempt == 1 else Window(start=candidate.start, end=candidate.end)
    window = until_needed(order, window)
    return order if window == order.window else order.model_copy(update={"window": window})


def until_needed(order: Order, window: Window) -> Window:
    """What of a window is before the image is needed."""
    by = order.needed_by
    return window if by is None or not window.start < by < window.end else Window(start=window.start, end=by)


def _is_over(order: Order, request: TaskingRequest) -> bool:
    """Whether nothing comes of a request any more, or the order allows another beside one that may be taken back."""
    if request.status is StatusCode.REJECTED:
        return request.final or order.on_rejection == "next-candidate"
    return request.status in GIVEN_UP and not request.capture_ids
