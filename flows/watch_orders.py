"""Look at all open orders, wake the runs that can go on, and bring back those whose process died."""

from __future__ import annotations

import os
import socket
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from blocks.account import load_account, providers
from flows.accounts import Silent, look_at_all, silent_accounts
from flows.cancel_order import cancel_order
from flows.ending import ended
from flows.explore_order import explore_order
from flows.order_anywhere import order_anywhere
from flows.pinned import pinned
from tasking import watching
from tasking.clock import utc_now
from tasking.ledger import Filter, OrderRecord
from tasking.lock import locked
from tasking.paths import state_dir
from tasking.waiting import format_utc
from tasks.recovery.orphaned_orders import reconcile
from tasks.recovery.recover_runs import recover_runs
from tasks.recovery.stalled_runs import StalledRuns, stalled_runs
from tasks.step import ledger, step
from tasks.wake import ask_anew, wake

ALL = 100_000

HUNG = timedelta(minutes=30)
"""A watch takes seconds, with thousands of orders minutes; one that is at work for longer is told of."""


def _run_name() -> str:
    return f"watch all open orders, {utc_now():%Y-%m-%d %H:%M} UTC"


@pinned("watch-orders", flow_run_name=_run_name)
def watch_orders(
    lost_after_seconds: float = 90.0,
    most_crashes: int = 5,
    overdue_minutes: float = 15.0,
    account_minutes: float = 10.0,
    unasked_minutes: float = 60.0,
) -> State[Any]:
    """Read all open orders in few provider calls, wake those that can go on, and bring back runs that died.

    Args:
        lost_after_seconds: How long an order's run may be Running or Pending without a process before it counts as
            lost. Longer than a worker takes to start one.
        most_crashes: Crashes in a row after which a run is tried only once an hour.
        overdue_minutes: This flow fails, after its work, when an order's run is due for longer and no order's run has
            begun for so long. Schedule it at least twice as often.
        account_minutes: How long one account may take to be asked; the others are asked meanwhile, and what is left of
            it is asked by the next watch.
        unasked_minutes: This flow fails, after its work, when an account could not be asked for longer. Its message
            names such an account at once.
    """
    # One at a time on a machine. A lock ends with its process; the slot of a deployment's concurrency limit does not:
    # when a watch and the Prefect server died together it stayed taken, and no watch ever ran again.
    lock = state_dir() / "watch.lock"
    with ExitStack() as alone:
        try:
            os.utime(alone.enter_context(locked(lock, 0.0)))
        except TimeoutError:
            return ended(_nothing_done(lock))
        return ended(
            _watch(lost_after_seconds, most_crashes, Patience(overdue_minutes, account_minutes, unasked_minutes))
        )


def _nothing_done(lock: Path) -> State[Any]:
    """Another watch is at work; one that hangs must not look as if all were well."""
    since = datetime.fromtimestamp(lock.stat().st_mtime, UTC)
    if utc_now() - since < HUNG:
        return Completed(message="Nothing done: the watch before this one is still at work")
    return Failed(
        message=f"Nothing done: the watch before this one has been at work since {format_utc(since)} and seems to "
        f"hang. End its process (it holds {lock}: fuser tells which); the next watch goes on"
    )


class Patience(NamedTuple):
    """Minutes, as `watch_orders` has them."""

    overdue: float
    account: float
    unasked: float


def _watch(lost_after_seconds: float, most_crashes: int, patience: Patience) -> State[Any]:
    accounts: defaultdict[str, list[OrderRecord]] = defaultdict(list)
    for record in open_orders().readable:
        if record.has_parts:  # its parts are asked about
            continue
        accounts[record.account].append(record)
    looks = look_at_all(look, accounts, timedelta(minutes=patience.account))
    asked = sum(one for one in looks.values() if isinstance(one, int))
    silent = silent_accounts(looks)

    records, unreadable = open_orders()
    ready = [UUID(one.flow_run_id) for one in records if one.news_at is not None]
    asked_about = [one for one in records if one.waits_for == "approval"]
    unanswered = [UUID(one.flow_run_id) for one in asked_about if _is_past(one)]
    beside = [UUID(one.flow_run_id) for one in asked_about if one.news_at is not None and not _is_past(one)]
    woken = wake(ready, "The provider has news") if ready else 0
    anew = ask_anew(unanswered) if unanswered else 0
    # what was requested before goes on while a person is asked about more: it is brought home, and the question renewed
    anew += ask_anew(beside, "The provider has news of what was requested before; it is asked anew") if beside else 0
    elsewhere = [UUID(one.flow_run_id) for one in records if one.host not in (None, socket.gethostname())] + unreadable
    owners = [UUID(one.flow_run_id) for one in records]
    recovered = recover_runs(recoverable_flows(), lost_after_seconds, most_crashes, elsewhere, owners)
    reconciled = reconcile([one for one in records if one.part_of is None])
    said = (
        f"{len(records)} open orders: {asked} asked about, {woken + anew} woken, {recovered} recovered, "
        f"{reconciled} reconciled"
    )
    after = timedelta(minutes=patience.overdue)
    late = stalled_runs(order_flows(), watch_orders.name, owners + unreadable, after)
    return _end(said, late, after, silent, timedelta(minutes=patience.unasked))


def _end(
    said: str, late: StalledRuns | None, after: timedelta, silent: Sequence[Silent], patience: timedelta
) -> State[Any]:
    """Failed when nobody starts the runs that are due, or an account cannot be asked: nothing else shows either."""
    unasked = "".join(
        f". Account {one.account} cannot be asked since {format_utc(one.since)}: {one.why}" for one in silent
    )
    alarm = any(utc_now() - one.since >= patience for one in silent)
    if late is not None:
        said += f", {late.orders} overdue, the first since {format_utc(late.since)}"
    if late is not None and late.stuck:
        said += (
            f", and no run of an order has begun for {after.total_seconds() / 60:g} minutes. Is a worker for "
            "the orders' work pool running? Is the pool, or its queue, paused? Is its limit full with runs that have "
            "no process any more? The pool's page shows all three"
        )
        alarm = True
    elif late is not None:
        get_run_logger().warning("%s; other runs of orders are being started", said)
    return Failed(message=said + unasked) if alarm else Completed(message=said + unasked)


def order_flows() -> list[str]:
    """Names of the flows that carry out orders, as `tasks.start` starts them.

    One for each provider there is, and the one for orders that may go to several.
    """
    return [*(f"order-{name}" for name in providers()), order_anywhere.name]


def recoverable_flows() -> list[str]:
    """Names of the flows whose lost runs are started again.

    Those of the orders, explore-order, which waits as they do, and cancel-order: a person's cancel must not be dropped
    with its process. It may be carried out twice, so it does not matter on which machine it was first. This flow is not
    among them: its next run is its own.
    """
    return [*order_flows(), explore_order.name, cancel_order.name]


class Open(NamedTuple):
    """The open orders, and the runs of those that only newer code, on another machine, can read."""

    readable: list[OrderRecord]
    unreadable: list[UUID]


@step("open-orders")
def open_orders() -> Open:
    """Every order that has not come to its end; one that cannot be read keeps no other from being watched."""
    unreadable = []

    def left_out(flow_run_id: str, why: str) -> None:
        unreadable.append(UUID(flow_run_id))
        get_run_logger().warning("%s", why)

    with ledger() as book:
        return Open(book.orders(Filter(open_only=True, limit=ALL), unreadable=left_out), unreadable)


@step("look")
def look(account: str, records: list[OrderRecord]) -> int:
    """Ask one account's provider about its orders; see `tasking.watching.poll_account`."""
    with ledger() as book, closing(load_account(account).open()) as provider:
        return watching.poll_account(book, provider, records)


def _is_past(record: OrderRecord) -> bool:
    return record.wake_at is not None and record.wake_at <= utc_now()
