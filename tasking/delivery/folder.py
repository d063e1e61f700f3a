"""Folders on disk: where an archive is, how a file gets its name at once, and one process at a time."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tasking.errors import DeliveryFailed, InvalidOrder
from tasking.lock import locked

PART = ".part"
"""What an unfinished file's name ends in."""

MARKER = ".tasking-flows"
"""Empty file in an archive's root. Where it is missing, the archive's disk is not there: its folder alone may be."""

_FIXES = {
    errno.ENOSPC: "the disk is full; free some space and run the order again",
    errno.EDQUOT: "the disk quota is used up; free some space and run the order again",
    errno.EFBIG: "the file is too large for this disk; choose another archive folder",
    errno.EROFS: "the disk is read-only; give the image-archive block a folder that can be written",
    errno.EACCES: "no permission to write there; give the worker's user write access or choose another folder",
    errno.EPERM: "no permission to write there; give the worker's user write access or choose another folder",
    errno.ENAMETOOLONG: "the path is too long for this disk; choose an archive folder with a shorter path",
    errno.ENOTDIR: "part of the path is a file, not a folder; choose another archive folder",
}


def archive_folder(url: str) -> Path:
    """The local folder of an archive address: an absolute path, ``~``, or a ``file://`` URL. It need not exist yet.

    Raises:
        InvalidOrder: Another scheme, a host, or a relative path (which would mean another place on another worker).
    """
    text = url.strip()
    supported = "an absolute path such as /data/archive, ~/archive, or file:///data/archive"
    if "://" in text or text.startswith("file:"):
        parts = urlsplit(text)
        if parts.scheme != "file":
            raise InvalidOrder("url", text, f"{parts.scheme}:// is not supported yet; give {supported}")
        if parts.netloc not in ("", "localhost"):
            raise InvalidOrder("url", text, f"{parts.netloc!r} is read as a host; give {supported}")
        text = unquote(parts.path)
    if not text or "\0" in text:
        raise InvalidOrder("url", url or "(empty)", f"give {supported}")
    try:
        folder = Path(text).expanduser()
    except RuntimeError:
        raise InvalidOrder("url", url, f"there is no such home folder; give {supported}") from None
    if not folder.is_absolute():
        raise InvalidOrder("url", url, f"is relative and would differ from worker to worker; give {supported}")
    return folder


def is_marked(root: Path) -> bool:
    """Whether an archive's marker is there.

    Raises:
        OSError: The disk does not tell.
    """
    try:
        (root / MARKER).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def mark(root: Path) -> None:
    """Put the marker into an archive's folder.

    Raises:
        OSError: The disk does not take it.
    """
    if not is_marked(root):
        os.close(os.open(root / MARKER, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644))
        sync_folder(root)


@contextmanager
def disk_trouble(path: Path) -> Iterator[None]:
    """Say what the operating system's errors mean for ``path``.

    Raises:
        DeliveryFailed: For every `OSError` inside.
    """
    try:
        yield
    except OSError as error:
        fix = _FIXES.get(error.errno or 0, f"{error.strerror or error}; look at the disk and run the order again")
        raise DeliveryFailed(f"{path}: {fix}") from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_at_once(path: Path, text: str) -> None:
    """Write a text file that is there whole or not at all.

    Raises:
        DeliveryFailed: The disk does not take it.
    """
    part = path.with_name(path.name + PART)
    with disk_trouble(path):
        try:
            with part.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            sync_folder(path.parent)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


@contextmanager
def alone_in(folder: Path, wait_seconds: float) -> Iterator[None]:
    """Hold ``folder`` against other processes; created when missing. The hold ends with the process, however it ends.

    Raises:
        DeliveryFailed: Another process still holds it after ``wait_seconds``, or the disk does not take it.
    """
    with disk_trouble(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as held:
        try:
            with disk_trouble(folder):
                held.enter_context(locked(folder / ".lock", wait_seconds))
        except DeliveryFailed as error:
            if isinstance(error.__cause__, TimeoutError):
                raise DeliveryFailed(
                    f"{folder}: another process is delivering into this folder; it goes on once that one is done"
                ) from None
            raise
        yield
