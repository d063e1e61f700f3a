"""What was in a zip, as assets of the item that the zip belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tasking.delivery.download import FileFacts
from tasking.delivery.folder import disk_trouble
from tasking.delivery.unpack import DamagedZip, unpack
from tasking.errors import DeliveryFailed, UnsafeAsset

_KINDS = {
    ".tif": ("image/tiff; application=geotiff", "data"),
    ".tiff": ("image/tiff; application=geotiff", "data"),
    ".png": ("image/png", "overview"),
    ".jpg": ("image/jpeg", "overview"),
    ".jpeg": ("image/jpeg", "overview"),
    ".json": ("application/json", "metadata"),
    ".geojson": ("application/geo+json", "metadata"),
    ".xml": ("application/xml", "metadata"),
    ".txt": ("text/plain", "metadata"),
    ".pdf": ("application/pdf", "metadata"),
}


def unpacked(archive: FileFacts, standing: Iterable[FileFacts]) -> list[FileFacts]:
    """The files of a zip that is home, in a folder beside it that is called like it.

    Args:
        archive: The zip, with its item and asset key.
        standing: Files of the item that stand verified from an earlier delivery; those of the zip are left alone.

    Returns:
        Facts of all its files, with keys such as ``delivery/rasters/a.tif``.

    Raises:
        DeliveryFailed: As `unpack`. A zip that is refused is removed, so that the next delivery fetches it again.
    """
    folder = archive.path.with_suffix("")
    before = {
        facts.path.relative_to(folder).as_posix(): facts for facts in standing if facts.path.is_relative_to(folder)
    }
    try:
        found = unpack(archive.path, folder, before)
    except DeliveryFailed as error:
        if isinstance(error, DamagedZip | UnsafeAsset):
            with disk_trouble(archive.path):
                archive.path.unlink(missing_ok=True)
        raise type(error)(f"item {archive.item_id}, asset {archive.asset_key}: {error}") from error
    return [
        (facts or before[path]).model_copy(
            update={"item_id": archive.item_id, "asset_key": f"{archive.asset_key}/{path}"}
        )
        for path, facts in found.items()
    ]


def told_by_name(path: Path) -> dict[str, Any]:
    """What an asset out of a zip says of itself: its name is all there is to tell from."""
    media_type, role = _KINDS.get(path.suffix.lower(), (None, "data"))
    return {"title": path.name, **({"type": media_type} if media_type else {}), "roles": [role]}
