"""One order at work without a host: what its run would do, step by step."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from logging import getLogger
from pathlib import Path
from typing import Any, cast

from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle import Archive, OrderSession, next_action
from tasking.lifecycle.actions import Action
from tasking.local_host import LocalHost, Parked
from tasking.order import Order
from tasking.order_run import OrderRun
from tasking.provider import Provider
from tasking.waiting import Wait


class Opened:
    """An installation of what is open already."""

    def __init__(self, ledger: Ledger, provider: Any, folder: Path | None) -> None:
        self._ledger, self._provider, self._folder = ledger, provider, folder

    def ledger(self) -> AbstractContextManager[Ledger]:
        return nullcontext(self._ledger)

    def provider(self, account: str) -> AbstractContextManager[Provider]:
        return nullcontext(cast(Provider, self._provider))

    def archive(self, name: str) -> Archive:
        assert self._folder is not None, "this test delivers nothing"
        return _Folder(self._folder)


class _Folder:
    def __init__(self, folder: Path) -> None:
        self.address, self._folder = str(folder), folder

    def folder(self, *, used_before: bool = False) -> Path:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder


class AloneHere:
    """Nothing is known of other runs: none is gone."""

    def is_gone(self, run_id: str) -> bool:
        return False

    def started_since(self, run_id: str, when: Any) -> bool:
        return True

    def claimed(self, ledger: Ledger, reference: str) -> None:
        pass


def session_of(
    ledger: Ledger,
    provider: Any,
    order: Any,
    reference: str = "bay",
    folder: Path | None = None,
    run_id: str = "run",
) -> OrderSession:
    """The order's session, as at the start of its run."""
    return OrderSession(Opened(ledger, provider, folder), cast(Order, order), reference, run_id)


class _Here(LocalHost):
    """A host that hands over a wait, and asks nobody."""

    def __init__(self, session: OrderSession) -> None:
        self.run_id, self.log, self.installed = session.run_id, getLogger("tests"), session.installed

    def show(self, reference: str) -> None:
        pass


def until(session: OrderSession, *kinds: type[Action]) -> Action | OrderRecord:
    """Go on until this kind of action is the next one, which is not carried out; or to the order's end.

    A wait stops always; what was seen before is forgotten then, as at a new start.
    """
    run = OrderRun(_Here(session), session)
    for _ in range(100):
        record = session.record()
        if record.ended is not None:
            return record
        action = next_action(session.state(record))
        if isinstance(action, kinds):
            return action
        try:
            run.carry_out(action, record)
        except Parked as parked:
            kind = session.record().waits_for or ""
            return Wait(until=parked.until, waits_for=kind, message=parked.message)
    raise AssertionError(f"it turns in circles: {action}")
