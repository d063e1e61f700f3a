"""One order, from plan to catalog, for every provider, wherever it runs.

A run is entered again from the top after every wait and every crash: it does what `tasking.lifecycle.next_action` says
until that is to wait, or to close the order. Nothing here knows Prefect: `Host` is what a flow, a notebook or a test
gives.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeAlias, assert_never

from tasking import lifecycle
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, LedgerUnavailable, OrderEnded, TaskingError
from tasking.ledger import Filter, Ledger, OrderRecord
from tasking.lifecycle.actions import (
    Act,
    Action,
    Amend,
    Ask,
    BackOff,
    Choose,
    Close,
    Deliver,
    End,
    LearnTime,
    ListCandidates,
    Plan,
    Poll,
    Request,
    Settle,
)
from tasking.lifecycle.session import Installed, OrderSession
from tasking.order import Order, order_from
from tasking.status import StatusCode
from tasking.study import Study, study_of
from tasking.waiting import Wait, format_utc
from tasking.window import is_relative

Step: TypeAlias = Plan | ListCandidates | Choose | Request | Poll | Deliver
"""What a `Host` carries out, shown to a person by its ``step``."""

AWAY = timedelta(seconds=60)
"""Pause when the ledger itself is away, so that nothing can be read about the order."""

OTHER_CODE = timedelta(hours=1)
"""Pause of a claimed order that this machine's code cannot read: somebody has to upgrade it."""

MOST_STEPS = 200
"""Steps without a wait between them: so many are a mistake of ours, and are stopped."""

ASK_AGAIN_SECONDS = 30.0
"""First pause after an error where the account, which says how long it is, cannot even be opened."""


DRY_RUN = "dry-run-"
"""So begins the reference of a dry run: the order itself may come under its own later."""


class Ended(NamedTuple):
    """How an order stands with its run's end: our word for it, and a sentence for a person."""

    status: str | None
    message: str


class Host(ABC):
    """Where an order is carried out.

    Attributes:
        run_id: Names this run; the same at each of its starts.
        scheduled: When this run was to start first: what is relative in its order counts from there.
        log: Told what happens.
        installed: Opens the ledger, accounts and archives.
    """

    run_id: str
    scheduled: datetime
    log: logging.Logger | logging.LoggerAdapter[Any]
    installed: Installed

    @abstractmethod
    def accept(self, session: OrderSession) -> None:
        """Check the order and own its reference; see `tasking.lifecycle.accept`."""

    @abstractmethod
    def ask(self, session: OrderSession) -> None:
        """Return once a person approved the chosen candidate, or raise something that ends this start.

        Raises:
            OrderEnded: The person declined.
        """

    @abstractmethod
    def perform(self, session: OrderSession, action: Step) -> None:
        """Carry out one step; `perform` of this module does it."""

    @abstractmethod
    def park(self, until: datetime, message: str) -> None:
        """Return once it is time; or raise something that ends this start, so that another one comes when it is."""

    @abstractmethod
    def begins(self, order: Order, reference: str) -> None:
        """The order is known; called at each start."""

    @abstractmethod
    def show(self, reference: str) -> None:
        """Show a person what happened to the order."""

    @abstractmethod
    def studied(self, study: Study) -> None:
        """Show a person, and a program, what a dry run has come to."""

    @abstractmethod
    def is_away(self, error: Exception) -> bool:
        """Whether the host itself could not be reached: that passes, and is nothing about the order."""

    @abstractmethod
    def is_gone(self, error: Exception) -> bool:
        """Whether this run was taken away: it ends, and the order stays open for another one."""


def run_order(host: Host, kind: type[Order], given: object, *, dry_run: bool = False) -> Ended:
    """Plan, wait for candidates, choose, (ask a person,) request, wait for the imagery, deliver.

    Args:
        host: Where it runs.
        kind: The provider's kind of order.
        given: The order, checked here.
        dry_run: Everything but the request; it ends with what would be ordered.
    """
    return until_it_ends(host, lambda: _read_and_carried_out(host, kind, given, dry_run))


def until_it_ends(host: Host, carry_out: Callable[[], Ended]) -> Ended:
    """Carry an order out, and again after what passes: the ledger is away, or it is to be tried later."""
    while True:
        try:
            return carry_out()
        except LedgerUnavailable as no_ledger:
            host.log.warning("%s", no_ledger)
            host.park(utc_now() + AWAY, f"Trying again: {no_ledger}")
        except RetryLater as later:
            host.park(later.wait.until, later.wait.message)


def own_reference(order: Order, run_id: str, opened: Callable[[], AbstractContextManager[Ledger]]) -> str:
    """The reference of an order that came without one: of its name and its run, so the same after each wait.

    Of a name in any script what ASCII has of it is kept; the run's id makes it unique. An order that this run has
    claimed keeps its reference, also when names were made in another way then.
    """
    with opened() as ledger:
        claimed = [one for one in ledger.orders(Filter(flow_run_id=run_id)) if not one.order.get("dry_run")]
    if claimed:
        return claimed[0].reference
    return made_reference(order.name, order.provider, run_id)


def made_reference(name: str, otherwise: str, run_id: str) -> str:
    """A reference of a name, or of something else where ASCII has nothing of it, that only this run makes."""
    return f"{words_of(name, otherwise)}-{short_id(run_id)}"


def dry_run_of(order: Order, run_id: str, number: int = 1) -> Order:
    """The order as a dry run: under a reference of its own, which holds back no order that comes later.

    It is asked within the limit of its site, and stands for none in the ledger: see `Ledger.claim`. One that is a dry
    run already, and is taken over by another run, stays what it is.

    Args:
        order: The order.
        run_id: The run that carries it out; the same run gives the same reference.
        number: Tells several of one run apart.
    """
    if order.dry_run and order.reference is not None and order.reference.startswith(DRY_RUN):
        return order
    which = "" if number == 1 else f"-{number}"
    name = (order.reference or words_of(order.name, order.provider))[:50].rstrip("._-")
    reference = f"{DRY_RUN}{name}-{short_id(run_id)}{which}"
    return order.model_copy(update={"dry_run": True, "reference": reference})


def words_of(name: str, otherwise: str) -> str:
    """A name as part of a reference."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40].strip("-") or otherwise


def short_id(run_id: str) -> str:
    """The end of the id: what it begins with may be the time."""
    return run_id.replace("-", "")[-16:]


def perform(session: OrderSession, action: Step) -> Any:
    """Carry out one step. What it learned is in the ledger, and in what the session has seen."""
    match action:
        case Plan():
            return lifecycle.plan(session)
        case ListCandidates():
            return lifecycle.list_candidates(session)
        case Choose(any_coverage):
            return lifecycle.choose(session, any_coverage=any_coverage)
        case Request():
            return lifecycle.request(session)
        case Poll():
            return lifecycle.poll(session)
        case Deliver(request_id):
            return lifecycle.deliver(session, request_id)
        case _:
            assert_never(action)


class OrderClosedElsewhere(Exception):
    """The order was ended, or taken over, by somebody else while this run was at work."""


class RetryLater(Exception):
    """Something went wrong beside the steps of an order that is paid for: it is not closed, but tried again later."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait.message)
        self.wait = wait


def _read_and_carried_out(host: Host, kind: type[Order], given: object, dry_run: bool) -> Ended:
    try:
        order = order_from(kind, _as_accepted(host, given, dry_run), host.scheduled)
    except InvalidOrder as error:
        return _not_read(host, error)
    if dry_run or order.dry_run:
        order = dry_run_of(order, host.run_id)
    reference = order.reference or own_reference(order, host.run_id, host.installed.ledger)
    host.log.info("Order %s", reference)  # a person who gave none finds it here, for cancel-order
    host.begins(order, reference)
    session = OrderSession(host.installed, order, reference, host.run_id)
    try:
        return OrderRun(host, session).to_its_end()
    finally:
        session.close()


def _as_accepted(host: Host, given: object, dry_run: bool) -> object:
    """The order as it was given; what is relative in it is what it was when this run's order was accepted.

    Later starts of the run must not count it anew. The ledger knows: it holds the moments.
    """
    if not isinstance(given, Mapping) or not (is_relative(given.get("window")) or _is_length(given.get("needed_by"))):
        return given
    with host.installed.ledger() as ledger:
        claimed = ledger.orders(Filter(flow_run_id=host.run_id))
    dry = dry_run or bool(given.get("dry_run"))
    accepted = [one for one in claimed if bool(one.order.get("dry_run")) == dry]
    if not accepted:
        return given
    return {**given, **{name: accepted[0].order.get(name) for name in ("window", "needed_by")}}


def _is_length(moment: object) -> bool:
    return isinstance(moment, str) and moment.strip().upper().startswith("P")


def _not_read(host: Host, error: InvalidOrder) -> Ended:
    """A new order is refused; one that this run has claimed was fine for other code, and waits for that.

    Failed, its run would have the watcher close an order that may be paid for.
    """
    with host.installed.ledger() as ledger:
        claimed = ledger.orders(Filter(flow_run_id=host.run_id, open_only=True, limit=1))
    if not claimed:
        return Ended(StatusCode.FAILED, str(error))
    raise RetryLater(other_code(host, claimed[0].reference, error)) from error


def other_code(host: Host, reference: str, error: InvalidOrder) -> Wait:
    """The wait of a claimed order that only other code can read, written down."""
    until = utc_now() + OTHER_CODE
    message = (
        f"The code on this worker cannot read the order: {error}. Install the version there that can; "
        f"trying again at {format_utc(until)}"
    )
    with host.installed.ledger() as ledger:
        ledger.record(reference, waits_message=message, wake_at=until)
    host.log.error("Order %s: %s", reference, message)
    return Wait(until=until, waits_for="provider", message=message)


class OrderRun:
    """One order of one run, from wherever it stands.

    Args:
        host: Where it runs.
        session: The order's.
    """

    def __init__(self, host: Host, session: OrderSession) -> None:
        self._host, self._session = host, session

    def to_its_end(self) -> Ended:
        """Do what is next, until the order has ended, or the host ends this start."""
        try:
            self.accept()
            self._go_on()
        except OrderClosedElsewhere:
            pass
        except LedgerUnavailable:  # not about the order: it stays open
            raise
        except OrderEnded as end:
            self._close(End(end.status, str(end)))
        except TaskingError as error:
            self._close(End(StatusCode.FAILED, str(error)))
            return Ended(StatusCode.FAILED, str(error))
        except Exception as error:
            if self._host.is_gone(error):
                raise
            try:
                wait = self._wait_after("order", error)
            except Exception:
                # a mistake of ours, and nothing was ordered: Retry on this run goes on
                self._close(End(StatusCode.FAILED, f"{type(error).__name__}: {error}"))
                raise
            raise RetryLater(wait) from error
        return self._how_it_ended()

    def accept(self) -> None:
        """What keeps the order from being accepted is waited out; what does not pass is raised."""
        while True:
            try:
                self._host.accept(self._session)
            except Exception as error:
                self._wait(self._wait_after("accept", error))
            else:
                return self._passed("accept")

    def _go_on(self) -> None:
        session, done = self._session, 0
        while (record := session.record()).ended is None:
            try:
                state = session.state(record)
            except Exception as error:  # the account cannot be opened
                self._wait(self._wait_after("accept", error))
                continue
            action = lifecycle.next_action(state)
            done = 0 if isinstance(action, Wait) else done + 1
            if done > MOST_STEPS:
                raise RuntimeError(f"{done} steps without a wait; the last is {type(action).__name__}")
            self.carry_out(action, record)

    def carry_out(self, action: Action, decided_by: OrderRecord) -> None:
        """Do what is next; what went wrong is waited out, or is how the order ends.

        An order outlives the outages of its provider, of the ledger and of its host, and one that is paid for outlives
        everything that can be mended.

        Args:
            action: What `tasking.lifecycle.next_action` said.
            decided_by: The order as it stood then.
        """
        session, host = self._session, self._host
        match action:
            case Wait():
                self._wait(action)
            case Amend():
                session.amend(action, decided_by)
            case BackOff():
                self._after(action.step, action.error)
            case LearnTime():
                session.note(time_asked=True)
                self._do(action, session.provider.learn_time)
            case Settle():
                self._do(action, lambda: lifecycle.settle(session))
            case Ask():
                self._do(action, lambda: host.ask(session))
            case Close():
                if session.own_record() is None:
                    raise OrderClosedElsewhere
                self._do(action, lambda: self._closed(action.end, decided_by))
            case _:
                self._do(action, lambda: host.perform(session, action))

    def _closed(self, end: End, decided_by: OrderRecord) -> None:
        if self._session.order.dry_run:
            study = study_of(self._session, decided_by, end)
            self._session.ledger.record(
                self._session.reference, "dry run", end.message, detail=study.model_dump(mode="json")
            )
            self._host.studied(study)
        lifecycle.close(self._session, end, decided_by)

    def _do(self, action: Action, what: Callable[[], object]) -> None:
        assert isinstance(action, Act), "a wait is no step"
        if not isinstance(action, Settle):  # the order may end once that is done
            self._session.note(end=None)
        self._session.note(wait=None, lost=None)
        try:
            what()
        except Exception as error:
            self._after(action.step, error, action.request_id if isinstance(action, Deliver) else None)
        else:
            self._passed(action.step)

    def _after(self, step: str, error: Exception, request_id: str | None = None) -> None:
        """Wait an error out, longer each time. One that does not pass is how the order ends: that is decided, too.

        Where it is about one request (``request_id``), the others of the order may still come home.
        """
        try:
            wait = self._wait_after(step, error)
        except OrderEnded as end:
            self._hopeless(End(end.status, str(end), request_id))
        except LedgerUnavailable:
            raise
        except TaskingError as wrong:
            if self._session.own_record() is None:
                raise
            self._hopeless(End(StatusCode.FAILED, str(wrong), request_id))
        else:
            self._wait(wait)

    def _hopeless(self, end: End) -> None:
        stuck = self._session.seen.stuck
        self._session.note(end=end, stuck=stuck if end.request_id is None else stuck | {end.request_id})

    def _wait_after(self, step: str, error: Exception) -> Wait:
        """The pause after an error that is waited out; any other error is raised again."""
        if self._host.is_gone(error):
            raise error
        session, host = self._session, self._host
        try:
            record = session.own_record()
            if not host.is_away(error) and not lifecycle.is_transient(record, error):
                raise error
            host.log.warning("%s: %s", step, error)
            if record is None:
                return Wait(until=utc_now() + AWAY, waits_for="provider", message=f"Trying again: {error}")
            return lifecycle.wait_after_error(
                session.ledger, session.order, record, step, error, self._first_pause_seconds()
            )
        except LedgerUnavailable as away:
            return Wait(until=utc_now() + AWAY, waits_for="provider", message=f"Trying again: {away}")
        finally:
            session.close()  # what was mended meanwhile is used then: the block, the ledger's server

    def _first_pause_seconds(self) -> float:
        try:
            return self._session.provider.ask_again_seconds
        except Exception:
            return ASK_AGAIN_SECONDS

    def _passed(self, step: str) -> None:
        """The step that failed before went through: the next failure starts with a short pause again."""
        with suppress(LedgerUnavailable):
            record = self._session.own_record()
            if record is not None and record.failing_step == step:
                self._session.ledger.record(self._session.reference, failing_step=None, failures=0)

    def _wait(self, wait: Wait) -> None:
        """Write down when the order wakes; while the ledger is away, `run_order` has it try again soon."""
        session = self._session
        record = session.own_record()
        if record is not None and record.ended is not None:
            raise OrderClosedElsewhere
        if record is not None:
            session.ledger.record(
                session.reference, waits_for=wait.waits_for, waits_message=wait.message, wake_at=wait.until
            )
        self._host.log.info("%s", wait.message)
        self._host.show(session.reference)
        session.forget()
        self._host.park(wait.until, wait.message)

    def _close(self, end: End) -> None:
        record = self._session.own_record()
        if record is not None and record.ended is None:
            lifecycle.close(self._session, end)

    def _how_it_ended(self) -> Ended:
        record = self._session.record()
        self._host.show(record.reference)
        if record.ended is None:
            return Ended(StatusCode.FAILED, f"Run {record.flow_run_id} goes on with order {record.reference}")
        return Ended(record.status, record.outcome or "")
