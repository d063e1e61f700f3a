"""An answer that came late, and a request that was sent again meanwhile: the order knows both."""

from __future__ import annotations

from typing import Any

from tasking import create
from tasking.candidate import Candidate
from tasking.ledger import Intent, Ledger, OrderRecord, RequestRecord
from tasking.lifecycle.next_try import wish_of
from tasking.lifecycle.pausing import look_after
from tasking.order import Order
from tasking.provider import Provider, Request
from tasking.waiting import Wait


def columns(
    provider: Provider, record: OrderRecord, attempt: int, tag: str, candidate: Candidate | None, there: Request
) -> dict[str, Any]:
    """The ledger's columns that follow from a request that stands at the provider.

    One that the order knows already is left as it was read last. Two may carry one label: both are bought then.
    """
    ours = RequestRecord(
        attempt=attempt,
        label=tag,
        candidate=candidate,
        last=there,
        plan_id=record.plan_id,
        price=record.price,
        currency=record.currency,
    )

    def requests(now: OrderRecord) -> list[RequestRecord]:
        return [] if any(one.last.id == there.id for one in now.requests) else [ours]

    return {
        "requests": requests,
        "candidate": candidate,
        "status": there.status,
        "provider_status": there.provider_status,
        "look_after": look_after(provider, provider.poll_interval_seconds),
    }


def settle_doubts(
    ledger: Ledger, provider: Provider, order: Order, reference: str, beside: str | None = None
) -> Wait | None:
    """Find out what became of each announced request that is not the order's next: it may be bought as well.

    Args:
        ledger: The order's.
        provider: Where they may stand.
        order: What was ordered.
        reference: Ours.
        beside: The label of the next request, which has its own way to be settled.

    Returns:
        A `Wait` while one settles, else ``None``.
    """
    for intent in ledger.read(reference).open_requests:
        if intent.label == beside:
            continue
        answer = _settle(ledger, provider, order, ledger.read(reference), intent)
        if isinstance(answer, Wait):
            return answer
    return None


def _settle(
    ledger: Ledger, provider: Provider, order: Order, record: OrderRecord, intent: Intent
) -> Request | Wait | None:
    alike = [one for one in record.requests if one.label == intent.label]
    candidate = alike[0].candidate if alike else record.candidate
    known = [one.last.id for one in record.requests]
    wish = order if candidate is None else wish_of(order, candidate)
    return create.settle(
        ledger,
        provider,
        record.reference,
        intent,
        find=lambda: provider.find_request(wish, record.plan_id, intent.label, known, True),
        made=lambda there: columns(provider, record, alike[0].attempt if alike else 1, intent.label, candidate, there),
    )


def twice(record: OrderRecord) -> str:
    """What a person should know of requests under one label, as part of a sentence; empty when there are none."""
    labels = [one.label for one in record.requests]
    ids = [one.last.id for one in record.requests if labels.count(one.label) > 1]
    if not ids:
        return ""
    return (
        f"ordered twice, because an answer came late: requests {' and '.join(ids)} stand at the provider; both are "
        "paid and delivered unless one is called off there"
    )
