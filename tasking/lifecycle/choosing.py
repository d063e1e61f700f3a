"""A candidate is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasking.candidate import Candidate
from tasking.ledger import OrderRecord, Revision
from tasking.lifecycle.session import OrderSession
from tasking.ranking import RankedCandidate


class Chosen(NamedTuple):
    """A candidate, and the list it was chosen from."""

    candidate: Candidate
    ranked: Sequence[RankedCandidate]


def choose(session: OrderSession, *, any_coverage: bool = False) -> Chosen:
    """Take the best candidate of what was listed, and write it down with what it covers.

    Where another process has chosen meanwhile, its choice stands.

    Args:
        session: The order's.
        any_coverage: Also one that covers less than the order asks for.
    """
    assert session.seen.listed is not None, "listed before"
    ranked = session.seen.listed.for_a_person if any_coverage else session.seen.listed.ranked
    best = next(one for one in ranked if one.usable)
    reference = session.reference

    def change(now: OrderRecord) -> Revision:
        if now.candidate is not None or now.in_doubt:
            return Revision(None, "", {})
        facts = {"area_covered_percent": best.coverage_percent, "attempt": now.attempt}
        fields = {
            "candidate": best.candidate.model_copy(update=facts),
            "detail": {"score": best.score, "of": len(ranked)},
        }
        return Revision("chosen", f"Chose candidate {best.candidate.id}: {best.reason}", fields)

    record = session.ledger.revise(reference, change)
    return Chosen(record.candidate or best.candidate, ranked)
