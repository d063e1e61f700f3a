"""Receipts for files that came home before their item was written, so that a killed delivery goes on where it stood.

One small hidden file for each item's folder, gone once the item itself tells what its files are.
"""

from __future__ import annotations

import json
from pathlib import Path

from tasking.delivery.download import FileFacts, checksum_of
from tasking.delivery.folder import write_at_once

_NAME = ".received.json"

Receipts = dict[str, tuple[str, int, str]]
"""File name, size in bytes and checksum by asset key."""


def read(place: Path) -> Receipts:
    """The receipts of an item's folder; none when they are missing or unreadable (files are then fetched again)."""
    try:
        found = json.loads((place / _NAME).read_text(encoding="utf-8"))
        return {str(key): (str(name), int(size), str(checksum)) for key, (name, size, checksum) in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write(place: Path, receipts: Receipts, key: str, facts: FileFacts) -> Receipts:
    """Add one; returns all of them."""
    receipts = {**receipts, key: (facts.path.name, facts.size, facts.checksum)}
    write_at_once(place / _NAME, json.dumps(receipts))
    return receipts


def whole(receipts: Receipts, key: str, target: Path) -> FileFacts | None:
    """The facts of ``target`` when it was received as this asset and still is what it was."""
    name, size, checksum = receipts.get(key, ("", 0, ""))
    if name != target.name or not target.is_file() or target.stat().st_size != size or checksum_of(target) != checksum:
        return None
    return FileFacts(path=target, size=size, checksum=checksum)


def remove(place: Path) -> None:
    """The item has been written; nobody needs them any more."""
    (place / _NAME).unlink(missing_ok=True)
