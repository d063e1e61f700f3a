"""Is a file whole by its own account? A small look at the structure, for the formats that satellites come home in.

A server can state the length of the half it kept, and can answer 200 with an error page. The length then agrees with
the wrong bytes, so the file itself is asked: do its pixels, chunks or directories lie inside it, does its end stand
where it belongs?
"""

from __future__ import annotations

import json
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from tasking.delivery.zips import OpenZip

_BY_SUFFIX = {
    ".tif": "tiff",
    ".tiff": "tiff",
    ".png": "png",
    ".jpg": "jpeg",
    ".jpeg": "jpeg",
    ".zip": "zip",
    ".kmz": "zip",
    ".json": "json",
    ".geojson": "json",
    ".h5": "hdf5",
    ".html": "html",
    ".htm": "html",
}
_BY_MEDIA_TYPE = {
    "image/tiff": "tiff",
    "image/png": "png",
    "image/jpeg": "jpeg",
    "application/zip": "zip",
    "application/json": "json",
    "application/geo+json": "json",
    "application/x-hdf5": "hdf5",
    "application/x-hdf": "hdf5",
    "text/html": "html",
}
SUFFIX_OF = {
    "tiff": ".tif",
    "png": ".png",
    "jpeg": ".jpg",
    "zip": ".zip",
    "json": ".json",
    "hdf5": ".h5",
    "html": ".html",
}
"""The usual file name ending of each format known here."""

_LONGEST_JSON, _MOST_JSON_VALUES = 64 * 1024 * 1024, 4_000_000
_MOST_DIRECTORIES, _MOST_ENTRIES, _MOST_VALUES = 10_000, 65_535, 4_000_000
"""What a TIFF may hold of each (entries and values in one directory); more is needed by no image, and fills memory."""


def format_of(name: str, media_type: str | None = None) -> str | None:
    """The format a file claims by its name, else by its media type; ``None`` when neither is known here."""
    by_name = _BY_SUFFIX.get(Path(name).suffix.lower())
    return by_name or _BY_MEDIA_TYPE.get((media_type or "").split(";")[0].strip().lower())


def damage(path: Path, name: str, media_type: str | None = None) -> str | None:
    """What is wrong with the file as a ``name`` of this media type, in words; ``None`` when nothing is.

    Args:
        path: Where the bytes are now.
        name: The name it will get; its ending says what it should be.
        media_type: The media type promised for it, used when the name says nothing.
    """
    size = path.stat().st_size
    if size == 0:
        return "it is empty"
    claimed = format_of(name, media_type)
    with path.open("rb") as file:
        head = file.read(512)
        if claimed != "html" and _is_web_page(head):
            return "it is a web page (HTML), probably an error or login page of the server"
        try:
            if claimed == "tiff":
                return _tiff(file, size, head)
            if claimed == "png":
                return _png(file, size, head)
            if claimed == "jpeg":
                return _jpeg(file, size, head)
        except struct.error:
            return "it ends in the middle of its structure"
    if claimed == "hdf5" and not head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _instead("an HDF5 file", head)
    if claimed == "zip":
        return _zip(path, head)
    if claimed == "json":
        return _json(path, size)
    return None


def _is_web_page(head: bytes) -> bool:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html"))


def _instead(expected: str, head: bytes) -> str:
    start = head.lstrip()[:80]
    shown = start.decode("utf-8", "replace") if start.isascii() else start[:12].hex(" ")
    return f"it is not {expected}; it starts with {shown!r}"


def _png(file: BinaryIO, size: int, head: bytes) -> str | None:
    if not head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _instead("a PNG", head)
    at = 8
    while at + 12 <= size:
        file.seek(at)
        length, kind = struct.unpack(">I4s", file.read(8))
        at += 12 + length
        if kind == b"IEND":
            return None if at <= size else "it ends before its last chunk does"
    return "it ends before its IEND chunk"


def _jpeg(file: BinaryIO, size: int, head: bytes) -> str | None:
    if not head.startswith(b"\xff\xd8\xff"):
        return _instead("a JPEG", head)
    file.seek(max(0, size - 4096))
    return None if b"\xff\xd9" in file.read() else "it ends before its end marker"


def _zip(path: Path, head: bytes) -> str | None:
    try:
        with OpenZip(path):
            return None
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        if not head.startswith(b"PK"):
            return _instead("a ZIP archive", head)
        return f"its directory at the end is not whole ({error})"


def _json(path: Path, size: int) -> str | None:
    if size > _LONGEST_JSON:
        return None
    text = path.read_bytes()
    if sum(text.count(mark) for mark in (b",", b"[", b"{")) > _MOST_JSON_VALUES:
        return None
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"it is not readable JSON ({error})"
    return None


_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN = 273, 279, 324, 325, 330


def _tiff(file: BinaryIO, size: int, head: bytes) -> str | None:
    """TIFF 6.0 and BigTIFF: every directory, value, strip and tile lies inside the file."""
    order = {b"II": "<", b"MM": ">"}.get(head[:2])
    if order is None or struct.unpack(order + "H", head[2:4])[0] not in (42, 43):
        return _instead("a TIFF", head)
    big = struct.unpack(order + "H", head[2:4])[0] == 43
    first = struct.unpack(order + "Q", head[8:16])[0] if big else struct.unpack(order + "I", head[4:8])[0]
    waiting, seen = [first], set[int]()
    while waiting:
        at = waiting.pop()
        if at == 0 or at in seen:
            continue
        seen.add(at)
        if at >= size or len(seen) > _MOST_DIRECTORIES:
            return f"its directory at byte {at} is not inside its {size} bytes"
        tags, following = _directory(file, size, order, big, at)
        if isinstance(tags, str):
            return tags
        waiting += [*following, *tags.get(_CHILDREN, ())]
        for offsets, lengths in ((_STRIPS, _STRIP_BYTES), (_TILES, _TILE_BYTES)):
            for start, length in zip(tags.get(offsets, ()), tags.get(lengths, ()), strict=False):
                if start + length > size:
                    return f"pixels up to byte {start + length} are missing; it has {size} bytes"
        if at == first and not tags.get(_STRIPS) and not tags.get(_TILES):
            return "it does not say where its pixels are"
    return None if seen else "it holds no image"


def _directory(
    file: BinaryIO, size: int, order: str, big: bool, at: int
) -> tuple[dict[int, tuple[int, ...]] | str, list[int]]:
    """The wanted tags of one directory (or what is wrong with it), and the offset of the next one."""
    file.seek(at)
    count_size, entry_size, inline = (8, 20, 8) if big else (2, 12, 4)
    (count,) = struct.unpack(order + ("Q" if big else "H"), file.read(count_size))
    if count > _MOST_ENTRIES:
        return f"its directory at byte {at} has {count} entries, which no image has", []
    if at + count_size + count * entry_size + inline > size:
        return f"its directory at byte {at} is cut; it has {size} bytes", []
    entries = file.read(count * entry_size)
    (following,) = struct.unpack(order + ("Q" if big else "I"), file.read(inline))
    tags: dict[int, tuple[int, ...]] = {}
    for n in range(count):
        entry = entries[n * entry_size : (n + 1) * entry_size]
        tag, kind = struct.unpack(order + "HH", entry[:4])
        (values,) = struct.unpack(order + ("Q" if big else "I"), entry[4 : 4 + inline])
        length = values * _SIZES.get(kind, 1)
        raw = entry[-inline:]
        if length > inline:
            (where,) = struct.unpack(order + ("Q" if big else "I"), raw)
            if where + length > size:
                return f"the values of its tag {tag} end at byte {where + length}; it has {size} bytes", []
            if tag in (_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN):
                if values > _MOST_VALUES:
                    return f"its tag {tag} has {values} values, which no image has", []
                file.seek(where)
                raw = file.read(length)
        if tag in (_STRIPS, _STRIP_BYTES, _TILES, _TILE_BYTES, _CHILDREN) and kind in _WHOLE:
            tags[tag] = struct.unpack(f"{order}{values}{_WHOLE[kind]}", raw[:length])
    return tags, [following]
