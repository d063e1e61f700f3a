"""Before an order is placed: a plan where the provider has plans, else a quote."""

from __future__ import annotations

from datetime import datetime
from typing import cast

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.create import create_once
from tasking.errors import InvalidOrder, OrderEnded, OverBudget, Refused
from tasking.ledger import OrderRecord
from tasking.lifecycle.next_try import until_needed
from tasking.lifecycle.pricing import priced, why_over_budget
from tasking.lifecycle.session import OrderSession, traits
from tasking.lifecycle.standing import earlier_requests
from tasking.order import Order
from tasking.provider import Plan, Plans, Quotes
from tasking.status import StatusCode
from tasking.waiting import Wait


def plan(session: OrderSession) -> None:
    """Have a plan at the provider, once; or its quote, which makes the order's window the candidate.

    Raises:
        OrderEnded: The window is over, the provider refuses, or it is over budget.
    """
    record = session.record()
    try:
        if isinstance(session.provider, Plans):
            _plan(session, record)
        else:
            _quote(session, record)
    except (InvalidOrder, Refused) as error:
        raise OrderEnded(StatusCode.REJECTED, f"Not planned: {error}{earlier_requests(record)}") from error
    except OrderEnded as end:
        raise type(end)(end.status, f"{end}{earlier_requests(record)}") from end


def _plan(session: OrderSession, record: OrderRecord) -> None:
    order, provider, label = session.order, session.provider, record.plan_label
    plans = cast(Plans, provider)

    def create() -> Plan:
        order.window.refuse_if_past(provider.clock.now())
        return plans.plan(order, label)

    made = create_once(
        session.ledger,
        provider,
        session.reference,
        "plan",
        label,
        find=lambda: plans.find_plan(order, label),
        create=create,
        made=lambda there: {
            # one that came late takes nothing from the plan that is used meanwhile; it costs nothing
            "plan_id": lambda now: now.plan_id or there.id,
            "planned_at": lambda now: now.planned_at or provider.clock.now(),
            "status": lambda now: now.status or StatusCode.RECEIVED,
        },
    )
    if isinstance(made, Wait):
        session.note(wait=made)
    elif made.note:
        session.ledger.record(session.reference, "plan note", made.note)


def _quote(session: OrderSession, record: OrderRecord) -> None:
    """Ask for price and feasibility; the candidate is then the order's whole window, or what is left of it.

    Of two processes that ask at once, the candidate of the first is taken: a create is looked for by what it asks for.
    """
    provider, ledger, reference = session.provider, session.ledger, session.reference
    provider.learn_time()
    order = _for_the_rest(session, record)
    order.window.refuse_if_past(provider.clock.now())
    window = Candidate(
        id=WHOLE_WINDOW,
        start=order.window.start,
        end=order.window.end,
        attempt=record.attempt,
        note=earlier_requests(record).strip(),
    )
    if not isinstance(provider, Quotes):
        (window,) = priced(provider, order, [window])
        _refuse_over_budget(session, window)
        ledger.record(
            reference,
            candidate=lambda now: now.candidate or window,
            approval_question=lambda now: now.approval_question if now.candidate is not None else None,
            approval_asked=lambda now: now.approval_asked if now.candidate is not None else None,
        )
        return
    quote = provider.quote(order)
    told = {"price": quote.price, "currency": quote.currency} if quote.price is not None else {}
    window = window.model_copy(update={"valid_until": quote.valid_until, "quoted": quote.quoted, **told})
    (window,) = priced(provider, order, [window])
    _refuse_over_budget(session, window)
    price = f"{quote.price} {quote.currency}" if quote.price is not None else "no price given"
    ledger.record(
        reference,
        "quoted",
        "; ".join([f"Feasible, {price}", *quote.notes]),
        candidate=lambda now: now.candidate or window,
        approval_question=lambda now: now.approval_question if now.candidate is not None else None,
        approval_asked=lambda now: now.approval_asked if now.candidate is not None else None,
        price=quote.price,
        currency=quote.currency,
    )


def _refuse_over_budget(session: OrderSession, window: Candidate) -> None:
    """End the order before a person is asked; raises `OverBudget`."""
    (why,) = why_over_budget(session.ledger, session.provider, session.order, session.reference, [window])
    if why is not None:
        raise OverBudget(StatusCode.REJECTED, f"Nothing was ordered: {why}")


def _for_the_rest(session: OrderSession, record: OrderRecord) -> Order:
    current, order = record.current_request, session.order
    if current is None:
        return order.model_copy(update={"window": until_needed(order, order.window)})
    rest = traits(session.provider, session.order, record).rest_of_window
    if rest is None:
        raise OrderEnded(current.last.status or StatusCode.FAILED, "Too little of the window is left for another try.")
    return order.model_copy(update={"window": until_needed(order, rest)})


def half_time(there: Plan, now: datetime) -> float:
    """Seconds (provider time) after which a plan may be ready early; five minutes once half the time is over."""
    half = (there.candidates_at - there.created) / 2
    return max(min(there.created + half - now, half).total_seconds(), 300.0)
