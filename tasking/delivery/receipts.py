"""Receipts for files that came home before their item was written, so that a killed delivery goes on where it stood.

One small hidden file for each item's folder, gone once the item itself tells what its files are.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter

from tasking.delivery.download import FileFacts, checksum_of
from tasking.delivery.storage import atomic_write, is_plain, read_plain

_NAME = ".received.json"
_JSON = TypeAdapter(dict[str, FileFacts])


def read(place: Path) -> dict[str, FileFacts]:
    """By asset key; none when they are missing or unreadable: the files are then fetched again."""
    try:
        return _JSON.validate_json(read_plain(place / _NAME) or b"{}")
    except (OSError, ValueError):
        return {}


def write(place: Path, receipts: dict[str, FileFacts], key: str, facts: FileFacts) -> dict[str, FileFacts]:
    """Add one; returns all of them. Only a file's name is kept of its path: the archive may be moved meanwhile."""
    receipts = {**receipts, key: facts.model_copy(update={"path": Path(facts.path.name)})}
    atomic_write(place / _NAME, _JSON.dump_json(receipts).decode())
    return receipts


def whole(receipts: dict[str, FileFacts], key: str, target: Path) -> FileFacts | None:
    """The facts of ``target`` when it was received as this asset and still is what it was."""
    facts = receipts.get(key)
    if facts is None or facts.path.name != target.name or not is_plain(target):
        return None
    if target.stat().st_size != facts.size or checksum_of(target) != facts.checksum:
        return None
    return facts.model_copy(update={"path": target})


def remove(place: Path) -> None:
    """The item has been written; nobody needs them any more."""
    (place / _NAME).unlink(missing_ok=True)
