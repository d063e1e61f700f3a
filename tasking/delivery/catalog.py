"""What comes home: a self-contained STAC catalog for each order, with every file beside its item.

    <archive>/<reference>/catalog.json           written last: when it is there, everything it links to is whole
                          <item>/<item>.json     relative addresses, file:checksum and file:size for each asset
                          <item>/<asset files>
                          <item>/<name of a zip>/<what was in it>

Delivering again adds what is new and fetches nothing that stands verified on disk. A product that the provider issues
again under the same item and key keeps the file that was delivered first.

An asset that is marked with `unpack.UNPACK` is a zip: it is kept as it came, and what it holds stands beside it as
further assets of the item, each with its checksum, under keys such as ``delivery/rasters/a.tif``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict

from tasking.delivery import receipts
from tasking.delivery.download import MAX_BYTES, FileFacts, fetch
from tasking.delivery.folder import PART, alone_in, archive_folder, disk_trouble
from tasking.delivery.names import checked_href, file_name, folder_name
from tasking.delivery.stac import (
    FILE_EXTENSION,
    read_catalog,
    read_item,
    sorted_out_links,
    valid_item,
    write_catalog,
    write_item,
)
from tasking.delivery.unpack import UNPACK
from tasking.delivery.unpacked import told_by_name, unpacked
from tasking.delivery.verification import items_that_stand, standing, verify
from tasking.errors import DeliveryFailed, ProviderError, UnsafeAsset
from tasking.order import REFERENCE

if TYPE_CHECKING:
    import pystac

__all__ = ["Delivery", "archive_folder", "deliver", "items_that_stand", "verify"]

OpenAsset = Callable[[dict[str, Any], str], AbstractContextManager[httpx.Response]]


class Delivery(BaseModel):
    """What stands in an order's folder after a delivery.

    Attributes:
        folder: The order's folder; ``catalog.json`` is in it.
        items: Ids of all items in the catalog.
        taken_in: Names of the folders of the items that were given, in their order.
        files: Every file of every item, also those of earlier deliveries.
        bytes_total: Size of all files in bytes.
        new_files: How many were downloaded this time.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    items: tuple[str, ...]
    taken_in: tuple[str, ...]
    files: tuple[FileFacts, ...]
    bytes_total: int
    new_files: int


def deliver(
    reference: str,
    items: Iterable[dict[str, Any]],
    folder: Path,
    open_asset: OpenAsset,
    *,
    title: str,
    description: str,
    order_facts: dict[str, Any],
    max_bytes: int = MAX_BYTES,
    tries: int = 3,
    wait_seconds: float = 1.0,
    lock_wait_seconds: float = 60.0,
) -> Delivery:
    """Bring every asset of every item home and write the order's catalog.

    May be run again at any time and after any interruption; one process at a time works in an order's folder. Items
    pass through with all their properties; links to the provider's own pages stay only where they carry no query.

    Args:
        reference: The order's reference; the folder's name.
        items: STAC items (JSON) with absolute asset addresses. Need not hold those of earlier deliveries.
        folder: The archive's root.
        open_asset: Starts the download of one asset (item, key) as a stream.
        title: Title of the catalog.
        description: Description of the catalog.
        order_facts: Further fields of the catalog, e.g. ``order:id``. No secrets.
        max_bytes: Largest single file.
        tries: How often a download that broke is begun anew.
        wait_seconds: Longest first pause between tries.
        lock_wait_seconds: How long to wait for another process that works in the folder.

    Raises:
        DeliveryFailed: Nothing to deliver, an item that is not valid STAC, a file that is not whole, a disk that does
            not take it, or another process in the folder. Nothing damaged stands under a final name.
        UnsafeAsset: An address that must not be followed. Nothing of that item was fetched.
        ProviderError: From ``open_asset``; says which file.
    """
    if not REFERENCE.fullmatch(reference) or reference.endswith("."):
        raise UnsafeAsset(f"{reference!r} cannot be a folder's name; nothing was fetched")
    given = [valid_item(item) for item in items]
    for item in given:
        for key, asset in item["assets"].items():
            checked_href(asset.get("href"), f"item {item['id']}, asset {key}")
    home = folder / reference
    with alone_in(home, lock_wait_seconds):
        _sweep(home)
        catalog = _Catalog(home)
        if not given and not catalog.items:
            raise DeliveryFailed(f"order {reference}: there is nothing to deliver yet; the provider lists no items")
        fetching = _Fetching(open_asset, max_bytes, tries, wait_seconds)
        taken_in = [catalog.take_in(item, fetching) for item in given]
        write_catalog(home, reference, title, description, order_facts, catalog.items.values())
        files = catalog.files()
    return Delivery(
        folder=home,
        items=tuple(item.id for item in catalog.items.values()),
        taken_in=tuple(name for name, _ in taken_in),
        files=files,
        bytes_total=sum(facts.size for facts in files),
        new_files=sum(fetched for _, fetched in taken_in),
    )


def _sweep(home: Path) -> None:
    """Remove what a killed download left; called while the folder is held."""
    with disk_trouble(home):
        for left in home.rglob(f"*{PART}"):
            left.unlink(missing_ok=True)


class _Fetching(NamedTuple):
    """How files are fetched, the same for all of a delivery."""

    open_asset: OpenAsset
    max_bytes: int
    tries: int
    wait_seconds: float


class _Catalog:
    """The items of one order by folder name, as they stand on disk and as new ones are taken in."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.items: dict[str, pystac.Item] = read_catalog(home)
        self._checked: dict[str, dict[str, FileFacts]] = {}

    def files(self) -> tuple[FileFacts, ...]:
        """Every file of every item; those of items that were not taken in now are hashed again."""
        found: list[FileFacts] = []
        for name, item in self.items.items():
            found += self._checked[name].values() if name in self._checked else standing(self.home / name, item)
        return tuple(found)

    def take_in(self, given: dict[str, Any], fetching: _Fetching) -> tuple[str, int]:
        """Fetch what is not there yet and write the item; its folder's name and how many files were fetched."""
        identity = f"{given.get('collection') or ''}/{given['id']}"
        known = {name.lower(): f"{item.collection_id or ''}/{item.id}" for name, item in self.items.items()}
        name = folder_name(identity, given["id"], known)
        place = self.home / name
        with disk_trouble(place):
            place.mkdir(exist_ok=True)
        before = self.items.get(name) or read_item(place)
        if before is not None and f"{before.collection_id or ''}/{before.id}" != identity:
            before = None
        there = self._checked.get(name)
        if there is None:
            there = {facts.asset_key: facts for facts in standing(place, before)} if before is not None else {}
        receipt = receipts.read(place)
        flat = (facts.path.name.lower() for facts in there.values() if facts.path.parent == place)
        taken = {f"{name}.json".lower(), *flat}
        assets, now, fetched = {}, dict(there), 0
        for key, asset in given["assets"].items():
            facts = there.get(key)
            if facts is None:
                target = place / file_name(key, asset, taken)
                facts = receipts.whole(receipt, key, target)
                if facts is None:
                    facts = self._fetch(given, key, asset, target, fetching)
                    receipt = receipts.write(place, receipt, key, facts)
                    fetched += 1
            now[key] = facts.model_copy(update={"item_id": given["id"], "asset_key": key})
            told = {field: value for field, value in asset.items() if field != UNPACK}
            assets[key] = _asset(told, place, facts)
            if asset.get(UNPACK) is True:
                for facts in unpacked(now[key], there.values()):
                    now[facts.asset_key] = facts
                    assets[facts.asset_key] = _asset(told_by_name(facts.path), place, facts)
        unchanged = before is not None and set(assets) <= set(there)
        if before is not None and unchanged:
            self.items[name] = before
        else:
            kept = before.to_dict(include_self_link=False)["assets"] if before is not None else {}
            self.items[name] = write_item(
                self.home,
                name,
                {
                    **given,
                    "assets": {**{key: value for key, value in kept.items() if key in there}, **assets},
                    "links": sorted_out_links(given),
                    "stac_extensions": sorted({*(given.get("stac_extensions") or []), FILE_EXTENSION}),
                },
            )
        self._checked[name] = now
        with suppress(OSError):
            receipts.remove(place)
        return name, fetched

    def _fetch(
        self, item: dict[str, Any], key: str, asset: dict[str, Any], target: Path, fetching: _Fetching
    ) -> FileFacts:
        size, checksum, kind = asset.get("file:size"), asset.get("file:checksum"), asset.get("type")
        try:
            return fetch(
                lambda: fetching.open_asset(item, key),
                target,
                promised_size=size if isinstance(size, int) and not isinstance(size, bool) else None,
                promised_checksum=checksum if isinstance(checksum, str) else None,
                media_type=kind if isinstance(kind, str) else None,
                max_bytes=fetching.max_bytes,
                tries=fetching.tries,
                wait_seconds=fetching.wait_seconds,
            )
        except ProviderError as error:
            error.message = f"item {item['id']}, asset {key}: {target.name}: {error.message}"
            raise
        except DeliveryFailed as error:
            raise type(error)(f"item {item['id']}, asset {key}: {error}") from error


def _asset(told: dict[str, Any], place: Path, facts: FileFacts) -> dict[str, Any]:
    """An asset as it stands at home."""
    return {
        **told,
        "href": f"./{facts.path.relative_to(place).as_posix()}",
        "file:size": facts.size,
        "file:checksum": facts.checksum,
    }
