"""The candidates of a plan: listed, ranked, and waited for until one can be requested."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from tasking.area import area_from
from tasking.candidate import Candidate
from tasking.choice import Ranked, most_covering, rank
from tasking.coverage import covered_together_percent
from tasking.errors import NotFound, OrderEnded, Unavailable
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.next_try import told
from tasking.lifecycle.pausing import look_after
from tasking.lifecycle.planning import MOST_PLANS, half_time
from tasking.order import Order
from tasking.provider import Plan, Plans, Provider
from tasking.status import StatusCode
from tasking.waiting import Wait, readable, wait_until


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
        return _forgotten(ledger, provider, reference, record.plan_id)
    now = provider.clock.now()
    ledger.record(reference, look_after=look_after(provider, half_time(there, now)), changed_at=None)
    if not there.ready and now < there.candidates_at:
        message = f"Waiting for candidates, expected by {readable(there.candidates_at)}"
        return wait_until(provider.clock, there.candidates_at, "candidates", message)
    try:
        listed = provider.candidates(record.plan_id, order)
    except NotFound:
        return _forgotten(ledger, provider, reference, record.plan_id)
    # a pass that was requested before may be listed again under a new id: it is the same capture
    requested = [one.candidate for one in record.requests if one.candidate is not None]
    again = [one.id for one in listed if any(_same_pass(one, before) for before in requested)]
    excluded = [*record.candidates_dropped, *again]
    ranked = ranked_for(order, listed, now, excluded)
    seen = max(record.candidates_seen, len(ranked))
    ledger.record(reference, candidates_seen=seen)
    if any(one.usable for one in ranked):
        return ranked
    if order.require_approval and now >= there.candidates_at and most_covering(ranked) is not None:
        return ranked_for(order, listed, now, excluded, any_coverage=True)  # a person decides
    return _none_yet(provider, order, there, ranked, record.model_copy(update={"candidates_seen": seen}))


def ranked_for(
    order: Order, listed: Sequence[Candidate], now: datetime, excluded: Collection[str], *, any_coverage: bool = False
) -> list[Ranked]:
    """Candidates ranked as the order wishes.

    Args:
        order: The order.
        listed: What the provider offers.
        now: The provider's time.
        excluded: Candidates that are not to be taken again.
        any_coverage: Also those can be used that cover less than the order's least; each says so in its note.
    """
    least = order.least_coverage_percent
    ranked = rank(
        area_from(order.footprint),
        listed,
        order.select,
        now,
        excluded,
        window=order.window,
        off_nadir_range=order.off_nadir_range,
        sun_elevation_range=order.sun_elevation_range,
        needs_daylight=order.needs_daylight,
        coverage_min_percent=None if any_coverage else least,
    )
    if not any_coverage or least is None:
        return ranked
    note = f"The order asks for {least:g} % of the area at least"
    return [one.model_copy(update={"candidate": one.candidate.model_copy(update={"note": note})}) for one in ranked]


def _none_yet(provider: Provider, order: Order, there: Plan, ranked: Sequence[Ranked], record: OrderRecord) -> Wait:
    now, seen = provider.clock.now(), record.candidates_seen
    if now >= order.window.end:
        raise OrderEnded(StatusCode.EXPIRED, _none_left(order, ranked, seen) + told(record))
    again = min(provider.clock.in_seconds(provider.poll_interval_seconds / 3), order.window.end)
    if most_covering(ranked) is not None and not record.requests and not record.candidates_dropped:
        return _too_little_yet(provider, order, there, ranked, again)
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


def _too_little_yet(provider: Provider, order: Order, there: Plan, ranked: Sequence[Ranked], again: datetime) -> Wait:
    """No candidate ever covered enough: better ones may be listed for as long as an empty list is asked again."""
    best = most_covering(ranked)
    assert best is not None, "the caller has seen it"
    said = (
        f"the best candidate covers {best.coverage_percent:.1f} % of the area, and the order asks for "
        f"{order.least_coverage_percent:g} % at least"
    )
    if provider.clock.now() >= there.patience_until:
        raise OrderEnded(StatusCode.REJECTED, f"Not feasible: {said}. {_what_would_help(order, ranked, best)}")
    until = readable(there.patience_until)
    message = f"{said[0].upper()}{said[1:]}; listing again until {until}"
    return wait_until(provider.clock, min(again, there.patience_until), "candidates", message)


def _what_would_help(order: Order, ranked: Sequence[Ranked], best: Ranked) -> str:
    few = [one.candidate.footprint for one in ranked if one.too_little]
    together = covered_together_percent(area_from(order.footprint), few)
    parts = ""
    if together is not None and best.coverage_percent is not None and together >= best.coverage_percent + 5:
        parts = f" All {len(few)} together cover {together:.1f} %, so several orders of parts of it would cover more."
    return (
        f"Nothing was ordered. Order again, under a new reference, a smaller area or the area in parts; or allow less "
        f"with coverage_min_percent (of this one, {math.floor(best.coverage_percent or 0)}).{parts}"
    )


def _forgotten(ledger: Ledger, provider: Provider, reference: str, plan_id: str) -> Wait | None:
    """A plan that is not found: a new one may take a moment to show; an old one is gone.

    Raises:
        Unavailable: A request on it may have arrived, and would not be found under another plan.
    """
    record = ledger.read(reference)
    if record.in_doubt:
        raise Unavailable(
            f"It is not known yet whether the request {record.label} arrived, and the provider does not know its "
            f"plan {plan_id} just now"
        )
    clock, fresh = provider.clock, timedelta(seconds=provider.settle_seconds)
    if record.planned_at is not None and clock.local(clock.now()) - clock.local(record.planned_at) < fresh:
        message = f"The provider does not show plan {plan_id} yet"
        again = clock.in_seconds(provider.settle_seconds / 3 * clock.rate)
        return wait_until(clock, again, "candidates", message)
    message = f"The provider no longer knows plan {plan_id}; planning again"
    count = record.plans_forgotten + 1
    if count > MOST_PLANS:
        raise OrderEnded(StatusCode.FAILED, f"The provider forgot {count} plans one after the other; ask it why")
    ledger.forget_plan(reference, plan_id, message)
    return None


def _same_pass(one: Candidate, other: Candidate) -> bool:
    same_satellite = one.platform == other.platform
    return one.id == other.id or (same_satellite and one.start < other.end and other.start < one.end)


def _none_left(order: Order, ranked: Sequence[Ranked], seen: int) -> str:
    if not seen:
        return f"Not feasible: no candidate before the window ended at {readable(order.window.end)}"
    why = sorted({one.why_not for one in ranked if one.why_not})
    note = f" The last ones: {'; '.join(why[:3])}." if why else ""
    return (
        f"No candidate left that could be requested before the window ended at {readable(order.window.end)}.{note} "
        "Order again with a new window and a new reference."
    )
