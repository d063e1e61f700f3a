"""What comes home: a self-contained STAC catalog for each order, with every file beside its item.

    <archive>/<reference>/catalog.json           written last: when it is there, everything it links to is whole
                          collections/<id>.json  a collection of the provider, as far as the order is in it
                          <item>/<item>.json     relative addresses, file:checksum and file:size for each asset
                          <item>/<asset files>
                          <item>/<name of a zip>/<what was in it>

Delivering again adds what is new and fetches nothing that stands verified on disk. A product that the provider issues
again under the same item and key keeps the file that was delivered first.

A file that cannot be brought home keeps no other from it: the item stands with the rest, and names it. What an item
says is read leniently, and written as valid STAC 1.1 (`strict`).

An asset that is marked with `unzip.UNZIP` is a zip: it is kept as it came, and what it holds stands beside it as
further assets of the item, each with its checksum, under keys such as ``delivery/rasters/a.tif``.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict

from tasking.delivery.asset_downloader import AssetDownloader
from tasking.delivery.catalog import read_catalog, write_catalog, write_status
from tasking.delivery.download import MAX_BYTES, FileFacts
from tasking.delivery.order_items import OrderItems
from tasking.delivery.provider_item import ProviderItem, read_item
from tasking.delivery.stac.item import Captured
from tasking.delivery.storage import PART, folder_lock, translate_os_errors
from tasking.errors import DeliveryFailed, ProviderError, Unavailable, UnsafeAsset
from tasking.order import REFERENCE

OpenAsset = Callable[[dict[str, Any], str], AbstractContextManager[httpx.Response]]
Trouble = DeliveryFailed | ProviderError
SHIPPING = "shipping"
"""``order:status`` of an order of which more may come."""


class Delivery(BaseModel):
    """What stands in an order's folder after a delivery.

    Attributes:
        folder: The order's folder; ``catalog.json`` is in it.
        items: Ids of all items in the catalog.
        taken_in: Names of the folders of the items that were given and are there, in their order.
        files: Every file of every item, also those of earlier deliveries.
        bytes_total: Size of all files in bytes.
        new_files: How many were downloaded this time.
        left_out: Assets of the given items that cannot be fetched, with the reason, for a person.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    items: tuple[str, ...]
    taken_in: tuple[str, ...]
    files: tuple[FileFacts, ...]
    bytes_total: int
    new_files: int
    left_out: tuple[str, ...] = ()


class ItemOutcome(NamedTuple):
    """What became of one given item.

    Attributes:
        folder: Its folder's name; empty when nothing of it is home.
        troubles: What went wrong and may go well another time; empty when the item is as whole as it can be.
        left_out: Assets that cannot be fetched, with the reason.
        fetched: How many files were downloaded.
    """

    folder: str
    troubles: tuple[Trouble, ...] = ()
    left_out: tuple[str, ...] = ()
    fetched: int = 0


def deliver(
    reference: str,
    items: Iterable[dict[str, Any]],
    folder: Path,
    open_asset: OpenAsset,
    *,
    title: str,
    description: str,
    order_facts: Mapping[str, str],
    captured: Captured = (None, None),
    max_bytes: int = MAX_BYTES,
    tries: int = 3,
    wait_seconds: float = 1.0,
    lock_wait_seconds: float = 60.0,
) -> Delivery:
    """Bring every asset of every item home and write the order's catalog; see `bring`.

    Raises:
        DeliveryFailed: Nothing to deliver, a file that is not whole, a disk that does not take it, or another process
            in the folder. Nothing damaged stands under a final name, and all that could be brought home is there.
        UnsafeAsset: Something of an item must not be taken, and the rest of it is not what was ordered.
        ProviderError: From ``open_asset``; says which file.
    """
    delivery, brought = bring(
        reference,
        items,
        folder,
        open_asset,
        title=title,
        description=description,
        order_facts=order_facts,
        captured=captured,
        max_bytes=max_bytes,
        tries=tries,
        wait_seconds=wait_seconds,
        lock_wait_seconds=lock_wait_seconds,
    )
    if troubles := [one for each in brought for one in each.troubles]:
        raise error_to_raise(troubles)
    assert delivery is not None, "what is without trouble is home"
    return delivery


def bring(
    reference: str,
    items: Iterable[dict[str, Any]],
    folder: Path,
    open_asset: OpenAsset,
    *,
    title: str,
    description: str,
    order_facts: Mapping[str, str],
    captured: Captured = (None, None),
    max_bytes: int = MAX_BYTES,
    tries: int = 3,
    wait_seconds: float = 1.0,
    lock_wait_seconds: float = 60.0,
) -> tuple[Delivery | None, list[ItemOutcome]]:
    """Bring home what can be brought home of each item, and write the order's catalog.

    May be run again at any time and after any interruption; one process at a time works in an order's folder.

    Args:
        reference: The order's reference; the folder's name.
        items: STAC items (JSON) with absolute asset addresses. Need not hold those of earlier deliveries.
        folder: The archive's root.
        open_asset: Starts the download of one asset (item, key) as a stream.
        title: Title of the catalog.
        description: Description of the catalog.
        order_facts: ``order:id``, and ``order:status`` where it is not ``shipping``. No secrets.
        captured: Begin and end of the capture as the order knows it, for items that do not say.
        max_bytes: Largest single file.
        tries: How often a download that broke is begun anew.
        wait_seconds: Longest first pause between tries.
        lock_wait_seconds: How long to wait for another process that works in the folder.

    Returns:
        What stands there, ``None`` when nothing does; and what became of each item, in their order.

    Raises:
        UnsafeAsset: The reference cannot be a folder's name, or a link stands in its place.
        DeliveryFailed: No items, a disk that does not take it, or another process in the folder.
    """
    if not REFERENCE.fullmatch(reference) or reference.endswith("."):
        raise UnsafeAsset(f"{reference!r} cannot be a folder's name; nothing was fetched")
    given = [_readable(item) for item in items]
    home = folder / reference
    if given and all(isinstance(one, DeliveryFailed) for one in given):
        return None, [ItemOutcome("", (one,)) for one in given if isinstance(one, DeliveryFailed)]
    with folder_lock(home, lock_wait_seconds):
        _sweep(home)
        order = {"order:status": SHIPPING, **order_facts}
        there = OrderItems(home, order, captured)
        if not given and not there.items:
            raise DeliveryFailed(f"order {reference}: there is nothing to deliver yet; the provider lists no items")
        brought = _bring_each(given, there, AssetDownloader(open_asset, max_bytes, tries, wait_seconds))
        if not there.items:
            return None, brought
        write_catalog(home, reference, title, description, there.items)
        files = there.files()
    return Delivery(
        folder=home,
        items=tuple(item["id"] for item in there.items.values()),
        taken_in=tuple(one.folder for one in brought if one.folder),
        files=files,
        bytes_total=sum(facts.size for facts in files),
        new_files=sum(one.fetched for one in brought),
        left_out=tuple(said for one in brought for said in one.left_out),
    ), brought


def settle(home: Path, status: str, *, lock_wait_seconds: float = 60.0) -> None:
    """Write the order's last ``order:status`` (``succeeded``, ``failed``, ``canceled``) into what stands there.

    Raises:
        DeliveryFailed: The disk does not take it, or another process works in the folder.
    """
    if not read_catalog(home):
        return
    with folder_lock(home, lock_wait_seconds):
        write_status(home, status)


def error_to_raise(troubles: Sequence[Trouble]) -> Trouble:
    """The one to raise: an outage says when to come back; what must not be taken never passes, and comes last."""
    return min(troubles, key=lambda one: (isinstance(one, UnsafeAsset), not isinstance(one, Unavailable)))


def _readable(item: object) -> ProviderItem | DeliveryFailed:
    try:
        return read_item(item)
    except DeliveryFailed as error:
        return error


def _bring_each(
    given: Sequence[ProviderItem | DeliveryFailed], there: OrderItems, fetching: AssetDownloader
) -> list[ItemOutcome]:
    """Take each in."""
    brought: list[ItemOutcome] = []
    for item in given:
        if isinstance(item, DeliveryFailed):
            brought.append(ItemOutcome("", (item,)))
        else:
            one = there.take_in(item, fetching)
            brought.append(ItemOutcome(one.folder, one.troubles, one.left_out, one.fetched))
    return brought


def _sweep(home: Path) -> None:
    """Remove what a killed download left; called while the folder is held."""
    with translate_os_errors(home):
        for left in home.rglob(f"*{PART}"):
            if not stat.S_ISDIR(left.lstat().st_mode):
                left.unlink(missing_ok=True)
