"""The capture is ordered: the step that costs money."""

from __future__ import annotations

from tasking.candidate import Candidate
from tasking.create import create_once
from tasking.errors import CredentialsRefused, NotFound, OrderEnded, OverBudget, Refused
from tasking.ledger import OrderRecord
from tasking.lifecycle.doubts import columns
from tasking.lifecycle.next_try import wish_of
from tasking.lifecycle.pricing import charge_of, price_of
from tasking.lifecycle.session import OrderSession
from tasking.lifecycle.standing import earlier_requests, requested
from tasking.order import Order
from tasking.provider import Plans, Provider
from tasking.status import StatusCode
from tasking.waiting import Wait


def request(session: OrderSession) -> None:
    """Order the chosen candidate, once; what was announced before is settled first.

    Of a set all that is left of it has to stay within the limits: none is begun that cannot be bought whole. Nothing is
    sent when another process of ours has gone on meanwhile: it is decided anew then.

    Raises:
        OrderEnded: The provider refuses for a reason that another candidate does not cure, or it is over budget.
    """
    if session.order.dry_run:
        raise RuntimeError(f"{session.reference} is a dry run: it requests nothing")
    ledger, provider, reference, record = session.ledger, session.provider, session.reference, session.record()
    candidate = record.candidate
    if candidate is None or requested(record) or not (record.in_doubt or _is_approved(session.order, record)):
        return
    plan_id, label, wish = record.plan_id, record.label, wish_of(session.order, candidate)
    earlier = [one.last.id for one in record.requests]
    after = tuple(price_of(provider, session.order, one) for one in record.next_candidates)
    try:
        made = create_once(
            ledger,
            provider,
            reference,
            "request",
            label,
            find=lambda: provider.find_request(wish, plan_id, label, earlier, ledger.read(reference).in_doubt),
            create=lambda: provider.request(wish, plan_id, candidate, label),
            made=lambda there: columns(provider, record, record.attempt, label, candidate, there),
            still_wished=lambda now: (
                now.candidate == candidate
                and now.next_candidates == record.next_candidates
                and now.deferred_end is None
                and _is_approved(session.order, now)
            ),
            charge=charge_of(provider, session.order, candidate, record).model_copy(update={"after": after}),
        )
    except OverBudget as over:
        raise OverBudget(over.status, f"Not requested: {over}{earlier_requests(record)}") from over
    # from here on nothing is in doubt: what keeps us from looking for an announced request is no `Refused`
    except CredentialsRefused as error:
        message = f"Not requested: the account may not order: {error}{earlier_requests(record)}"
        raise OrderEnded(StatusCode.REJECTED, message) from error
    except Refused as error:
        if not _lost(provider, session.order, plan_id, candidate):
            message = f"Not requested: {error}{earlier_requests(record)}"
            raise OrderEnded(StatusCode.REJECTED, message) from error
        session.note(polled=None, lost=f"the provider no longer offers it ({error})")
        return
    session.note(polled=None, wait=made if isinstance(made, Wait) else None)


def _is_approved(order: Order, record: OrderRecord) -> bool:
    """Whether a person has approved the very candidate that is chosen, if that is asked for."""
    candidate = record.candidate
    return not order.require_approval or (candidate is not None and record.approved_candidate_id == candidate.id)


def _lost(provider: Provider, order: Order, plan_id: str | None, candidate: Candidate) -> bool:
    """Whether the candidate itself is gone: expired, or replaced by the provider since it was listed."""
    now = provider.clock.now()
    if now >= candidate.end or (candidate.valid_until is not None and now >= candidate.valid_until):
        return True
    if plan_id is None or not isinstance(provider, Plans):
        return False
    try:
        return candidate.id not in {one.id for one in provider.candidates(plan_id, order)}
    except (NotFound, OrderEnded):  # the plan itself is forgotten, and its candidates with it
        return True
