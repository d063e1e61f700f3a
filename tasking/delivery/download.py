"""One file brought home whole: streamed to a ``.part``, checked, and only then given its name."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict

from tasking.delivery.folder import PART, create_part, disk_trouble, open_plain, sync_folder
from tasking.delivery.speed import LeastSpeed, TooSlow
from tasking.delivery.structure import look
from tasking.errors import DeliveryFailed, TaskingError
from tasking.http.decompression import pieces

MAX_BYTES = 64 * 1024**3
"""Largest single file taken, by default: 64 GiB."""

_MULTIHASH = {"1220": "sha256", "1340": "sha512", "1114": "sha1", "d50110": "md5", "1620": "sha3_256"}


class FileFacts(BaseModel):
    """One file that stands verified on disk.

    Attributes:
        path: Where it is.
        size: Bytes.
        checksum: Multihash in hex, sha2-256 (``1220`` and 64 digits), as ``file:checksum`` has it.
        item_id: The STAC item it belongs to; empty outside of a delivery.
        asset_key: Its key in that item; empty outside of a delivery.
        note: What a person should know of it: it is of another format than was said, or could not be judged.
        media_type: What it is, when that is another format than its name or media type said.
        title: What it was called by who made it, when its name had to be changed.
    """

    model_config = ConfigDict(frozen=True)

    path: Path
    size: int
    checksum: str
    item_id: str = ""
    asset_key: str = ""
    note: str = ""
    media_type: str | None = None
    title: str | None = None


class _Spoilt(DeliveryFailed):
    """This try brought bytes that are not the file; the next one may."""


def fetch(
    open_asset: Callable[[], AbstractContextManager[httpx.Response]],
    target: Path,
    *,
    promised_size: int | None = None,
    promised_checksum: str | None = None,
    media_type: str | None = None,
    max_bytes: int = MAX_BYTES,
    tries: int = 3,
    wait_seconds: float = 1.0,
) -> FileFacts:
    """Download one file; ``target`` appears whole and verified or not at all.

    Verified means: the length agrees with Content-Length and with the promised size, the hash with the promised
    checksum, and, where there is no checksum to agree with, the file's own structure is whole (`structure.look`).
    A file whose structure cannot be judged is taken at its length, with a note.

    Args:
        open_asset: Starts the download as a stream; called once for each try.
        target: Final path; its folder exists.
        promised_size: ``file:size`` in bytes.
        promised_checksum: ``file:checksum``, a multihash in hex. One of an unknown kind is not used.
        media_type: Media type promised: a claim, as the name is.
        max_bytes: More than this is refused.
        tries: How often a download that broke is begun anew.
        wait_seconds: Longest first pause between tries; the next are longer.

    Raises:
        DeliveryFailed: Not whole after all tries, slower than a line can be, larger than allowed, or the disk does not
            take it (`DiskTrouble`).
        ProviderError: From ``open_asset``; retried first when it is ``retryable``.
    """
    import stamina

    attempts = stamina.retry_context(
        on=_another_try_may_help,
        attempts=tries,
        timeout=None,
        wait_initial=wait_seconds,
        wait_max=30 * wait_seconds,
        wait_jitter=wait_seconds,
    )
    try:
        for attempt in attempts:
            with attempt:
                return _one_try(open_asset, target, promised_size, promised_checksum, media_type, max_bytes)
    except httpx.HTTPError as error:
        said = str(error) or type(error).__name__
        raise DeliveryFailed(f"{target.name}: the connection broke ({said}), {tries} tries") from error
    except _Spoilt as error:
        raise DeliveryFailed(f"{error}, {tries} tries") from error
    raise AssertionError("a retry context ends by return or by raise")


def checksum_of(path: Path) -> str:
    """The multihash (sha2-256, hex) of a plain file on disk; raises `OSError` when it is none."""
    with open_plain(path) as file:
        return "1220" + hashlib.file_digest(file, "sha256").hexdigest()


def _another_try_may_help(error: Exception) -> bool:
    if isinstance(error, DeliveryFailed):
        return isinstance(error, _Spoilt)
    return isinstance(error, httpx.HTTPError) or (isinstance(error, TaskingError) and error.retryable)


def _one_try(
    open_asset: Callable[[], AbstractContextManager[httpx.Response]],
    target: Path,
    promised_size: int | None,
    promised_checksum: str | None,
    media_type: str | None,
    max_bytes: int,
) -> FileFacts:
    part = target.with_name(target.name + PART)
    kind, promised_digest = _read_multihash(promised_checksum)
    try:
        with open_asset() as response:
            stated = _stated_length(response, target, promised_size is not None or kind is not None)
            expected = promised_size if promised_size is not None else stated
            _refuse_too_much(target, expected or 0, max_bytes)
            ours, theirs = hashlib.sha256(), hashlib.new(kind, usedforsecurity=False) if kind else None
            size, speed = 0, LeastSpeed(expected or 0)
            with disk_trouble(target):
                file = create_part(part)
            with disk_trouble(target), file:
                for chunk in pieces(response):
                    speed.took(max(size + len(chunk), response.num_bytes_downloaded))
                    size += len(chunk)
                    if size > max_bytes:
                        _refuse_too_much(target, size, max_bytes)
                    ours.update(chunk)
                    if theirs:
                        theirs.update(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            encoded = "content-encoding" in response.headers
            came = response.num_bytes_downloaded if encoded else size
        if stated is not None and came != stated:
            raise _Spoilt(f"{target.name}: {came} bytes came, the server had announced {stated}")
        if promised_size is not None and size != promised_size:
            raise _Spoilt(f"{target.name}: {size} bytes came, the item promises {promised_size}")
        if theirs and theirs.hexdigest() != promised_digest:
            raise _Spoilt(f"{target.name}: its {kind} is {theirs.hexdigest()}, the item promises {promised_digest}")
        note, kind_found = "", None
        if not theirs and not size == promised_size == 0:
            with disk_trouble(target):
                seen = look(part, target.name, media_type)
            if seen.damage:
                raise _Spoilt(f"{target.name}: {seen.damage}")
            note, kind_found = seen.note, seen.media_type
        with disk_trouble(target):
            part.replace(target)
            sync_folder(target.parent)
        return FileFacts(path=target, size=size, checksum="1220" + ours.hexdigest(), note=note, media_type=kind_found)
    except TooSlow as error:
        raise _Spoilt(f"{target.name}: {error}") from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def _stated_length(response: httpx.Response, target: Path, promised: bool) -> int | None:
    """Content-Length, after refusing an answer that is no file or whose end could not be told from a cut."""
    if response.status_code != 200:
        raise _Spoilt(f"{target.name}: the server answered HTTP {response.status_code} instead of the file")
    stated = response.headers.get("content-length")
    if stated is not None:
        if not stated.isascii() or not stated.isdigit():
            raise _Spoilt(f"{target.name}: the server announced a length of {stated[:40]!r}")
        return int(stated[:20])
    framed = "chunked" in response.headers.get("transfer-encoding", "").lower() or response.http_version == "HTTP/2"
    if not framed and not promised:
        raise _Spoilt(f"{target.name}: the server states no length, so a cut file could not be told from a whole one")
    return None


def _refuse_too_much(target: Path, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise DeliveryFailed(f"{target.name}: {size} bytes or more; at most {max_bytes} are taken for one file")
    with disk_trouble(target):
        free = shutil.disk_usage(target.parent).free
    if size > free:
        raise DeliveryFailed(
            f"{target}: it needs {size} bytes and {free} are free on the disk; free some space and run the order again"
        )


def _read_multihash(text: str | None) -> tuple[str | None, str]:
    """The hash's name for hashlib and its digest in hex; ``(None, "")`` when there is none that is known here."""
    text = (text or "").strip().lower()
    for prefix, kind in _MULTIHASH.items():
        digest = text[len(prefix) :]
        if text.startswith(prefix) and len(digest) == 2 * hashlib.new(kind, usedforsecurity=False).digest_size:
            return kind, digest
    return None, ""
