"""An end is put off while a rejected request of the order may still be accepted: it would be captured, and paid.

`follow` sees to that for what it ends itself. This is for all that is said on the way to the next candidate: none is
left, the provider refuses it, a person declines it.
"""

from __future__ import annotations

from tasking.errors import OrderEnded
from tasking.ledger import DeferredEnd, Ledger
from tasking.lifecycle.choosing import may_bring_something, revive
from tasking.lifecycle.following import SAFETY_NET
from tasking.order import Order
from tasking.provider import Provider
from tasking.waiting import Wait, readable, wait_until


def put_off(ledger: Ledger, reference: str, end: OrderEnded) -> bool:
    """Write an end down for later, if a request of the order may still bring something; else it is the end."""
    record = ledger.read(reference)
    if record.ended is not None or record.deferred_end is not None or not may_bring_something(record):
        return False
    deferred = DeferredEnd(status=end.status, message=str(end))
    ledger.record(reference, "end put off", str(end), deferred_end=deferred)
    return True


def outlast(ledger: Ledger, provider: Provider, order: Order, reference: str) -> Wait | None:
    """Wait for what was rejected, once the order's end was put off.

    Returns:
        A `Wait`, at the longest until the window ends; ``None`` when no end was put off, or the provider has accepted a
        request meanwhile, which is followed then.

    Raises:
        OrderEnded: The end that was put off: the window is over, and none was accepted.
    """
    end = ledger.read(reference).deferred_end
    if end is None or revive(ledger, provider, reference):
        return None
    provider.learn_time()
    record, said = ledger.read(reference), end.message.rstrip(".")
    left, until, now = may_bring_something(record), order.window.end, provider.clock.now()
    if left and now < until:
        names = ", ".join(one.id for one in left)
        message = f"{said}. Rejected before, and may still be accepted until {readable(until)}: request {names}"
        return wait_until(provider.clock, min(now + SAFETY_NET, until), "imagery", message)
    names = ", ".join(one.last.id for one in record.requests)
    raise OrderEnded(end.status, f"{said}. Nothing more came of what was requested before: request {names}.")
