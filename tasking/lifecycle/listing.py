"""The candidates of a plan: listed and ranked."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import cast

from tasking.area import area_from
from tasking.candidate import Candidate, at_one_time, same_pass
from tasking.errors import NotFound
from tasking.ledger import OrderRecord
from tasking.lifecycle.in_time import without_late_ones
from tasking.lifecycle.planning import half_time
from tasking.lifecycle.polling import our_time_in
from tasking.lifecycle.pricing import left_to_spend, priced, within_budget
from tasking.lifecycle.session import OrderSession
from tasking.lifecycle.several import holds
from tasking.lifecycle.standing import requests_as_they_stand
from tasking.lifecycle.state import Listed, SetOffer
from tasking.money import Money
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
        listed = priced(provider, session.order, plans.candidates(record.plan_id, session.order))
    except NotFound:
        session.note(plan_gone=True)
        return
    # a pass that was requested before may be listed again under a new id: it is the same capture
    requested = [one.candidate for one in record.requests if one.candidate is not None]
    again = [one.id for one in listed if any(same_pass(one, before) for before in requested)]
    excluded = [*record.candidates_dropped, *again]
    several = session.order.most_captures > 1
    ranked = ranked_for(session.order, listed, now, excluded, any_coverage=several)
    ledger.record(reference, candidates_seen=lambda now: max(now.candidates_seen, len(ranked)))
    for_a_person: Sequence[RankedCandidate] = ()
    if several:
        offer = offer_of(session, record, ranked, now)
        session.note(listed=Listed(there, tuple(ranked), offer=offer))
        return
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
        weights=order.weights,
    )
    ranked = without_late_ones(order, ranked)
    if not any_coverage or least is None or order.most_captures > 1:
        return ranked
    note = f"The order asks for {least:g} % of the area at least"
    return [one.model_copy(update={"candidate": one.candidate.model_copy(update={"note": note})}) for one in ranked]


def offer_of(session: OrderSession, record: OrderRecord, ranked: Sequence[RankedCandidate], now: datetime) -> SetOffer:
    """The captures that together serve an order best, beside what is requested already; see `tasking.capture_sets`.

    Args:
        session: Of an order of several captures.
        record: As it stands.
        ranked: What is listed; what can be used may be taken.
        now: The provider's time.
    """
    from tasking.capture_sets import FixedCapture, SetWish, best_set

    order, left = session.order, _left(session, record, [one.candidate for one in ranked if one.usable])
    held = [one for one in record.requests if holds(order, one, now) and one.candidate is not None]
    aim = record.coverage_aim_percent if record.requests else order.least_coverage_percent
    wish = SetWish(
        coverage_min_percent=aim,
        max_captures=max(order.most_captures - len(held), 0),
        budget=None if left is None else left.amount,
        currency=None if left is None else left.currency,
        max_days_apart=order.most_days_apart,
    )
    fixed = [
        FixedCapture(footprint=it.footprint, start=it.start, end=it.end, platform=it.platform)
        for one in held
        if (it := one.candidate) is not None
    ]
    found = best_set(area_from(order.footprint), ranked, wish, fixed)
    beside = requests_as_they_stand(record)
    if left is not None and (found is None or not found.members):  # over budget ends it, and says by how much
        within_budget(session.ledger, session.provider, order, record, [one for one in ranked if one.usable])
    if found is None or not found.members:
        return SetOffer((), 0.0, False, "nothing that is listed covers more of the area", beside)
    members = tuple(
        one.candidate.model_copy(update={"area_covered_percent": one.coverage_percent}) for one in found.members
    )
    message = found.sentence.rstrip(".")
    return SetOffer(members, found.coverage_percent or 0.0, found.enough, message[:1].lower() + message[1:], beside)


def _left(session: OrderSession, record: OrderRecord, usable: Sequence[Candidate]) -> Money | None:
    """What may still be spent, where something usable has a price in the currency of the limits."""
    priced_in = {one.currency: one for one in reversed(usable) if one.price is not None}
    for one in reversed(priced_in.values()):
        left = left_to_spend(session.ledger, session.provider, session.order, record.reference, one)
        if left is not None:
            return left
    return None


def _same_pass(one: Candidate, other: Candidate) -> bool:
    return one.id == other.id or at_one_time(one, other)
