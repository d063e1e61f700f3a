"""One order, from plan to catalog, for every provider.

A flow is entered again from the top after every wait and every crash. Each step finds what already happened.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from flows.approval import approve
from flows.ending import ended
from flows.parking import park
from flows.setbacks import AWAY, Later, away, not_read, own_record
from tasking import lifecycle
from tasking.clock import utc_now
from tasking.errors import InvalidOrder, LedgerUnavailable, OrderEnded, TaskingError
from tasking.ledger import Filter, OrderRecord
from tasking.order import Order, order_from
from tasking.status import StatusCode
from tasking.waiting import Wait
from tasks.accept import accept
from tasks.choose import choose
from tasks.deliver import deliver
from tasks.follow import follow
from tasks.prepare import prepare
from tasks.request import request
from tasks.show import show_timeline
from tasks.step import ledger
from tasks.tag_run import tag_run

T = TypeVar("T")


def carry_out(kind: type[Order], given: object) -> State[Any]:
    """Plan, wait for candidates, choose, (ask a person,) request, wait for the imagery, deliver.

    Args:
        kind: The provider's kind of order.
        given: The order as the run has it: checked here and not by Prefect, which would wrap what is wrong with it in a
            traceback.

    Returns:
        The state the run ends with, with a message for a person.
    """
    while True:
        try:
            return ended(_read_and_carried_out(kind, given))
        except LedgerUnavailable as no_ledger:
            get_run_logger().warning("%s", no_ledger)
            park(utc_now() + AWAY, f"Trying again: {no_ledger}")
        except Later as later:
            park(later.wait.until, later.wait.message)


def order_name() -> str:
    """The order's name for its run, also when the order is not valid."""
    given = flow_run.parameters.get("order")
    name = given.get("name") if isinstance(given, dict) else getattr(given, "name", None)
    return str(name or "unnamed order")[:100]


def own_reference(order: Order) -> str:
    """The reference of an order that came without one: of its name and its flow run, so the same after each wait.

    Of a name in any script what ASCII has of it is kept; the run's id makes it unique. An order that this run has
    claimed keeps its reference, also when names were made in another way then.
    """
    with ledger() as book:
        claimed = book.orders(Filter(flow_run_id=str(flow_run.id), limit=1))
    if claimed:
        return claimed[0].reference
    letters = unicodedata.normalize("NFKD", order.name).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:40].strip("-")
    # the end of the id: what it begins with may be the time
    return f"{words or order.provider}-{str(flow_run.id).replace('-', '')[-16:]}"


class _Over(Exception):
    """Somebody else ended the order while this run was at work."""


def _read_and_carried_out(kind: type[Order], given: object) -> State[Any]:
    try:
        order = order_from(kind, given)
    except InvalidOrder as no:
        return not_read(no)
    reference = order.reference or own_reference(order)
    get_run_logger().info("Order %s", reference)  # a person who gave none finds it here, for cancel-order
    tag_run(order, reference)
    return _to_its_end(order, reference)


def _to_its_end(order: Order, reference: str) -> State[Any]:
    try:
        record = _step(order, reference, accept, order, reference, str(flow_run.id))
        if record.ended is None:
            _collect(order, reference)
    except OrderEnded as end:
        _close(reference, end.status, str(end))
    except _Over:
        pass
    except (LedgerUnavailable, ObjectNotFound):  # not about the order: it stays open
        raise
    except TaskingError as error:
        return _refused(reference, error)
    except Exception as error:
        try:
            wait = away(order, reference, "order", error)
        except Exception:
            # a mistake of ours, and nothing was ordered: Retry on this run goes on
            _close(reference, StatusCode.FAILED, f"{type(error).__name__}: {error}")
            raise
        raise Later(wait) from error
    return _how_it_ended(reference)


def _collect(order: Order, reference: str) -> None:
    while True:
        while not _requested(reference):
            try:
                _place(order, reference)
            except OrderEnded as end:
                if not _put_off(reference, end):
                    raise
        imagery = _step(order, reference, follow, order, reference)
        if imagery is not None:
            _step(order, reference, deliver, order, reference, imagery)
            if _ended(reference):
                return


def _place(order: Order, reference: str) -> None:
    _step(order, reference, prepare, order, reference)
    if _step(order, reference, choose, order, reference) is None:
        return
    if order.require_approval and not _requested(reference):
        _step(order, reference, approve, order, reference)
    _step(order, reference, request, order, reference)


def _put_off(reference: str, end: OrderEnded) -> bool:
    with ledger() as book:
        return lifecycle.put_off(book, reference, end)


def _step(order: Order, reference: str, run: Callable[..., T | Wait], *args: Any) -> T:
    """Run a step again after each wait it asks for, until it gives a result.

    What may pass is waited out, longer each time: an order outlives the outages of its provider, of the ledger and of
    Prefect, and one that is paid for outlives everything that can be mended.
    """
    name = getattr(run, "name", run.__name__)
    while True:
        try:
            answer = run(*args)
        except Exception as error:
            answer = away(order, reference, name, error)
        else:
            _passed(reference, name)
        if not isinstance(answer, Wait):
            return answer
        _note_wait(reference, answer)
        show_timeline(reference)
        park(answer.until, answer.message)


def _passed(reference: str, step: str) -> None:
    """The step that failed before went through: the next failure starts with a short pause again."""
    with suppress(LedgerUnavailable), ledger() as book:
        record = own_record(book, reference)
        if record is not None and record.failing == step:
            book.record(reference, failing=None, failures=0)


def _note_wait(reference: str, wait: Wait) -> None:
    """Write down when the order wakes; while the ledger is away, `carry_out` has it try again soon."""
    with ledger() as book:
        record = own_record(book, reference)
        if record is not None and record.ended is not None:
            raise _Over
        if record is not None:
            book.record(reference, waits_for=wait.waits_for, waits_message=wait.message, wake_at=wait.until)
    get_run_logger().info("%s", wait.message)


def _ended(reference: str) -> bool:
    with ledger() as book:
        return book.read(reference).ended is not None


def _requested(reference: str) -> bool:
    with ledger() as book:
        return lifecycle.requested(book.read(reference))


def _close(reference: str, status: str, message: str) -> None:
    with ledger() as book:
        if own_record(book, reference) is not None:
            lifecycle.end(book, reference, status, message)


def _refused(reference: str, error: TaskingError) -> State[Any]:
    """The order could not be taken, or something is wrong that waiting does not cure."""
    with ledger() as book:
        record = own_record(book, reference)
        if record is not None and record.ended is None:
            lifecycle.end(book, reference, StatusCode.FAILED, str(error))
    return Failed(message=str(error))


def _how_it_ended(reference: str) -> State[Any]:
    with ledger() as book:
        record: OrderRecord = book.read(reference)
    show_timeline(reference)
    message = record.outcome or ""
    if record.status == StatusCode.COMPLETED:
        return Completed(message=message)
    if record.status == StatusCode.USER_CANCELLED:
        return Cancelled(message=message)
    return Failed(message=message)
