"""What is planned before a task is created: an analysis where Satellogic has one, else the order's whole window.

An order that leaves the pass to Satellogic needs no analysis: it may say early that nothing is feasible, and no more.
When it is not there, or cannot be read, such an order goes on without, with a note. An order for one chosen opportunity
cannot.

======================================  ===========================  ==========================================
an analysis that                        the whole window             one chosen opportunity
======================================  ===========================  ==========================================
has opportunities                       ordered, their number told   the candidates
has clearly none                        ends: not feasible           ends: not feasible
is not there (4xx, 501, no such shape)  ordered without, and told    refused: says why, and what would work
does not answer (5xx, no answer)        ordered without once         waited for
                                        the rest of the API answers
does not finish, or cannot be read      ordered without, and told    ends: says why, and what would work
failed                                  ordered without, and told    made anew
======================================  ===========================  ==========================================
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.errors import NotFound, OrderEnded, ProviderError, Refused, Unavailable, UnexpectedAnswer
from tasking.provider import Plan
from tasking.satellogic.analysis import NO_ANALYSIS, AnalysisName, Stage, candidates_of, stage, word_of
from tasking.satellogic.client import SatellogicClient
from tasking.satellogic.conversions import CAPTURES
from tasking.satellogic.models import Analysis
from tasking.satellogic.order import SatellogicOrder
from tasking.status import StatusCode
from tasking.waiting import format_utc

logger = logging.getLogger(__name__)

START, READ = "start analysis", "read analysis"
AS_WISHED, UNREADABLE, AWAY = "as-wished", "unreadable", "away"
KEPT = timedelta(hours=23)
"""An analysis is kept for 24 hours; one that is not found before that is not forgotten."""


def start(client: SatellogicClient, order: SatellogicOrder, kind: str, payload: Mapping[str, Any]) -> Plan:
    """Ask for an analysis with the very payload of the task; a plan without one where there is none.

    Raises:
        Refused: There is no analysis, and the order is for one chosen opportunity.
        Unavailable: Satellogic does not answer.
    """
    if kind == NO_ANALYSIS:
        return _plan(client, AnalysisName(NO_ANALYSIS, AS_WISHED, _now(client)), ready=True)
    try:
        made = client.start_analysis(kind, payload)
    except ProviderError as error:
        why = _not_there(client, error)
        if why is None or (why == AWAY and order.narrowed):
            raise
        problem = error
    else:
        name = AnalysisName(kind, made.id or "", _now(client))
        return _plan(client, name, ready=stage(made) is not Stage.GOING_ON)
    if order.narrowed:
        why = f"{order.wish} needs an analysis, and Satellogic's cannot be had: {problem}. {_CURE}"
        refused = client.error(Refused, why, START)
        refused.status = problem.status
        raise refused
    plan = _plan(client, AnalysisName(NO_ANALYSIS, why, _now(client)), ready=True)
    return plan.model_copy(update={"note": f"{_without(why)} ({problem})"})


def read(client: SatellogicClient, plan_id: str) -> Plan:
    """One plan. It is ready when there is something to say, also that its analysis cannot be read.

    Raises:
        NotFound: The analysis is forgotten (after 24 hours), or was made just now and is not shown yet.
        Unavailable: Satellogic does not answer.
    """
    name = _named(client, plan_id)
    if name.kind == NO_ANALYSIS:
        return _plan(client, name, ready=True)
    found = _look(client, name)
    return _plan(client, name, ready=isinstance(found, str) or _stage(client, name, found) is not Stage.GOING_ON)


def candidates(client: SatellogicClient, plan_id: str, order: SatellogicOrder | None) -> list[Candidate]:
    """What can be ordered; none while the analysis goes on.

    Args:
        client: The account.
        plan_id: From `start`.
        order: Decides between its whole window and one opportunity; without it these are the opportunities.

    Raises:
        NotFound: Forgotten, or failed and needed: another one is to be made.
        OrderEnded: Not feasible, or there is nothing to choose from; says what would work.
    """
    name = _named(client, plan_id)
    if name.kind == NO_ANALYSIS:
        return [whole_window(order, _without(name.id))] if order is not None else []
    found = _look(client, name)
    if isinstance(found, str):
        return _unread(client, name, order, f"its answer is not to be had: {found}")
    how = _stage(client, name, found)
    if how is Stage.GOING_ON:
        return []
    if how is Stage.NO_OPPORTUNITY and order is not None:
        raise OrderEnded(StatusCode.REJECTED, _not_feasible(name, order))
    if how is Stage.BROKEN:
        return _broken(client, name, order, found)
    if how is Stage.UNREAD:
        minutes = client.settings.analysis_patience_seconds / 60
        why = f"it did not finish within {minutes:g} minutes" if found.opportunities is None else "it cannot be read"
        return _unread(client, name, order, why + word_of(found))
    listed = candidates_of(found, client.settings)
    if order is None or order.narrowed:
        return _within_limits_known(listed, order)
    first = f", the first on {format_utc(listed[0].start)}" if listed else ""
    count = f"{len(listed)} {'opportunity' if len(listed) == 1 else 'opportunities'}"
    return [whole_window(order, f"{count} by its {name.kind} analysis{first}{word_of(found)}")]


def whole_window(order: SatellogicOrder, note: str) -> Candidate:
    """The candidate of an order that leaves the pass to Satellogic."""
    if order.select != type(order).model_fields["select"].default:
        note += f"; 'Choose by' ({order.select}) has no effect on a whole window"
    return Candidate(
        id=WHOLE_WINDOW,
        start=order.window.start,
        end=order.window.end,
        quoted={CAPTURES: wanted(order)},
        note=note,
    )


def wanted(order: SatellogicOrder) -> str:
    """How many captures a task wants, as far as that is a number."""
    return "several" if order.point is None or order.expected_age_days is not None else str(order.max_captures)


_CURE = (
    "Order the whole window (switch 'Order one opportunity only' off, and leave out limits of the off-nadir angle and "
    "of the sun), or name its path in the account's block"
)


def _now(client: SatellogicClient) -> datetime:
    return client.clock.now().replace(microsecond=0)


def _named(client: SatellogicClient, plan_id: str) -> AnalysisName:
    name = AnalysisName.read(plan_id)
    if name is None:
        raise client.error(NotFound, "not the id of an analysis", READ, provider_id=plan_id)
    return name


def _plan(client: SatellogicClient, name: AnalysisName, *, ready: bool) -> Plan:
    settings = client.settings
    patience = timedelta(seconds=0 if ready else settings.analysis_patience_seconds)
    expected = timedelta(seconds=0 if name.kind == NO_ANALYSIS else settings.analysis_seconds)
    return Plan(
        id=str(name),
        created=name.asked,
        ready=ready,
        candidates_at=name.asked + expected,
        patience_until=name.asked + patience,
    )


def _patience_is_over(client: SatellogicClient, name: AnalysisName) -> bool:
    return client.clock.now() >= name.asked + timedelta(seconds=client.settings.analysis_patience_seconds)


def _stage(client: SatellogicClient, name: AnalysisName, found: Analysis) -> Stage:
    return stage(found, patience_is_over=_patience_is_over(client, name))


def _not_there(client: SatellogicClient, error: ProviderError) -> str | None:
    """Why there is no analysis; ``None`` when the error is about something else, or may pass."""
    if error.verb not in (START, READ):  # a token that is not given, say
        return None
    if isinstance(error, UnexpectedAnswer):
        return UNREADABLE
    if isinstance(error, Refused):
        return f"HTTP-{error.status}"
    if error.status == 501:
        return "HTTP-501"
    return AWAY if error.status != 429 and _answers_otherwise(client) else None


def _answers_otherwise(client: SatellogicClient) -> bool:
    """Whether it is the analysis alone that does not answer."""
    try:
        client.contracts()
    except UnexpectedAnswer:
        return True
    except ProviderError:
        return False
    return True


def _look(client: SatellogicClient, name: AnalysisName) -> Analysis | str:
    """An analysis, or why it cannot be read.

    Raises:
        NotFound: Forgotten, or not shown yet.
        ProviderError: What may pass.
    """
    try:
        found = client.analysis(name.kind, name.id)
    except ProviderError as error:
        age = client.clock.now() - name.asked
        fresh = timedelta(seconds=client.settings.settle_seconds)
        if isinstance(error, NotFound) and not fresh <= age < KEPT:
            raise
        why = _not_there(client, error) if _patience_is_over(client, name) or not _may_pass(error) else None
        if why is None:
            raise
        logger.warning("satellogic: the analysis cannot be read: %s", error)
        return str(error)
    return found.model_copy(update={"id": name.id})


def _may_pass(error: ProviderError) -> bool:
    return isinstance(error, Unavailable) and error.status != 501


def _without(why: str) -> str:
    """Why an order has no analysis, for a person."""
    if why == AS_WISHED:
        return "without an analysis, as wished"
    if why == UNREADABLE:
        return "without an analysis: Satellogic's answer to it is none that we can read"
    if why == AWAY:
        return "without an analysis: Satellogic's does not answer"
    return f"without an analysis: Satellogic answers it with {why.replace('-', ' ')}"


def _unread(client: SatellogicClient, name: AnalysisName, order: SatellogicOrder | None, why: str) -> list[Candidate]:
    """Nothing is known of what is feasible: that is no no."""
    if order is None:
        return []
    if not order.narrowed:
        return [whole_window(order, f"without the {name.kind} analysis: {why}")]
    if why.startswith("its answer"):  # it was there a moment ago; another one may be
        raise client.error(NotFound, f"the analysis is not readable: {why}", READ, provider_id=name.id)
    raise OrderEnded(
        StatusCode.FAILED,
        f"Not ordered: {order.wish} needs Satellogic's {name.kind} analysis, and {why}. {_CURE}.",
    )


def _broken(
    client: SatellogicClient, name: AnalysisName, order: SatellogicOrder | None, found: Analysis
) -> list[Candidate]:
    if order is not None and not order.narrowed:
        return [whole_window(order, f"without the {name.kind} analysis: Satellogic says that it {found.status}")]
    gone = client.error(NotFound, "the analysis failed", READ, provider_id=name.id)
    gone.said = found.status
    raise gone


def _not_feasible(name: AnalysisName, order: SatellogicOrder) -> str:
    window = f"between {format_utc(order.window.start)} and {format_utc(order.window.end)}"
    if name.kind == "can-add":
        said, cure = "no opportunity is left beside what others have ordered", "analysis 'opportunities' or 'none'"
    else:
        said, cure = "no opportunity is possible", "analysis 'none', if you know better"
    said = f"Not feasible: by Satellogic's {name.kind} analysis {said} {window}."
    return f"{said} Order again with a longer window, or with {cure}."


def _within_limits_known(listed: list[Candidate], order: SatellogicOrder | None) -> list[Candidate]:
    """The opportunities of which is told what the order has limits for.

    Raises:
        OrderEnded: That is told of none.
    """
    if order is None:
        return listed
    known = [
        each
        for each in listed
        if (order.off_nadir_range is None or each.off_nadir_deg is not None)
        and (order.sun_elevation_range is None or each.sun_elevation_deg is not None)
    ]
    if listed and not known:
        raise OrderEnded(
            StatusCode.FAILED,
            "Not ordered: Satellogic's analysis does not tell the off-nadir angle or the sun of its opportunities, so "
            "the order's limits cannot be kept. Order again without them.",
        )
    return known
