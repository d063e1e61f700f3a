"""Reading how all open orders of an account stand, in as few calls as possible."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial

from tasking import lifecycle
from tasking.clock import utc_now
from tasking.errors import CredentialsRefused, InvalidOrder, Unavailable
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.actions import Action, Amend, Close, ListCandidates
from tasking.order import Order, order_from
from tasking.provider import Plan, Plans, Provider
from tasking.waiting import Wait

SETTLED_BY_ITS_RUN = "An announced request is settled by the order's run"


def poll_account(ledger: Ledger, provider: Provider, records: Sequence[OrderRecord]) -> int:
    """Ask the provider about the orders that may have changed and write down what it says.

    An order is left alone until its ``next_poll_at``: the run itself, or the last look, has asked recently enough.
    Orders for which something else is next than to wait longer get ``news_at``; waking their runs is the caller's.

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
    due = [one for one in records if one.next_poll_at is not None and one.next_poll_at <= now]
    waiting = [one for one in due if one.waits_for in ("imagery", "products", "provider", "approval") and one.requests]
    candidates = {key: what for one in waiting for key, what in lifecycle.candidates_by_request(one).items()}
    known = {key: what for one in waiting for key, what in lifecycle.requests_by_id(one).items()}
    answers = provider.read(list(known), candidates, known) if known else {}

    for one in waiting:
        is_news = partial(_is_news, provider, _wish(provider, one), answers, one)
        lifecycle.record_statuses(ledger, provider, one.reference, answers, is_news)
    # once candidates were listed the run itself lists them again: that takes a call for each plan
    planned = [
        one for one in due if one.waits_for == "candidates" and one.plan_id is not None and not one.candidates_seen
    ]
    try:
        _poll_plans(ledger, provider, planned)
    except (Unavailable, CredentialsRefused):
        if not waiting:  # else the account was answered just now
            raise
    return len(waiting) + len(planned)


def _poll_plans(ledger: Ledger, provider: Provider, records: Sequence[OrderRecord]) -> None:
    """A plan that is not there is for the run itself to judge when it wakes.

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
        after = lifecycle.our_time_in(provider, lifecycle.half_time(plan, provider.clock.now()))
        wish = _wish(provider, one)
        news = plan.ready and (wish is None or isinstance(_next_action(provider, wish, one, plan=plan), ListCandidates))
        ledger.record(one.reference, next_poll_at=after, news_at=ledger.now() if news else None)


def _wish(provider: Provider, record: OrderRecord) -> Order | None:
    """The order; ``None`` where only newer code, on another machine, can read it."""
    try:
        return order_from(provider.order_type, record.order)
    except InvalidOrder:
        return None


def _is_news(
    provider: Provider, wish: Order | None, answered: Collection[str], before: OrderRecord, record: OrderRecord
) -> bool:
    """Whether the order's run has something else to do than to wait.

    Of several captures, one that cannot be brought home is known to the run, which waits for the others.
    """
    there, known = (
        {(one.last.id, name) for one in each.requests for name in one.undelivered} for each in (record, before)
    )
    if there and (there != known or before.news_at is not None or record.captures_cover_percent is None):
        return True
    if wish is None:
        return record.requests[-1].last.status in lifecycle.ENDED
    if record.failing_step is not None and record.wake_at is not None and record.wake_at > utc_now():
        return False  # it waits an error out, longer each time
    return isinstance(_next_action(provider, wish, record, polled=answered), Close | Amend)


def _next_action(
    provider: Provider, wish: Order, record: OrderRecord, *, polled: Collection[str] = (), plan: Plan | None = None
) -> Action:
    """What the order's run would do now."""
    clock = provider.clock.read()
    doubt = Wait(until=clock.ours, waits_for="settling", message=SETTLED_BY_ITS_RUN) if record.in_doubt else None
    seen = lifecycle.Seen(time_asked=True, polled=lifecycle.Polled(frozenset(polled), doubt), plan=plan)
    return lifecycle.next_action(
        lifecycle.OrderState(record, wish, clock, lifecycle.traits(provider, wish, record), seen)
    )
