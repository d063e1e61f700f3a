"""How the order's requests stand is read, and written down."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tasking.errors import ProviderError, Unavailable, UnexpectedAnswer
from tasking.ledger import Ledger, OrderRecord, RequestRecord, Revision
from tasking.lifecycle.doubts import settle_doubts
from tasking.lifecycle.session import OrderSession
from tasking.lifecycle.standing import candidates_by_request, requested, requests_by_id
from tasking.lifecycle.state import Polled
from tasking.provider import CancelFees, Provider, TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import Wait


def poll(session: OrderSession) -> None:
    """Read how all the order's requests stand, and what became of those announced without a clear answer.

    Raises:
        ProviderError: The provider cannot be asked.
    """
    record = session.record()
    doubt: Wait | ProviderError | None
    try:
        # the next request has its own way to be settled
        doubt = settle_doubts(session, beside=None if requested(record) else record.label)
    except (Unavailable, UnexpectedAnswer) as cannot_look:
        doubt = cannot_look  # what is known to be bought is followed meanwhile
    record = session.record()
    ids = [one.last.id for one in record.requests]
    answers = session.provider.read(ids, candidates_by_request(record), requests_by_id(record)) if ids else {}
    record_statuses(session.ledger, session.provider, session.reference, answers)
    session.note(polled=Polled(frozenset(answers), doubt))


def record_statuses(
    ledger: Ledger,
    provider: Provider,
    reference: str,
    answers: Mapping[str, TaskingRequest],
    is_news: Callable[[OrderRecord], bool] = lambda _after: False,
) -> OrderRecord:
    """Write down what the provider said of an order's requests; a changed word gets its line in the journal.

    Args:
        ledger: Where the order is; what it holds by now is changed, as a run and the watcher may both be at it.
        provider: Who said so.
        reference: Ours.
        answers: What it said, by its ids.
        is_news: Whether the order's run has to be woken for how the order stands then.
    """
    after = our_time_in(provider, provider.poll_interval_seconds)
    seen_at = provider.clock.now()
    dearest = provider.dearest_cancel_percent if isinstance(provider, CancelFees) else None

    def change(now: OrderRecord) -> Revision:
        requests = [_answered(one, answers, seen_at, dearest) for one in now.requests]
        words = "; ".join(
            _change(old.last, new.last)
            for old, new in zip(now.requests, requests, strict=True)
            if (old.last.provider_status, old.last.capture_ids) != (new.last.provider_status, new.last.capture_ids)
        )
        fields: dict[str, Any] = {"requests": requests, "next_poll_at": after}
        if now.ended is None and requests:
            last = requests[-1].last
            news = is_news(now.model_copy(update={"requests": requests}))
            fields |= {
                "status": last.status,
                "provider_status": last.provider_status,
                "news_at": ledger.now() if news else None,
            }
        return Revision("status" if words else None, words, fields)

    return ledger.revise(reference, change)


def our_time_in(provider: Provider, seconds: float) -> datetime:
    """Our time from which asking the provider again makes sense: ``seconds`` of its time from now."""
    return provider.clock.local(provider.clock.in_seconds(seconds))


def _answered(
    before: RequestRecord, answers: Mapping[str, TaskingRequest], now: datetime, dearest_cancel_percent: float | None
) -> RequestRecord:
    """A request with its answer. What its cancel cost is kept when that is seen: its steps are told before only.

    Without any step the dearest fee counts, where the provider publishes fees; else none is known.
    """
    last, fee = _dated(before.last, answers, now), before.cancel_fee_percent
    if last.status is StatusCode.USER_CANCELLED and before.last.status is not StatusCode.USER_CANCELLED:
        fees = before.last.cancel_fees
        without = 100.0 if fees else dearest_cancel_percent
        fee = next((each.percent for each in fees if now < each.until), without)
    return before.model_copy(update={"last": last, "cancel_fee_percent": fee})


def _dated(before: TaskingRequest, answers: Mapping[str, TaskingRequest], now: datetime) -> TaskingRequest:
    """The answer to a request, with when each of what can be fetched was first seen."""
    answer = answers.get(before.id, before)
    since = {one: before.available_since.get(one, now) for one in answer.capture_ids}
    return answer.model_copy(update={"available_since": since})


def _change(old: TaskingRequest, new: TaskingRequest) -> str:
    unknown = "" if new.status else " (a word we do not know)"
    news = [one for one in new.capture_ids if one not in old.capture_ids]
    can_be_fetched = f"; can be fetched: {', '.join(news)}" if news else ""
    note = f"; {new.note}" if new.note else ""
    return f"Request {new.id}: {old.provider_status} -> {new.provider_status}{unknown}{can_be_fetched}{note}"
