"""An order that is wanted no more is called off, where that is free."""

from __future__ import annotations

from tasking.errors import NotFound, Refused
from tasking.ledger import Ledger, OrderRecord, Revision
from tasking.lifecycle.accepting import environment_changed
from tasking.lifecycle.closing import ending, tell_archive
from tasking.lifecycle.polling import record_statuses
from tasking.lifecycle.session import OrderSession
from tasking.lifecycle.standing import open_requests
from tasking.provider import Cancels, CancelTerms, Provider
from tasking.status import StatusCode


def call_off(session: OrderSession, why: str) -> str | None:
    """Have nothing more of an order, if that is free; what the provider took is read again by the order's next poll.

    Before anything was requested it is ended. A request in doubt is settled first, and not sent again. A request that
    stands is cancelled where its provider takes a cancel and names no fee.

    Args:
        session: The order's.
        why: For a person.

    Returns:
        Why it goes on; ``None`` where it has ended, or its cancel was taken.

    Raises:
        Uncertain, Unavailable: It is not known whether the cancel was taken; call it off again, which does no harm.
        ProviderError: The provider cannot be asked.
    """
    record = _before_the_request(session.ledger, session.reference, why)
    if record.ended is not None:
        tell_archive(record)
        return None
    if record.in_doubt:
        return "it is not known yet whether its request arrived"
    provider = session.provider
    if (there := environment_changed(provider, record)) is not None:  # an id may be another's where it leads now
        return f"it was begun at {there}, and its account leads elsewhere now"
    for request in reversed(open_requests(record)):
        if (held_by := _not_free(provider, request.id)) is not None:
            return held_by
        assert isinstance(provider, Cancels), "it has told its terms"
        session.ledger.record(session.reference, "called off", f"Called off: {why}", called_off=why, cancel_asked=True)
        try:
            answer = provider.cancel(request.id)
        except Refused as no:
            session.ledger.record(session.reference, called_off=None, cancel_asked=False)
            return str(no)
        record_statuses(session.ledger, provider, session.reference, {answer.id: answer})
    return None


def _before_the_request(ledger: Ledger, reference: str, why: str) -> OrderRecord:
    """End what has no request, in the moment in which none can be announced; one in doubt is not sent again."""

    def change(now: OrderRecord) -> Revision:
        if now.ended is not None or now.requests:
            return Revision(None, "", {})
        marks = {"called_off": why, "cancel_asked": True}
        if now.in_doubt:
            return (
                Revision("called off", f"Called off: {why}", marks)
                if now.called_off is None
                else Revision(None, "", {})
            )
        end = ending(ledger, StatusCode.USER_CANCELLED, f"Called off before anything was ordered: {why}")
        return end._replace(fields={**end.fields, **marks})

    return ledger.revise(reference, change)


def _not_free(provider: Provider, request_id: str) -> str | None:
    """Why a cancel is not free now; ``None`` where it is, or the provider names no fee."""
    if not isinstance(provider, Cancels):
        return f"{provider.name} documents no way to cancel a request"
    try:
        terms: CancelTerms = provider.cancel_terms(request_id)
    except NotFound:
        return f"the provider does not know request {request_id} just now"
    if not terms.allowed or terms.fee_percent:
        return terms.message
    return None
