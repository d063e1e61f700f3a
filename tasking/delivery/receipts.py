"""Receipts for files that came home before their item was written, so that a killed delivery goes on where it stood.

One small hidden file for each item's folder, gone once the item itself tells what its files are.
"""

from __future__ import annotations

import json
from pathlib import Path

from tasking.delivery.download import FileFacts, checksum_of
from tasking.delivery.storage import atomic_write, is_plain, read_plain

_NAME = ".received.json"

Receipts = dict[str, tuple[str, int, str, str, str | None]]
"""File name, size in bytes, checksum, note and media type found, by asset key."""


def read(place: Path) -> Receipts:
    """The receipts of an item's folder; none when they are missing or unreadable (files are then fetched again)."""
    try:
        found = json.loads(read_plain(place / _NAME) or b"{}")
        return {str(key): _receipt(*told) for key, told in found.items()}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return {}


def _receipt(
    name: object, size: object, checksum: object, note: object = "", media_type: object = None
) -> tuple[str, int, str, str, str | None]:
    return str(name), int(str(size)), str(checksum), str(note), None if media_type is None else str(media_type)


def write(place: Path, receipts: Receipts, key: str, facts: FileFacts) -> Receipts:
    """Add one; returns all of them."""
    receipts = {**receipts, key: (facts.path.name, facts.size, facts.checksum, facts.note, facts.media_type)}
    atomic_write(place / _NAME, json.dumps(receipts))
    return receipts


def whole(receipts: Receipts, key: str, target: Path) -> FileFacts | None:
    """The facts of ``target`` when it was received as this asset and still is what it was."""
    name, size, checksum, note, media_type = receipts.get(key, ("", 0, "", "", None))
    if name != target.name or not is_plain(target):
        return None
    if target.stat().st_size != size or checksum_of(target) != checksum:
        return None
    return FileFacts(path=target, size=size, checksum=checksum, note=note, media_type=media_type)


def remove(place: Path) -> None:
    """The item has been written; nobody needs them any more."""
    (place / _NAME).unlink(missing_ok=True)
