"""Which candidate is taken, and when one is given up."""

from __future__ import annotations

from collections.abc import Sequence

from tasking.candidate import Candidate
from tasking.choice import Ranked
from tasking.errors import OrderEnded, Unavailable
from tasking.ledger import Ledger, OrderRecord, RequestRecord, Revision
from tasking.lifecycle.following import ENDED, last_read, may_come_back, note_answers, ordered
from tasking.provider import Provider, Request
from tasking.status import StatusCode
from tasking.waiting import readable

MOST_CHOICES = 20
"""Candidates lost (expired, refused) after which an order stops asking and tells a person."""


def requested(record: OrderRecord) -> bool:
    """Whether the chosen candidate is the one ordered last: then imagery is what the order waits for."""
    current = record.current_request
    return current is not None and record.candidate is not None and current.candidate == record.candidate


def may_bring_something(record: OrderRecord) -> list[Request]:
    """Requests, oldest first, that are under way, have something to deliver, or may be accepted after a rejection."""
    rejected = may_come_back(record)
    return [one.last for one in record.requests if one.last in rejected or _has_life(one)]


def _has_life(request: RequestRecord) -> bool:
    """Whether the provider is at work on a request, or has something of it: it is paid then."""
    return request.last.status not in (StatusCode.REJECTED, *ENDED) or bool(request.undelivered)


def revive(ledger: Ledger, provider: Provider, reference: str) -> bool:
    """Before another candidate is taken after a rejection: whether the provider accepted a request after all.

    A candidate that is chosen, and approved perhaps, gives way; one whose request may have arrived stays.
    """
    record = ledger.read(reference)
    current = record.current_request
    if current is None or requested(record) or record.in_doubt:
        return False
    ids = [one.last.id for one in record.requests]
    record = note_answers(ledger, provider, record, provider.read(ids, ordered(record), last_read(record)))
    alive = [one.last for one in record.requests if _has_life(one)]
    if not alive:
        return False
    names = ", ".join(one.id for one in alive)
    # with the candidate of the last request the order counts as requested, and all its requests are followed
    ledger.record(reference, "revived", f"Accepted after all: request {names}", candidate=current.candidate)
    return True


def choose(ledger: Ledger, reference: str, ranked: Sequence[Ranked]) -> Candidate:
    """Take the best candidate and write it down, with what it covers."""
    best = next(one for one in ranked if one.usable)
    facts = {"area_covered_percent": best.coverage_percent, "attempt": ledger.read(reference).attempt}
    candidate = best.candidate.model_copy(update=facts)
    ledger.record(
        reference,
        "chosen",
        f"Chose candidate {candidate.id}: {best.reason}",
        candidate=candidate,
        detail={"score": best.score, "of": len(ranked)},
    )
    return candidate


def chosen(ledger: Ledger, provider: Provider, reference: str) -> Candidate | None:
    """The candidate written down before, while it can still be requested; else it is dropped and ``None`` comes back.

    While a create is uncertain its candidate stays, also past its expiry: it may have been requested in time.
    """
    record = ledger.read(reference)
    candidate = record.candidate
    if requested(record):
        return candidate
    if candidate is None or record.in_doubt:
        return candidate
    provider.learn_time()
    if candidate.valid_until is not None and provider.clock.now() >= candidate.valid_until:
        drop(ledger, record, f"it expired at {readable(candidate.valid_until)}")
        return None
    if provider.clock.now() >= candidate.end:
        drop(ledger, record, f"its time was over at {readable(candidate.end)}")
        return None
    return candidate


def drop(ledger: Ledger, record: OrderRecord, why: str) -> None:
    """Give up the chosen candidate, so that another is chosen.

    Raises:
        OrderEnded: It happened too often; a person should look.
        Unavailable: It may have been requested already, so it is kept.
    """
    lost = record.candidate
    assert lost is not None

    def change(now: OrderRecord) -> Revision:
        if now.in_doubt:
            raise Unavailable(f"It is not known yet whether the request {now.label} arrived; it keeps its candidate")
        if now.candidate != lost or requested(now):
            return Revision(None, "", {})  # another process of ours has gone on already
        dropped = [*now.candidates_dropped, lost.id]
        fields = {"candidate": None, "candidates_dropped": dropped, "approved_candidate_id": None}
        return Revision("candidate dropped", f"Candidate {lost.id} dropped: {why}", fields)

    dropped = ledger.revise(record.reference, change).candidates_dropped
    if len(dropped) >= MOST_CHOICES:
        raise OrderEnded(
            StatusCode.FAILED,
            f"{len(dropped)} candidates were lost one after the other; the last because {why}. Look at the journal.",
        )
