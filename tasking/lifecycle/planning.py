"""Before an order is placed: a plan and its candidates where the provider has them, else a quote."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tasking.area import area_from
from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.choice import Ranked, rank
from tasking.create import create_once
from tasking.errors import InvalidOrder, NotFound, OrderEnded, Refused, Unavailable
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.choosing import requested
from tasking.lifecycle.labels import in_doubt, label, plan_label
from tasking.lifecycle.outlasting import outlast
from tasking.lifecycle.pausing import look_after
from tasking.order import Order
from tasking.provider import Plan, Plans, Provider, Quotes
from tasking.status import StatusCode
from tasking.waiting import Wait, readable, wait_until

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
        if record.candidate is None and not record.requests:
            _quote(ledger, provider, order, reference)
    except (InvalidOrder, Refused) as no:
        raise OrderEnded(StatusCode.REJECTED, f"Not planned: {no}") from no
    return None


def _plan(ledger: Ledger, provider: Provider, order: Order, record: OrderRecord) -> Wait | None:
    assert isinstance(provider, Plans)
    if record.plan_id is not None:
        return None
    plans, reference, tag = provider, record.reference, plan_label(record)

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
            "plan_id": there.id,
            "planned_at": provider.clock.now(),
            "status": StatusCode.RECEIVED,
        },
    )
    if isinstance(made, Wait):
        return made
    if made.note:
        ledger.record(reference, "plan note", made.note)
    return None


def _quote(ledger: Ledger, provider: Provider, order: Order, reference: str) -> None:
    """Ask for price and feasibility; the candidate is then the order's whole window."""
    provider.learn_time()
    order.window.refuse_if_past(provider.clock.now())
    window = Candidate(id=WHOLE_WINDOW, start=order.window.start, end=order.window.end)
    if not isinstance(provider, Quotes):
        ledger.record(reference, candidate=window)
        return
    quote = provider.quote(order)
    window = window.model_copy(update={"valid_until": quote.valid_until, "quoted": quote.quoted})
    price = f"{quote.price} {quote.currency}" if quote.price is not None else "no price given"
    ledger.record(
        reference,
        "quoted",
        "; ".join([f"Feasible, {price}", *quote.notes]),
        candidate=window,
        price=quote.price,
        currency=quote.currency,
    )


def candidates(ledger: Ledger, provider: Provider, order: Order, reference: str) -> list[Ranked] | Wait | None:
    """The candidates of the plan, ranked, the best first; waits until there is one that can be requested.

    Returns:
        The candidates; a `Wait`; or ``None`` when the provider has forgotten the plan and another must be made.

    Raises:
        OrderEnded: Not feasible (none came within the provider's time and our patience), or the window is over.
    """
    assert isinstance(provider, Plans), "only what plans has candidates"
    record = ledger.read(reference)
    assert record.plan_id is not None, "planned before"
    try:
        there = provider.read_plan(record.plan_id)
    except NotFound:
        return _forgotten(ledger, provider, record)
    now = provider.clock.now()
    ledger.record(reference, look_after=look_after(provider, half_time(there, now)), changed_at=None)
    if not there.ready and now < there.candidates_at:
        message = f"Waiting for candidates, expected by {readable(there.candidates_at)}"
        return wait_until(provider.clock, there.candidates_at, "candidates", message)
    try:
        listed = provider.candidates(record.plan_id, order)
    except NotFound:
        return _forgotten(ledger, provider, record)
    # a pass that was requested before may be listed again under a new id: it is the same capture
    requested = [one.candidate for one in record.requests if one.candidate is not None]
    again = [one.id for one in listed if any(_same_pass(one, before) for before in requested)]
    ranked = rank(
        area_from(order.footprint),
        listed,
        order.select,
        now,
        [*record.candidates_dropped, *again],
        window=order.window,
        off_nadir_range=order.off_nadir_range,
        sun_elevation_range=order.sun_elevation_range,
        needs_daylight=order.needs_daylight,
    )
    seen = max(record.candidates_seen, len(ranked))
    ledger.record(reference, candidates_seen=seen)
    if any(one.usable for one in ranked):
        return ranked
    return _none_yet(provider, order, there, ranked, seen)


def _none_yet(provider: Provider, order: Order, there: Plan, ranked: Sequence[Ranked], seen: int) -> Wait:
    now = provider.clock.now()
    if now >= order.window.end:
        raise OrderEnded(StatusCode.EXPIRED, _none_left(order, ranked, seen))
    again = min(provider.clock.in_seconds(provider.poll_interval_seconds / 3), order.window.end)
    if seen:
        until = readable(order.window.end)
        message = f"No candidate that can be requested now; listing again until {until}"
        return wait_until(provider.clock, again, "candidates", message)
    if now >= there.patience_until:
        raise OrderEnded(
            StatusCode.REJECTED,
            f"Not feasible: the provider found no candidate by {readable(there.patience_until)}. "
            "Order again with a longer window, a wider off-nadir range or more satellites.",
        )
    message = f"No candidate yet; asking until {readable(there.patience_until)}"
    return wait_until(provider.clock, min(again, there.patience_until), "candidates", message)


def _forgotten(ledger: Ledger, provider: Provider, record: OrderRecord) -> Wait | None:
    """A plan that is not found: a new one may take a moment to show; an old one is gone.

    Raises:
        Unavailable: A request on it may have arrived, and would not be found under another plan.
    """
    if in_doubt(ledger, record):
        raise Unavailable(
            f"It is not known yet whether the request {label(record)} arrived, and the provider does not know its "
            f"plan {record.plan_id} just now"
        )
    fresh = timedelta(seconds=provider.settle_seconds)
    if record.planned_at is not None and provider.clock.now() - record.planned_at < fresh:
        message = f"The provider does not show plan {record.plan_id} yet"
        again = provider.clock.in_seconds(provider.settle_seconds / 3)
        return wait_until(provider.clock, again, "candidates", message)
    message = f"The provider no longer knows plan {record.plan_id}; planning again"
    count = record.plans_forgotten + 1
    if count > MOST_PLANS:
        raise OrderEnded(StatusCode.FAILED, f"The provider forgot {count} plans one after the other; ask it why")
    ledger.record(record.reference, "plan forgotten", message, plan_id=None, planned_at=None, plans_forgotten=count)
    return None


def _same_pass(one: Candidate, other: Candidate) -> bool:
    same_satellite = one.platform == other.platform
    return one.id == other.id or (same_satellite and one.start < other.end and other.start < one.end)


def half_time(there: Plan, now: datetime) -> float:
    """Seconds (provider time) after which a plan may be ready early; five minutes once half the time is over."""
    half = (there.candidates_at - there.created) / 2
    return max(min(there.created + half - now, half).total_seconds(), 300.0)


def _none_left(order: Order, ranked: Sequence[Ranked], seen: int) -> str:
    if not seen:
        return f"Not feasible: no candidate before the window ended at {readable(order.window.end)}"
    why = sorted({one.why_not for one in ranked if one.why_not})
    note = f" The last ones: {'; '.join(why[:3])}." if why else ""
    return (
        f"No candidate left that could be requested before the window ended at {readable(order.window.end)}.{note} "
        "Order again with a new window and a new reference."
    )
