"""An order that may go to several accounts is carried out: what `tasking.anywhere.decision` says, until it waits.

It is entered again from the top after every wait and every crash. All that it goes by is in the ledger: the order, its
parts, and the studies that were made for it. Nothing here knows Prefect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol, assert_never, cast

from tasking import lifecycle
from tasking.anywhere.decision import (
    AnywhereState,
    CallOff,
    Close,
    Explore,
    Follow,
    Followed,
    Found,
    NextStep,
    Start,
    may_start_another,
    next_step,
    stands,
    to_be_studied,
    was_ended_by_a_person,
)
from tasking.anywhere.parts import PartHost, PartRun
from tasking.anywhere.wish import Wish
from tasking.candidate import WHOLE_WINDOW
from tasking.clock import ProviderClock, utc_now
from tasking.errors import InvalidOrder, LedgerUnavailable, TaskingError, Unavailable, Uncertain
from tasking.exploring import Exploration, explore, finish
from tasking.ledger import ANYWHERE, Filter, Ledger, OrderRecord, Revision, archives
from tasking.lifecycle import Installed, OrderSession
from tasking.lifecycle.actions import End
from tasking.lifecycle.calling_off import call_off
from tasking.local_host import Parked
from tasking.order import Order, order_from
from tasking.order_run import (
    AWAY,
    DRY_RUN,
    MOST_STEPS,
    Ended,
    Host,
    RetryLater,
    made_reference,
    other_code,
    short_id,
    until_it_ends,
    words_of,
)
from tasking.status import StatusCode
from tasking.waiting import Wait

ASKED_ENOUGH = 3
"""Failures in a row after which an account that does not answer holds back no other."""

CANCEL_AGAIN = timedelta(minutes=5)
"""Pause before a part is called off again whose cancel had no clear answer."""

Read = Callable[[Mapping[str, Any] | None], Wish]
"""Reads the order: from the ledger's JSON where it was accepted before, else as it was given."""


class Page(Protocol):
    """What a person sees of it."""

    def begins(self, wish: Wish, reference: str) -> None:
        """The order is known; called at each start."""

    def explored(self, found: Exploration) -> None:
        """What all accounts could bring, in one table."""


def run_anywhere(host: Host, read: Read, page: Page, *, dry_run: bool = False) -> Ended:
    """Order one image at one of several accounts after the other, until one of them has brought it.

    Args:
        host: Where it runs.
        read: Reads the order.
        page: Shown to a person.
        dry_run: Everything but the request; it ends with what would be ordered.
    """
    return until_it_ends(host, lambda: _read_and_carried_out(host, read, page, dry_run))


def _read_and_carried_out(host: Host, read: Read, page: Page, dry_run: bool) -> Ended:
    with host.installed.ledger() as ledger:
        mine = ledger.orders(Filter(provider=ANYWHERE, flow_run_id=host.run_id, limit=1))
    held = mine[0] if mine else None
    try:
        wish = read(None if held is None else {**held.order, "reference": held.reference})
    except InvalidOrder as error:
        if held is None or held.ended is not None:
            return Ended(StatusCode.FAILED, str(error))
        raise RetryLater(other_code(host, held.reference, error)) from error
    reference = wish.reference or made_reference(wish.name, ANYWHERE, host.run_id)
    if (dry_run or wish.dry_run) and not reference.startswith(DRY_RUN):
        name = (wish.reference or words_of(wish.name, ANYWHERE))[:34].rstrip("._-")
        reference = f"{DRY_RUN}{name}-{short_id(host.run_id)}"
        wish = wish.model_copy(update={"dry_run": True})
    wish = wish.model_copy(update={"reference": reference})
    host.log.info("Order %s", reference)
    page.begins(wish, reference)
    return AnywhereRun(host, page, wish, reference).to_its_end()


class AnywhereRun:
    """One order of one run, from wherever it stands.

    Args:
        host: Where it runs.
        page: Shown to a person.
        wish: The order.
        reference: Ours.
    """

    def __init__(self, host: Host, page: Page, wish: Wish, reference: str) -> None:
        self._host, self._page, self._wish, self._reference = host, page, wish, reference
        self._followed: dict[str, Followed] = {}
        self._kept: dict[str, str] = {}
        self._found: Found | None = None

    def to_its_end(self) -> Ended:
        """Do what is next, until the order has ended, or the host ends this start."""
        try:
            self._accept()
        except LedgerUnavailable:
            raise
        except TaskingError as error:
            if error.retryable:
                raise RetryLater(_soon(error)) from error
            return Ended(StatusCode.FAILED, str(error))
        except Exception as error:
            if self._host.is_away(error):
                raise RetryLater(_soon(error)) from error
            raise
        done = 0
        while (record := self._record()).ended is None and record.flow_run_id == self._host.run_id:
            state = self._state(record)
            step = next_step(state)
            done = 0 if isinstance(step, Wait) else done + 1
            if done > MOST_STEPS:
                raise RuntimeError(f"{done} steps without a wait; the last is {type(step).__name__}")
            self._carry_out(step, state)
        self._host.show(self._reference)
        if record.ended is None:
            return Ended(StatusCode.FAILED, f"Run {record.flow_run_id} goes on with order {self._reference}")
        return Ended(record.status, record.outcome or "")

    def _record(self) -> OrderRecord:
        with self._host.installed.ledger() as ledger:
            return ledger.read(self._reference)

    def _all_of_it(self) -> list[OrderRecord]:
        with self._host.installed.ledger() as ledger:
            return ledger.parts(self._reference)

    def _state(self, record: OrderRecord) -> AnywhereState:
        parts = [one for one in self._all_of_it() if not one.is_study]
        return AnywhereState(record, self._wish, parts, dict(self._followed), dict(self._kept), self._found)

    def _accept(self) -> None:
        """Own the order's reference. Where a person has pressed Retry, what a person ended or gave up goes on, too."""
        with self._host.installed.ledger() as ledger:
            before = ledger.find(self._reference)
        session = _WishSession(self._host.installed, self._wish, self._reference, self._host.run_id)
        try:
            self._host.accept(session)
        finally:
            session.close()
        if before is None or before.ended is None or self._record().ended is not None:
            return
        for part in self._all_of_it():
            if not part.is_study and (stands(part) or was_ended_by_a_person(part)):
                self._follow(part.reference)

    def _carry_out(self, step: NextStep, state: AnywhereState) -> None:
        match step:
            case Explore():
                self._explore(state)
            case Start():
                self._start(step, state)
            case Follow(reference):
                self._follow(reference)
            case CallOff():
                self._call_off(step)
            case Wait():
                self._wait(step)
            case Close(end):
                self._close(end)
            case _:
                assert_never(step)

    # what there is to choose from -------------------------------------------------------------------------------------

    def _explore(self, state: AnywhereState) -> None:
        """Study what can still be tried; each part is chosen by studies of its own, whose plan no other part uses."""
        numbers = to_be_studied(self._wish, state.parts)
        head = self._reference if self._reference.startswith(DRY_RUN) else f"{DRY_RUN}{self._reference}"
        turn = len(state.parts) + 1
        orders = [self._wish.order_at(number, f"{head}.{turn}.{number + 1}", dry_run=True) for number in numbers]
        host = PartHost(self._host, shows=False)
        exploration = explore(host, orders, self._reference)
        with self._host.installed.ledger() as ledger:
            waits = [one.reference for one in exploration.studies if one.wait is not None]
            unanswered = frozenset(one for one in waits if not _has_answered(ledger, host, one))
        self._found = Found(tuple(numbers), exploration, unanswered)
        self._page.explored(exploration)

    def _start(self, step: Start, state: AnywhereState) -> None:
        """Start a part for what was chosen: with the plan, or the quote, of its study."""
        assert self._found is not None, "it was chosen from that"
        option, reference = step.option, f"{self._reference}.{len(state.parts) + 1}"
        order = self._wish.order_at(step.number, reference)
        candidate = option.candidate
        if candidate.id != WHOLE_WINDOW:
            candidate = candidate.model_copy(update={"area_covered_percent": option.coverage_percent})
        with self._host.installed.ledger() as ledger:
            study = ledger.read(option.reference)
            fields = {
                "environment": study.environment,
                "plan_id": study.plan_id,
                "planned_at": study.planned_at,
                "candidates_seen": study.candidates_seen,
                "candidate": candidate,
                "price": study.price,
                "currency": study.currency,
            }
            part = ledger.start_part(
                self._reference,
                reference,
                order.model_dump(mode="json"),
                provider=order.provider,
                flow_run_id=self._host.run_id,
                fields=fields,
                still_wished=lambda _whole, all_of_it: _is_wished(self._wish, state.parts, all_of_it),
            )
            if part is not None:
                ledger.record(reference, "chosen", f"Chose {option.candidate.id}: {option.reason}")
        if part is not None:
            finish(self._host, self._found.exploration)
        self._found = None

    # its parts --------------------------------------------------------------------------------------------------------

    def _session(self, reference: str) -> OrderSession:
        with self._host.installed.ledger() as ledger:
            part = ledger.read(reference)
        kind = type(self._wish.orders[self._wish.number_of(part)])
        order = order_from(kind, part.order)
        return OrderSession(self._host.installed, order, reference, self._host.run_id, self._reference)

    def _follow(self, reference: str) -> None:
        session = self._session(reference)
        run = PartRun(PartHost(self._host), session)
        try:
            run.to_its_end()
        except Parked as parked:
            with self._host.installed.ledger() as ledger:
                kind = ledger.read(reference).waits_for or "provider"
            self._followed[reference] = Followed(Wait(until=parked.until, waits_for=kind, message=str(parked)), run.now)
            return
        except RetryLater as later:
            self._followed[reference] = Followed(later.wait, run.now)
            return
        finally:
            session.close()
        with self._host.installed.ledger() as ledger:
            part = ledger.read(reference)
            if part.ended is not None:
                ledger.record(self._reference, "part ended", f"Part {reference}: {part.outcome}")
                return
        message = f"Run {part.flow_run_id} goes on with it"  # by now another run's, or reopened in this moment
        self._followed[reference] = Followed(
            Wait(until=utc_now() + AWAY, waits_for="provider", message=message), run.now
        )

    def _call_off(self, step: CallOff) -> None:
        self._kept[step.reference] = ""
        session = self._session(step.reference)
        try:
            why_not = call_off(session, step.why)
        except (Uncertain, Unavailable) as unclear:
            self._kept[step.reference] = f"it is not known whether it was: {unclear}"
            self._come_back(step.reference)
        except LedgerUnavailable:
            raise
        except TaskingError as error:  # also an account that cannot be opened
            self._kept[step.reference] = str(error)
        else:
            if why_not is None:
                self._followed.pop(step.reference, None)  # it is read, and ends when the provider says so
            else:
                self._kept[step.reference] = why_not
        finally:
            session.close()

    def _come_back(self, reference: str) -> None:
        held = self._followed[reference]
        until = min(held.wait.until, utc_now() + CANCEL_AGAIN)
        self._followed[reference] = replace(held, wait=held.wait.model_copy(update={"until": until}))

    # its waits, and its end -------------------------------------------------------------------------------------------

    def _wait(self, wait: Wait) -> None:
        waited_for = () if self._found is None else [one.reference for one in self._found.exploration.studies]
        with self._host.installed.ledger() as ledger:
            lifecycle.end_studies(ledger, self._reference, waited_for)  # of a start that died: nobody asks about them
            ledger.record(
                self._reference, waits_for=wait.waits_for, waits_message=wait.message, wake_at=wait.until, news_at=None
            )
        self._host.log.info("%s", wait.message)
        self._host.show(self._reference)
        self._followed, self._kept, self._found = {}, {}, None
        self._host.park(wait.until, wait.message)

    def _close(self, end: End) -> None:
        if self._found is not None:
            finish(self._host, self._found.exploration)
        with self._host.installed.ledger() as ledger:
            lifecycle.end_studies(ledger, self._reference)

            def change(now: OrderRecord) -> Revision:
                if now.ended is not None or now.flow_run_id != self._host.run_id:
                    return Revision(None, "", {})
                return lifecycle.ending(ledger, end.status, end.message)

            ledger.revise(self._reference, change)


def _soon(error: Exception) -> Wait:
    return Wait(until=utc_now() + AWAY, waits_for="provider", message=f"Trying again: {error}")


def _is_wished(wish: Wish, seen: Sequence[OrderRecord], all_of_it: Sequence[OrderRecord]) -> bool:
    """Whether the parts are those by which was decided, and leave room for one more."""
    now = [one for one in all_of_it if not one.is_study]
    return [one.reference for one in now] == [one.reference for one in seen] and may_start_another(wish, now)


def _has_answered(ledger: Ledger, host: PartHost, study: str) -> bool:
    """Whether an account that has to be waited for has said something, or was asked often enough."""
    if study in host.listed:
        return True
    record = ledger.find(study)
    return record is not None and record.waits_for == "provider" and record.failures >= ASKED_ENOUGH


class _WishSession(OrderSession):
    """The whole order, as it is accepted: like any other one, with a provider that is none."""

    def __init__(self, installed: Installed, wish: Wish, reference: str, run_id: str) -> None:
        super().__init__(installed, cast(Order, wish), reference, run_id)

    @property
    def provider(self) -> Any:
        """What accepting an order asks of a provider."""
        return _Anywhere(self)


class _Anywhere:
    """Stands for all the accounts of an order."""

    name = ANYWHERE
    environment = "the accounts of its orders"

    def __init__(self, session: OrderSession) -> None:
        self._session = session
        self.clock = ProviderClock()

    def check(self, order: Any) -> None:
        """All archives can be used; that of the first is looked at by the acceptance itself."""
        for name in {one.archive for one in order.orders} if not order.dry_run else ():
            archive = self._session.installed.archive(name)
            archive.folder(used_before=archives.known(self._session.ledger, archive.address))
