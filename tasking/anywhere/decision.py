"""What happens next with an order that may go to several accounts: decided here, and nowhere else.

The function is pure: no network, no database, no Prefect. A *part* is one try: an ordinary order at one account. It is
*in the way* while it may be paid: as long as it has not ended, and also afterwards where its request still stands.

======================================  ======================================================================
what is so                              what is next
======================================  ======================================================================
a part was not looked at in this start  `Follow` it
something was delivered, or a person    `CallOff` each other part, while that is free; follow those that are
declined or cancelled                   paid, and `Close` once all have ended
a part comes too late                   `CallOff` it, while that is free; else it is waited for
a part is in the way                    wait: never a second one beside it (with ``hedge`` never a third)
nothing is in the way                   `Explore`, then `Start` what is chosen, or wait for what may come
nothing is left                         `Close`, and say for each account why
======================================  ======================================================================

What a part tried is never tried again, and an account that refused is not asked again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from tasking.anywhere.wish import Wish
from tasking.candidate import WHOLE_WINDOW, Candidate, same_pass
from tasking.exploring import Exploration, compared
from tasking.ledger import OrderRecord
from tasking.lifecycle.actions import End
from tasking.lifecycle.deadlines import needed_by
from tasking.lifecycle.rehearsal import price_of
from tasking.lifecycle.standing import open_requests, reversible_rejections
from tasking.status import OrderStatus, StatusCode
from tasking.study import Option, Study
from tasking.waiting import Wait, format_utc

MOST_PARTS = 20
"""Tries of one order; then a person should look."""

REFUSALS = (StatusCode.REJECTED, StatusCode.FAILED)
"""Ends of a part without a request that say that its account takes no such order."""

TAKEN = (StatusCode.PROCESSING, StatusCode.COMPLETED)
"""Codes of a request whose image is taken already, or just being taken."""


@dataclass(frozen=True)
class Explore:
    """Find out what each account could bring now; what was found before is old."""


@dataclass(frozen=True)
class Start:
    """Order this.

    Attributes:
        number: Which of the wish's orders it is of, from 0.
        option: What is ordered.
    """

    number: int
    option: Option


@dataclass(frozen=True)
class Follow:
    """Carry a part out until it waits, or has ended."""

    reference: str


@dataclass(frozen=True)
class CallOff:
    """Have nothing more of a part, if that is free.

    Attributes:
        reference: Of the part.
        why: For a person.
    """

    reference: str
    why: str


@dataclass(frozen=True)
class Close:
    """The order has come to its end."""

    end: End


NextStep: TypeAlias = Explore | Start | Follow | CallOff | Wait | Close


@dataclass(frozen=True)
class Found:
    """What was found in this start.

    Attributes:
        numbers: Which of the wish's orders were studied, in the order of the studies.
        exploration: The studies.
        unanswered: References of studies whose account has said nothing yet, and may soon.
    """

    numbers: tuple[int, ...]
    exploration: Exploration
    unanswered: frozenset[str] = frozenset()

    @property
    def studies(self) -> list[tuple[int, Study]]:
        """Each study, with the number of its order."""
        return list(zip(self.numbers, self.exploration.studies, strict=True))


@dataclass(frozen=True)
class Followed:
    """How a part stands that was carried out in this start.

    Attributes:
        wait: What it waits for.
        now: Its provider's time then.
    """

    wait: Wait
    now: datetime


@dataclass(frozen=True)
class AnywhereState:
    """All that `next_step` decides by.

    Attributes:
        record: The order, as the ledger has it.
        wish: What is wished.
        parts: Its parts, oldest first, without studies.
        followed: How those stand that were carried out in this start, by reference.
        kept: Parts that were to be called off in this start, by reference: why they go on; empty where it was taken.
        found: What there is to choose from; ``None`` when nobody looked in this start.
    """

    record: OrderRecord
    wish: Wish
    parts: Sequence[OrderRecord] = ()
    followed: Mapping[str, Followed] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    found: Found | None = None

    @property
    def open_parts(self) -> list[OrderRecord]:
        """Those that have not ended."""
        return [one for one in self.parts if one.ended is None]


def next_step(state: AnywhereState) -> NextStep:
    """What to do now with an order that has not ended. The same state gives the same step."""
    for part in state.open_parts:
        if part.reference not in state.followed:
            return Follow(part.reference)
    if (over := _over(state)) is not None:
        why, end = over
        return _wound_up(state, why, end)
    for part in state.open_parts:
        if part.reference not in state.kept and (late := _lateness(part, state.followed[part.reference].now)):
            return CallOff(part.reference, late)
    if not may_start_another(state.wish, state.parts):
        return _waiting(state)
    if len(state.parts) >= MOST_PARTS:
        message = f"{len(state.parts)} tries came to nothing; a person should look.{_tries(state)}"
        return _waiting(state) if state.open_parts else Close(End(StatusCode.FAILED, message))
    if state.found is None:
        return Explore()
    if (start := _choice(state, state.found)) is not None:
        return _rehearsed(start) if state.wish.dry_run else start
    if state.open_parts or state.found.exploration.wait is not None:
        return _waiting(state)
    return Close(_nothing_left(state, state.found))


def may_start_another(wish: Wish, parts: Sequence[OrderRecord]) -> bool:
    """Whether one more part may be started: never beside one that may be paid, unless two are wished at once."""
    return len([one for one in parts if _is_in_the_way(wish, one)]) < (2 if wish.hedge else 1)


def to_be_studied(wish: Wish, parts: Sequence[OrderRecord]) -> list[int]:
    """Which of the wish's orders can still be tried, beside what is open."""
    return [number for number in range(len(wish.orders)) if _may_be_tried(wish, parts, number)]


def stands(part: OrderRecord) -> bool:
    """Whether a part has ended here while something of it may still be paid for at its provider."""
    return (
        part.ended is not None and part.status != StatusCode.COMPLETED and (part.in_doubt or bool(open_requests(part)))
    )


def was_ended_by_a_person(part: OrderRecord) -> bool:
    """Whether a person declined it, or cancelled it."""
    return part.ended is not None and part.status == StatusCode.USER_CANCELLED and part.called_off is None


def _is_in_the_way(wish: Wish, part: OrderRecord) -> bool:
    if part.ended is not None:
        return stands(part)
    return not _may_be_passed_over(wish, part)


def _may_be_passed_over(wish: Wish, part: OrderRecord) -> bool:
    """Whether all it has is a rejection that may be taken back, and its order wishes another one beside that."""
    rejected = reversible_rejections(part)
    if not rejected or len(rejected) < len(part.requests) or part.in_doubt or part.delivered:
        return False
    return wish.orders[wish.number_of(part)].on_rejection == "next-candidate"


# the end ahead -------------------------------------------------------------------------------------------------------


def _over(state: AnywhereState) -> tuple[str, End] | None:
    """Why nothing more is to be started, and how the order ends then; ``None`` while it goes on."""
    for part in state.parts:
        if part.status == StatusCode.COMPLETED and part.ended is not None:
            also = [one for one in state.parts if one is not part and one.delivered]
            more = f" Also delivered: {', '.join(map(_called, also))}." if also else ""
            return f"{_called(part)} has delivered", End(StatusCode.COMPLETED, f"{_outcome(part)}{more}")
    for part in state.parts:
        if part.delivered:
            return f"{_called(part)} delivers", End(part.status or StatusCode.FAILED, _outcome(part))
    if state.record.cancel_asked:
        return "the order was cancelled", End(StatusCode.USER_CANCELLED, f"Cancelled.{_tries(state)}")
    for part in state.parts:
        if was_ended_by_a_person(part):
            return f"{_called(part)} was declined or cancelled", End(StatusCode.USER_CANCELLED, _outcome(part))
    return None


def _wound_up(state: AnywhereState, why: str, end: End) -> NextStep:
    for part in state.open_parts:
        if not part.delivered and part.reference not in state.kept:
            return CallOff(part.reference, why)
    return _waiting(state) if state.open_parts else Close(end)


def _lateness(part: OrderRecord, now: datetime) -> str:
    """Why a part comes too late, in words; empty while it does not, or its image is taken already."""
    by, ahead = needed_by(part), open_requests(part)
    if by is None or not ahead or part.in_doubt or part.delivered:
        return ""
    if any(one.capture_ids or one.status in TAKEN for one in ahead):
        return ""
    if now >= by:
        return f"it was needed by {format_utc(by)}"
    if all(one.timed and one.end is not None and one.end > by for one in ahead):
        return f"it is needed by {format_utc(by)}, and is taken after that"
    return ""


# the choice ----------------------------------------------------------------------------------------------------------


def _choice(state: AnywhereState, found: Found) -> Start | None:
    """What is ordered next; ``None`` for nothing, or while an account that comes before has not answered."""
    usable: dict[int, list[Option]] = {}
    for number, study in found.studies:
        options = [one for one in study.options if one.usable and not _was_tried(state.wish, state.parts, number, one)]
        waits = study.reference in found.unanswered
        if not options and waits:
            return None
        if options and state.wish.choose_by == "preference":
            return Start(number, options[0])
        usable[number] = options
    best = compared([one for options in usable.values() for one in options])
    if not best:
        return None
    number = next(number for number, options in usable.items() if best[0] in options)
    return Start(number, best[0])


def _may_be_tried(wish: Wish, parts: Sequence[OrderRecord], number: int) -> bool:
    account = wish.orders[number].account
    for part in parts:
        if part.ended is None and part.account == account and not _may_be_passed_over(wish, part):
            return False
        if wish.number_of(part) != number:
            continue
        refused = part.ended is not None and not part.requests and not part.in_doubt and part.status in REFUSALS
        tried = _tried_by(part)
        if refused or (tried is not None and tried.id == WHOLE_WINDOW):
            return False
    return True


def _was_tried(wish: Wish, parts: Sequence[OrderRecord], number: int, option: Option) -> bool:
    whole = option.candidate.id == WHOLE_WINDOW
    for part in parts:
        tried = _tried_by(part)
        if tried is None or part.account != option.account or (tried.id == WHOLE_WINDOW) != whole:
            continue
        if (whole and wish.number_of(part) == number) or (not whole and same_pass(option.candidate, tried)):
            return True
    return False


def _tried_by(part: OrderRecord) -> Candidate | None:
    last = part.current_request
    return part.candidate or (last.candidate if last is not None else None)


def _rehearsed(start: Start) -> Close:
    option = start.option
    until = f" It can be ordered until {format_utc(option.order_until)}." if option.order_until else ""
    message = (
        f"Dry run, nothing was ordered. It would order at {option.account}: {option.reason}; taken by "
        f"{format_utc(option.taken_by)}, {price_of(option.price, option.currency)}.{until}"
    )
    return Close(End(OrderStatus.DRY_RUN, message))


# words ---------------------------------------------------------------------------------------------------------------


def _waiting(state: AnywhereState) -> NextStep:
    """Until the first of what is waited for; an order that waits for nothing more has ended."""
    waits = [(_called(one), state.followed[one.reference].wait) for one in state.open_parts]
    if state.found is not None:
        waits += [(study.account, study.wait) for _, study in state.found.studies if study.wait is not None]
    if not waits:
        standing = ", ".join(_called(one) for one in state.parts if stands(one))
        message = f"Nothing else is ordered while something may still come of {standing}.{_tries(state)}"
        return Close(End(StatusCode.FAILED, message))
    messages = [f"{who}: {wait.message}" + _why_kept(state, who) for who, wait in waits]
    first = min((wait for _, wait in waits), key=lambda one: one.until)
    paid = [wait for one in state.open_parts if (wait := state.followed[one.reference].wait).waits_for == "imagery"]
    kind = paid[0].waits_for if paid else first.waits_for
    return Wait(until=first.until, waits_for=kind, message="; ".join(messages))


def _why_kept(state: AnywhereState, who: str) -> str:
    why = next((why for reference, why in state.kept.items() if who.startswith(f"{reference} ")), "")
    return f" (not called off: {why})" if why else ""


def _called(part: OrderRecord) -> str:
    return f"{part.reference} at {part.account}"


def _outcome(part: OrderRecord) -> str:
    return f"{_called(part)}: {part.outcome or part.outcome_so_far or part.waits_message or ''}".strip()


def _tries(state: AnywhereState) -> str:
    """What became of each part, as sentences that follow another one; empty without parts."""
    return "".join(f" {_outcome(one).rstrip('.')}." for one in state.parts)


def _nothing_left(state: AnywhereState, found: Found) -> End:
    last = state.parts[-1] if state.parts else None
    status = StatusCode.REJECTED if last is None else last.status or StatusCode.FAILED
    if last is not None and last.called_off is not None:
        status = StatusCode.EXPIRED
    whys = "".join(f" {study.account}: {_why_nothing(study).rstrip('.')}." for _, study in found.studies)
    head = "Nothing could be ordered." if last is None else "Nothing was delivered, and nothing is left to try."
    if state.wish.dry_run:
        return End(OrderStatus.DRY_RUN, f"Dry run: nothing would be ordered.{whys}")
    return End(status, f"{head}{_tries(state)}{whys}")


def _why_nothing(study: Study) -> str:
    if study.refused or not study.options:
        said = study.outcome.removeprefix("Dry run: nothing would be ordered. ")
        return said.removeprefix("Nothing would be ordered: ") or "it offers nothing"
    reasons = sorted({one.exclusion_reason for one in study.options if one.exclusion_reason})
    return "; ".join(reasons[:3]) or "all that it offers was tried before"
