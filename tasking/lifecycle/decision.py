"""What happens next with an order: decided here, and nowhere else.

Nothing is closed while an announced request may have arrived: it is settled first, and nothing is sent.

The run of an order does what `next_action` says until that is to wait, or to close the order. The watcher asks the same
function whether a run would do something else than wait on. It is pure: no network, no database, no Prefect.

Before the order is requested:

==========================================  ==================================================================
a request is in doubt                       settle it: what may be bought is never given up, and nothing else is
a request before was accepted after all     follow that, instead of ordering another one
no plan, or no quote                        `Plan`
no candidate chosen                         `ListCandidates`, then `Choose`, or wait for better ones
the chosen one is over                      give it up, and choose another
a person is to be asked                     `Ask`
else                                        `Request`
==========================================  ==================================================================

Afterwards:

==========================================  ==================================================================
it was not read in this start               `Poll`
something can be fetched                    `Deliver`
a request is in doubt                       wait till it is settled
everything is home, nothing more comes      compare the archive (`Deliver`), then `Close`
a rejection may be taken back               wait till the window ends, or take the next candidate where wished
given up for good                           the next try where wished and possible, else `Close`
overdue                                     `Close`
else                                        wait for the request's next event
==========================================  ==================================================================

Whatever it is: once it is too late (``needed_by``), nothing more is ordered; each wait is over when a deadline is, see
`tasking.lifecycle.in_time`. A dry run closes where an order would ask or request, see `tasking.lifecycle.rehearsal`.
"""

from __future__ import annotations

from tasking.ledger import DeferredEnd
from tasking.lifecycle import after_request, before_request, several
from tasking.lifecycle.actions import Action, Amend, Close, End, LearnTime, Settle
from tasking.lifecycle.in_time import in_time, too_late
from tasking.lifecycle.rehearsal import rehearsed
from tasking.lifecycle.standing import may_bring_something, requested
from tasking.lifecycle.state import OrderState


def next_action(state: OrderState) -> Action:
    """What to do now with an order that has not ended. The same state gives the same action.

    Args:
        state: The order as the ledger has it, and what was seen of it since its run was started.
    """
    if state.seen.wait is not None:
        return state.seen.wait
    action = rehearsed(state, in_time(state, _decided(state)))
    # it would be paid, and nobody would fetch it
    return Settle() if isinstance(action, Close) and state.record.in_doubt else action


def _decided(state: OrderState) -> Action:
    many = several.is_under_way(state)
    if state.seen.end is not None and not (many and several.goes_on_beside(state)):
        return _ended(state, state.seen.end)
    if many:
        return several.next_action(state)
    if requested(state.record):
        return after_request.next_action(state)
    if (late := too_late(state)) is not None:
        return _ended(state, late) if state.clock.known or state.seen.time_asked else LearnTime()
    return before_request.next_action(state)


def _ended(state: OrderState, end: End) -> Action:
    """A step says that the order can never go on. It is not closed while a rejected request may still be accepted.

    That would be captured, and paid. What is under way already is followed anyway, and decides about its own end.
    """
    record = state.record
    followed = end.request_id is not None or (requested(record) and not several.is_under_way(state))
    if not followed and record.deferred_end is None and may_bring_something(record):
        deferred = DeferredEnd(status=end.status, message=end.message)
        fields: dict[str, object] = {"deferred_end": deferred}
        if several.is_under_way(state):  # what was still to be requested is not
            fields["captures_cover_percent"] = several.held_percent(state) or 0.0
        return Amend("end put off", end.message, fields)
    return Close(end)
