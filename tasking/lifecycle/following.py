"""How the order's requests stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tasking.candidate import Candidate
from tasking.errors import OrderEnded, ProviderError, Unavailable, UnexpectedAnswer
from tasking.ledger import Ledger, OrderRecord, Revision
from tasking.lifecycle.deadlines import cancelling
from tasking.lifecycle.doubts import settle_doubts, twice
from tasking.lifecycle.next_try import try_again
from tasking.lifecycle.pausing import look_after, overdue
from tasking.order import Order
from tasking.provider import Provider, Request
from tasking.status import StatusCode
from tasking.waiting import Wait, readable, wait_until

SAFETY_NET = timedelta(hours=12)
"""How often a run looks by itself once its next event is due; the watcher looks more often, and for many at once."""

ENDED = (StatusCode.FAILED, StatusCode.EXPIRED, StatusCode.CANCELLED, StatusCode.USER_CANCELLED)
"""Codes after which a request yields nothing more."""


def follow(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Request | Wait | None:
    """Read how the order's requests stand; hands back one that has something to deliver, or that is complete.

    Returns:
        A request; a `Wait`; or ``None`` when it was rejected or given up and the order allows another try.

    Raises:
        OrderEnded: Rejected for good, failed, cancelled at the provider, or nothing came in time. Never while another
            request of the order may have arrived.
        ProviderError: Whether it has cannot be seen, and nothing else is to do.
    """
    doubt = _doubt(ledger, provider, order, reference)
    try:
        answer = _how_they_stand(ledger, provider, order, reference, settled=doubt is None)
    except OrderEnded:
        if doubt is None:
            raise
        answer = None
    record = ledger.read(reference)
    if doubt is not None and not (isinstance(answer, Request) and _has_news(record, answer)):
        if isinstance(doubt, Wait):
            return doubt
        raise doubt
    if isinstance(answer, Wait) and (note := twice(record)):
        return answer.model_copy(update={"message": f"{answer.message}; {note}"})
    return answer


def _doubt(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Wait | ProviderError | None:
    """What is to be waited for before the order may end; what is known to be bought is followed meanwhile."""
    try:
        return settle_doubts(ledger, provider, order, reference)
    except (Unavailable, UnexpectedAnswer) as cannot_look:
        return cannot_look


def _how_they_stand(
    ledger: Ledger, provider: Provider, order: Order, reference: str, *, settled: bool
) -> Request | Wait | None:
    """As `follow`; while another request may have arrived (not ``settled``) no other try is begun."""
    record = ledger.read(reference)
    answers = provider.read([one.last.id for one in record.requests], ordered(record), last_read(record))
    record = note_answers(ledger, provider, record, answers)
    for one in record.requests:
        if one.undelivered:
            return one.last
    assert record.current_request is not None, "requested before"
    going = still_going(record)
    last, now = (going[-1] if going else record.current_request.last), provider.clock.now()
    rejected = may_come_back(record) if now < order.window.end else []
    done = [one.last for one in record.requests if one.last.status is StatusCode.COMPLETED and one.last.capture_ids]
    if rejected and not going and (done or last.status is not StatusCode.REJECTED):
        return _until_the_window_ends(provider, order, record, rejected)
    if done and not going:
        return done[-1]
    if now >= last.give_up_at and last.status not in (StatusCode.REJECTED, *ENDED):
        raise OrderEnded(
            StatusCode.FAILED,
            f"No imagery (the provider says {last.provider_status}).{_delivered(record)} "
            f"{overdue(last.id, last.give_up_at)}",
        )
    if last.id not in answers:
        again = provider.clock.in_seconds(provider.poll_interval_seconds / 3)
        message = f"The provider does not know request {last.id} just now; asking again"
        return wait_until(provider.clock, again, "imagery", message)
    if last.status is StatusCode.REJECTED:
        return _rejected(ledger, provider, order, record, last, settled=settled)
    if last.status in ENDED:
        assert last.status is not None
        if settled and try_again(ledger, provider, order, record):
            return None
        note = f" {last.note}." if last.note else ""
        raise OrderEnded(
            last.status,
            f"The provider ended request {last.id}: {last.provider_status}.{note}{_delivered(record)} "
            "Ask them about that id, or order again.",
        )
    # a run wakes for what is due at a known time; between such events the watcher looks more often, and for all
    again = last.next_look_at if last.next_look_is_due else max(last.next_look_at, now + SAFETY_NET)
    return wait_until(provider.clock, min(again, last.give_up_at), "imagery", _imagery_message(last, now))


def _rejected(
    ledger: Ledger, provider: Provider, order: Order, record: OrderRecord, last: Request, *, settled: bool
) -> Wait | None:
    now, end = provider.clock.now(), order.window.end
    another = order.on_rejection == "next-candidate" and record.plan_id is not None and not record.cancel_asked
    if settled and another and now < end:
        message = f"Request {last.id} was rejected; taking the next candidate"
        ledger.record(record.reference, "next candidate", message, candidate=None, approved_candidate_id=None)
        return None
    if last.final:
        if settled and try_again(ledger, provider, order, record):
            return None
        note = f" {last.note}." if last.note else ""
        raise OrderEnded(
            StatusCode.REJECTED,
            f"Rejected: the provider could not schedule request {last.id}.{note} Order again with another window or "
            "other terms, and a new reference.",
        )
    if now >= end:
        raise OrderEnded(
            StatusCode.REJECTED,
            f"Rejected: the provider could not schedule request {last.id} before the window ended at "
            f"{readable(end)}. Order again with a new reference.",
        )
    message = f"Rejected for now (request {last.id}); it may still be accepted until {readable(end)}"
    return wait_until(provider.clock, min(max(last.next_look_at, now + SAFETY_NET), end), "imagery", message)


def still_going(record: OrderRecord) -> list[Request]:
    """Requests that may yet bring something; a rejected one is left out, though the provider may take it up again."""
    over = (StatusCode.REJECTED, *ENDED)
    return [
        one.last
        for one in record.requests
        if one.last.status not in over and not (one.last.status is StatusCode.COMPLETED and one.last.capture_ids)
    ]


def may_come_back(record: OrderRecord) -> list[Request]:
    """Rejected requests that the provider may accept until the window ends, and then takes and charges."""
    return [one.last for one in record.requests if one.last.status is StatusCode.REJECTED and not one.last.final]


def _until_the_window_ends(provider: Provider, order: Order, record: OrderRecord, rejected: Sequence[Request]) -> Wait:
    """After the next candidate came to its end: a rejected request may be accepted yet, and is paid then."""
    end, names = order.window.end, ", ".join(one.id for one in rejected)
    home = _delivered(record)
    message = f"Rejected before, and may still be accepted until {readable(end)}: request {names}.{home}"
    return wait_until(provider.clock, min(provider.clock.now() + SAFETY_NET, end), "imagery", message)


def left_out(record: OrderRecord) -> str:
    """What was given up on of the captures that are home, as part of a sentence; empty when there is nothing."""
    home = [what for one in record.requests for what in one.deliverables if what.delivered_at is not None]
    names = [name for what in home for name in what.missing_files]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    said = ", ".join(name[:200] for name in names[:10])
    return f"left out, because the provider gave no file (ask it): {said}{more}" if names else ""


def _has_news(record: OrderRecord, request: Request) -> bool:
    return any(one.undelivered for one in record.requests if one.last.id == request.id)


def ordered(record: OrderRecord) -> dict[str, Candidate]:
    """What was ordered with each of an order's requests, by the provider's id."""
    return {one.last.id: one.candidate for one in record.requests if one.candidate is not None}


def last_read(record: OrderRecord) -> dict[str, Request]:
    """What was read of each of an order's requests last, by the provider's id."""
    return {one.last.id: one.last for one in record.requests}


def note_answers(
    ledger: Ledger,
    provider: Provider,
    record: OrderRecord,
    answers: Mapping[str, Request],
    *,
    seen_by_watcher: bool = False,
) -> OrderRecord:
    """Write down what the provider said of an order's requests; a changed word gets its line in the journal.

    What the ledger holds by now is changed, not what ``record`` held: a run and the watcher may both be at it.
    """
    after = look_after(provider, provider.poll_interval_seconds)
    seen_at = provider.clock.now()

    def change(now: OrderRecord) -> Revision:
        requests = [one.model_copy(update={"last": _dated(one.last, answers, seen_at)}) for one in now.requests]
        words = "; ".join(
            _change(old.last, new.last)
            for old, new in zip(now.requests, requests, strict=True)
            if (old.last.provider_status, old.last.capture_ids) != (new.last.provider_status, new.last.capture_ids)
        )
        fields: dict[str, Any] = {"requests": requests, "look_after": after}
        if now.ended is None and requests:
            last = requests[-1].last
            news = seen_by_watcher and can_go_on(now.model_copy(update={"requests": requests}))
            fields |= {
                "status": last.status,
                "provider_status": last.provider_status,
                "changed_at": ledger.now() if news else None,
            }
        return Revision("status" if words else None, words, fields)

    return ledger.revise(record.reference, change)


def _dated(before: Request, answers: Mapping[str, Request], now: datetime) -> Request:
    """The answer to a request, with when each of what can be fetched was first seen."""
    answer = answers.get(before.id, before)
    since = {one: before.available_since.get(one, now) for one in answer.capture_ids}
    return answer.model_copy(update={"available_since": since})


def _change(old: Request, new: Request) -> str:
    unknown = "" if new.status else " (a word we do not know)"
    news = [one for one in new.capture_ids if one not in old.capture_ids]
    can_be_fetched = f"; can be fetched: {', '.join(news)}" if news else ""
    note = f"; {new.note}" if new.note else ""
    return f"Request {new.id}: {old.provider_status} -> {new.provider_status}{unknown}{can_be_fetched}{note}"


def can_go_on(record: OrderRecord) -> bool:
    """Whether an order that waits for imagery would do something else than wait on, were its run started now."""
    if any(one.undelivered for one in record.requests):
        return True
    if record.deferred_end is not None:
        return False  # no other candidate is taken: a rejection changes nothing
    answers = [one.last for one in record.requests]
    last = answers[-1]
    if last.status is StatusCode.REJECTED:
        return last.final or record.order.get("on_rejection") == "next-candidate"
    if any(one.status not in (StatusCode.COMPLETED, *ENDED) and not one.final for one in answers[:-1]):
        return False  # an earlier one may still bring something: the run waits for it, and knows until when
    return last.status in ENDED or (last.status is StatusCode.COMPLETED and bool(last.capture_ids))


def _delivered(record: OrderRecord) -> str:
    if not record.delivered:
        return ""
    missing = left_out(record)
    return f" Delivered before: {len(record.delivered)} of it{f'; {missing}' if missing else ''}."


def _imagery_message(last: Request, now: datetime) -> str:
    by = f" by {last.platform}" if last.platform else ""
    capture = f": capture{by} on {readable(last.start)}" if last.start is not None else ""
    if last.start is not None and last.end is not None and last.end - last.start >= timedelta(hours=1):
        capture = f": capture between {readable(last.start)} and {readable(last.end)}"  # a window: no pass is set yet
    note = f"; {last.note}" if last.note else ""
    cancel = f". {said[0].upper()}{said[1:]}" if (said := cancelling(last, now)) else ""
    return f"Waiting for imagery{capture} ({last.provider_status}{note}){cancel}"
