"""How the files of a delivery are fetched: an asset from its own address, else from one of its alternates."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx

from tasking.delivery.download import FileFacts, fetch
from tasking.delivery.provider_item import ProviderAsset, ProviderItem
from tasking.delivery.storage import DiskError
from tasking.errors import DeliveryFailed, ProviderError, Unavailable

OpenAsset = Callable[[dict[str, Any], str], AbstractContextManager[httpx.Response]]

AWAY = 6
"""Assets in succession without an answer after which a provider counts as away."""


class AssetDownloader:
    """Fetches assets, the same way for all of a delivery.

    Args:
        open_asset: Starts the download of one asset (item, key) as a stream.
        max_bytes: Largest single file.
        tries: How often a download that broke is begun anew.
        wait_seconds: Longest first pause between tries.

    After an asset for which the provider was away the next ones are tried once each, and after `AWAY` of them in
    succession it is not asked any more in this delivery.
    """

    def __init__(self, open_asset: OpenAsset, max_bytes: int, tries: int, wait_seconds: float) -> None:
        self._open_asset, self._max_bytes, self._tries, self._wait = open_asset, max_bytes, tries, wait_seconds
        self._unavailable: list[Unavailable] = []

    def fetch(self, item: ProviderItem, asset: ProviderAsset, target: Path) -> FileFacts:
        """Download one asset.

        Args:
            item: Its item.
            asset: The asset; has an address at least.
            target: Its final path.

        Raises:
            DiskError: The disk does not take it.
            DeliveryFailed: It is not whole, at no address.
            ProviderError: It is handed out at no address; says which file.
        """
        if len(self._unavailable) >= AWAY:
            raise self._unavailable[-1]
        first: Exception | None = None
        for href in asset.hrefs:
            try:
                facts = self._fetch(item, asset, href, target, 1 if self._unavailable else self._tries)
            except DiskError:
                raise
            except (DeliveryFailed, ProviderError) as error:
                first = first or error
            else:
                self._unavailable.clear()
                return facts
        if isinstance(first, Unavailable):
            self._unavailable.append(first)
        assert first is not None, "it has an address"
        raise first

    def _fetch(self, item: ProviderItem, asset: ProviderAsset, href: str, target: Path, tries: int) -> FileFacts:
        size, checksum, kind = (asset.said.get(key) for key in ("file:size", "file:checksum", "type"))
        asked = {
            **item.given,
            "properties": item.given.get("properties") if isinstance(item.given.get("properties"), dict) else {},
            "assets": {
                **{one.key_given: one.said for one in item.assets},
                asset.key_given: {**asset.said, "href": href},
            },
        }
        try:
            return fetch(
                lambda: self._open_asset(asked, asset.key_given),
                target,
                promised_size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
                promised_checksum=checksum if isinstance(checksum, str) else None,
                media_type=kind if isinstance(kind, str) else None,
                max_bytes=self._max_bytes,
                tries=tries,
                wait_seconds=self._wait,
            )
        except ProviderError as error:
            error.message = f"item {item.id}, asset {asset.key}: {target.name}: {error.message}"
            raise
        except DeliveryFailed as error:
            raise type(error)(f"item {item.id}, asset {asset.key}: {error}") from error
