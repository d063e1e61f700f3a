"""What was in a zip, as assets of the item that the zip belongs to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tasking.delivery.download import FileFacts
from tasking.delivery.integrity.formats import MEDIA_TYPE_OF, format_of
from tasking.delivery.storage import translate_os_errors
from tasking.delivery.unzip import CannotUnzip, DamagedZip, unzip
from tasking.errors import DeliveryFailed, UnsafeAsset

_BESIDE = {"png": "overview", "jpeg": "overview", "webp": "overview", "json": "metadata", "xml": "metadata",
           "pdf": "metadata", "html": "metadata"}  # fmt: skip
_TEXT_ENDINGS = (".txt", ".csv", ".md", ".md5", ".sha256")
_MORE_TYPES = {
    "tiff": "image/tiff; application=geotiff",
    ".geojson": "application/geo+json",
    ".kml": "application/vnd.google-earth.kml+xml",
    ".kmz": "application/vnd.google-earth.kmz",
    ".csv": "text/csv",
    **dict.fromkeys((".txt", ".md", ".md5", ".sha256"), "text/plain"),
}


def unzip_asset(archive: FileFacts, folder: Path, standing: Iterable[FileFacts]) -> list[FileFacts]:
    """The files of a zip that is home.

    Args:
        archive: The zip, with its item and asset key.
        folder: Where they go, beside it.
        standing: Files of the item that stand verified from an earlier delivery; those of the zip are left alone.

    Returns:
        Facts of all its files, with keys such as ``delivery/rasters/a.tif``.

    Raises:
        CannotUnzip: It stays as it is.
        DeliveryFailed: As `unzip`. A zip that is refused is removed, so that the next delivery fetches it again.
    """
    before = {
        facts.path.relative_to(folder).as_posix(): facts for facts in standing if facts.path.is_relative_to(folder)
    }
    try:
        found = unzip(archive.path, folder, before)
    except CannotUnzip:
        raise
    except DeliveryFailed as error:
        if isinstance(error, DamagedZip | UnsafeAsset):
            with translate_os_errors(archive.path):
                archive.path.unlink(missing_ok=True)
        raise type(error)(f"item {archive.item_id}, asset {archive.asset_key}: {error}") from error
    return [
        (facts or before[path]).model_copy(
            update={"item_id": archive.item_id, "asset_key": f"{archive.asset_key}/{path}"}
        )
        for path, facts in found.items()
    ]


def describe_unzipped(facts: FileFacts) -> dict[str, Any]:
    """What an asset out of a zip says of itself: its name, and what it is, are all there is to tell from."""
    suffix = facts.path.suffix.lower()
    kind = format_of(facts.path.name) or ""
    media_type = facts.media_type or _MORE_TYPES.get(suffix) or _MORE_TYPES.get(kind) or MEDIA_TYPE_OF.get(kind)
    role = "metadata" if suffix in _TEXT_ENDINGS else _BESIDE.get(kind, "data")
    return {"title": facts.title or facts.path.name, **({"type": media_type} if media_type else {}), "roles": [role]}
