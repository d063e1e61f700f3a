"""The imagery comes home, and the order to its end."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tasking.delivery import order_folder
from tasking.delivery.outcome import Delivery, ItemOutcome, error_to_raise
from tasking.delivery.storage import is_marked, translate_os_errors
from tasking.delivery.verify import intact_items, verify
from tasking.errors import DeliveryFailed, Incomplete, OrderEnded, Unavailable, UnsafeAsset
from tasking.ledger import Deliverable, Ledger, OrderRecord, Revision
from tasking.lifecycle import covering
from tasking.lifecycle.doubts import twice
from tasking.lifecycle.following import left_out, may_come_back, still_going
from tasking.lifecycle.one_by_one import Trouble, each, in_turn, worst
from tasking.lifecycle.pausing import overdue
from tasking.order import Order
from tasking.provider import Items, Provider, Request
from tasking.status import StatusCode
from tasking.waiting import Wait, wait_until

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


def deliver(
    ledger: Ledger, provider: Provider, order: Order, reference: str, request: Request, root: Path
) -> Delivery | Wait | None:
    """Bring home what can be fetched, verified; complete the order when nothing more comes.

    A capture that is refused, damaged or unsafe keeps no other from coming home, nor a file of it its other files: all
    others are delivered and noted before it is said. When nobody answers, the rest waits, and another capture is the
    first one next time. A file that has no address to be fetched from is left out and named, unless it is the image.

    Args:
        request: One whose ``capture_ids`` say what to fetch.
        root: The archive's folder.

    Returns:
        What stands in the archive; a `Wait` while the provider's catalog lags behind its word; ``None`` when there was
        nothing new.

    Raises:
        DeliveryFailed: A file could not be brought home whole; nothing damaged stands under a final name.
        UnsafeAsset: Something came that is never taken; nothing of it was kept. A person decides whether to ask again.
        ProviderError: A capture could not be listed, or a file of it is not handed out.
        OrderEnded: What was announced was never listed, or never came whole, until the request's patience was over.
    """
    archive = _Archive.at(root)
    record = _ask_again_for_what_is_gone(ledger, reference, archive)
    due = in_turn(_undelivered(record, request), record.failures)
    listed: dict[str, Items] = {}
    partly: dict[str, Incomplete] = {}

    def look(one: str) -> None:
        try:
            given = provider.products(request.model_copy(update={"capture_ids": (one,)}))
        except Incomplete as error:  # what has a file comes home now, the rest is asked for again
            given, error.items, partly[one] = error.items, [], error
        listed[one] = given if isinstance(given, Items) else Items(given)
        covering.mark(order, listed[one])

    troubles = each(due, look)
    there = [one for one in due if listed.get(one)]
    delivery: Delivery | None = None
    if there:
        count = sum(len(listed[one]) for one in there)
        ledger.record(reference, "delivering", f"Bringing home {count} item{'' if count == 1 else 's'}")
        try:
            delivery, home = _bring_home(ledger, provider, order, reference, request, listed, there, archive)
        except DeliveryFailed as error:
            troubles[there[0]] = error
        else:
            troubles |= {one: wrong for one in there if (wrong := _trouble(home[one])) is not None}
            whole = {one: home[one] for one in there if one not in troubles and one not in partly}
            if delivery is not None and (whole or delivery.new_files):
                _note(ledger, reference, request, delivery, whole, {one: listed[one].left_out for one in whole})
    troubles = {**partly, **troubles}
    missing = [one for one in listed if not listed[one] and one not in troubles]
    if troubles:
        trouble = worst(troubles, missing)
        # while the provider is away its time is not known: `pausing` decides
        if not isinstance(trouble, UnsafeAsset | Unavailable) and provider.clock.now() >= request.give_up_at:
            raise OrderEnded(StatusCode.FAILED, f"{trouble}. {overdue(request.id, request.give_up_at)}") from trouble
        raise trouble
    if missing:
        return _missing(provider, request, missing)
    record = _ask_again_for_what_is_gone(ledger, reference, archive)
    # what was rejected may come back: `follow` knows until when, and hands the request back with nothing due then
    to_come = still_going(record) or (due and may_come_back(record))
    everything = not to_come and not any(one.undelivered for one in record.requests)
    everything = everything and not record.in_doubt  # another of its requests may have arrived
    if request.status is StatusCode.COMPLETED and everything:
        so_far = record.outcome_so_far or f"Delivered {len(due)}"
        done = covering.told(ledger, order, reference, root / reference, so_far)
        said = (done, request.note, left_out(record), twice(record))
        order_folder.write_order_status(root / reference, ORDER_STATUS[StatusCode.COMPLETED])
        end(ledger, reference, StatusCode.COMPLETED, "; ".join(filter(None, said)))
    return delivery


class _Archive(NamedTuple):
    """The archive's folder, and whether it had its marker when the step began: then it must have it to the end."""

    root: Path
    marked: bool

    @classmethod
    def at(cls, root: Path) -> _Archive:
        with translate_os_errors(root):
            return cls(root, is_marked(root))

    def still_there(self) -> None:
        """Raises `DeliveryFailed` when its disk went away: what was written since lies somewhere else."""
        with translate_os_errors(self.root):
            if self.marked and not is_marked(self.root):
                raise DeliveryFailed(f"{self.root}: its disk went away during the delivery; is it mounted here?")


def _ask_again_for_what_is_gone(
    ledger: Ledger, reference: str, archive: _Archive, *, hashed: bool = False
) -> OrderRecord:
    """What the ledger calls delivered and does not stand in the archive any more is to be delivered again.

    A file was moved away, the catalog was damaged, or the archive is another folder by now.

    Args:
        ledger: The order's.
        reference: Ours.
        archive: Where it was delivered to.
        hashed: Compare checksums, which reads every file; without, sizes only.

    Raises:
        DeliveryFailed: The disk does not answer, so what stands there is not known.
    """
    record = ledger.read(reference)
    if not record.delivered:
        return record
    home = archive.root / reference
    stand = intact_items(home, hashed=hashed)
    # of a capture delivered by an older version it is not known which folders are its own
    gone = {
        one.last.id: [
            what.name
            for what in one.deliverables
            if what.delivered_at is not None and (not stand or not stand.issuperset(what.folders or ()))
        ]
        for one in record.requests
    }
    names = [name for each in gone.values() for name in each]
    if not names:
        return record
    archive.still_there()
    said = f"No longer whole in {home}, so it is delivered again: {', '.join(names)}"
    return ledger.gone(reference, gone, said)


def _undelivered(record: OrderRecord, request: Request) -> list[str]:
    """What is said to be there of a request, as it was read, and is not home of it."""
    (held,) = (one for one in record.requests if one.last.id == request.id)
    return held.model_copy(update={"last": request}).undelivered


def _bring_home(
    ledger: Ledger,
    provider: Provider,
    order: Order,
    reference: str,
    request: Request,
    listed: Mapping[str, Items],
    captures: list[str],
    archive: _Archive,
) -> tuple[Delivery | None, dict[str, list[ItemOutcome]]]:
    """What stands in the archive, and by capture what became of its items.

    Raises:
        DeliveryFailed: The disk does not take it, or what stands there is not whole.
    """
    given = [(one, item) for one in captures for item in listed[one]]
    delivery, brought = order_folder.deliver_items(
        reference,
        [item for _, item in given],
        archive.root,
        provider.open_asset,
        title=order.name,
        description=f"Order {reference}, collected by {provider.name}",
        order_facts={"order:id": request.id},
        captured=(request.start, request.end),
    )
    archive.still_there()
    home: dict[str, list[ItemOutcome]] = {one: [] for one in captures}
    for (one, _), what in zip(given, brought, strict=True):
        home[one].append(what)
    if delivery is None:
        return None, home
    if problems := verify(delivery.folder):
        _ask_again_for_what_is_gone(ledger, reference, archive, hashed=True)
        raise DeliveryFailed(f"{delivery.folder}: not whole: {'; '.join(problems[:5])}")
    if missing := set(delivery.taken_in) - intact_items(delivery.folder):
        raise DeliveryFailed(
            f"{delivery.folder}: not whole: its catalog does not hold {', '.join(sorted(missing)[:5])}"
        )
    return delivery, home


def _trouble(items: Sequence[ItemOutcome]) -> Trouble | None:
    """What went wrong with a capture, if anything did."""
    troubles = [one for item in items for one in item.troubles]
    return error_to_raise(troubles) if troubles else None


def _note(
    ledger: Ledger,
    reference: str,
    request: Request,
    delivery: Delivery,
    home: Mapping[str, list[ItemOutcome]],
    unlisted: Mapping[str, Sequence[str]],
) -> None:
    """Write down which captures are home, where, and what was left out of them."""
    size = f"{len(delivery.files)} files ({delivery.bytes_total / 1e6:.1f} MB)"
    message = f"Delivered {size}, verified, to {delivery.folder}"
    notes = sorted({f"{one.path.name}: {one.note}" for one in delivery.files if one.note})
    what = []
    for name, items in home.items():
        without = [*unlisted[name], *(left for item in items for left in item.left_out)]
        folders = tuple(item.folder for item in items)
        missing = tuple(left[:200] for left in without[:50])
        what.append(Deliverable(name=name, folders=folders, missing_files=missing))
    ledger.delivered(reference, request.id, str(delivery.folder), what, message, [one[:200] for one in notes[:50]])


def _missing(provider: Provider, request: Request, missing: list[str]) -> Wait:
    if provider.clock.now() >= request.give_up_at:
        raise OrderEnded(
            StatusCode.FAILED,
            f"The provider says the imagery of request {request.id} is there, but its catalog does not list "
            f"{', '.join(missing)}. Ask the provider about it; Retry on this run looks again.",
        )
    again = provider.clock.in_seconds(provider.poll_interval_seconds / 3)
    message = f"The imagery is announced; the provider's catalog does not list {', '.join(missing)} yet"
    return wait_until(provider.clock, again, "products", message)


def end(ledger: Ledger, reference: str, status: str, message: str) -> OrderRecord:
    """Write down that the order came to its end, and tell it to its catalog."""
    record = ledger.revise(reference, lambda _now: ending(ledger, status, message))
    tell_archive(record)
    return record


def tell_archive(record: OrderRecord) -> None:
    """Write how an order ended into what is home of it. The ledger counts, so a disk that is away stops nothing."""
    word = ORDER_STATUS.get(StatusCode(record.status)) if record.status in set(StatusCode) else None
    if word is None or record.home is None:
        return
    try:
        order_folder.write_order_status(Path(record.home), word, lock_wait_seconds=5.0)
    except DeliveryFailed as error:
        logger.warning("order %s: its catalog does not say yet how it ended: %s", record.reference, error)


def ending(ledger: Ledger, status: str, message: str) -> Revision:
    """What `end` writes."""
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
            "changed_at": None,
        },
    )
