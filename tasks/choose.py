"""Choose a candidate, once there are some."""

from __future__ import annotations

from tasking import order_steps
from tasking.candidate import Candidate
from tasking.order import Order
from tasking.waiting import Wait
from tasks.show import show_candidates
from tasks.step import BLOCKS, step


@step("choose")
def choose(order: Order, reference: str) -> Candidate | Wait | None:
    """The candidate to request, its list shown on the run's page; see `tasking.order_steps.choose`."""
    chosen = order_steps.choose(BLOCKS, order, reference)
    if not isinstance(chosen, order_steps.Chosen):
        return chosen
    if chosen.ranked:
        show_candidates(order, reference, chosen.ranked, chosen.candidate)
    return chosen.candidate
