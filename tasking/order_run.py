"""One order, from plan to catalog, for every provider, wherever it runs.

A run is entered again from the top after every wait and every crash. Each step finds what already happened. Nothing
here knows Prefect: `Host` is what a flow, a notebook or a test gives.
"""

from __future__ import annotations

import logging
import re
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tasking import lifecycle
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, LedgerUnavailable, OrderEnded, TaskingError
from tasking.ledger import Filter, Ledger, OrderRecord
from tasking.order import Order, order_from
from tasking.status import StatusCode
from tasking.waiting import Wait, readable

AWAY = timedelta(seconds=60)
"""Pause when the ledger itself is away, so that nothing can be read about the order."""

OTHER_CODE = timedelta(hours=1)
"""Pause of a claimed order that this machine's code cannot read: somebody has to upgrade it."""


class Ended(NamedTuple):
    """How an order stands with its run's end: our word for it, and a sentence for a person."""

    status: str | None
    message: str


class Host(ABC):
    """Where an order is carried out.

    Attributes:
        run_id: Names this run; the same at each of its starts.
        log: Told what happens.
    """

    run_id: str
    log: logging.Logger | logging.LoggerAdapter[Any]

    @abstractmethod
    def ledger(self) -> AbstractContextManager[Ledger]:
        """The ledger, closed afterwards."""

    @abstractmethod
    def step(self, name: str, order: Order, reference: str, *more: Any) -> Any:
        """The result of the step with this name: accept, prepare, choose, approve, request, follow or deliver."""

    @abstractmethod
    def park(self, until: datetime, message: str) -> None:
        """Return once it is time; or raise something that ends this start, so that another one comes when it is."""

    @abstractmethod
    def ask_again_seconds(self, order: Order) -> float:
        """The first pause of the order's account after an error."""

    @abstractmethod
    def begins(self, order: Order, reference: str) -> None:
        """The order is known; called at each start."""

    @abstractmethod
    def show(self, reference: str) -> None:
        """Show a person what happened to the order."""

    @abstractmethod
    def is_away(self, error: Exception) -> bool:
        """Whether the host itself could not be reached: that passes, and is nothing about the order."""

    @abstractmethod
    def is_gone(self, error: Exception) -> bool:
        """Whether this run was taken away: it ends, and the order stays open for another one."""


def run_order(host: Host, kind: type[Order], given: object) -> Ended:
    """Plan, wait for candidates, choose, (ask a person,) request, wait for the imagery, deliver.

    Args:
        host: Where it runs.
        kind: The provider's kind of order.
        given: The order, checked here.
    """
    while True:
        try:
            return _read_and_carried_out(host, kind, given)
        except LedgerUnavailable as no_ledger:
            host.log.warning("%s", no_ledger)
            host.park(utc_now() + AWAY, f"Trying again: {no_ledger}")
        except _Later as later:
            host.park(later.wait.until, later.wait.message)


def own_reference(order: Order, run_id: str, opened: Callable[[], AbstractContextManager[Ledger]]) -> str:
    """The reference of an order that came without one: of its name and its run, so the same after each wait.

    Of a name in any script what ASCII has of it is kept; the run's id makes it unique. An order that this run has
    claimed keeps its reference, also when names were made in another way then.
    """
    with opened() as ledger:
        claimed = ledger.orders(Filter(flow_run_id=run_id, limit=1))
    if claimed:
        return claimed[0].reference
    letters = unicodedata.normalize("NFKD", order.name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40].strip("-")
    # the end of the id: what it begins with may be the time
    return f"{words or order.provider}-{run_id.replace('-', '')[-16:]}"


class _Over(Exception):
    """Somebody else ended the order while this run was at work."""


class _Later(Exception):
    """Something went wrong beside the steps of an order that is paid for: it is not closed, but tried again later."""

    def __init__(self, wait: Wait) -> None:
        super().__init__(wait.message)
        self.wait = wait


def _read_and_carried_out(host: Host, kind: type[Order], given: object) -> Ended:
    try:
        order = order_from(kind, given)
    except InvalidOrder as no:
        return _not_read(host, no)
    reference = order.reference or own_reference(order, host.run_id, host.ledger)
    host.log.info("Order %s", reference)  # a person who gave none finds it here, for cancel-order
    host.begins(order, reference)
    return _OrderRun(host, order, reference).to_its_end()


def _not_read(host: Host, no: InvalidOrder) -> Ended:
    """A new order is refused; one that this run has claimed was fine for other code, and waits for that.

    Failed, its run would have the watcher close an order that may be paid for.
    """
    with host.ledger() as ledger:
        claimed = ledger.orders(Filter(flow_run_id=host.run_id, open_only=True, limit=1))
        if not claimed:
            return Ended(StatusCode.FAILED, str(no))
        until = utc_now() + OTHER_CODE
        message = (
            f"The code on this worker cannot read the order: {no}. Install the version there that can; "
            f"trying again at {readable(until)}"
        )
        ledger.record(claimed[0].reference, waits_message=message, wake_at=until)
    host.log.error("Order %s: %s", claimed[0].reference, message)
    raise _Later(Wait(until=until, waits_for="provider", message=message))


class _OrderRun:
    """One order of one run, from wherever it stands."""

    def __init__(self, host: Host, order: Order, reference: str) -> None:
        self._host, self._order, self._reference = host, order, reference

    def to_its_end(self) -> Ended:
        try:
            if self._step("accept").ended is None:
                self._collect()
        except OrderEnded as end:
            self._close(end.status, str(end))
        except _Over:
            pass
        except LedgerUnavailable:  # not about the order: it stays open
            raise
        except TaskingError as error:
            return self._refused(error)
        except Exception as error:
            if self._host.is_gone(error):
                raise
            try:
                wait = self._away("order", error)
            except Exception:
                # a mistake of ours, and nothing was ordered: Retry on this run goes on
                self._close(StatusCode.FAILED, f"{type(error).__name__}: {error}")
                raise
            raise _Later(wait) from error
        return self._how_it_ended()

    def _collect(self) -> None:
        while True:
            while not self._requested():
                try:
                    self._place()
                except OrderEnded as end:
                    if not self._put_off(end):
                        raise
            imagery = self._step("follow")
            if imagery is not None:
                self._step("deliver", imagery)
                if self._read().ended is not None:
                    return

    def _place(self) -> None:
        self._step("prepare")
        if self._step("choose") is None:
            return
        if self._order.require_approval and not self._requested():
            self._step("approve")
        self._step("request")

    def _step(self, name: str, *more: Any) -> Any:
        """Run a step again after each wait it asks for, until it gives a result.

        What may pass is waited out, longer each time: an order outlives the outages of its provider, of the ledger and
        of its host, and one that is paid for outlives everything that can be mended.
        """
        while True:
            try:
                answer = self._host.step(name, self._order, self._reference, *more)
            except Exception as error:
                answer = self._away(name, error)
            else:
                self._passed(name)
            if not isinstance(answer, Wait):
                return answer
            self._note_wait(answer)
            self._host.show(self._reference)
            self._host.park(answer.until, answer.message)

    def _away(self, step: str, error: Exception) -> Wait:
        """The pause after an error that is waited out; any other error is raised again."""
        if self._host.is_gone(error):
            raise error
        try:
            with self._host.ledger() as ledger:
                record = self._own_record(ledger)
                if not self._host.is_away(error) and not lifecycle.passes(record, error):
                    raise error
                self._host.log.warning("%s: %s", step, error)
                if record is None:
                    return Wait(until=utc_now() + AWAY, waits_for="provider", message=f"Trying again: {error}")
                first = self._host.ask_again_seconds(self._order)
                return lifecycle.pause(ledger, self._order, record, step, error, first)
        except LedgerUnavailable as away:
            return Wait(until=utc_now() + AWAY, waits_for="provider", message=f"Trying again: {away}")

    def _passed(self, step: str) -> None:
        """The step that failed before went through: the next failure starts with a short pause again."""
        with suppress(LedgerUnavailable), self._host.ledger() as ledger:
            record = self._own_record(ledger)
            if record is not None and record.failing == step:
                ledger.record(self._reference, failing=None, failures=0)

    def _note_wait(self, wait: Wait) -> None:
        """Write down when the order wakes; while the ledger is away, `run_order` has it try again soon."""
        with self._host.ledger() as ledger:
            record = self._own_record(ledger)
            if record is not None and record.ended is not None:
                raise _Over
            if record is not None:
                ledger.record(self._reference, waits_for=wait.waits_for, waits_message=wait.message, wake_at=wait.until)
        self._host.log.info("%s", wait.message)

    def _own_record(self, ledger: Ledger) -> OrderRecord | None:
        """The order, if it is this run's: one that another run owns is neither closed nor changed by this one."""
        record = ledger.find(self._reference)
        return record if record is not None and record.flow_run_id == self._host.run_id else None

    def _read(self) -> OrderRecord:
        with self._host.ledger() as ledger:
            return ledger.read(self._reference)

    def _requested(self) -> bool:
        return lifecycle.requested(self._read())

    def _put_off(self, end: OrderEnded) -> bool:
        with self._host.ledger() as ledger:
            return lifecycle.put_off(ledger, self._reference, end)

    def _close(self, status: str, message: str) -> None:
        with self._host.ledger() as ledger:
            if self._own_record(ledger) is not None:
                lifecycle.end(ledger, self._reference, status, message)

    def _refused(self, error: TaskingError) -> Ended:
        """The order could not be taken, or something is wrong that waiting does not cure."""
        with self._host.ledger() as ledger:
            record = self._own_record(ledger)
            if record is not None and record.ended is None:
                lifecycle.end(ledger, self._reference, StatusCode.FAILED, str(error))
        return Ended(StatusCode.FAILED, str(error))

    def _how_it_ended(self) -> Ended:
        record = self._read()
        self._host.show(self._reference)
        return Ended(record.status, record.outcome or "")
