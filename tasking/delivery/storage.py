"""Folders on disk: where an archive is, how a file gets its name at once, and one process at a time."""

from __future__ import annotations

import errno
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import BufferedReader, BufferedWriter
from pathlib import Path
from urllib.parse import unquote_to_bytes

from tasking.errors import DeliveryFailed, InvalidOrder, UnsafeAsset
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
    errno.ELOOP: "it is a link, which is never followed inside of an archive; put the file or folder itself there",
    errno.ENOTDIR: "part of the path is a file, not a folder; choose another archive folder",
}


_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")


class DiskError(DeliveryFailed):
    """The disk does not hand out or take what it should: nothing is wrong with the file that is fetched."""


def archive_folder(url: str) -> Path:
    """The local folder of an archive address: an absolute path, ``~``, or a ``file://`` URL. It need not exist yet.

    A path may hold any character. In a URL a ``%`` is written ``%25``; ``#`` and ``?`` are taken as they are, too, for
    they mean nothing else in a folder's address.

    Raises:
        InvalidOrder: Another scheme, a host, or a relative path (which would mean another place on another worker).
    """
    text = url.strip()
    supported = "an absolute path such as /data/archive, ~/archive, or file:///data/archive"
    if found := _SCHEME.match(text):
        scheme, rest = found[1].lower(), text[found.end() :]
        if scheme != "file":
            raise InvalidOrder(
                "url", _SCHEME_AND_HOST.sub(r"\1", text), f"{scheme}:// is not supported yet; give {supported}"
            )
        if rest.startswith("//"):
            host, slash, rest = rest[2:].partition("/")
            rest = slash + rest
            if host.lower() not in ("", "localhost"):
                raise InvalidOrder("url", text, f"{host!r} is read as a host; give {supported}")
        try:
            text = unquote_to_bytes(rest).decode()
        except UnicodeDecodeError:
            raise InvalidOrder("url", url, "its %-signs are not UTF-8; write the path as it is, or % as %25") from None
    if not text or "\0" in text:
        raise InvalidOrder("url", url or "(empty)", f"give {supported}")
    try:
        text.encode()
        folder = Path(text).expanduser()
    except RuntimeError:
        raise InvalidOrder("url", url, f"there is no such home folder; give {supported}") from None
    except UnicodeEncodeError:
        raise InvalidOrder("url", url, f"this name is not text (UTF-8); give {supported}") from None
    if not folder.is_absolute():
        raise InvalidOrder("url", url, f"is relative and would differ from worker to worker; give {supported}")
    return folder


_SCHEME_AND_HOST = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/]*@")


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
def translate_os_errors(path: Path) -> Iterator[None]:
    """Say what the operating system's errors mean for ``path``.

    Raises:
        DeliveryFailed: For every `OSError` inside.
    """
    try:
        yield
    except OSError as error:
        fix = _FIXES.get(error.errno or 0, f"{error.strerror or error}; look at the disk and run the order again")
        raise DiskError(f"{path}: {fix}") from error


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def open_plain(path: Path) -> BufferedReader:
    """Open a file for reading: a plain file only, never through a link, and never waiting as a pipe or device would.

    Raises:
        FileNotFoundError: There is none.
        OSError: It is a link (``ELOOP``), a folder, a pipe or a device (``ENOTSUP``), or is not handed out.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.ENOTSUP, "it is not a plain file; take it away", str(path))
    return os.fdopen(handle, "rb")


def read_plain(path: Path) -> bytes | None:
    """The bytes of a small plain file; ``None`` when there is none.

    Raises:
        OSError: As `open_plain`.
    """
    try:
        with open_plain(path):
            return path.read_bytes()
    except FileNotFoundError:
        return None


def is_plain(path: Path) -> bool:
    """Whether a plain file stands here, and not a link to one, a pipe or a device.

    Raises:
        OSError: The disk does not tell.
    """
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except (FileNotFoundError, NotADirectoryError):
        return False


def is_inside(folder: Path, path: Path) -> bool:
    """Whether a path leads to somewhere in the folder, whatever links and dots are in it."""
    try:
        return path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # a circle of links, or no name at all
        return False


def refuse_without_room(folder: Path, needed: int, about: str) -> None:
    """Raise `DeliveryFailed` when the disk has less room than so many bytes; ``about`` says what needs it."""
    with translate_os_errors(folder):
        free = shutil.disk_usage(folder).free
    if needed > free:
        raise DeliveryFailed(
            f"{about} needs {needed} bytes and {free} are free on the disk; free some space and run the order again"
        )


def create_part(path: Path) -> BufferedWriter:
    """A new file, in the place of whatever has its name; a link of that name is removed, and never written through.

    Raises:
        OSError: The disk does not take it.
    """
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o664), "wb")


def make_folder(folder: Path) -> None:
    """Make a folder inside an archive, writable by nobody but its owner and, where the umask lets it, its group.

    Raises:
        UnsafeAsset: A link, or a file, has its name.
        DeliveryFailed: The disk does not take it.
    """
    with translate_os_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            folder.mkdir(mode=0o775)
        found = folder.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise UnsafeAsset(f"{folder}: it is a link, which is never followed inside of an archive; put a folder there")
    if not stat.S_ISDIR(found.st_mode):
        raise DiskError(f"{folder}: {_FIXES[errno.ENOTDIR]}")
    with translate_os_errors(folder):
        _refuse_a_strangers(folder, found)


def _refuse_a_strangers(folder: Path, found: os.stat_result) -> None:
    """A folder that any user could put there beforehand is taken only from us, root, or the archive's owner."""
    above = folder.parent.lstat()
    anybody = above.st_mode & stat.S_IWOTH
    if anybody and found.st_uid not in (os.geteuid(), 0, above.st_uid):
        raise UnsafeAsset(
            f"{folder}: it belongs to another user (uid {found.st_uid}), and anybody may write beside it; take it "
            "away, or give the archive's folder to the worker's user and group only (chmod o-w)"
        )


@contextmanager
def atomic_file(path: Path, *, sync_name: bool = True) -> Iterator[tuple[BufferedWriter, Path]]:
    """Write a file that is there whole or not at all: it gets its name when the block ends without an error.

    Args:
        path: Its final path; the folder exists.
        sync_name: Make the name survive a power cut; whoever writes many does that once, by `sync_folder`.

    Yields:
        The open file, and the path it has meanwhile. After a ``flush`` it can be looked at there.

    Raises:
        DeliveryFailed: The disk does not take it.
    """
    part = path.with_name(path.name + PART)
    with translate_os_errors(path):
        try:
            with create_part(part) as file:
                yield file, part
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
            if sync_name:
                sync_folder(path.parent)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def atomic_write(path: Path, text: str) -> None:
    """Write a text file that is there whole or not at all; raises `DeliveryFailed` when the disk does not take it."""
    with atomic_file(path) as (file, _):
        file.write(text.encode())


@contextmanager
def folder_lock(folder: Path, wait_seconds: float) -> Iterator[None]:
    """Hold ``folder`` against other processes; created when missing. The hold ends with the process, however it ends.

    Raises:
        DeliveryFailed: Another process still holds it after ``wait_seconds``, or the disk does not take it.
    """
    make_folder(folder)
    with ExitStack() as held:
        try:
            with translate_os_errors(folder):
                held.enter_context(locked(folder / ".lock", wait_seconds))
        except DeliveryFailed as error:
            if isinstance(error.__cause__, TimeoutError):
                raise DeliveryFailed(
                    f"{folder}: another process is delivering into this folder; it goes on once that one is done"
                ) from None
            raise
        yield
