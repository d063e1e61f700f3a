"""The candidates of a plan: listed and ranked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast

from tasking.area import area_from
from tasking.candidate import Candidate, same_pass
from tasking.errors import NotFound
from tasking.lifecycle.in_time import without_late_ones
from tasking.lifecycle.planning import half_time
from tasking.lifecycle.polling import our_time_in
from tasking.lifecycle.session import OrderSession
from tasking.lifecycle.state import Listed
from tasking.order import Order
from tasking.provider import Plans
from tasking.ranking import RankedCandidate, most_covering, rank


def list_candidates(session: OrderSession) -> None:
    """See whether the plan is ready; if it may be, what it offers, ranked.

    Raises:
        OrderEnded: The provider says that there is none for this order, nor will there be.
    """
    provider, ledger, reference, record = session.provider, session.ledger, session.reference, session.record()
    plans = cast(Plans, provider)
    assert record.plan_id is not None, "planned before"
    try:
        there = plans.read_plan(record.plan_id)
        now = provider.clock.now()
        ledger.record(reference, next_poll_at=our_time_in(provider, half_time(there, now)), news_at=None)
        session.note(plan=there)
        if not there.ready and now < there.candidates_at:
            return
        listed = plans.candidates(record.plan_id, session.order)
    except NotFound:
        session.note(plan_gone=True)
        return
    # a pass that was requested before may be listed again under a new id: it is the same capture
    requested = [one.candidate for one in record.requests if one.candidate is not None]
    again = [one.id for one in listed if any(same_pass(one, before) for before in requested)]
    excluded = [*record.candidates_dropped, *again]
    ranked = ranked_for(session.order, listed, now, excluded)
    ledger.record(reference, candidates_seen=lambda now: max(now.candidates_seen, len(ranked)))
    for_a_person: Sequence[RankedCandidate] = ()
    nothing_usable = not any(one.usable for one in ranked)
    if session.order.require_approval and nothing_usable and most_covering(ranked) is not None:
        for_a_person = ranked_for(session.order, listed, now, excluded, any_coverage=True)
    session.note(listed=Listed(there, tuple(ranked), tuple(for_a_person)))


def ranked_for(
    order: Order, listed: Sequence[Candidate], now: datetime, excluded: Collection[str], *, any_coverage: bool = False
) -> list[RankedCandidate]:
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
    ranked = without_late_ones(order, ranked)
    if not any_coverage or least is None:
        return ranked
    note = f"The order asks for {least:g} % of the area at least"
    return [one.model_copy(update={"candidate": one.candidate.model_copy(update={"note": note})}) for one in ranked]
