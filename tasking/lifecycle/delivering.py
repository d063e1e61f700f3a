"""The imagery comes home."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tasking.delivery import order_folder
from tasking.delivery.outcome import Delivery, ItemOutcome, error_to_raise
from tasking.delivery.storage import is_marked, translate_os_errors
from tasking.delivery.verify import intact_items, verify
from tasking.errors import DeliveryFailed, Incomplete, OrderEnded, Unavailable, UnsafeAsset
from tasking.ledger import Deliverable, Ledger, OrderRecord
from tasking.lifecycle import covering
from tasking.lifecycle.deadlines import overdue
from tasking.lifecycle.partial_delivery import Trouble, for_each_capture, in_turn, most_severe
from tasking.lifecycle.session import OrderSession
from tasking.lifecycle.standing import complete_requests
from tasking.lifecycle.state import Compared
from tasking.provider import Items, Provider, TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import Wait, wait_until


def deliver(session: OrderSession, request_id: str) -> Delivery | None:
    """Bring home what can be fetched of a request, verified, and compare what is home already.

    A capture that is refused, damaged or unsafe keeps no other from coming home, nor a file of it its other files: all
    others are delivered and noted before it is said. When nobody answers, the rest waits, and another capture is the
    first one next time. A file that has no address to be fetched from is left out and named, unless it is the image.

    Args:
        session: The order's.
        request_id: The provider's id; the request's ``capture_ids``, as last read, say what to fetch.

    Returns:
        What stands in the archive; ``None`` when there was nothing new.

    Raises:
        DeliveryFailed: A file could not be brought home whole; nothing damaged stands under a final name.
        UnsafeAsset: Something came that is never taken; nothing of it was kept. A person decides whether to ask again.
        ProviderError: A capture could not be listed, or a file of it is not handed out.
        OrderEnded: What was announced was never listed, or never came whole, until the request's patience was over.
    """
    ledger, provider, order, reference = session.ledger, session.provider, session.order, session.reference
    archive = _Archive.at(session.archive)
    record = _ask_again_for_what_is_gone(ledger, reference, archive)
    held = next(one for one in record.requests if one.last.id == request_id)
    request, due = held.last, in_turn(held.undelivered, record.failures)
    listed: dict[str, Items] = {}
    partly: dict[str, Incomplete] = {}

    def look(one: str) -> None:
        try:
            given = provider.products(request.model_copy(update={"capture_ids": (one,)}))
        except Incomplete as error:  # what has a file comes home now, the rest is asked for again
            given, error.items, partly[one] = error.items, [], error
        listed[one] = given if isinstance(given, Items) else Items(given)
        covering.mark(order, listed[one])

    troubles = for_each_capture(due, look)
    there = [one for one in due if listed.get(one)]
    delivery: Delivery | None = None
    if there:
        count = sum(len(listed[one]) for one in there)
        ledger.record(reference, "delivering", f"Bringing home {count} item{'' if count == 1 else 's'}")
        try:
            delivery, home = _bring_home(session, request, listed, there, archive)
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
        trouble = most_severe(troubles, missing)
        # while the provider is away its time is not known: `backoff` decides
        if not isinstance(trouble, UnsafeAsset | Unavailable) and provider.clock.now() >= request.give_up_at:
            raise OrderEnded(StatusCode.FAILED, f"{trouble}. {overdue(request.id, request.give_up_at)}") from trouble
        raise trouble
    if missing:
        wait = _missing(provider, request, missing)
        if order.most_captures > 1:  # the others of the order are not kept waiting
            session.note(unlisted={**session.seen.unlisted, request_id: wait})
        else:
            session.note(wait=wait)
        return delivery
    record = _ask_again_for_what_is_gone(ledger, reference, archive)
    if complete_requests(record) and not any(one.undelivered for one in record.requests):
        done = record.outcome_so_far or f"Delivered {len(due)}"
        session.note(compared=Compared(covering.covered(ledger, order, reference, archive.root / reference, done)))
    if due:  # time has passed
        session.note(polled=None)
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


def _bring_home(
    session: OrderSession,
    request: TaskingRequest,
    listed: Mapping[str, Items],
    captures: list[str],
    archive: _Archive,
) -> tuple[Delivery | None, dict[str, list[ItemOutcome]]]:
    """What stands in the archive, and by capture what became of its items.

    Raises:
        DeliveryFailed: The disk does not take it, or what stands there is not whole.
    """
    reference, provider = session.reference, session.provider
    given = [(one, item) for one in captures for item in listed[one]]
    delivery, brought = order_folder.deliver_items(
        reference,
        [item for _, item in given],
        archive.root,
        provider.open_asset,
        title=session.order.name,
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
        _ask_again_for_what_is_gone(session.ledger, reference, archive, hashed=True)
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
    request: TaskingRequest,
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


def _missing(provider: Provider, request: TaskingRequest, missing: list[str]) -> Wait:
    if provider.clock.now() >= request.give_up_at:
        raise OrderEnded(
            StatusCode.FAILED,
            f"The provider says the imagery of request {request.id} is there, but its catalog does not list "
            f"{', '.join(missing)}. Ask the provider about it; Retry on this run looks again.",
        )
    again = provider.clock.in_seconds(provider.poll_interval_seconds / 3)
    message = f"The imagery is announced; the provider's catalog does not list {', '.join(missing)} yet"
    return wait_until(provider.clock.read(), again, "products", message)
