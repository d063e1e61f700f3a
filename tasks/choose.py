"""Choose a candidate, once there are some."""

from __future__ import annotations

from tasking import lifecycle
from tasking.candidate import Candidate
from tasking.order import Order
from tasking.waiting import Wait
from tasks.show import show_candidates
from tasks.step import ledger_and_provider, step


@step("choose")
def choose(order: Order, reference: str) -> Candidate | Wait:
    """The candidate to request: the one chosen before while it holds, else the best of a fresh list."""
    with ledger_and_provider(order.account) as (ledger, provider):
        lifecycle.revive(ledger, provider, reference)
        if (before := lifecycle.chosen(ledger, provider, reference)) is not None:
            return before
        ranked = lifecycle.candidates(ledger, provider, order, reference)
        if isinstance(ranked, Wait):
            return ranked
        best = lifecycle.choose(ledger, reference, ranked)
    show_candidates(order, reference, ranked, best)
    return best
