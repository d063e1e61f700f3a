"""A candidate is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasking.approval import MOST_OFFERS, Asked, Offer
from tasking.candidate import Candidate
from tasking.ledger import OrderRecord, Revision
from tasking.lifecycle.pricing import within_budget
from tasking.lifecycle.session import OrderSession
from tasking.lifecycle.standing import requested, requests_as_they_stand
from tasking.lifecycle.state import Listed, SetOffer
from tasking.ranking import RankedCandidate


class Chosen(NamedTuple):
    """What was chosen, and the list it was chosen from; of several captures, they are requested in this order."""

    candidates: Sequence[Candidate]
    ranked: Sequence[RankedCandidate]


def choose(session: OrderSession, *, any_coverage: bool = False) -> Chosen:
    """Take the best candidate that may be bought of what was listed, or the best set, and write it down.

    Where another process has chosen meanwhile, its choice stands.

    Args:
        session: The order's.
        any_coverage: Also one that covers less than the order asks for.

    Raises:
        OverBudget: None of them is within what may be spent.
    """
    assert session.seen.listed is not None, "listed before"
    if session.seen.listed.offer is not None:
        return _choose_several(session, session.seen.listed, session.seen.listed.offer)
    ranked = session.seen.listed.for_a_person if any_coverage else session.seen.listed.ranked
    usable = [one for one in ranked if one.usable]
    allowed = within_budget(session.ledger, session.provider, session.order, session.record(), usable)
    best = allowed[0]
    reference = session.reference

    def change(now: OrderRecord) -> Revision:
        if now.candidate is not None or now.in_doubt:
            return Revision(None, "", {})
        fields = {
            "candidate": _as_found(best, now),
            "approval_question": None,
            "approval_asked": Asked(offers=_offers(allowed, now)) if session.order.require_approval else None,
            "detail": {"score": best.score, "of": len(ranked)},
        }
        return Revision("chosen", f"Chose candidate {best.candidate.id}: {best.reason}", fields)

    record = session.ledger.revise(reference, change)
    return Chosen([record.candidate or best.candidate], ranked)


def _choose_several(session: OrderSession, listed: Listed, offer: SetOffer) -> Chosen:
    """Take the set that was found; not where another process has chosen, or a request stands otherwise by now."""
    least = session.order.least_coverage_percent
    aim = offer.covers_percent if least is None else min(least, offer.covers_percent)

    def change(now: OrderRecord) -> Revision:
        undecided = now.candidate is None or requested(now)
        if not undecided or now.next_candidates or now.in_doubt or requests_as_they_stand(now) != offer.beside:
            return Revision(None, "", {})
        first, *others = offer.candidates
        whole = Offer(candidates=offer.candidates, reason=offer.message)
        names = ", ".join(one.id for one in offer.candidates)
        fields = {
            "candidate": first.model_copy(update={"attempt": now.attempt}),
            "next_candidates": others,
            "approved_candidate_id": None,
            "approval_question": None,
            "approval_asked": Asked(offers=(whole,)) if session.order.require_approval else None,
            "coverage_aim_percent": now.coverage_aim_percent if now.requests else aim,
            "captures_cover_percent": round(offer.covers_percent, 2),
            "detail": {"of": len(listed.ranked)},
        }
        message = f"Chose {len(offer.candidates)} of {len(listed.ranked)}: {offer.message}. Candidates {names}"
        return Revision("chosen", message, fields)

    record = session.ledger.revise(session.reference, change)
    session.note(listed=None, polled=None)
    chosen = [*([record.candidate] if record.candidate is not None else []), *record.next_candidates]
    return Chosen(chosen, listed.ranked)


def _as_found(one: RankedCandidate, record: OrderRecord) -> Candidate:
    """A candidate as it is requested, with what it covers."""
    facts = {"area_covered_percent": one.coverage_percent, "attempt": record.attempt}
    return one.candidate.model_copy(update=facts)


def _offers(ranked: Sequence[RankedCandidate], record: OrderRecord) -> tuple[Offer, ...]:
    """What a person may choose among, by number, the best first."""
    return tuple(
        Offer(candidates=(_as_found(one, record),), reason=one.reason, score=one.score) for one in ranked[:MOST_OFFERS]
    )
