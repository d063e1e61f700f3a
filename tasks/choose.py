"""Choose a candidate, once there are some."""

from __future__ import annotations

from tasking import lifecycle
from tasking.candidate import Candidate
from tasking.order import Order
from tasking.provider import Plans
from tasking.waiting import Wait
from tasks.show import show_candidates
from tasks.step import ledger_and_provider, step


@step("choose")
def choose(order: Order, reference: str) -> Candidate | Wait | None:
    """The candidate to request: the one chosen before while it holds, else the best of a fresh list.

    ``None`` when there is none to choose from because plan or quote must be made anew.
    """
    with ledger_and_provider(order.account) as (ledger, provider):
        lifecycle.revive(ledger, provider, reference)
        if (before := lifecycle.chosen(ledger, provider, reference)) is not None:
            return before
        if not isinstance(provider, Plans):
            return None
        ranked = lifecycle.candidates(ledger, provider, order, reference)
        if ranked is None or isinstance(ranked, Wait):
            return ranked
        best = lifecycle.choose(ledger, reference, ranked)
    show_candidates(order, reference, ranked, best)
    return best
