"""A plan at the provider, and the candidates it yields."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tasking.candidate import Candidate
from tasking.choice import Ranked, rank
from tasking.create import create_once
from tasking.errors import InvalidOrder, OrderEnded, Refused
from tasking.ledger import Ledger
from tasking.lifecycle.pausing import look_after
from tasking.order import Order
from tasking.provider import Plan, Provider
from tasking.status import StatusCode
from tasking.waiting import Wait, readable, wait_until


def plan(ledger: Ledger, provider: Provider, order: Order, reference: str) -> str | Wait:
    """Have a plan at the provider; hands back its id.

    Raises:
        OrderEnded: The window is over, or the provider refuses the plan.
    """
    record = ledger.read(reference)
    if record.plan_id is not None:
        return record.plan_id

    def create() -> Plan:
        order.window.refuse_if_past(provider.clock.now())
        return provider.plan(order, reference)

    try:
        made = create_once(
            ledger,
            provider,
            reference,
            "plan",
            reference,
            find=lambda: provider.find_plan(order, reference),
            create=create,
            made=lambda there: {"plan_id": there.id, "status": StatusCode.RECEIVED, "failures": 0},
        )
    except (InvalidOrder, Refused) as no:
        raise OrderEnded(StatusCode.REJECTED, f"Not planned: {no}") from no
    return made if isinstance(made, Wait) else made.id


def candidates(ledger: Ledger, provider: Provider, order: Order, reference: str) -> list[Ranked] | Wait:
    """The candidates of the plan, ranked, the best first; waits until there is one that can be requested.

    Raises:
        OrderEnded: Not feasible (none came within the provider's time and our patience), or the window is over.
    """
    record = ledger.read(reference)
    assert record.plan_id is not None, "planned before"
    there = provider.read_plan(record.plan_id)
    now = provider.clock.now()
    ledger.record(reference, look_after=look_after(provider, half_time(there, now)), changed_at=None)
    if not there.ready and now < there.candidates_at:
        return wait_until(
            provider.clock, there.candidates_at, "candidates", f"Waiting for candidates of plan {there.id}"
        )
    listed = provider.candidates(record.plan_id)
    # a pass that was requested before may be listed again under a new id: it is the same capture
    requested = [one.candidate for one in record.requests if one.candidate is not None]
    again = [one.id for one in listed if any(_same_pass(one, before) for before in requested)]
    tried = [*record.candidates_dropped, *again]
    ranked = rank(
        order.area,
        listed,
        order.select,
        now,
        tried,
        window=order.window,
        off_nadir_range=order.off_nadir_range,
        needs_daylight=order.needs_daylight,
    )
    seen = max(record.candidates_seen, len(ranked))
    ledger.record(reference, candidates_seen=seen, failures=0)
    if any(one.usable for one in ranked):
        return ranked
    if now >= order.window.end:
        raise OrderEnded(StatusCode.EXPIRED, _none_left(order, ranked, seen))
    again = min(provider.clock.in_seconds(provider.poll_interval_seconds / 3), order.window.end)
    if seen == 0:
        if now >= there.patience_until:
            raise OrderEnded(
                StatusCode.REJECTED,
                f"Not feasible: the provider found no candidate by {readable(there.patience_until)}. "
                "Order again with a longer window, a wider off-nadir range or more satellites.",
            )
        again = min(again, there.patience_until)
        return wait_until(
            provider.clock, again, "candidates", f"No candidate yet; asking until {readable(there.patience_until)}"
        )
    return wait_until(
        provider.clock,
        again,
        "candidates",
        f"No candidate that can be requested now; listing again until {readable(order.window.end)}",
    )


def _same_pass(one: Candidate, other: Candidate) -> bool:
    same_satellite = one.platform == other.platform
    return one.id == other.id or (same_satellite and one.start < other.end and other.start < one.end)


def half_time(there: Plan, now: datetime) -> float:
    """Seconds (provider time) after which a plan may be ready early; five minutes once half the time is over."""
    half = there.created + (there.candidates_at - there.created) / 2
    return max((half - now).total_seconds(), 300.0)


def _none_left(order: Order, ranked: Sequence[Ranked], seen: int) -> str:
    if not seen:
        return f"Not feasible: no candidate before the window ended at {readable(order.window.end)}"
    why = sorted({one.why_not for one in ranked if one.why_not})
    note = f" The last ones: {'; '.join(why[:3])}." if why else ""
    return (
        f"No candidate left that could be requested before the window ended at {readable(order.window.end)}.{note} "
        "Order again with a new window and a new reference."
    )
