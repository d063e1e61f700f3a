"""An order comes to its end: in the ledger, and in its catalog."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from tasking.delivery import order_folder
from tasking.errors import DeliveryFailed
from tasking.ledger import Ledger, OrderRecord, Revision
from tasking.lifecycle.actions import End
from tasking.lifecycle.session import OrderSession, basis
from tasking.status import OrderStatus, StatusCode

logger = logging.getLogger(__name__)

ORDER_STATUS = {
    StatusCode.COMPLETED: "succeeded",
    StatusCode.FAILED: "failed",
    StatusCode.EXPIRED: "failed",
    StatusCode.REJECTED: "failed",
    StatusCode.CANCELLED: "canceled",
    StatusCode.USER_CANCELLED: "canceled",
}
"""``order:status`` (STAC order extension) of an order that came to its end; until then it is ``shipping``."""


def close(session: OrderSession, end: End, decided_by: OrderRecord | None = None) -> OrderRecord:
    """Write down that the order came to its end; one that was delivered says so in its catalog first.

    Args:
        session: The order's.
        end: How it ends.
        decided_by: How it stood when that was decided: where it has changed since, it is decided anew.

    Raises:
        DeliveryFailed: The disk of a delivered order is away just now.
    """
    if end.status == StatusCode.COMPLETED:
        order_folder.write_order_status(session.archive / session.reference, ORDER_STATUS[StatusCode.COMPLETED])

    def change(now: OrderRecord) -> Revision:
        if decided_by is not None and basis(now) != basis(decided_by):
            return Revision(None, "", {})
        return ending(session.ledger, end.status, end.message)

    record = session.ledger.revise(session.reference, change)
    if record.ended is not None:
        tell_archive(record)
    return record


def ending(ledger: Ledger, status: str, message: str) -> Revision:
    """What is written down of an order's end."""
    return Revision(
        "completed" if status == StatusCode.COMPLETED else "ended",
        message,
        {
            "status": status,
            "ended": ledger.now(),
            "outcome": message,
            "waits_for": None,
            "waits_message": None,
            "wake_at": None,
            "news_at": None,
        },
    )


def end_studies(ledger: Ledger, whole: str, keep: Collection[str] = ()) -> None:
    """End the studies that were made for an order, and are of no use any more.

    Args:
        ledger: Where they are.
        whole: The order's reference.
        keep: References of those that are still waited for.
    """
    for study in ledger.parts(whole):
        if study.is_study and study.ended is None and study.reference not in keep:
            done = ending(ledger, OrderStatus.DRY_RUN, "What it was studied for is over")
            ledger.record(study.reference, done.happened, done.message, **done.fields)


def tell_archive(record: OrderRecord) -> None:
    """Write how an order ended into what is home of it. The ledger counts, so a disk that is away stops nothing."""
    word = ORDER_STATUS.get(StatusCode(record.status)) if record.status in set(StatusCode) else None
    if word is None or record.home is None:
        return
    try:
        order_folder.write_order_status(Path(record.home), word, lock_wait_seconds=5.0)
    except DeliveryFailed as error:
        logger.warning("order %s: its catalog does not say yet how it ended: %s", record.reference, error)
