"""How an order's requests stand, from what the ledger holds of them."""

from __future__ import annotations

from tasking.candidate import Candidate
from tasking.ledger import OrderRecord, RequestRecord
from tasking.provider import TaskingRequest
from tasking.status import StatusCode

ENDED = (StatusCode.FAILED, StatusCode.EXPIRED, StatusCode.CANCELLED, StatusCode.USER_CANCELLED)
"""Codes after which a request yields nothing more."""

GIVEN_UP = (StatusCode.FAILED, StatusCode.EXPIRED, StatusCode.CANCELLED)
"""Codes after which a request yields nothing more, though no person cancelled it."""


def requested(record: OrderRecord) -> bool:
    """Whether the chosen candidate is the one ordered last: then imagery is what the order waits for.

    Where it is not known what was ordered last, it is while the provider is at work on a request, or has something of
    it.
    """
    current = record.current_request
    if current is None or current.candidate != record.candidate:
        return False
    return record.candidate is not None or bool(under_way(record))


def open_requests(record: OrderRecord) -> list[TaskingRequest]:
    """Requests that may yet bring something; a rejected one is left out, though the provider may take it up again."""
    over = (StatusCode.REJECTED, *ENDED)
    return [
        one.last
        for one in record.requests
        if one.last.status not in over and not (one.last.status is StatusCode.COMPLETED and one.last.capture_ids)
    ]


def complete_requests(record: OrderRecord) -> list[TaskingRequest]:
    """Requests of which nothing more comes than what can be fetched."""
    return [one.last for one in record.requests if one.last.status is StatusCode.COMPLETED and one.last.capture_ids]


def reversible_rejections(record: OrderRecord) -> list[TaskingRequest]:
    """Rejected requests that the provider may accept until the window ends, and then takes and charges."""
    return [one.last for one in record.requests if one.last.status is StatusCode.REJECTED and not one.last.final]


def under_way(record: OrderRecord) -> list[TaskingRequest]:
    """Requests that the provider is at work on, or has something of: they are paid."""
    return [one.last for one in record.requests if _is_under_way(one)]


def may_bring_something(record: OrderRecord) -> list[TaskingRequest]:
    """Requests, oldest first, that are under way, have something to deliver, or may be accepted after a rejection."""
    rejected = reversible_rejections(record)
    return [one.last for one in record.requests if one.last in rejected or _is_under_way(one)]


def _is_under_way(request: RequestRecord) -> bool:
    return request.last.status not in (StatusCode.REJECTED, *ENDED) or bool(request.undelivered)


def between_tries(record: OrderRecord) -> bool:
    """Whether all that was requested is over for good, and the next try is not ordered yet: then nothing is paid."""
    current = record.current_request
    if current is None or record.candidate == current.candidate:
        return False
    last = [one.last for one in record.requests]
    return all(one.status in GIVEN_UP or (one.status is StatusCode.REJECTED and one.final) for one in last)


def candidates_by_request(record: OrderRecord) -> dict[str, Candidate]:
    """What was ordered with each of an order's requests, by the provider's id."""
    return {one.last.id: one.candidate for one in record.requests if one.candidate is not None}


def requests_by_id(record: OrderRecord) -> dict[str, TaskingRequest]:
    """What was read of each of an order's requests last, by the provider's id."""
    return {one.last.id: one.last for one in record.requests}


def missing_files(record: OrderRecord) -> str:
    """What was given up on of the captures that are home, as part of a sentence; empty when there is nothing."""
    home = [what for one in record.requests for what in one.deliverables if what.delivered_at is not None]
    names = [name for what in home for name in what.missing_files]
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    listed = ", ".join(name[:200] for name in names[:10])
    return f"left out, because the provider gave no file (ask it): {listed}{more}" if names else ""


def delivered_before(record: OrderRecord) -> str:
    """What is home already, as a sentence that follows another one; empty when there is nothing."""
    if not record.delivered:
        return ""
    missing = missing_files(record)
    return f" Delivered before: {len(record.delivered)} of it{f'; {missing}' if missing else ''}."


def earlier_requests(record: OrderRecord) -> str:
    """What became of the requests before, as a sentence that follows another one; empty when there were none."""
    if not record.requests:
        return ""
    ended = "; ".join(f"request {one.last.id}: {_word(one.last)}" for one in record.requests)
    return f" Before that: {ended}."


def ordered_twice(record: OrderRecord) -> str:
    """What a person should know of requests under one label, as part of a sentence; empty when there are none."""
    labels = [one.label for one in record.requests]
    ids = [one.last.id for one in record.requests if labels.count(one.label) > 1]
    if not ids:
        return ""
    return (
        f"ordered twice, because an answer came late: requests {' and '.join(ids)} stand at the provider; both are "
        "paid and delivered unless one is called off there"
    )


def _word(request: TaskingRequest) -> str:
    return f"{request.provider_status} ({request.note})" if request.note else request.provider_status
