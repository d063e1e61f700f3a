"""One order, for every provider: what happens next with it, and the steps that do it.

`next_action` decides. Each step first asks whether it already happened and answers from the ledger, else from the
provider, else does it. So a step is right no matter how often it runs, on which machine, and after which crash. Nothing
here knows Prefect: the same steps run from a notebook.
"""

from tasking.lifecycle.accepting import Runs, accept, environment_changed
from tasking.lifecycle.approving import question_of
from tasking.lifecycle.asking import ask, is_unanswered, open_question, take, wait_for_answer
from tasking.lifecycle.backoff import is_transient, wait_after_error
from tasking.lifecycle.choosing import choose
from tasking.lifecycle.closing import close, end_studies, ending, tell_archive
from tasking.lifecycle.decision import next_action
from tasking.lifecycle.delivering import deliver
from tasking.lifecycle.doubts import settle
from tasking.lifecycle.listing import list_candidates
from tasking.lifecycle.planning import half_time, plan
from tasking.lifecycle.polling import our_time_in, poll, record_statuses
from tasking.lifecycle.pricing import charge_of, price_of, priced, why_over_budget
from tasking.lifecycle.requesting import request
from tasking.lifecycle.session import Archive, Installed, OrderSession, traits
from tasking.lifecycle.standing import (
    ENDED,
    between_tries,
    candidates_by_request,
    open_requests,
    requested,
    requests_by_id,
)
from tasking.lifecycle.state import OrderState, Polled, Seen

__all__ = [
    "ENDED",
    "Archive",
    "Installed",
    "OrderSession",
    "OrderState",
    "Polled",
    "Runs",
    "Seen",
    "accept",
    "ask",
    "between_tries",
    "candidates_by_request",
    "charge_of",
    "choose",
    "close",
    "deliver",
    "end_studies",
    "ending",
    "environment_changed",
    "half_time",
    "is_transient",
    "is_unanswered",
    "list_candidates",
    "next_action",
    "open_question",
    "open_requests",
    "our_time_in",
    "plan",
    "poll",
    "price_of",
    "priced",
    "question_of",
    "record_statuses",
    "request",
    "requested",
    "requests_by_id",
    "settle",
    "take",
    "tell_archive",
    "traits",
    "wait_after_error",
    "wait_for_answer",
    "why_over_budget",
]
