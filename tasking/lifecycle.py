"""The steps of one order, for every provider.

Each step first asks whether it already happened and answers from the ledger, else from the provider, else does it. So a
step is right no matter how often it runs, on which machine, and after which crash. A step hands back its result, or a
`Wait`. Nothing here knows Prefect: the same steps run from a notebook.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from tasking.candidate import Candidate
from tasking.choice import Ranked, rank
from tasking.create import create_once
from tasking.delivery import catalog
from tasking.delivery.catalog import Delivery
from tasking.errors import CredentialsRefused, DeliveryFailed, InvalidOrder, OrderEnded, Refused
from tasking.ledger import Ledger, OrderRecord, RequestRecord
from tasking.order import Order
from tasking.provider import Plan, Provider, Request
from tasking.status import StatusCode
from tasking.waiting import Wait, readable, wait_until

MOST_CHOICES = 20
"""Candidates lost (expired, refused) after which an order stops asking and tells a person."""


def accept(
    ledger: Ledger,
    provider: Provider,
    order: Order,
    reference: str,
    flow_run_id: str,
    owner_is_gone: Callable[[str], bool],
) -> OrderRecord:
    """Check the order and own its reference.

    Raises:
        InvalidOrder: The provider would refuse it; nothing was claimed.
        ReferenceTaken: Another run, or another order, has this reference.
    """
    if ledger.find(reference) is None:
        provider.check(order)
    return ledger.claim(
        reference,
        order.model_dump(mode="json"),
        provider=provider.name,
        flow_run_id=flow_run_id,
        owner_is_gone=owner_is_gone,
    )


def plan(ledger: Ledger, provider: Provider, order: Order, reference: str) -> str | Wait:
    """Have a plan at the provider; hands back its id.

    Raises:
        OrderEnded: The window is over, or the provider refuses the plan.
    """
    record = ledger.read(reference)
    if record.plan_id is not None:
        return record.plan_id

    def create() -> Plan:
        order.window.refuse_if_past(provider.clock.now())
        return provider.plan(order, reference)

    try:
        made = create_once(
            ledger,
            provider,
            reference,
            "plan",
            reference,
            find=lambda: provider.find_plan(order, reference),
            create=create,
            made=lambda there: {"plan_id": there.id, "status": StatusCode.RECEIVED, "failures": 0},
        )
    except (InvalidOrder, Refused) as no:
        raise OrderEnded(StatusCode.REJECTED, f"Not planned: {no}") from no
    return made if isinstance(made, Wait) else made.id


def requested(record: OrderRecord) -> bool:
    """Whether the chosen candidate is the one ordered last: then imagery is what the order waits for."""
    current = record.current_request
    return current is not None and record.candidate is not None and current.candidate == record.candidate


def revive(ledger: Ledger, provider: Provider, reference: str) -> bool:
    """Before another candidate is taken after a rejection: whether the provider accepted the last request after all."""
    record = ledger.read(reference)
    current = record.current_request
    if current is None or record.candidate is not None:
        return False
    record = note_answers(ledger, provider, record, provider.read([current.last.id], ordered(record)))
    current = record.current_request
    if current is None or current.last.status is StatusCode.REJECTED:
        return False
    ledger.record(
        reference, "revived", f"Request {current.last.id} was accepted after all", candidate=current.candidate
    )
    return True


def candidates(ledger: Ledger, provider: Provider, order: Order, reference: str) -> list[Ranked] | Wait:
    """The candidates of the plan, ranked, the best first; waits until there is one that can be requested.

    Raises:
        OrderEnded: Not feasible (none came within the provider's time and our patience), or the window is over.
    """
    record = ledger.read(reference)
    assert record.plan_id is not None, "planned before"
    there = provider.read_plan(record.plan_id)
    now = provider.clock.now()
    ledger.record(reference, look_after=look_after(provider, half_time(there, now)), changed_at=None)
    if not there.ready and now < there.candidates_at:
        return wait_until(
            provider.clock, there.candidates_at, "candidates", f"Waiting for candidates of plan {there.id}"
        )
    tried = [*record.candidates_dropped, *(one.candidate.id for one in record.requests if one.candidate)]
    ranked = rank(
        order.area,
        provider.candidates(record.plan_id),
        order.select,
        now,
        tried,
        window=order.window,
        off_nadir_range=order.off_nadir_range,
        needs_daylight=order.needs_daylight,
    )
    seen = max(record.candidates_seen, len(ranked))
    ledger.record(reference, candidates_seen=seen, failures=0)
    if any(one.usable for one in ranked):
        return ranked
    if now >= order.window.end:
        raise OrderEnded(StatusCode.EXPIRED, _none_left(order, ranked, seen))
    again = min(provider.clock.in_seconds(provider.poll_interval_seconds / 3), order.window.end)
    if seen == 0:
        if now >= there.patience_until:
            raise OrderEnded(
                StatusCode.REJECTED,
                f"Not feasible: the provider found no candidate by {readable(there.patience_until)}. "
                "Order again with a longer window, a wider off-nadir range or more satellites.",
            )
        again = min(again, there.patience_until)
        return wait_until(
            provider.clock, again, "candidates", f"No candidate yet; asking until {readable(there.patience_until)}"
        )
    return wait_until(
        provider.clock,
        again,
        "candidates",
        f"No candidate that can be requested now; listing again until {readable(order.window.end)}",
    )


def half_time(there: Plan, now: datetime) -> float:
    """Seconds (provider time) after which a plan may be ready early; five minutes once half the time is over."""
    half = there.created + (there.candidates_at - there.created) / 2
    return max((half - now).total_seconds(), 300.0)


def choose(ledger: Ledger, reference: str, ranked: Sequence[Ranked]) -> Candidate:
    """Take the best candidate and write it down."""
    best = next(one for one in ranked if one.usable)
    ledger.record(
        reference,
        "chosen",
        f"Chose candidate {best.candidate.id}: {best.reason}",
        candidate=best.candidate,
        detail={"score": best.score, "of": len(ranked)},
    )
    return best.candidate


def chosen(ledger: Ledger, provider: Provider, reference: str) -> Candidate | None:
    """The candidate written down before, while it can still be requested; else it is dropped and ``None`` comes back.

    While a create is uncertain its candidate stays, also past its expiry: it may have been requested in time.
    """
    record = ledger.read(reference)
    candidate = record.candidate
    if requested(record):
        return candidate
    if candidate is None or ledger.open_intent(reference, "request", label(record)) is not None:
        return candidate
    if not provider.clock.known and record.plan_id is not None:
        provider.read_plan(record.plan_id)  # any answer tells the provider's time
    if candidate.valid_until is not None and provider.clock.now() >= candidate.valid_until:
        drop(ledger, record, f"it expired at {readable(candidate.valid_until)}")
        return None
    if provider.clock.now() >= candidate.start:
        drop(ledger, record, f"its capture time {readable(candidate.start)} is over")
        return None
    return candidate


def drop(ledger: Ledger, record: OrderRecord, why: str) -> None:
    """Give up the chosen candidate, so that another is chosen.

    Raises:
        OrderEnded: It happened too often; a person should look.
    """
    assert record.candidate is not None
    dropped = [*record.candidates_dropped, record.candidate.id]
    ledger.record(
        record.reference,
        "candidate dropped",
        f"Candidate {record.candidate.id} dropped: {why}",
        candidate=None,
        candidates_dropped=dropped,
        approved_candidate_id=None,
    )
    if len(dropped) >= MOST_CHOICES:
        raise OrderEnded(
            StatusCode.FAILED,
            f"{len(dropped)} candidates were lost one after the other; the last because {why}. Look at the journal.",
        )


def label(record: OrderRecord) -> str:
    """What the next request carries: the reference, with a number from the second on."""
    return record.reference if record.attempt == 1 else f"{record.reference}#{record.attempt}"


def request(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Request | Wait | None:
    """Order the chosen candidate, once; ``None`` when it was lost meanwhile and another must be chosen.

    Raises:
        OrderEnded: The provider refuses for a reason that another candidate does not cure.
    """
    candidate = chosen(ledger, provider, reference)
    record = ledger.read(reference)
    if requested(record) and record.current_request is not None:
        return record.current_request.last
    if candidate is None:
        return None
    plan_id, tag = record.plan_id, label(record)
    assert plan_id is not None, "planned before"

    def made(there: Request) -> dict[str, Any]:
        ours = RequestRecord(attempt=record.attempt, label=tag, candidate=candidate, last=there)
        return {
            "requests": [*record.requests, ours],
            "status": there.status,
            "provider_status": there.provider_status,
            "look_after": look_after(provider, provider.poll_interval_seconds),
            "failures": 0,
        }

    try:
        return create_once(
            ledger,
            provider,
            reference,
            "request",
            tag,
            find=lambda: provider.find_request(order, plan_id, tag),
            create=lambda: provider.request(order, plan_id, candidate, tag),
            made=made,
        )
    except CredentialsRefused as no:
        raise OrderEnded(StatusCode.REJECTED, f"Not requested: the account may not order: {no}") from no
    except Refused as no:
        # a candidate can be replaced by the provider at any time: then the next list no longer holds it
        if candidate.id in {one.id for one in provider.candidates(plan_id)} and not _expired(candidate, provider):
            raise OrderEnded(StatusCode.REJECTED, f"Not requested: {no}") from no
        drop(ledger, ledger.read(reference), f"the provider no longer offers it ({no})")
        return None


def follow(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Request | Wait | None:
    """Read how the order's requests stand; hands back one whose imagery is there.

    Returns:
        A request with captures; a `Wait`; or ``None`` when it was rejected and the order allows the next candidate.

    Raises:
        OrderEnded: Rejected until the window's end, failed, cancelled at the provider, or nothing came in time.
    """
    record = ledger.read(reference)
    answers = provider.read([one.last.id for one in record.requests], ordered(record))
    record = note_answers(ledger, provider, record, answers)
    for one in record.requests:
        if one.last.capture_ids and one.last.status is StatusCode.COMPLETED:
            return one.last
    current = record.current_request
    assert current is not None, "requested before"
    last, now = current.last, provider.clock.now()
    if last.id not in answers:
        return wait_until(
            provider.clock,
            provider.clock.in_seconds(provider.poll_interval_seconds / 3),
            "imagery",
            f"The provider does not know request {last.id} just now; asking again",
        )
    if last.status is StatusCode.REJECTED:
        if order.on_rejection == "next-candidate" and now < order.window.end:
            ledger.record(
                reference,
                "next candidate",
                f"Request {last.id} was rejected; taking the next candidate",
                candidate=None,
            )
            return None
        if now >= order.window.end:
            raise OrderEnded(
                StatusCode.REJECTED,
                f"Rejected: the provider could not schedule request {last.id} before the window ended at "
                f"{readable(order.window.end)}. Order again with a new reference.",
            )
        again = min(max(last.next_look_at, now), order.window.end)
        return wait_until(
            provider.clock,
            again,
            "imagery",
            f"Rejected for now (request {last.id}); it may still be accepted until {readable(order.window.end)}",
        )
    if last.status in ENDED:
        assert last.status is not None
        raise OrderEnded(
            last.status, f"The provider ended request {last.id}: {last.provider_status}. Ask them, or order again."
        )
    if now >= last.give_up_at:
        raise OrderEnded(
            StatusCode.FAILED,
            f"No imagery of request {last.id} by {readable(last.give_up_at)} (the provider says "
            f"{last.provider_status}). Ask the provider about that id; Retry on this run looks again.",
        )
    return wait_until(provider.clock, max(last.next_look_at, now), "imagery", _imagery_message(last))


def deliver(
    ledger: Ledger, provider: Provider, order: Order, reference: str, request: Request, root: Path
) -> Delivery | Wait:
    """Bring the imagery home, verified, and complete the order.

    Args:
        request: One whose ``capture_ids`` say what to fetch.
        root: The archive's folder.

    Raises:
        DeliveryFailed: A file could not be brought home whole; nothing damaged stands under a final name.
    """
    items = list(provider.products(request))
    if not items:
        if provider.clock.now() >= request.give_up_at:
            raise OrderEnded(
                StatusCode.FAILED,
                f"The provider says the imagery of request {request.id} is there, but its catalog lists none of "
                f"{', '.join(request.capture_ids)}. Ask the provider about it; Retry on this run looks again.",
            )
        again = provider.clock.in_seconds(provider.poll_interval_seconds / 3)
        return wait_until(
            provider.clock, again, "products", "The imagery is announced; the provider's catalog does not list it yet"
        )
    ledger.record(reference, "delivering", f"{len(items)} items to bring home", failures=0)
    delivery = catalog.deliver(
        reference,
        items,
        root,
        provider.open_asset,
        title=order.name,
        description=f"Order {reference}, collected by {provider.name}",
        order_facts={"order:id": request.id, "order:status": "succeeded"},
    )
    if problems := catalog.verify(delivery.folder):
        raise DeliveryFailed(f"{delivery.folder}: not whole: {'; '.join(problems[:5])}")
    ledger.record(reference, delivered=list(delivery.items))
    end(
        ledger,
        reference,
        StatusCode.COMPLETED,
        f"Delivered {len(delivery.files)} files ({delivery.bytes_total / 1e6:.1f} MB), verified, to {delivery.folder}",
    )
    return delivery


def end(ledger: Ledger, reference: str, status: str, message: str) -> OrderRecord:
    """Write down that the order came to its end."""
    return ledger.record(
        reference,
        "completed" if status == StatusCode.COMPLETED else "ended",
        message,
        status=status,
        ended=ledger.now(),
        outcome=message,
        waits_for=None,
        waits_message=None,
        wake_at=None,
        changed_at=None,
    )


def ordered(record: OrderRecord) -> dict[str, Candidate]:
    """What was ordered with each of an order's requests, by the provider's id."""
    return {one.last.id: one.candidate for one in record.requests if one.candidate is not None}


def note_answers(
    ledger: Ledger,
    provider: Provider,
    record: OrderRecord,
    answers: Mapping[str, Request],
    *,
    seen_by_watcher: bool = False,
) -> OrderRecord:
    """Write down what the provider said of an order's requests; a changed word gets its line in the journal."""
    requests = [one.model_copy(update={"last": answers.get(one.last.id, one.last)}) for one in record.requests]
    changed = [
        (old.last, new.last)
        for old, new in zip(record.requests, requests, strict=True)
        if (old.last.provider_status, old.last.capture_ids) != (new.last.provider_status, new.last.capture_ids)
    ]
    newest = requests[-1].last
    fields: dict[str, Any] = {
        "requests": requests,
        "status": newest.status,
        "provider_status": newest.provider_status,
        "look_after": look_after(provider, provider.poll_interval_seconds),
        "changed_at": ledger.now() if seen_by_watcher and can_go_on(record, [one.last for one in requests]) else None,
        "failures": 0,
    }
    if not changed:
        return ledger.record(record.reference, **fields)
    words = "; ".join(
        f"Request {new.id}: {old.provider_status} -> {new.provider_status}"
        + ("" if new.status else " (a word we do not know)")
        for old, new in changed
    )
    return ledger.record(record.reference, "status", words, **fields)


ENDED = (StatusCode.FAILED, StatusCode.EXPIRED, StatusCode.CANCELLED, StatusCode.USER_CANCELLED)
"""Codes after which a request yields nothing more."""


def can_go_on(record: OrderRecord, answers: Sequence[Request]) -> bool:
    """Whether the run would do something else than wait on if it were started now.

    Args:
        record: The order.
        answers: Its requests as just read, oldest first.
    """
    if any(one.capture_ids and one.status is StatusCode.COMPLETED for one in answers):
        return True
    last = answers[-1]
    next_one = last.status is StatusCode.REJECTED and record.order.get("on_rejection") == "next-candidate"
    return next_one or last.status in ENDED


def look_after(provider: Provider, seconds: float) -> datetime:
    """Our time from which asking the provider again makes sense: ``seconds`` of its time from now."""
    return provider.clock.local(provider.clock.in_seconds(seconds))


def provider_away(provider: Provider, record: OrderRecord, why: Exception) -> Wait:
    """The pause after a step that found somebody away: longer each time, up to an hour, or as the server asked."""
    pause = min(provider.ask_again_seconds * 2 ** min(record.failures, 10), 3600.0)
    asked = getattr(why, "retry_after", None)
    when = provider.clock.in_seconds(max(pause, asked or 0.0))
    return wait_until(provider.clock, when, "provider", f"Trying again at {readable(when)}: {why}")


def _expired(candidate: Candidate, provider: Provider) -> bool:
    now = provider.clock.now()
    return now >= candidate.start or (candidate.valid_until is not None and now >= candidate.valid_until)


def _none_left(order: Order, ranked: Sequence[Ranked], seen: int) -> str:
    if not seen:
        return f"Not feasible: no candidate before the window ended at {readable(order.window.end)}"
    why = sorted({one.why_not for one in ranked if one.why_not})
    note = f" The last ones: {'; '.join(why[:3])}." if why else ""
    return (
        f"No candidate left that could be requested before the window ended at {readable(order.window.end)}.{note} "
        "Order again with a new window and a new reference."
    )


def _imagery_message(last: Request) -> str:
    when = last.start
    by = f" by {last.platform}" if last.platform else ""
    if when is None:
        return f"Waiting for imagery ({last.provider_status})"
    return f"Waiting for imagery: capture{by} on {readable(when)} ({last.provider_status})"
