"""What comes home: a self-contained STAC catalog for each order, with every file beside its item.

    <archive>/<reference>/catalog.json           written last: when it is there, everything it links to is whole
                          collections/<id>.json  a collection of the provider, as far as the order is in it
                          <item>/<item>.json     relative addresses, file:checksum and file:size for each asset
                          <item>/<asset files>
                          <item>/<name of a zip>/<what was in it>

Delivering again adds what is new and fetches nothing that stands verified on disk. A product that the provider issues
again under the same item and key keeps the file that was delivered first.

A file that cannot be brought home keeps no other from it: the item stands with the rest, and names it. What an item
says is read leniently, and written as valid STAC 1.1 (`tasking.delivery.stac`).

An asset that is marked with `unzip.UNZIP` is a zip: it is kept as it came, and what it holds stands beside it as
further assets of the item, each with its checksum, under keys such as ``delivery/rasters/a.tif``.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

from tasking.delivery.asset_downloader import AssetDownloader, OpenAsset
from tasking.delivery.download import MAX_BYTES
from tasking.delivery.outcome import Delivery, ItemOutcome
from tasking.delivery.provider_item import ProviderItem, read_item
from tasking.delivery.stac.item import Captured
from tasking.delivery.storage import PART, folder_lock, translate_os_errors
from tasking.errors import DeliveryFailed, UnsafeAsset
from tasking.order import REFERENCE

# pystac, behind `tasking.delivery.catalog`, is imported by the functions that need it: not at each start of a run

SHIPPING = "shipping"
"""``order:status`` of an order of which more may come."""


def deliver_items(
    reference: str,
    items: Iterable[object],
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
        DeliveryFailed: No items, a disk that does not take it, or another process in the folder. Nothing damaged stands
            under a final name.
    """
    from tasking.delivery.catalog import write_catalog
    from tasking.delivery.order_items import OrderItems

    if not REFERENCE.fullmatch(reference) or reference.endswith("."):
        raise UnsafeAsset(f"{reference!r} cannot be a folder's name; nothing was fetched")
    home, given = folder / reference, [_read(item) for item in items]
    if given and not any(isinstance(one, ProviderItem) for one in given):
        return None, [one for one in given if isinstance(one, ItemOutcome)]
    with folder_lock(home, lock_wait_seconds):
        _remove_parts(home)
        there = OrderItems(home, {"order:status": SHIPPING, **order_facts}, captured)
        if not given and not there.items:
            raise DeliveryFailed(f"order {reference}: there is nothing to deliver yet; the provider lists no items")
        downloader = AssetDownloader(open_asset, max_bytes, tries, wait_seconds)
        outcomes = [there.add(one, downloader) if isinstance(one, ProviderItem) else one for one in given]
        if not there.items:
            return None, outcomes
        write_catalog(home, reference, title, description, there.items)
        files = there.files()
    return Delivery(
        folder=home,
        items=tuple(item["id"] for item in there.items.values()),
        taken_in=tuple(one.folder for one in outcomes if one.folder),
        files=files,
        bytes_total=sum(facts.size for facts in files),
        new_files=sum(one.fetched for one in outcomes),
        left_out=tuple(name for one in outcomes for name in one.left_out),
    ), outcomes


def write_order_status(home: Path, status: str, *, lock_wait_seconds: float = 60.0) -> None:
    """Write the order's last ``order:status`` (``succeeded``, ``failed``, ``canceled``) into what stands there.

    Raises:
        DeliveryFailed: The disk does not take it, or another process works in the folder.
    """
    from tasking.delivery.catalog import read_catalog, write_status

    if not read_catalog(home):
        return
    with folder_lock(home, lock_wait_seconds):
        write_status(home, status)


def _read(item: object) -> ProviderItem | ItemOutcome:
    try:
        return read_item(item)
    except DeliveryFailed as error:
        return ItemOutcome("", (error,))


def _remove_parts(home: Path) -> None:
    """Remove what a killed download left; called while the folder is held."""
    with translate_os_errors(home):
        for left in home.rglob(f"*{PART}"):
            if not stat.S_ISDIR(left.lstat().st_mode):
                left.unlink(missing_ok=True)
