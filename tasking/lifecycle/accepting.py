"""The order is checked, its reference owned, and the place it was begun at kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from tasking.errors import OtherEnvironment
from tasking.ledger import Ledger, OrderRecord
from tasking.order import Order
from tasking.provider import Provider


def accept(
    ledger: Ledger,
    provider: Provider,
    order: Order,
    reference: str,
    flow_run_id: str,
    owner_is_gone: Callable[[str], bool],
    started_since: Callable[[str, datetime], bool] = lambda _run, _when: True,
) -> OrderRecord:
    """Check the order and own its reference.

    Raises:
        InvalidOrder: The provider would refuse it; nothing was claimed.
        ReferenceTaken: Another run, or another order, has this reference.
        OtherEnvironment: The order was begun elsewhere, and going on here would order it a second time.
    """
    if ledger.find(reference) is None:
        provider.check(order)
    record = ledger.claim(
        reference,
        order.model_dump(mode="json"),
        provider=provider.name,
        flow_run_id=flow_run_id,
        owner_is_gone=owner_is_gone,
        started_since=started_since,
    )
    if record.ended is None:
        _stay(ledger, provider, record)
    return record


def elsewhere(provider: Provider, record: OrderRecord) -> str | None:
    """Where an order was begun, if its account leads to another place now; ``None`` also when nobody noted it."""
    return record.environment if record.environment != provider.environment else None


def _stay(ledger: Ledger, provider: Provider, record: OrderRecord) -> None:
    """Note where an order is begun as long as nothing of it stands there; afterwards refuse to go on elsewhere.

    An order begun before this was noted goes on: nobody can tell any more whether its account was changed.
    """
    here = provider.environment
    if not _begun(record):
        if record.environment != here:
            message = f"Account {record.account} leads to {here}"
            ledger.record(record.reference, "account", message, environment=here)
    elif (there := elsewhere(provider, record)) is not None:
        bought = bool(record.requests) or record.in_doubt
        fix = "" if bought else ", or cancel this order and order again"
        raise OtherEnvironment(
            f"account: {record.account}: leads to {here} now, and this order was begun at {there}: put the block back "
            f"as it was{fix}. Another environment needs a block of its own. Till then nothing is sent for this order"
        )


def _begun(record: OrderRecord) -> bool:
    """Whether anything of the order may stand at the provider, or was said by it: a plan, a quote, a request."""
    return record.plan_id is not None or record.candidate is not None or bool(record.requests or record.open_creates)
