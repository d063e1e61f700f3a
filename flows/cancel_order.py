"""Cancel an order by its reference."""

from __future__ import annotations

from contextlib import closing, suppress
from decimal import Decimal
from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from blocks.account import load_account
from flows.ending import ended
from flows.pinned import pinned
from tasking import lifecycle
from tasking.errors import Refused, Unavailable, Uncertain
from tasking.ledger import Ledger, OrderRecord, Revision
from tasking.provider import Cancels, CancelTerms, Provider, TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import format_utc
from tasks.step import ledger
from tasks.wake import ask_anew, wake

HOW_TO_CANCEL = "Nothing was cancelled. To cancel it, run cancel-order again with dry_run off (dry_run=false)"
HOW_TO_STOP_WAITING = (
    "To end it on our side all the same, run cancel-order with stop_waiting on and dry_run off "
    "(stop_waiting=true, dry_run=false)"
)


def _run_name() -> str:
    """What this run does, for lists of runs."""
    given = flow_run.parameters
    asks = given.get("dry_run", True) is not False
    return f"{'what would it cost to cancel' if asks else 'cancel'} {str(given.get('reference'))[:80]}"


@pinned("cancel-order", flow_run_name=_run_name)
def cancel_order(reference: str, dry_run: bool = True, stop_waiting: bool = False) -> State[Any]:
    """Cancel an order: before the request is made always, afterwards where the provider has a way.

    It asks first: as it stands it changes nothing, and says what a cancel would cost. Run it again with dry_run off.

    Args:
        reference: The order's reference; the first lines of its run's log have it.
        dry_run: Only say what a cancel would mean now, and what it would cost. Switched off, the cancel is sent at
            once, also when the full price is due.
        stop_waiting: For a request that cannot be cancelled at the provider: end our order all the same. The capture
            may still be made and paid; Retry on the order's run is then the way to fetch it, and orders nothing new.
    """
    return ended(_asked_or_cancelled(reference, dry_run, stop_waiting))


def _asked_or_cancelled(reference: str, dry_run: bool, stop_waiting: bool) -> State[Any]:
    with ledger() as book:
        record = book.find(reference)
        if record is None:
            said = "the ledger has no such order; find its reference with: tasking-flows list --open"
            return Failed(message=f"reference: {reference}: {said}")
        if record.has_parts:
            return _with_its_parts(book, record, dry_run, stop_waiting)
        return _of_one(book, record, dry_run, stop_waiting)


def _with_its_parts(book: Ledger, record: OrderRecord, dry_run: bool, stop_waiting: bool) -> State[Any]:
    """Cancel each part of an order; from the first moment on no other one is started."""
    if record.ended is not None:
        if record.status == StatusCode.USER_CANCELLED and not dry_run:
            _release(record)
        return _already_ended(record)
    if not dry_run:
        asked = "Nothing new is created from here on"
        record = book.record(record.reference, "cancel asked", asked, cancel_asked=True)
    states = [_of_one(book, one, dry_run, stop_waiting) for one in _open_parts(book, record)]
    said = " ".join(_sentence(one.message or "") for one in states)
    if dry_run:
        free = f"Order {record.reference} can be cancelled free of charge: nothing is ordered now. {HOW_TO_CANCEL}"
        return Completed(message=said or free)
    if _open_parts(book, record):
        wake([UUID(record.flow_run_id)], "Cancelled; what is still to come of it is waited for")
        kind = Failed if any(one.is_failed() for one in states) else Completed
        return kind(message=f"{said} Order {record.reference} ends with that, and orders nothing else.")
    lifecycle.end_studies(book, record.reference)
    return _end(book, record, f"Order {record.reference} was cancelled. {said}".rstrip())


def _open_parts(book: Ledger, record: OrderRecord) -> list[OrderRecord]:
    return [one for one in book.parts(record.reference) if one.ended is None and not one.is_study]


def _of_one(book: Ledger, record: OrderRecord, dry_run: bool, stop_waiting: bool) -> State[Any]:
    if record.ended is not None and not (lifecycle.open_requests(record) and record.status != StatusCode.COMPLETED):
        if record.status == StatusCode.USER_CANCELLED and not dry_run:
            _release(record)  # an earlier attempt may have died before it
        return _already_ended(record)
    if not record.requests or lifecycle.between_tries(record):
        return _before_the_request(book, record, dry_run)
    return _after_the_request(book, record, dry_run, stop_waiting)


def _before_the_request(book: Ledger, record: OrderRecord, dry_run: bool) -> State[Any]:
    if dry_run:
        what = "the next try is not ordered yet" if record.requests else "nothing was ordered yet"
        said = f"can be cancelled free of charge: {what}"
        if record.in_doubt:
            said = "has a request under way whose outcome is not known yet; a cancel keeps it from being made again"
        return Completed(message=f"Order {record.reference} {said}. {HOW_TO_CANCEL}")
    what = "the next try" if record.requests else "anything"
    message = f"Order {record.reference} was cancelled before {what} was ordered"
    return _end_unless_more_was_ordered(book, record, message)


def _end_unless_more_was_ordered(book: Ledger, seen: OrderRecord, message: str) -> State[Any]:
    """End an order that stands as it was seen; a request that was announced meanwhile may be bought already."""
    asked = "Nothing new is created from here on"
    record = book.record(seen.reference, "cancel asked", asked, cancel_asked=True)
    under_way = record.in_doubt
    record = book.read(seen.reference)  # after that: nothing new is announced any more, and what was is seen
    if len(record.requests) > len(seen.requests):  # made in this very moment
        return _after_the_request(book, record, dry_run=False, stop_waiting=False)
    if under_way:
        return Completed(
            message=f"Order {record.reference} has a request under way whose outcome is not known yet. If it did not "
            "arrive, it is not made again and the order ends; if it did, run cancel-order again."
        )
    return _end(book, record, message)


def _after_the_request(book: Ledger, record: OrderRecord, dry_run: bool, stop_waiting: bool) -> State[Any]:
    with closing(load_account(record.account).open()) as provider:
        if (there := lifecycle.environment_changed(provider, record)) is not None:  # an id may be another's there
            return Failed(
                message=f"account: {record.account}: order {record.reference} was begun at {there}, and this block "
                "leads elsewhere now: put it back as it was, then run cancel-order again"
            )
        terms = _terms(provider, record)
        if dry_run:
            how = HOW_TO_CANCEL if terms.allowed else HOW_TO_STOP_WAITING
            return Completed(message=f"Order {record.reference}: {_sentence(terms.message)} {how}")
        if terms.allowed and isinstance(provider, Cancels):
            return _cancel(book, provider, record, terms, stop_waiting)
        last = _last_request(record).id
        stands = provider.read([last]).get(last) if isinstance(provider, Cancels) else None
        if stands is not None and stands.status is StatusCode.USER_CANCELLED:  # by an attempt whose answer was lost
            return _cancelled(book, provider, record, stands, "It was cancelled before.", stop_waiting)
    if not stop_waiting and record.ended is not None and record.cancel_asked:
        return _already_ended(record)
    if not stop_waiting and record.ended is None and record.captures_cover_percent is not None:
        return _nothing_more(book, record, terms)
    if not stop_waiting:
        how = (
            " To end it on our side all the same, run cancel-order with stop_waiting on and dry_run off."
            if record.ended is None
            else ""
        )
        return Failed(message=f"{_not_cancelled(record)}. {_sentence(terms.message)}{how}")
    message = f"Order {record.reference} was ended on our side; the request stands. {terms.message}"
    return _end_unless_more_was_ordered(book, record, message)


def _nothing_more(book: Ledger, record: OrderRecord, terms: CancelTerms) -> State[Any]:
    """Of several captures, those that are not ordered yet are not ordered any more; the others stand."""
    now = book.record(record.reference, "cancel asked", "Nothing new is created from here on", cancel_asked=True)
    run, told = [UUID(record.flow_run_id)], "Cancelled; nothing more is ordered, and what stands is delivered"
    wake(run, told)
    ask_anew(run, told)
    standing = ", ".join(one.id for one in lifecycle.open_requests(now)) or "none"
    return Completed(
        message=f"Order {record.reference}: nothing more of it is ordered. What stands at {record.provider} is paid, "
        f"and delivered when it comes (open requests: {standing}). {_sentence(terms.message)}"
    )


def _terms(provider: Provider, record: OrderRecord) -> CancelTerms:
    last = _last_request(record)
    if isinstance(provider, Cancels):
        terms = provider.cancel_terms(last.id)
        return terms.model_copy(update={"message": f"{_sentence(terms.message)}{_in_money(record, terms)}"})
    until = last.cancel_until
    told = f" It takes cancellations until {format_utc(until)}: ask its support, naming that request." if until else ""
    why = f"{record.provider} documents no way to cancel request {last.id} by its API.{told}"
    return CancelTerms(allowed=False, message=why)


def _sentence(said: str) -> str:
    """As a sentence of its own; a cancel's terms may come as part of one."""
    return said[:1].upper() + said[1:].rstrip(". ") + "."


def _in_money(record: OrderRecord, terms: CancelTerms) -> str:
    if terms.fee_percent is None or record.price is None:
        return ""
    currency = record.currency or ""
    fee = record.price * Decimal(str(terms.fee_percent)) / 100
    return f" That is {fee:,.2f} {currency} of {record.price:,.2f} {currency}.".replace(" .", ".").replace("  ", " ")


def _cancel(
    book: Ledger, provider: Provider, record: OrderRecord, terms: CancelTerms, stop_waiting: bool
) -> State[Any]:
    assert isinstance(provider, Cancels)
    try:
        answer = provider.cancel(_last_request(record).id)
    except Refused as no:
        return Failed(message=f"{_not_cancelled(record)}: {no}")
    except (Uncertain, Unavailable) as unclear:
        said = "not known whether it was cancelled; run this again"
        return Failed(message=f"Order {record.reference}: {said}: {unclear}")
    return _cancelled(book, provider, record, answer, terms.message, stop_waiting)


def _cancelled(
    book: Ledger, provider: Provider, record: OrderRecord, answer: TaskingRequest, terms: str, stop_waiting: bool
) -> State[Any]:
    fresh = lifecycle.record_statuses(book, provider, record.reference, {answer.id: answer})
    said = f"Order {record.reference} was cancelled at {record.provider}: request {answer.id}. {terms}"
    to_fetch = any(one.undelivered for one in fresh.requests if one.last.id == answer.id)
    more_to_come = answer.status not in lifecycle.ENDED
    if others := [one.id for one in lifecycle.open_requests(fresh) if one.id != answer.id]:
        more = (
            "of its other captures" if record.captures_cover_percent is not None else "it was ordered more than once:"
        )
        return Completed(
            message=f"{said} But {more} request {', '.join(others)} still stands. Run cancel-order again to cancel "
            "that, too; else it is captured and paid"
        )
    if record.ended is None and fresh.in_doubt:  # an answer came late, and it was sent again meanwhile
        book.record(record.reference, "cancel asked", "Nothing new is created from here on", cancel_asked=True)
        return Completed(
            message=f"{said} But it may have been ordered more than once: the outcome of another request is not known "
            "yet. If it did not arrive, it is not made again and the order ends; if it did, run cancel-order again."
        )
    if record.ended is not None:  # nobody goes on with it: a person ended its run, or it gave up
        retry = f" It had ended here before: Retry on run {record.flow_run_id} fetches what was captured."
        return _end(book, record, said + (retry if to_fetch or more_to_come else ""))
    if to_fetch:
        wake([UUID(record.flow_run_id)], "Cancelled; what was captured before is delivered")
        return Completed(message=f"{said} What was captured before is delivered.")
    if more_to_come and not stop_waiting:
        message = "Cancelled; what is still to come of it is waited for"
        wake([UUID(record.flow_run_id)], message)
        return Completed(message=f"{said} The order ends once the provider says that nothing more comes.")
    return _end(book, record, said)


def _already_ended(record: OrderRecord) -> State[Any]:
    return Completed(message=f"Order {record.reference} has already ended: {record.outcome}")


def _not_cancelled(record: OrderRecord) -> str:
    if record.ended is None:
        return f"Order {record.reference} was not cancelled and goes on"
    return f"Order {record.reference} had ended here before ({record.outcome}), and nothing was cancelled now"


def _last_request(record: OrderRecord) -> TaskingRequest:
    """The one to cancel: the newest that is under way; the newest of all when none is."""
    going = lifecycle.open_requests(record)
    current = record.current_request
    assert current is not None, "requested before"
    return going[-1] if going else current.last


def _end(book: Ledger, record: OrderRecord, message: str) -> State[Any]:
    def given_up(_now: OrderRecord) -> Revision:
        ending = lifecycle.ending(book, StatusCode.USER_CANCELLED, message)
        # a run on its way to a worker must not take it for one to try again
        return ending._replace(fields={**ending.fields, "cancel_asked": True})

    ended_by_now = book.revise(record.reference, given_up)
    _release(ended_by_now)
    lifecycle.tell_archive(ended_by_now)
    return Completed(message=message)


def _release(record: OrderRecord) -> None:
    """End the run of an order that has ended, where it waits; one at work, or about to be, finds that out itself.

    The run of a part has the whole order to see to.
    """
    if record.part_of is not None:
        wake([UUID(record.flow_run_id)], f"Part {record.reference} was cancelled")
        return
    with get_client(sync_client=True) as client, suppress(ObjectNotFound):
        run = client.read_flow_run(UUID(record.flow_run_id))
        if run.state is not None and (run.state.is_scheduled() or run.state.is_paused()):
            client.set_flow_run_state(run.id, Cancelled(message=record.outcome))
