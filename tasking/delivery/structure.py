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
from xml.parsers import expat

from tasking.delivery.tiff import is_tiff, tiff_damage
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
    ".xml": "xml",
    ".kml": "xml",
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
    "application/xml": "xml",
    "text/xml": "xml",
    "application/vnd.google-earth.kml+xml": "xml",
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
    "xml": ".xml",
    "hdf5": ".h5",
    "html": ".html",
}
"""The usual file name ending of each format known here."""

_LONGEST_JSON, _MOST_JSON_VALUES = 64 * 1024 * 1024, 4_000_000


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
                return tiff_damage(file, size, head) if is_tiff(head) else _instead("a TIFF", head)
            if claimed == "png":
                return _png(file, size, head)
            if claimed == "jpeg":
                return _jpeg(file, size, head)
            if claimed == "hdf5":
                return _hdf5(size, head)
            if claimed == "xml":
                return _xml(file)
        except struct.error:
            return "it ends in the middle of its structure"
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


def _hdf5(size: int, head: bytes) -> str | None:
    """HDF5 (format specification 3.0): the superblock says where the file ends."""
    if not head.startswith(b"\x89HDF\r\n\x1a\n"):
        return _instead("an HDF5 file", head)
    (version,) = struct.unpack_from("B", head, 8)
    (width,) = struct.unpack_from("B", head, 9 if version > 1 else 13)
    if version > 3 or width not in (2, 4, 8):
        return None
    at = (24, 28, 12, 12)[version] + 2 * width  # after the base address and another
    (end,) = struct.unpack_from("<" + {2: "H", 4: "I", 8: "Q"}[width], head, at)
    return None if end <= size else f"it says that it ends at byte {end}; it has {size} bytes"


def _xml(file: BinaryIO) -> str | None:
    parser = expat.ParserCreate()
    parser.EntityDeclHandler = _no_entities
    file.seek(0)
    try:
        parser.ParseFile(file)
    except expat.ExpatError as error:
        return f"it is not whole XML ({error})"
    except _NoEntities:
        return None  # it could be made to unfold without end; its length is what is known of it
    return None


class _NoEntities(Exception):
    pass


def _no_entities(*_declared: object) -> None:
    raise _NoEntities


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
