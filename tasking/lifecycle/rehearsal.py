"""A dry run: everything but the request. It ends with what would be ordered, or why nothing would be."""

from __future__ import annotations

from decimal import Decimal

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import Action, Ask, Close, End, Request
from tasking.lifecycle.state import OrderState
from tasking.order import Order
from tasking.status import OrderStatus, StatusCode
from tasking.waiting import format_utc

ANSWERS = (StatusCode.REJECTED, StatusCode.EXPIRED)
"""Ends that answer what a dry run asks; any other one keeps it from being answered."""


def rehearsed(state: OrderState, action: Action) -> Action:
    """What is next for a dry run: as for an order, but nobody is asked and nothing is requested.

    An order that is no dry run is left alone.
    """
    if not state.order.dry_run:
        return action
    if isinstance(action, Request | Ask):
        return Close(
            End(OrderStatus.DRY_RUN, f"Dry run, nothing was ordered. {would_be_ordered(state.order, state.record)}")
        )
    if isinstance(action, Close) and action.end.status in ANSWERS:
        return Close(End(OrderStatus.DRY_RUN, f"Dry run: nothing would be ordered. {action.end.message}"))
    return action


def would_be_ordered(order: Order, record: OrderRecord) -> str:
    """What the order would request, at what price and by when, as sentences."""
    candidate = record.candidate
    if candidate is None:  # its request is in doubt: then it is settled first
        return "What would be ordered is not known."
    told = candidate.price is not None
    price = price_of(*((candidate.price, candidate.currency) if told else (record.price, record.currency)))
    until = f" It can be ordered until {format_utc(candidate.valid_until)}." if candidate.valid_until else ""
    note = f" {candidate.note.rstrip('.')}." if candidate.note else ""
    person = " A person would be asked first." if order.require_approval else ""
    return f"It would order {_capture(candidate)}, taken by {format_utc(candidate.end)}; {price}.{until}{note}{person}"


def price_of(price: Decimal | None, currency: str | None) -> str:
    """A price for a person."""
    return "no price is told" if price is None else f"price {price:,.2f} {currency or ''}".rstrip()


def _capture(candidate: Candidate) -> str:
    if candidate.id == WHOLE_WINDOW:
        return f"an image from {format_utc(candidate.start)} on (the provider picks the pass)"
    covers = f", covering {candidate.area_covered_percent:.1f} %" if candidate.area_covered_percent is not None else ""
    view = f", {abs(candidate.off_nadir_deg):.1f}° off nadir" if candidate.off_nadir_deg is not None else ""
    return f"the capture by {candidate.platform or 'a satellite'} on {format_utc(candidate.start)}{covers}{view}"
