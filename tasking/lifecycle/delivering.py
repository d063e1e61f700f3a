"""The imagery comes home, and the order to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tasking.delivery import catalog
from tasking.delivery.catalog import Delivery
from tasking.delivery.folder import disk_trouble, is_marked
from tasking.errors import DeliveryFailed, Incomplete, OrderEnded, Unavailable, UnsafeAsset
from tasking.ledger import Ledger, OrderRecord, Revision
from tasking.lifecycle import covering
from tasking.lifecycle.following import left_out, may_come_back, still_going, undelivered
from tasking.lifecycle.one_by_one import each, in_turn, together_or_each, worst
from tasking.lifecycle.pausing import overdue
from tasking.order import Order
from tasking.provider import Items, Provider, Request
from tasking.status import StatusCode
from tasking.waiting import Wait, wait_until


def deliver(
    ledger: Ledger, provider: Provider, order: Order, reference: str, request: Request, root: Path
) -> Delivery | Wait | None:
    """Bring home what can be fetched, verified; complete the order when nothing more comes.

    A capture that is refused, damaged or unsafe keeps no other from coming home: all others are delivered and noted
    before it is said. When nobody answers, the rest waits, and another capture is the first one next time.

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
    due = in_turn(undelivered(record, request), record.failures)
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

        def bring(captures: list[str]) -> None:
            nonlocal delivery
            items = [item for one in captures for item in listed[one]]
            delivery = _bring_home(ledger, provider, order, reference, request, items, archive)
            folders = iter(delivery.taken_in)
            of_each = {one: [next(folders) for _ in listed[one]] for one in captures}
            whole = [one for one in captures if one not in partly]
            without = {one: [name[:200] for name in listed[one].left_out[:50]] for one in whole}
            if whole or delivery.new_files:
                _note(ledger, reference, delivery, {one: of_each[one] for one in whole}, without)

        troubles |= together_or_each(there, bring)
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
    everything = not to_come and not any(undelivered(record, one.last) for one in record.requests)
    if request.status is StatusCode.COMPLETED and everything:
        so_far = record.outcome_so_far or f"Delivered {len(due)}"
        done = covering.told(ledger, order, reference, root / reference, so_far)
        said = (done, request.note, left_out(ledger, reference))
        end(ledger, reference, StatusCode.COMPLETED, "; ".join(filter(None, said)))
    return delivery


class _Archive(NamedTuple):
    """The archive's folder, and whether it had its marker when the step began: then it must have it to the end."""

    root: Path
    marked: bool

    @classmethod
    def at(cls, root: Path) -> _Archive:
        with disk_trouble(root):
            return cls(root, is_marked(root))

    def still_there(self) -> None:
        """Raises `DeliveryFailed` when its disk went away: what was written since lies somewhere else."""
        with disk_trouble(self.root):
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
    stand, folders = catalog.items_that_stand(home, hashed=hashed), _folders(ledger, reference)
    # of a capture delivered by an older version it is not known which folders are its own
    gone = [one for one in record.delivered if not stand or not folders.get(one, set()) <= stand]
    if not gone:
        return record
    archive.still_there()
    return ledger.record(
        reference,
        "gone",
        f"No longer whole in {home}, so it is delivered again: {', '.join(gone)}",
        delivered=lambda now: [one for one in now.delivered if one not in gone],
    )


def _folders(ledger: Ledger, reference: str) -> dict[str, set[str]]:
    """By capture, the folders of its items, as noted when it was delivered last."""
    noted = (one.detail.get("folders", {}) for one in ledger.journal(reference) if one.event == "delivered")
    return {capture: set(folders) for each in noted for capture, folders in each.items()}


def _bring_home(
    ledger: Ledger,
    provider: Provider,
    order: Order,
    reference: str,
    request: Request,
    items: list[dict[str, Any]],
    archive: _Archive,
) -> Delivery:
    delivery = catalog.deliver(
        reference,
        items,
        archive.root,
        provider.open_asset,
        title=order.name,
        description=f"Order {reference}, collected by {provider.name}",
        order_facts={"order:id": request.id, "order:status": "succeeded"},
    )
    archive.still_there()
    if problems := catalog.verify(delivery.folder):
        _ask_again_for_what_is_gone(ledger, reference, archive, hashed=True)
        raise DeliveryFailed(f"{delivery.folder}: not whole: {'; '.join(problems[:5])}")
    if missing := set(delivery.taken_in) - catalog.items_that_stand(delivery.folder):
        raise DeliveryFailed(
            f"{delivery.folder}: not whole: its catalog does not hold {', '.join(sorted(missing)[:5])}"
        )
    return delivery


def _note(
    ledger: Ledger,
    reference: str,
    delivery: Delivery,
    folders: dict[str, list[str]],
    without: dict[str, list[str]],
) -> None:
    size = f"{len(delivery.files)} files ({delivery.bytes_total / 1e6:.1f} MB)"
    message = f"Delivered {size}, verified, to {delivery.folder}"
    ledger.record(
        reference,
        "delivered",
        message,
        delivered=lambda now: list(dict.fromkeys([*now.delivered, *folders])),
        outcome_so_far=message,
        detail={"folders": folders, "left_out": without},
    )


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
    """Write down that the order came to its end."""
    return ledger.revise(reference, lambda _now: ending(ledger, status, message))


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
