"""What people are going to do to an order, and when: drawn."""

from __future__ import annotations

import random

from chaos.fail_point import FailPoint, Kind
from chaos.fault_plan import Fault, FaultKind, FaultPlan
from chaos.orders import Moment, TestOrder
from devstack.kits import KITS

ACTS = ("twin", "sent twice", "pressed", "rescheduled", "cancelled")
"""What people do: a second run with the same reference; the same trigger once more; Run now on a run that waits; a new
start whatever the run is doing; a cancel."""

INTENT = FailPoint(kind="ledger", what="request intended")
"""Where a request is announced for the first time."""


def with_people(subject: TestOrder, chance: random.Random, share: float) -> TestOrder:
    """The order, with what people do to it, if anything.

    Half falls into the first storm, the rest into the one after the provider's time has jumped; half of the triggers
    and new starts come after the run's end instead. Half of the twins are sent together with the first. Half of the
    cancels come when the request is announced, and half of those find the order's process killed just then. After half
    of the cancels the order's run is started anew once it has ended.
    """
    if chance.random() >= share:
        return subject
    act = chance.choice(ACTS)
    moment: Moment = chance.choice(("in the first storm", "after the jump"))
    if act in ("sent twice", "rescheduled"):
        moment = chance.choice((moment, "after the end"))
    elif act == "twin" and chance.random() < 0.5:
        moment = "in the same second"
    elif act == "cancelled" and chance.random() < 0.5:
        moment = "at the announcement"
    acts: tuple[str, ...] = (act,)
    moments: tuple[Moment, ...] = (moment,)
    plan = subject.plan
    if moment == "at the announcement" and chance.random() < 0.5 and all(one.at != INTENT for one in plan.faults):
        plan = FaultPlan(faults=(*plan.faults, Fault(at=INTENT, kind="killed after")))
    if act == "cancelled" and chance.random() < 0.5:
        acts, moments = (act, "rescheduled"), (moment, "after the end")
    return subject.model_copy(update={"acts": acts, "moments": moments, "plan": plan})


def cancel_plan(provider: str, chance: random.Random) -> FaultPlan:
    """Where a run of cancel-order is killed: which of these it comes to depends on where the order is."""
    places: list[tuple[Kind, str, tuple[FaultKind, ...]]] = [
        ("ledger", "cancel asked", ("killed before", "killed after")),
        ("ledger", "ended", ("killed before", "killed after")),
    ]
    if call := KITS[provider].cancel_call:
        places.append(("provider", call, ("killed before", "killed while sent", "killed after")))
    some = chance.sample(places, 2)
    faults = (Fault(at=FailPoint(kind=kind, what=what), kind=chance.choice(ways)) for kind, what, ways in some)
    return FaultPlan(faults=tuple(faults))
