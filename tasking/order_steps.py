"""The steps of an order, in an installation: its ledger, its accounts, its archives.

Each opens what it needs and closes it again. What a step does is in `tasking.lifecycle`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

from tasking import lifecycle
from tasking.candidate import Candidate
from tasking.choice import Ranked
from tasking.delivery.outcome import Delivery
from tasking.ledger import Ledger, OrderRecord, archives
from tasking.order import Order
from tasking.provider import Plans, Provider, Request
from tasking.waiting import Wait


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


class Runs(Protocol):
    """What is known of runs where they are started."""

    def is_gone(self, run_id: str) -> bool:
        """Whether that run can no longer go on: it ended, or was deleted."""

    def started_since(self, run_id: str, when: datetime) -> bool:
        """Whether a person started that run, or wished it to be tried again, after this time."""

    def claimed(self, ledger: Ledger, reference: str) -> None:
        """This run owns the order now: write down how it came."""


class Chosen(NamedTuple):
    """A candidate, and the list it was chosen from now; empty when it had been chosen before."""

    candidate: Candidate
    ranked: Sequence[Ranked] = ()


@contextmanager
def _opened(installed: Installed, order: Order) -> Iterator[tuple[Ledger, Provider]]:
    with installed.ledger() as ledger, installed.provider(order.account) as provider:
        yield ledger, provider


def accept(installed: Installed, runs: Runs, order: Order, reference: str, run_id: str) -> OrderRecord:
    """The order's record, once its archive can be written to; see `tasking.lifecycle.accept`."""
    with _opened(installed, order) as (ledger, provider):
        before = ledger.find(reference)
        archive = installed.archive(order.archive) if before is None else None
        if archive is not None:  # told now, not when the imagery that is paid for has nowhere to go
            archive.folder(used_before=archives.known(ledger, archive.address))
        record = lifecycle.accept(ledger, provider, order, reference, run_id, runs.is_gone, runs.started_since)
        if archive is not None:
            archives.remember(ledger, reference, archive.address)
        if before is None or before.flow_run_id != record.flow_run_id:
            runs.claimed(ledger, reference)
        return record


def prepare(installed: Installed, order: Order, reference: str) -> Wait | None:
    """Have a plan at the provider, or its quote; see `tasking.lifecycle.prepare`."""
    with _opened(installed, order) as (ledger, provider):
        return lifecycle.prepare(ledger, provider, order, reference)


def choose(installed: Installed, order: Order, reference: str) -> Chosen | Wait | None:
    """The candidate to request: the one chosen before while it holds, else the best of a fresh list.

    ``None`` when there is none to choose from because plan or quote must be made anew.
    """
    with _opened(installed, order) as (ledger, provider):
        lifecycle.revive(ledger, provider, reference)
        if (before := lifecycle.chosen(ledger, provider, reference)) is not None:
            return Chosen(before)
        if not isinstance(provider, Plans):
            return None
        ranked = lifecycle.candidates(ledger, provider, order, reference)
        if ranked is None or isinstance(ranked, Wait):
            return ranked
        return Chosen(lifecycle.choose(ledger, reference, ranked), ranked)


def request(installed: Installed, order: Order, reference: str) -> Request | Wait | None:
    """Order the chosen candidate, exactly once; ``None`` when it was lost. See `tasking.lifecycle.request`."""
    with _opened(installed, order) as (ledger, provider):
        return lifecycle.request(ledger, provider, order, reference)


def follow(installed: Installed, order: Order, reference: str) -> Request | Wait | None:
    """The request whose imagery is there; ``None`` when the next candidate is to be taken."""
    with _opened(installed, order) as (ledger, provider):
        return lifecycle.follow(ledger, provider, order, reference)


def deliver(installed: Installed, order: Order, reference: str, imagery: Request) -> Delivery | Wait | None:
    """Bring the imagery home: the verified catalog; see `tasking.lifecycle.deliver`."""
    archive = installed.archive(order.archive)
    with _opened(installed, order) as (ledger, provider):
        root = archive.folder(used_before=archives.known(ledger, archive.address))
        archives.remember(ledger, reference, archive.address)
        return lifecycle.deliver(ledger, provider, order, reference, imagery, root)
