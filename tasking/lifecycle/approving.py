"""A person's yes: until when an answer counts, what it changes, and what happens without one. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from tasking.approval import NOBODY_NAMED, OTHERWISE, Answer, Asked, Decided, Offer, Question, Unanswered
from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.ledger import OrderRecord, Revision
from tasking.lifecycle.actions import Amend, End
from tasking.lifecycle.standing import earlier_requests, undecided
from tasking.lifecycle.state import OrderState
from tasking.order import Order
from tasking.status import StatusCode
from tasking.waiting import format_utc

BEFORE_EXPIRY = timedelta(hours=1)
"""An order that goes on by itself does so this long before its candidate can no longer be ordered, or after three
quarters of the time where that is less than four hours."""

_ANSWERED = {"waits_for": None, "waits_message": None}
_NOTHING_ASKED = {**_ANSWERED, "approval_question": None}


def deadline(order: Order, candidate: Candidate, asked_at: datetime) -> datetime:
    """Until when an answer counts (provider time).

    Args:
        order: Says how long a person has, and what happens without an answer.
        candidate: The best one, which could be ordered that long.
        asked_at: When it was asked (provider time).
    """
    until = useful_until(candidate)
    if order.if_not_answered == "order":
        until -= min(BEFORE_EXPIRY, max(until - asked_at, timedelta(0)) / 4)
    if order.needed_by is not None:
        until = min(until, order.needed_by)
    return until if order.answer_within is None else min(until, asked_at + order.answer_within)


def useful_until(candidate: Candidate) -> datetime:
    """Until when a candidate can be ordered (provider time).

    Where the provider picks the pass, a window that has begun can still be ordered.
    """
    over = candidate.end if candidate.id == WHOLE_WINDOW else candidate.start
    return min(over, candidate.valid_until or over)


def asks_a_person(state: OrderState, candidate: Candidate) -> bool:
    """Whether the chosen candidate is not to be requested before somebody says so."""
    return state.order.require_approval and state.record.approved_candidate_id != candidate.id


def not_answered(state: OrderState, candidate: Candidate) -> Amend | None:
    """What becomes of an order that nobody has answered for in time; ``None`` when its candidate is only to be dropped.

    ==============  ====================================================================
    ``ask-again``   the candidates are listed again, and it is asked anew
    ``decline``     the order ends
    ``order``       the candidate is ordered, unless it covers less than the order's least
    ==============  ====================================================================
    """
    record, now, order = state.record, state.clock.now, state.order
    word = then(order.if_not_answered, order.least_coverage_percent, _covers(record, candidate))
    until = record.approval_asked.deadline if record.approval_asked is not None else None
    nobody = f"Nobody answered until {format_utc(until or useful_until(candidate))}"
    if word == "decline":
        message = f"{nobody}, and so the order says (if_not_answered: decline): declined. Retry on its run asks again"
        end = End(StatusCode.USER_CANCELLED, f"{message}.{earlier_requests(record)}")
        return Amend("not answered", message, dict(_ANSWERED), end)
    if now >= useful_until(candidate):
        return None
    if word == "order":
        decided = Decided(
            decision="approve",
            number=1,
            candidate_id=candidate.id,
            by="the order itself (if_not_answered: order)",
            at=state.clock.ours,
        )
        message = f"{nobody}; candidate {candidate.id} is ordered by itself (if_not_answered: order)"
        approved = {"approved_candidate_id": candidate.id, "approval_answer": decided}
        return Amend("not answered", message, {**_NOTHING_ASKED, **approved})
    message = f"{nobody}; the candidates are looked at again, and it is asked anew"
    return Amend("not answered", message, {**_NOTHING_ASKED, **undecided(record), "approval_asked": None})


def _covers(record: OrderRecord, candidate: Candidate) -> float | None:
    """Share of the area that what is asked about covers: a candidate, or the set it is part of."""
    together = record.captures_cover_percent
    return candidate.area_covered_percent if together is None else together


def then(wished: Unanswered, least_percent: float | None, share: float | None) -> Unanswered:
    """What happens without an answer: nothing is ordered by itself that covers less than the order asks for."""
    too_little = least_percent is not None and share is not None and round(share, 1) < least_percent
    return "ask-again" if wished == "order" and too_little else wished


def dropped(record: OrderRecord, why: str) -> dict[str, object]:
    """What of an approval changes when its candidate cannot be ordered any more."""
    fields: dict[str, object] = {"approval_question": None, "approval_asked": None}
    held, given = record.candidate, record.approval_answer
    if given is not None and held is not None and record.approved_candidate_id == held.id == given.candidate_id:
        fields["approval_answer"] = given.model_copy(update={"undone": why})
    return fields


def answered(record: OrderRecord, question: Question, answer: Answer, now: datetime, at: datetime) -> Revision:
    """What an answer changes.

    Approved is what stood under the number when it was asked, and nothing else. What cannot be ordered any more is not
    replaced by something that the person has not chosen: it is asked anew.

    Args:
        record: The order as it stands.
        question: What was asked.
        answer: What was answered.
        now: The provider's time.
        at: Our time.
    """
    decided = Decided(decision=answer.decision, by=answer.decided_by or NOBODY_NAMED, at=at, note=answer.note)
    if answer.decision == "decline":  # the question stays open till the end: a start before it reads the answer again
        fields = {**_ANSWERED, "approval_answer": decided, "detail": decided.model_dump(mode="json")}
        return Revision(f"{answer.decision}d", _message(decided), fields)
    number = answer.candidate or 1
    offer = question.offer(answer.candidate)
    if offer is None:
        undone = f"there was no number {number} in the list"
        decided = decided.model_copy(update={"number": number, "undone": undone})
        return Revision("answer not taken", _message(decided), {**_NOTHING_ASKED, "approval_answer": decided})
    chosen = record.candidate if number == 1 and record.candidate is not None else offer.candidate
    decided = decided.model_copy(update={"number": number, "candidate_id": chosen.id})
    detail = decided.model_dump(mode="json")
    if now >= (until := useful_until(chosen)):
        decided = decided.model_copy(update={"undone": f"it could be ordered until {format_utc(until)}"})
        lost = [*record.candidates_dropped, chosen.id]
        gone = {**undecided(record), "candidates_dropped": lost, "approval_asked": None, "approval_answer": decided}
        return Revision("answer not taken", _message(decided), {**_NOTHING_ASKED, **gone, "detail": detail})
    approved = {"candidate": chosen, "approved_candidate_id": chosen.id, "approval_answer": decided}
    return Revision(f"{answer.decision}d", _message(decided), {**_NOTHING_ASKED, **approved, "detail": detail})


def _message(decided: Decided) -> str:
    sentence = decided.sentence
    what = f" (candidate {decided.candidate_id})" if decided.candidate_id is not None else ""
    return f"{sentence[0].upper()}{sentence[1:]}{what}"


def question_of(record: OrderRecord, until: datetime) -> Question:
    """The question of an order that waits for an answer.

    Args:
        record: As the ledger has it.
        until: Until when an answer counts (our time).
    """
    candidate, asked = record.candidate, record.approval_asked or Asked()
    assert candidate is not None, "there is something to ask about"
    is_first = bool(asked.offers) and asked.offers[0].candidate.id == candidate.id
    if candidate.price is None:  # quoted for the order
        candidate = candidate.model_copy(update={"price": record.price, "currency": record.currency})
    wished = record.order.get("if_not_answered", "ask-again")
    word = then(wished, record.order.get("coverage_min_percent"), _covers(record, candidate))
    return Question(
        reference=record.reference,
        part_of=record.part_of,
        text=record.approval_question or "",
        count=record.approvals_asked,
        offers=asked.offers if is_first else (Offer(candidates=(candidate,)),),
        facts=asked.facts,
        deadline=until,
        if_not_answered=word if word in OTHERWISE else "ask-again",
    )


def question_text(record: OrderRecord, order: Order, candidate: Candidate, until: datetime) -> str:
    """The question in one sentence. An answer counts for the very same words only."""
    if candidate.id == WHOLE_WINDOW:
        text = _text_of_a_window(candidate, record)
    else:
        text = _text_of_a_set(record) if record.next_candidates else _text_of_a_pass(candidate, record)
    if order.answer_within is None and order.if_not_answered == "ask-again":
        return text
    return f"{text}. Answer until {format_utc(until)}"


def _text_of_a_pass(candidate: Candidate, record: OrderRecord) -> str:
    view = f", {candidate.off_nadir_deg:.1f}° off nadir" if candidate.off_nadir_deg is not None else ""
    until = f"; it can be ordered until {format_utc(candidate.valid_until)}" if candidate.valid_until else ""
    share = candidate.area_covered_percent if record.order.get("area") else None
    covers = f", covers {share:.1f} % of the area" if share is not None else ""
    note = f". {candidate.note}" if candidate.note else ""
    return (
        f"Waiting for approval: capture by {candidate.platform or 'a satellite'} on {format_utc(candidate.start)}"
        f"{covers}{view}{until}{note}. All candidates are among this run's artifacts"
    )


def _text_of_a_set(record: OrderRecord) -> str:
    """Several captures, which one yes is for."""
    assert record.candidate is not None, "there is something to ask about"
    chosen = [record.candidate, *record.next_candidates]
    first, last = min(one.start for one in chosen), max(one.start for one in chosen)
    expires = [one.valid_until for one in chosen if one.valid_until is not None]
    until = f"; they can be ordered until {format_utc(min(expires))}" if expires else ""
    beside = f" with {len(record.requests)} that were requested before" if record.requests else ""
    return (
        f"Waiting for approval: {len(chosen)} captures between {format_utc(first)} and {format_utc(last)}, which "
        f"cover {record.captures_cover_percent or 0:.1f} % of the area{beside}{until}. All candidates are among this "
        "run's artifacts"
    )


def _text_of_a_window(candidate: Candidate, record: OrderRecord) -> str:
    """Where the provider chooses the pass, a person decides on price and window."""
    price = f"{record.price:,.2f} {record.currency or ''}".strip() if record.price is not None else "no price given"
    until = f"; it can be ordered until {format_utc(candidate.valid_until)}" if candidate.valid_until else ""
    note = f"{candidate.note} " if candidate.note else ""
    return (
        f"Waiting for approval: {price}, for an image between {format_utc(candidate.start)} and "
        f"{format_utc(candidate.end)}{until}. {note}What the provider said of it is in this run's timeline"
    )


def is_settled(record: OrderRecord) -> bool:
    """Whether there is nothing to ask: nothing is chosen, or it is approved."""
    return record.candidate is None or record.approved_candidate_id == record.candidate.id
