"""One file brought home whole: streamed to a ``.part``, checked, and only then given its name."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict

from tasking.delivery.integrity.inspection import inspect_file
from tasking.delivery.storage import atomic_file, open_plain, refuse_without_room
from tasking.errors import DeliveryFailed, TaskingError
from tasking.http.decompression import pieces

MAX_BYTES = 64 * 1024**3
"""Largest single file taken, by default: 64 GiB."""

MINUTE = 60.0
LEAST_BYTES_A_MINUTE = 256 * 1024
"""What has to come within any minute: 4 KB a second, which is less than any line that satellites' files come over."""

GRACE_SECONDS = 600.0
LEAST_BYTES_A_SECOND = 64 * 1024
"""What a whole download has to come with on average, after `GRACE_SECONDS`: 1 GB in 4.6 hours."""

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


class CorruptDownload(DeliveryFailed):
    """This try brought bytes that are not the file; the next one may."""


class TooSlow(Exception):
    """It would take too long; the message says how slow it was."""


class LeastSpeed:
    """Watches one download.

    Args:
        expected: Its bytes, as far as they are known; 0 when they are not.
    """

    def __init__(self, expected: int) -> None:
        self._expected, self._begun = expected, time.monotonic()
        self._marks: deque[tuple[float, int]] = deque([(self._begun, 0)])

    def took(self, so_far: int) -> None:
        """Note that so many bytes have come by now.

        Raises:
            TooSlow: Less than `LEAST_BYTES_A_MINUTE` came within the last minute, or the whole takes too long.
        """
        now = time.monotonic()
        if now - self._marks[-1][0] >= 1.0:
            self._marks.append((now, so_far))
        while len(self._marks) > 1 and now - self._marks[1][0] >= MINUTE:
            self._marks.popleft()
        since, before = self._marks[0]
        if now - since >= MINUTE and so_far - before < LEAST_BYTES_A_MINUTE:
            raise TooSlow(f"{so_far - before} bytes came within {now - since:.0f} s, which is too slow to wait for")
        most = GRACE_SECONDS + max(self._expected, so_far) / LEAST_BYTES_A_SECOND
        if now - self._begun > most:
            raise TooSlow(f"{so_far} bytes came within {now - self._begun:.0f} s, which is too slow to wait for")


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
    checksum, and, where there is no checksum to agree with, the file's own structure is whole (`integrity.inspection`).
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
            take it (`DiskError`).
        ProviderError: From ``open_asset``; retried first when it is ``retryable``.
    """
    import stamina

    attempts = stamina.retry_context(
        on=is_worth_another_try,
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
    except CorruptDownload as error:
        raise DeliveryFailed(f"{error}, {tries} tries") from error
    raise AssertionError("a retry context ends by return or by raise")


def checksum_of(path: Path) -> str:
    """The multihash (sha2-256, hex) of a plain file on disk; raises `OSError` when it is none."""
    with open_plain(path) as file:
        return "1220" + hashlib.file_digest(file, "sha256").hexdigest()


def is_worth_another_try(error: Exception) -> bool:
    if isinstance(error, DeliveryFailed):
        return isinstance(error, CorruptDownload)
    return isinstance(error, httpx.HTTPError) or (isinstance(error, TaskingError) and error.retryable)


def _one_try(
    open_asset: Callable[[], AbstractContextManager[httpx.Response]],
    target: Path,
    promised_size: int | None,
    promised_checksum: str | None,
    media_type: str | None,
    max_bytes: int,
) -> FileFacts:
    kind, promised_digest = _read_multihash(promised_checksum)
    note, found_type = "", None
    try:
        with open_asset() as response:
            stated = _stated_length(response, target, promised_size is not None or kind is not None)
            expected = promised_size if promised_size is not None else stated
            _refuse_too_much(target, expected or 0, max_bytes)
            ours, theirs = hashlib.sha256(), hashlib.new(kind, usedforsecurity=False) if kind else None
            size, speed = 0, LeastSpeed(expected or 0)
            with atomic_file(target) as (file, part):
                for chunk in pieces(response):
                    speed.took(max(size + len(chunk), response.num_bytes_downloaded))
                    size += len(chunk)
                    if size > max_bytes:
                        _refuse_too_much(target, size, max_bytes)
                    ours.update(chunk)
                    if theirs:
                        theirs.update(chunk)
                    file.write(chunk)
                came = response.num_bytes_downloaded if "content-encoding" in response.headers else size
                if stated is not None and came != stated:
                    raise CorruptDownload(f"{target.name}: {came} bytes came, the server had announced {stated}")
                if promised_size is not None and size != promised_size:
                    raise CorruptDownload(f"{target.name}: {size} bytes came, the item promises {promised_size}")
                if theirs and theirs.hexdigest() != promised_digest:
                    raise CorruptDownload(
                        f"{target.name}: its {kind} is {theirs.hexdigest()}, the item promises {promised_digest}"
                    )
                if not theirs and not size == promised_size == 0:
                    file.flush()
                    seen = inspect_file(part, target.name, media_type)
                    if seen.damage:
                        raise CorruptDownload(f"{target.name}: {seen.damage}")
                    note, found_type = seen.note, seen.media_type
    except TooSlow as error:
        raise CorruptDownload(f"{target.name}: {error}") from error
    return FileFacts(path=target, size=size, checksum="1220" + ours.hexdigest(), note=note, media_type=found_type)


def _stated_length(response: httpx.Response, target: Path, promised: bool) -> int | None:
    """Content-Length, after refusing an answer that is no file or whose end could not be told from a cut."""
    if response.status_code != 200:
        raise CorruptDownload(f"{target.name}: the server answered HTTP {response.status_code} instead of the file")
    stated = response.headers.get("content-length")
    if stated is not None:
        if not stated.isascii() or not stated.isdigit():
            raise CorruptDownload(f"{target.name}: the server announced a length of {stated[:40]!r}")
        return int(stated[:20])
    framed = "chunked" in response.headers.get("transfer-encoding", "").lower() or response.http_version == "HTTP/2"
    if not framed and not promised:
        raise CorruptDownload(
            f"{target.name}: the server states no length, so a cut file could not be told from a whole one"
        )
    return None


def _refuse_too_much(target: Path, size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise DeliveryFailed(f"{target.name}: {size} bytes or more; at most {max_bytes} are taken for one file")
    refuse_without_room(target.parent, size, f"{target}: it")


def _read_multihash(text: str | None) -> tuple[str | None, str]:
    """The hash's name for hashlib and its digest in hex; ``(None, "")`` when there is none that is known here."""
    text = (text or "").strip().lower()
    for prefix, kind in _MULTIHASH.items():
        digest = text[len(prefix) :]
        if text.startswith(prefix) and len(digest) == 2 * hashlib.new(kind, usedforsecurity=False).digest_size:
            return kind, digest
    return None, ""
