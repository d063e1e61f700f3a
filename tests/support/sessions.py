"""One order at work without a host: what its run would do, step by step."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, cast

from tasking.errors import OrderEnded
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle import Archive, OrderSession, Seen, close, next_action
from tasking.lifecycle.actions import Action, Amend, BackOff, Close, End, LearnTime
from tasking.order import Order
from tasking.order_run import perform
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


def until(session: OrderSession, *kinds: type[Action]) -> Action | OrderRecord:
    """Go on until this kind of action is the next one, which is not carried out; or to the order's end.

    A wait stops always; what was seen before is forgotten then, as at a new start.
    """
    for _ in range(100):
        record = session.record()
        if record.ended is not None:
            return record
        action = next_action(session.state(record))
        if isinstance(action, (Wait, *kinds)):
            if isinstance(action, Wait):
                session.seen = Seen()
            return action
        _carry_out(session, action, record)
    raise AssertionError(f"it turns in circles: {action}")


def _carry_out(session: OrderSession, action: Action, record: OrderRecord) -> None:
    match action:
        case Amend():
            session.amend(action, record)
            return
        case BackOff():
            raise action.error
        case LearnTime():
            session.note(time_asked=True)
            session.provider.learn_time()
            return
    session.note(wait=None, end=None, lost=None)
    try:
        if isinstance(action, Close):
            close(session, action.end, record)
        else:
            perform(session, action)  # type: ignore[arg-type] # nobody is asked here
    except OrderEnded as end:
        session.note(end=End(end.status, str(end)))
