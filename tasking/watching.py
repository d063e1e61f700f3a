"""Reading how all open orders of an account stand, in as few calls as possible."""

from __future__ import annotations

from collections.abc import Sequence

from tasking import lifecycle
from tasking.errors import CredentialsRefused, ProviderError, Unavailable
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
        noted = lifecycle.note_answers(ledger, provider, one, answers, seen_by_watcher=True)
        nothing_new = not any(lifecycle.undelivered(noted, request.last) for request in noted.requests)
        if noted.changed_at is not None and nothing_new and lifecycle.is_put_off(ledger, noted):
            ledger.record(one.reference, changed_at=None)  # no other candidate is taken: a rejection changes nothing
    planned = [one for one in due if one.waits_for == "candidates" and one.plan_id is not None]
    refused = [error for one in planned if (error := _look_at_plan(ledger, provider, one)) is not None]
    if refused and len(refused) == len(planned) and not waiting:
        raise refused[-1]  # none was answered: it is about the account
    return len(waiting) + len(planned)


def _look_at_plan(ledger: Ledger, provider: Provider, record: OrderRecord) -> Unavailable | CredentialsRefused | None:
    """What was in the way, if that may be about the account."""
    assert record.plan_id is not None
    assert isinstance(provider, Plans)
    try:
        plan = provider.read_plan(record.plan_id)
    except (Unavailable, CredentialsRefused) as error:
        return error
    except ProviderError:
        return None  # one broken plan stops no other; the run itself says so when it wakes
    after = lifecycle.look_after(provider, lifecycle.half_time(plan, provider.clock.now()))
    ready = plan.ready and record.candidates_seen == 0
    ledger.record(record.reference, look_after=after, changed_at=ledger.now() if ready else None)
    return None
