"""The capture is ordered: the step that costs money."""

from __future__ import annotations

from tasking.candidate import Candidate
from tasking.create import create_once
from tasking.errors import CredentialsRefused, NotFound, OrderEnded, Refused
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.choosing import chosen, drop, requested
from tasking.lifecycle.doubts import columns, settle_doubts
from tasking.lifecycle.next_try import told, wish_of
from tasking.order import Order
from tasking.provider import Plans, Provider, Request
from tasking.status import StatusCode
from tasking.waiting import Wait


def request(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Request | Wait | None:
    """Order the chosen candidate, once; ``None`` when another must be chosen, or a person be asked about this one.

    Raises:
        OrderEnded: The provider refuses for a reason that another candidate does not cure.
    """
    candidate = chosen(ledger, provider, reference)
    record = ledger.read(reference)
    if requested(record) and record.current_request is not None:
        return record.current_request.last
    if candidate is None or not _may_be_bought(order, record, candidate):
        return None
    plan_id, tag, wish = record.plan_id, record.label, wish_of(order, candidate)
    if any(one.label != tag for one in record.open_requests):  # it may be bought already: look anew then
        return settle_doubts(ledger, provider, order, reference, beside=tag)
    earlier = [one.last.id for one in record.requests]

    try:
        return create_once(
            ledger,
            provider,
            reference,
            "request",
            tag,
            find=lambda: provider.find_request(wish, plan_id, tag, earlier, ledger.read(reference).in_doubt),
            create=lambda: provider.request(wish, plan_id, candidate, tag),
            made=lambda there: columns(provider, record, record.attempt, tag, candidate, there),
        )
    # from here on nothing is in doubt: what keeps us from looking for an announced request is no `Refused`
    except CredentialsRefused as no:
        message = f"Not requested: the account may not order: {no}"
        raise OrderEnded(StatusCode.REJECTED, message + told(record)) from no
    except Refused as no:
        if not _lost(provider, order, plan_id, candidate):
            raise OrderEnded(StatusCode.REJECTED, f"Not requested: {no}{told(record)}") from no
        drop(ledger, ledger.read(reference), f"the provider no longer offers it ({no})")
        return None


def _may_be_bought(order: Order, record: OrderRecord, candidate: Candidate) -> bool:
    """Whether a person has approved this very candidate, if that is asked for.

    Another process of the same run may have chosen another one since. What may be bought already is settled anyway.
    """
    approved = not order.require_approval or record.approved_candidate_id == candidate.id
    return approved or record.in_doubt


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
