"""The items of one order by folder name, as they stand on disk and as new ones are taken in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasking.delivery import receipts
from tasking.delivery.asset_downloader import AssetDownloader
from tasking.delivery.catalog import Json, collection_of, read_catalog, read_item, write_item
from tasking.delivery.download import FileFacts
from tasking.delivery.file_names import file_name, folder_name, unzip_folder
from tasking.delivery.outcome import ItemOutcome, Trouble
from tasking.delivery.provider_item import ProviderAsset, ProviderItem
from tasking.delivery.redaction import redact_urls
from tasking.delivery.stac.item import LEFT_OUT, NOTE, Captured, to_stac_asset, to_stac_item
from tasking.delivery.storage import DiskError, make_folder
from tasking.delivery.unzip import UNZIP, CannotUnzip, describe_unzipped, unzip_asset
from tasking.delivery.verify import intact_files
from tasking.errors import DeliveryFailed, ProviderError, UnsafeAsset


class OrderItems:
    """The items of one order.

    Args:
        home: The order's folder, held by us.
        order: ``order:id`` and ``order:status``.
        captured: Begin and end of the capture as the order knows it.
    """

    def __init__(self, home: Path, order: Mapping[str, str], captured: Captured) -> None:
        self.home, self._order, self._captured = home, order, captured
        self.items: dict[str, Json] = read_catalog(home)
        self._checked: dict[str, dict[str, FileFacts]] = {}

    def files(self) -> tuple[FileFacts, ...]:
        """Every file of every item; those of items that were not taken in now are hashed again."""
        found: list[FileFacts] = []
        for name, item in self.items.items():
            found += self._checked[name].values() if name in self._checked else intact_files(self.home / name, item)
        return tuple(found)

    def add(self, item: ProviderItem, downloader: AssetDownloader) -> ItemOutcome:
        """Fetch what is not there yet and write the item.

        Raises:
            DiskError: The disk does not take it.
            UnsafeAsset: A link stands in the place of its folder.
        """
        known = {name.lower(): _identity(one) for name, one in self.items.items()}
        name = folder_name(item.identity, item.id, known)
        place = self.home / name
        make_folder(place)
        before = self.items.get(name) or read_item(place)
        if before is not None and _identity(before) != item.identity:
            before = None
        there = self._checked.get(name)
        if there is None:
            there = {facts.asset_key: facts for facts in intact_files(place, before)} if before is not None else {}
        files = _Files(place, item, there, before, downloader)
        files.fetch()
        if files.assets:
            self.items[name] = self._written(name, item, files, before)
            self._checked[name] = files.now
            if not files.troubles:
                with suppress(OSError):
                    receipts.remove(place)
        return ItemOutcome(
            name if files.assets else "", files.troubles_to_report(), tuple(files.left_out.values()), files.fetched
        )

    def _written(self, name: str, item: ProviderItem, files: _Files, before: Json | None) -> Json:
        kept = {key: asset for key, asset in before["assets"].items() if key in files.there} if before else {}
        left_out = files.named()
        said = before["properties"].get(LEFT_OUT) or {} if before else {}
        if before is not None and set(files.assets) <= set(files.there) and said == left_out:
            return before
        collection_file = self._collection_file(item) if item.collection else None
        made = to_stac_item(item, {**kept, **files.assets}, left_out, self._order, self._captured, collection_file)
        return write_item(self.home, name, made)

    def _collection_file(self, item: ProviderItem) -> str:
        assert item.collection is not None
        known: dict[str, str] = {}
        for one in self.items.values():
            if (found := collection_of(one)) is not None:
                known[found[0].removesuffix(".json").lower()] = found[1]
        return folder_name(item.collection, item.collection, known) + ".json"


def _identity(item: Json) -> str:
    return f"{item.get('collection') or ''}/{item['id']}"


class _Files:
    """The files of one item on their way.

    Attributes:
        there: Those that stood verified before, by asset key.
        now: Those that stand now.
        assets: The given assets that are home, as they are written.
        troubles: What went wrong, by asset key.
        left_out: Why an asset cannot be fetched, by key.
        fetched: How many were downloaded.
    """

    def __init__(
        self,
        place: Path,
        item: ProviderItem,
        there: dict[str, FileFacts],
        before: Json | None,
        downloader: AssetDownloader,
    ) -> None:
        self.place, self.item, self.there, self._before, self._downloader = place, item, there, before, downloader
        self.now = dict(there)
        self.assets: dict[str, dict[str, Any]] = {}
        self.troubles: dict[str, Trouble] = {}
        self.left_out: dict[str, str] = {}
        self.fetched = 0
        flat = (facts.path.name.lower() for facts in there.values() if facts.path.parent == place)
        self._taken = {f"{place.name}.json".lower(), *flat}
        self._receipt = receipts.read(place)

    def fetch(self) -> None:
        """Fetch all that is not there; what is wrong with one keeps no other from coming home."""
        for asset in self.item.assets:
            try:
                self._deliver(asset)
            except DiskError:
                raise
            except (DeliveryFailed, ProviderError) as error:
                self.troubles[asset.key] = error

    def troubles_to_report(self) -> tuple[Trouble, ...]:
        """What may go well another time; and what cannot, where what is home is not what was ordered."""
        troubles = tuple(self.troubles.values())
        lost = [one for one in self.item.assets if one.key in self.left_out and (one.is_data or not self.assets)]
        data_is_home = any(one.is_data and one.key in self.assets for one in self.item.assets)
        if lost and not data_is_home:
            troubles = (*troubles, UnsafeAsset(self.left_out[lost[0].key]))
        return troubles

    def named(self) -> dict[str, str]:
        """Why an asset is not there, by key, for the item."""
        troubles = {key: f"not home yet: {redact_urls(str(error))[:300]}" for key, error in self.troubles.items()}
        return {**self.left_out, **troubles}

    def _deliver(self, asset: ProviderAsset) -> None:
        facts = self.there.get(asset.key)
        if facts is None and asset.refused is not None:
            self.left_out[asset.key] = asset.refused
            return
        if facts is None:
            facts = self._download(asset)
        if facts is None:
            return
        facts = facts.model_copy(update={"item_id": self.item.id, "asset_key": asset.key})
        self.now[asset.key] = facts
        if asset.said.get(UNZIP) is True:
            facts = self._unzip(facts)
        told = {key: value for key, value in asset.said.items() if key != UNZIP}
        self.assets[asset.key] = self._asset(told, facts)

    def _download(self, asset: ProviderAsset) -> FileFacts | None:
        target = self.place / file_name(asset.key, {**asset.said, "href": asset.hrefs[0]}, self._taken)
        if (facts := receipts.whole(self._receipt, asset.key, target)) is not None:
            return facts
        try:
            facts = self._downloader.fetch(self.item, asset, target)
        except UnsafeAsset as error:  # it leads elsewhere than it said
            self.left_out[asset.key] = redact_urls(str(error))
            return None
        self._receipt = receipts.write(self.place, self._receipt, asset.key, facts)
        self.fetched += 1
        return facts

    def _unzip(self, archive: FileFacts) -> FileFacts:
        """Take a zip apart; the facts of the zip, with a note when it stays as it is."""
        inside = [facts for key, facts in self.there.items() if key.startswith(f"{archive.asset_key}/")]
        kept = inside[0].path.relative_to(self.place).parts[0] if inside else None
        folder = self.place / (kept or unzip_folder(archive.path.name, self._taken))
        try:
            found = unzip_asset(archive, folder, inside)
        except CannotUnzip as error:
            archive = archive.model_copy(update={"note": f"not taken apart: {error}"})
            self.now[archive.asset_key] = archive
            return archive
        except DeliveryFailed:
            self.now.pop(archive.asset_key, None)
            raise
        for facts in found:
            self.now[facts.asset_key] = facts
            self.assets[facts.asset_key] = self._asset(describe_unzipped(facts), facts)
        return archive

    def _asset(self, told: dict[str, Any], facts: FileFacts) -> dict[str, Any]:
        """An asset as it stands at home; one that stood there before stays as it was written."""
        if facts.asset_key in self.there and self._before is not None:
            written: dict[str, Any] = self._before["assets"][facts.asset_key]
            return written
        said = {**told, **({"type": facts.media_type} if facts.media_type else {})}
        made = to_stac_asset(said, f"./{facts.path.relative_to(self.place).as_posix()}", facts.size, facts.checksum)
        return {**made, **({NOTE: facts.note} if facts.note else {})}
