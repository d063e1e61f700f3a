"""Reading how all open orders of an account stand, in as few calls as possible."""

from __future__ import annotations

from collections.abc import Sequence

from tasking import lifecycle
from tasking.errors import CredentialsRefused, Unavailable
from tasking.ledger import Ledger, OrderRecord
from tasking.provider import Plans, Provider


def look(ledger: Ledger, provider: Provider, records: Sequence[OrderRecord]) -> int:
    """Ask the provider about the orders that may have changed and write down what it says.

    An order is left alone until its ``look_after``: the run itself, or the last look, has asked recently enough. Orders
    whose run can go on get ``changed_at``; waking them is the caller's.

    Args:
        ledger: Where the orders are.
        provider: The provider of one account.
        records: That account's open orders.

    Returns:
        How many orders were asked about.

    Raises:
        ProviderError: The account cannot be asked.
    """
    now = ledger.now()
    due = [one for one in records if one.look_after is not None and one.look_after <= now]
    waiting = [one for one in due if one.waits_for in ("imagery", "products", "provider") and one.requests]
    candidates = {key: what for one in waiting for key, what in lifecycle.ordered(one).items()}
    known = {key: what for one in waiting for key, what in lifecycle.last_read(one).items()}
    answers = provider.read(list(known), candidates, known) if known else {}
    for one in waiting:
        lifecycle.note_answers(ledger, provider, one, answers, seen_by_watcher=True)
    planned = [one for one in due if one.waits_for == "candidates" and one.plan_id is not None]
    try:
        _look_at_plans(ledger, provider, planned)
    except (Unavailable, CredentialsRefused):
        if not waiting:  # else the account was answered just now
            raise
    return len(waiting) + len(planned)


def _look_at_plans(ledger: Ledger, provider: Provider, records: Sequence[OrderRecord]) -> None:
    """Wake the orders whose plans are ready. A plan that is not there is for the run itself to judge when it wakes.

    Raises:
        Unavailable, CredentialsRefused: None of the plans was answered for.
    """
    if not records:
        return
    assert isinstance(provider, Plans)
    plans = provider.read_plans([one.plan_id for one in records if one.plan_id is not None])
    for one in records:
        plan = plans.get(one.plan_id or "")
        if plan is None:
            continue
        after = lifecycle.look_after(provider, lifecycle.half_time(plan, provider.clock.now()))
        ready = plan.ready and one.candidates_seen == 0
        ledger.record(one.reference, look_after=after, changed_at=ledger.now() if ready else None)
