"""The order is checked, its reference owned, and the place it was begun at kept."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from tasking.errors import InvalidOrder, OtherEnvironment
from tasking.ledger import Ledger, OrderRecord, archives
from tasking.lifecycle.session import OrderSession
from tasking.order import Order
from tasking.provider import Provider
from tasking.window import iso


class Runs(Protocol):
    """What is known of runs where they are started."""

    def is_gone(self, run_id: str) -> bool:
        """Whether that run can no longer go on: it ended, or was deleted."""

    def started_since(self, run_id: str, when: datetime) -> bool:
        """Whether a person started that run, or wished it to be tried again, after this time."""

    def claimed(self, ledger: Ledger, reference: str) -> None:
        """This run owns the order now: write down how it came."""


def accept(session: OrderSession, runs: Runs) -> OrderRecord:
    """Check the order and own its reference, once its archive can be written to.

    Raises:
        InvalidOrder: The provider would refuse it, or its archive cannot be used; nothing was claimed.
        ReferenceTaken: Another run, or another order, has this reference.
        OtherEnvironment: The order was begun elsewhere, and going on here would order it a second time.
    """
    ledger, provider, reference, order = session.ledger, session.provider, session.reference, session.order
    before = ledger.find(reference)
    archive = session.installed.archive(order.archive) if before is None else None
    if order.dry_run:  # it brings nothing home, and leaves nothing in the archive
        archive = None
    if archive is not None:  # told now, not when the imagery that is paid for has nowhere to go
        archive.folder(used_before=archives.known(ledger, archive.address))
    if before is None:
        provider.check(order)
        _refuse_if_not_needed_any_more(order, provider.clock.now())
    record = ledger.claim(
        reference,
        order.model_dump(mode="json"),
        provider=provider.name,
        flow_run_id=session.run_id,
        owner_is_gone=runs.is_gone,
        started_since=runs.started_since,
        part_of=session.part_of,
    )
    if record.ended is None:
        _stay(ledger, provider, record)
    if archive is not None:
        archives.remember(ledger, reference, archive.address)
    if before is None or before.flow_run_id != record.flow_run_id:
        runs.claimed(ledger, reference)
    return record


def environment_changed(provider: Provider, record: OrderRecord) -> str | None:
    """Where an order was begun, if its account leads to another place now; ``None`` also when nobody noted it."""
    return record.environment if record.environment != provider.environment else None


def _refuse_if_not_needed_any_more(order: Order, now: datetime) -> None:
    if order.needed_by is not None and order.needed_by <= now:
        fix = f"is past (it is {iso(now.replace(microsecond=0))}); give a moment in the future, or none"
        raise InvalidOrder("needed_by", iso(order.needed_by), fix)


def _stay(ledger: Ledger, provider: Provider, record: OrderRecord) -> None:
    """Note where an order is begun as long as nothing of it stands there; afterwards refuse to go on elsewhere.

    An order begun before this was noted goes on: nobody can tell any more whether its account was changed.
    """
    here = provider.environment
    if not _begun(record):
        if record.environment != here:
            message = f"Account {record.account} leads to {here}"
            ledger.record(record.reference, "account", message, environment=here)
    elif (there := environment_changed(provider, record)) is not None:
        bought = bool(record.requests) or record.in_doubt
        fix = "" if bought else ", or cancel this order and order again"
        raise OtherEnvironment(
            f"account: {record.account}: leads to {here} now, and this order was begun at {there}: put the block back "
            f"as it was{fix}. Another environment needs a block of its own. Till then nothing is sent for this order"
        )


def _begun(record: OrderRecord) -> bool:
    """Whether anything of the order may stand at the provider, or was said by it: a plan, a quote, a request."""
    return record.plan_id is not None or record.candidate is not None or bool(record.requests or record.open_creates)
