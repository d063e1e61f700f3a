"""Before an order is placed: a plan and its candidates where the provider has them, else a quote."""

from __future__ import annotations

from datetime import datetime

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.create import create_once
from tasking.errors import InvalidOrder, OrderEnded, Refused
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.choosing import requested
from tasking.lifecycle.next_try import rest_of_window, told
from tasking.lifecycle.outlasting import outlast
from tasking.order import Order
from tasking.provider import Plan, Plans, Provider, Quotes
from tasking.status import StatusCode
from tasking.waiting import Wait

MOST_PLANS = 20
"""Plans a provider may forget before a person is told; some forget each after a day."""


def prepare(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Wait | None:
    """Have a plan at the provider, or its quote; asks nothing when that is known already.

    Where no other candidate is taken any more, waits for what was rejected; see `outlast`.

    Raises:
        OrderEnded: The window is over, or the provider refuses.
    """
    if (rest := outlast(ledger, provider, order, reference)) is not None:
        return rest
    record = ledger.read(reference)
    if requested(record):
        return None
    try:
        if isinstance(provider, Plans):
            return _plan(ledger, provider, order, record)
        if record.candidate is not None:
            return None
        wish = rest_of_window(provider, order, record) if record.requests else order
        if isinstance(wish, Wait):
            return wish
        _quote(ledger, provider, wish, record)
    except (InvalidOrder, Refused) as no:
        raise OrderEnded(StatusCode.REJECTED, f"Not planned: {no}{told(record)}") from no
    except OrderEnded as end:
        raise OrderEnded(end.status, f"{end}{told(record)}") from end
    return None


def _plan(ledger: Ledger, provider: Provider, order: Order, record: OrderRecord) -> Wait | None:
    assert isinstance(provider, Plans)
    if record.plan_id is not None:
        return None
    plans, reference, tag = provider, record.reference, record.plan_label

    def create() -> Plan:
        order.window.refuse_if_past(provider.clock.now())
        return plans.plan(order, tag)

    made = create_once(
        ledger,
        provider,
        reference,
        "plan",
        tag,
        find=lambda: plans.find_plan(order, tag),
        create=create,
        made=lambda there: {
            # one that came late takes nothing from the plan that is used meanwhile; it costs nothing
            "plan_id": lambda now: now.plan_id or there.id,
            "planned_at": lambda now: now.planned_at or provider.clock.now(),
            "status": lambda now: now.status or StatusCode.RECEIVED,
        },
    )
    if isinstance(made, Wait):
        return made
    if made.note:
        ledger.record(reference, "plan note", made.note)
    return None


def _quote(ledger: Ledger, provider: Provider, order: Order, record: OrderRecord) -> None:
    """Ask for price and feasibility; the candidate is then the order's whole window.

    Of two processes that ask at once, the candidate of the first is taken: a create is looked for by what it asks for.
    """
    reference = record.reference
    provider.learn_time()
    order.window.refuse_if_past(provider.clock.now())
    window = Candidate(
        id=WHOLE_WINDOW,
        start=order.window.start,
        end=order.window.end,
        attempt=record.attempt,
        note=told(record).strip(),
    )
    if not isinstance(provider, Quotes):
        ledger.record(reference, candidate=lambda now: now.candidate or window)
        return
    quote = provider.quote(order)
    window = window.model_copy(update={"valid_until": quote.valid_until, "quoted": quote.quoted})
    price = f"{quote.price} {quote.currency}" if quote.price is not None else "no price given"
    ledger.record(
        reference,
        "quoted",
        "; ".join([f"Feasible, {price}", *quote.notes]),
        candidate=lambda now: now.candidate or window,
        price=quote.price,
        currency=quote.currency,
    )


def half_time(there: Plan, now: datetime) -> float:
    """Seconds (provider time) after which a plan may be ready early; five minutes once half the time is over."""
    half = (there.candidates_at - there.created) / 2
    return max(min(there.created + half - now, half).total_seconds(), 300.0)
