"""A candidate is taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tasking.candidate import Candidate
from tasking.choice import Ranked
from tasking.lifecycle.session import OrderSession


class Chosen(NamedTuple):
    """A candidate, and the list it was chosen from."""

    candidate: Candidate
    ranked: Sequence[Ranked]


def choose(session: OrderSession, *, any_coverage: bool = False) -> Chosen:
    """Take the best candidate of what was listed, and write it down with what it covers.

    Args:
        session: The order's.
        any_coverage: Also one that covers less than the order asks for.
    """
    assert session.seen.listed is not None, "listed before"
    ranked = session.seen.listed.for_a_person if any_coverage else session.seen.listed.ranked
    best = next(one for one in ranked if one.usable)
    facts = {"area_covered_percent": best.coverage_percent, "attempt": session.record().attempt}
    candidate = best.candidate.model_copy(update=facts)
    session.ledger.record(
        session.reference,
        "chosen",
        f"Chose candidate {candidate.id}: {best.reason}",
        candidate=candidate,
        detail={"score": best.score, "of": len(ranked)},
    )
    return Chosen(candidate, ranked)
