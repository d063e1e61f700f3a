"""A zip from outside, taken apart without harm: what it holds becomes files below one folder, or nothing does.

The whole directory is judged before the first byte is written. Refused are names that lead elsewhere (absolute, ``..``,
backslashes, drive letters), links and devices, two files of one name, files with a password, and more or larger files
than `Limits` allows. While a file is written its bytes are counted again, because a zip can lie about its sizes; its
checksum (CRC-32) decides whether it is as it was packed. It must also be whole by its own account, as it may have been
cut before; of a text (JSON, XML) it is only noted when it is odd, for it may be in another encoding.

A zip that is packed in a way that cannot be taken apart here (a password, another method) is not refused for it: it
stays as it came, with a note (`CannotUnzip`).
"""

from __future__ import annotations

import hashlib
import logging
import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tasking.delivery.download import FileFacts
from tasking.delivery.file_names import safe_name
from tasking.delivery.integrity.formats import MEDIA_TYPE_OF, format_of
from tasking.delivery.integrity.inspection import inspect_file
from tasking.delivery.integrity.packed import BoundedZip
from tasking.delivery.storage import atomic_file, make_folder, refuse_without_room, sync_folder, translate_os_errors
from tasking.errors import DeliveryFailed, UnsafeAsset

logger = logging.getLogger(__name__)

UNZIP = "tasking:unpack"
"""A provider sets this to true on an asset that is a zip to be taken apart on delivery."""

_CHUNK = 1024 * 1024
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_DRIVE = re.compile(r"[A-Za-z]:")
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


@dataclass(frozen=True)
class Limits:
    """How much is taken out of one zip.

    Attributes:
        files: Most files.
        file_bytes: Largest single file, in bytes.
        total_bytes: All files together, in bytes.
        expansion: How many times larger than the zip its files may be together; images rarely shrink to a half.
        expansion_from_bytes: Up to this size, all files together, any expansion is taken: an empty mask shrinks well.
        levels: Most folders inside one another.
    """

    files: int = 10_000
    file_bytes: int = 16 * 1024**3
    total_bytes: int = 64 * 1024**3
    expansion: int = 50
    expansion_from_bytes: int = 256 * 1024**2
    levels: int = 10


class CannotUnzip(UnsafeAsset):
    """The zip may be whole, and cannot be taken apart here; nothing was written."""


class DamagedZip(DeliveryFailed):
    """The zip itself is not whole: it has to be fetched again."""


def unzip(
    archive: Path, folder: Path, standing: Collection[str] = (), *, limits: Limits | None = None
) -> dict[str, FileFacts | None]:
    """Take a zip apart into ``folder``; each file appears under its name whole, or not at all.

    Args:
        archive: The zip.
        folder: Where its files go, made when absent. Folders inside the zip are kept.
        standing: Files (paths as returned) that stand verified from an earlier time and are left alone.
        limits: How much is taken.

    Returns:
        Facts by the file's path inside the folder (``rasters/a.tif``); ``None`` for those in ``standing``.

    Raises:
        UnsafeAsset: The zip holds what is never taken out of one; nothing was written.
        CannotUnzip: It has a password, or is compressed in a way that is not known here; nothing was written.
        DamagedZip: It is not whole, or holds no file, or an image in it is not whole.
        DeliveryFailed: The disk does not take it.
    """
    limits = limits or Limits()
    with translate_os_errors(archive):
        try:
            with BoundedZip(archive) as opened:
                members = _judged(opened, archive, limits)
                needed = sum(member.file_size for path, member in members.items() if path not in standing)
                make_folder(folder)
                refuse_without_room(folder, needed, f"{folder}: unpacking")
                found = {
                    path: None if path in standing else _take_out(opened, member, archive.name, folder, path)
                    for path, member in members.items()
                }
                _sync_folders(folder, [path for path, facts in found.items() if facts is not None])
                return found
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, NotImplementedError) as error:
            raise DamagedZip(f"{archive.name}: this zip is not whole: {error or type(error).__name__}") from error


def _judged(opened: zipfile.ZipFile, archive: Path, limits: Limits) -> dict[str, zipfile.ZipInfo]:
    """The files of a zip by the path each will get; raises before anything is written."""
    entries, size = opened.infolist(), archive.stat().st_size
    most_bytes = min(limits.total_bytes, max(limits.expansion_from_bytes, limits.expansion * size))

    def refused(why: str, kind: type[UnsafeAsset] = UnsafeAsset) -> UnsafeAsset:
        return kind(f"{archive.name}: {why}; nothing was unpacked")

    if len(entries) > 2 * limits.files:  # folders are entries too
        raise refused(f"it holds {len(entries)} entries; at most {limits.files} files are taken")
    members: dict[str, zipfile.ZipInfo] = {}
    taken, inside = set[str](), set[str]()  # files and folders, in lower case: some disks do not tell the two apart
    total = 0
    for entry in entries:
        name = _name_of(entry)
        shown = repr(name[:120])
        given = name.replace("\\", "/").removeprefix("./").removesuffix("/").split("/")
        if (why := _why_elsewhere(name, given, limits.levels)) is not None:
            raise refused(f"the name {shown} {why}")
        if entry.is_dir():
            if entry.file_size:
                raise refused(f"its folder {shown} has content")
            continue
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise refused(f"{shown} is {'a link' if kind == stat.S_IFLNK else 'neither a file nor a folder'}")
        if entry.flag_bits & 0x41:
            raise refused(f"{shown} needs a password", CannotUnzip)
        if entry.compress_type not in _METHODS:
            raise refused(
                f"{shown} is compressed in a way that is not taken (method {entry.compress_type})", CannotUnzip
            )
        total += entry.file_size
        if len(members) >= limits.files:
            raise refused(f"it holds more than {limits.files} files")
        if entry.file_size > limits.file_bytes:
            raise refused(
                f"{shown} would be {entry.file_size} bytes; at most {limits.file_bytes} are taken for one file"
            )
        if total > most_bytes:
            raise refused(
                f"its files would be more than {most_bytes} bytes together, and the zip has {size}; at most "
                f"{limits.expansion} times as much is taken, and {limits.total_bytes} bytes"
            )
        parts = [safe_name(part) for part in given]
        path = "/".join(parts)
        folders = {"/".join(parts[:depth]).lower() for depth in range(1, len(parts))}
        if path.lower() in taken or path.lower() in inside or folders & taken:
            raise refused(f"{shown} has the name of another of its files")
        taken.add(path.lower())
        inside |= folders
        members[path] = entry
    if not members:
        raise DamagedZip(f"{archive.name}: this zip holds no files")
    return members


def _why_elsewhere(name: str, parts: list[str], levels: int) -> str | None:
    """What is wrong with the path of an entry, if anything is."""
    if "\0" in name:
        return "has a hidden end"
    if "\\" in name and (".." in parts or _DRIVE.match(name) or name.startswith("\\")):
        return "has a backslash, which some systems take for a folder, and leads elsewhere"
    if name.startswith("/") or _DRIVE.match(name):
        return "is absolute"
    if ".." in parts:
        return "leads out of its folder"
    if "" in parts or "." in parts:
        return "has an empty part"
    return f"lies in more than {levels} folders" if len(parts) > levels else None


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: a zip without the mark of UTF-8 has names in the encoding of its maker's machine.

    In those of Japan and China the second byte of a letter may be a backslash, so the bytes are not enough to judge.
    """
    given = entry.orig_filename
    if entry.flag_bits & 0x800 or given.isascii():
        return given
    try:
        raw = given.encode("cp437")
    except UnicodeEncodeError:
        return given
    for encoding in ("utf-8", "cp932", "gb18030"):
        with suppress(UnicodeDecodeError):
            return unicodedata.normalize("NFC", raw.decode(encoding))
    return given


def _sync_folders(folder: Path, paths: Collection[str]) -> None:
    """Make the new names survive a power cut: each folder once, however many files it got."""
    touched = {above for path in paths for above in (folder / path).parents if above.is_relative_to(folder.parent)}
    for one in sorted(touched):
        sync_folder(one)


def _take_out(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, name: str, folder: Path, path: str) -> FileFacts:
    """Write one file; its name appears once it is whole."""
    target = folder / path
    if not target.parent.resolve().is_relative_to(folder.resolve()):
        raise UnsafeAsset(f"{name}: {path} would land outside of {folder}")
    for above in reversed([one for one in target.parents if one.is_relative_to(folder)]):
        make_folder(above)
    ours, size, note, media_type = hashlib.sha256(), 0, "", None
    with opened.open(entry) as source, atomic_file(target, sync_name=False) as (file, part):
        while chunk := source.read(_CHUNK):
            size += len(chunk)
            if size > entry.file_size:
                raise UnsafeAsset(f"{name}: {path} is larger than the zip says ({entry.file_size} bytes)")
            ours.update(chunk)
            file.write(chunk)
        if size != entry.file_size:
            raise DamagedZip(f"{name}: {path} has {size} bytes, the zip says {entry.file_size}")
        file.flush()
        if size:
            seen = inspect_file(part, target.name)
            if seen.damage and not seen.text:
                raise DamagedZip(f"{name}: {path}: {seen.damage}")
            note, media_type = seen.note, seen.media_type
            if seen.damage:
                note = f"{seen.damage}; it is what was packed"
            if note and format_of(target.name) in ("json", "xml"):
                logger.warning("%s: %s: %s; it is taken, as it is what was packed", name, path, seen.damage or note)
    return FileFacts(
        path=target,
        size=size,
        checksum="1220" + ours.hexdigest(),
        note=note,
        media_type=media_type,
        title=PurePosixPath(_name_of(entry).replace("\\", "/")).name,
    )


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
