"""One order at work, from one start of its run to the next wait: what it needs, and what it has seen."""

from __future__ import annotations

from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from tasking.ledger import Ledger, OrderRecord, Revision, archives
from tasking.lifecycle.actions import Amend
from tasking.lifecycle.state import OrderState, ProviderTraits, Seen
from tasking.order import Order
from tasking.provider import Plans, Provider, TriesAgain


class Archive(Protocol):
    """Where deliveries go."""

    @property
    def address(self) -> str:
        """The same for each way to write it."""

    def folder(self, *, used_before: bool = False) -> Path:
        """The folder, made when it is used for the first time; raises `InvalidOrder` when it cannot be used."""


class Installed(Protocol):
    """What was set up where orders are carried out; accounts and archives are named as ``type/name``."""

    def ledger(self) -> AbstractContextManager[Ledger]:
        """The ledger, closed afterwards."""

    def provider(self, account: str) -> AbstractContextManager[Provider]:
        """The provider that an account opens, closed afterwards; raises `InvalidOrder` when there is none."""

    def archive(self, name: str) -> Archive:
        """An archive; raises `InvalidOrder` when there is none."""


class OrderSession:
    """One order and what its steps need, each opened when it is used first, and once.

    A plain class: Prefect looks into a task's arguments where they are models or dataclasses, and must not here.

    Args:
        installed: Opens the ledger, accounts and archives.
        order: The order.
        reference: Ours.
        run_id: The run that carries it out.
        part_of: The order that it is a part of.

    Attributes:
        seen: What was seen since the run was started, or waited last.
    """

    def __init__(
        self, installed: Installed, order: Order, reference: str, run_id: str, part_of: str | None = None
    ) -> None:
        self.installed, self.order, self.reference, self.run_id = installed, order, reference, run_id
        self.part_of = part_of
        self.seen = Seen()
        self._opened = ExitStack()
        self._ledger: Ledger | None = None
        self._provider: Provider | None = None

    @property
    def ledger(self) -> Ledger:
        """The installation's ledger; raises `LedgerUnavailable`."""
        if self._ledger is None:
            self._ledger = self._opened.enter_context(self.installed.ledger())
        return self._ledger

    @property
    def provider(self) -> Provider:
        """The provider as the order's account sees it; raises `InvalidOrder` when there is no such account."""
        if self._provider is None:
            self._provider = self._opened.enter_context(self.installed.provider(self.order.account))
        return self._provider

    @property
    def archive(self) -> Path:
        """The folder of the order's archive, which is remembered; raises `InvalidOrder` when it cannot be used."""
        archive = self.installed.archive(self.order.archive)
        root = archive.folder(used_before=archives.known(self.ledger, archive.address))
        archives.remember(self.ledger, self.reference, archive.address)
        return root

    def close(self) -> None:
        """Give everything back; what is used afterwards is opened anew."""
        self._ledger = self._provider = None
        opened, self._opened = self._opened, ExitStack()
        opened.close()

    def forget(self) -> None:
        """The order waits: what was seen is old afterwards."""
        self.close()
        self.seen = Seen()

    def record(self) -> OrderRecord:
        """The order as the ledger has it now."""
        return self.ledger.read(self.reference)

    def own_record(self) -> OrderRecord | None:
        """The order, if it is this run's: one that another run owns is neither closed nor changed by this one."""
        record = self.ledger.find(self.reference)
        return record if record is not None and record.flow_run_id == self.run_id else None

    def note(self, **seen: Any) -> None:
        """Keep what was seen; see `tasking.lifecycle.state.Seen`."""
        self.seen = replace(self.seen, **seen)

    def state(self, record: OrderRecord) -> OrderState:
        """What is known of the order, as the ledger has it in ``record``."""
        provider = self.provider
        return OrderState(record, self.order, provider.clock.read(), traits(provider, self.order, record), self.seen)

    def amend(self, action: Amend, decided_by: OrderRecord) -> None:
        """Write down what was decided; not when the order has changed since: it is decided anew then."""

        def change(now: OrderRecord) -> Revision:
            if basis(now) != basis(decided_by):
                return Revision(None, "", {})
            written.append(True)
            return Revision(action.event, action.message, dict(action.fields))

        written: list[bool] = []
        self.ledger.revise(self.reference, change)
        self.seen = Seen(time_asked=self.seen.time_asked, end=action.then if written else None)


def traits(provider: Provider, order: Order, record: OrderRecord) -> ProviderTraits:
    """What a provider is like for an order."""
    current = record.current_request
    rest = None
    if current is not None and isinstance(provider, TriesAgain):
        rest = provider.rest_of(order, current.candidate)
        if rest is not None and order.needed_by is not None and rest.start >= order.needed_by:
            rest = None
    return ProviderTraits(
        lists_candidates=isinstance(provider, Plans),
        poll_interval_seconds=provider.poll_interval_seconds,
        settle_seconds=provider.settle_seconds,
        rest_of_window=rest,
    )


def basis(record: OrderRecord) -> tuple[Any, ...]:
    """What of an order decides what happens next."""
    return (
        record.ended,
        record.cancel_asked,
        record.plan_id,
        record.candidate,
        record.next_candidates,
        record.candidates_dropped,
        record.approved_candidate_id,
        record.approval_answer,
        record.deferred_end,
        record.open_creates,
        [(one.last.id, one.last.status, one.last.final, one.undelivered) for one in record.requests],
    )
