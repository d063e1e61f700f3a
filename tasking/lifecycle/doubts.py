"""What became of an announced request that nobody will send again: it may be bought as well."""

from __future__ import annotations

from typing import Any

from tasking import create
from tasking.candidate import Candidate
from tasking.ledger import Intent, OrderRecord, RequestRecord
from tasking.lifecycle.next_try import wish_of
from tasking.lifecycle.session import OrderSession
from tasking.money import money
from tasking.provider import Provider, TaskingRequest
from tasking.waiting import Wait


def columns(
    provider: Provider,
    record: OrderRecord,
    attempt: int,
    label: str,
    candidate: Candidate | None,
    there: TaskingRequest,
) -> dict[str, Any]:
    """The ledger's columns that follow from a request that stands at the provider.

    One that the order knows already is left as it was read last. Two may carry one label: both are bought then. With
    the candidate of the last request the order counts as requested; of several captures, an answer that comes late
    changes nothing about the one that is requested next.
    """
    price = money(candidate.price, candidate.currency) if candidate is not None else None
    price = price or money(record.price, record.currency)  # of a quote that older code kept there alone
    ours = RequestRecord(
        attempt=attempt,
        label=label,
        candidate=candidate,
        last=there,
        plan_id=record.plan_id,
        price=price.amount if price is not None else None,
        currency=price.currency if price is not None else None,
    )

    def requests(now: OrderRecord) -> list[RequestRecord]:
        return [] if any(one.last.id == there.id for one in now.requests) else [ours]

    def chosen(now: OrderRecord) -> Candidate | None:
        late = now.captures_cover_percent is not None and any(one.label == label for one in now.requests)
        pending = now.candidate is not None and all(one.candidate != now.candidate for one in now.requests)
        return now.candidate if late and pending else candidate

    clock = provider.clock
    return {
        "requests": requests,
        "candidate": chosen,
        "status": there.status,
        "provider_status": there.provider_status,
        "next_poll_at": clock.local(clock.in_seconds(provider.poll_interval_seconds)),
    }


def settle(session: OrderSession) -> None:
    """Find out what became of each announced request; what is found is the order's, and is followed.

    Raises:
        ProviderError: The provider cannot be asked.
    """
    before = len(session.record().requests)
    answer = settle_doubts(session, beside=None)
    found = len(session.record().requests) > before
    session.note(wait=answer, polled=None, end=None if found else session.seen.end)


def settle_doubts(session: OrderSession, beside: str | None) -> Wait | None:
    """Find out what became of each announced request but the one with the label ``beside``.

    Returns:
        A `Wait` while one settles, ``None`` when all is known.

    Raises:
        ProviderError: The provider cannot be asked.
    """
    for intent in session.record().open_requests:
        if intent.label == beside:
            continue
        answer = _settle(session, session.record(), intent)
        if isinstance(answer, Wait):
            return answer
    return None


def _settle(session: OrderSession, record: OrderRecord, intent: Intent) -> TaskingRequest | Wait | None:
    provider = session.provider
    alike = [one for one in record.requests if one.label == intent.label]
    candidate, attempt = (alike[0].candidate, alike[0].attempt) if alike else (record.candidate, record.attempt)
    known = [one.last.id for one in record.requests]
    wish = session.order if candidate is None else wish_of(session.order, candidate)
    return create.settle(
        session.ledger,
        provider,
        session.reference,
        intent,
        find=lambda: provider.find_request(wish, record.plan_id, intent.label, known, True),
        made=lambda there: columns(provider, record, attempt, intent.label, candidate, there),
    )
