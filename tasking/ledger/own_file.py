"""The file of a SQLite ledger: readable by its owner only, and nobody else's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tasking.errors import LedgerUnavailable
from tasking.paths import refuse_others

BESIDE = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database, with its mode."""


def prepare_file(file: Path) -> None:
    """Make the file when it is absent, and see that it and what stands beside it are ours.

    A file that its group may write is shared on purpose by several users of the machine; it stays so.

    Raises:
        LedgerUnavailable: It cannot be used, or another user could have written or replaced it; says what to do.
    """
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = file.parent.stat().st_mode
        if folder & 0o002 and not folder & stat.S_ISVTX:
            raise PermissionError(f"{file.parent}: everybody may replace files in this folder: chmod o-w {file.parent}")
        if not os.path.lexists(file):
            os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:  # another process made it in the same moment
        pass
    except OSError as error:
        raise LedgerUnavailable(f"the ledger's file cannot be used: {error}") from error
    for one in (file, *(file.with_name(file.name + end) for end in BESIDE)):
        try:
            _keep_to_ourselves(one)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LedgerUnavailable(f"the ledger's file cannot be used: {error}") from error


def _keep_to_ourselves(file: Path) -> None:
    link = os.lstat(file)
    if stat.S_ISLNK(link.st_mode):
        refuse_others(file, link)
    found = file.stat()
    if not stat.S_ISREG(found.st_mode):
        raise PermissionError(f"{file}: is no plain file")
    mode = stat.S_IMODE(found.st_mode)
    shared = bool(mode & stat.S_IWGRP) and not mode & 0o007
    if not shared:
        refuse_others(file, found)
    wished = mode & ~0o007 if mode & stat.S_IWGRP else mode & ~0o077
    if mode != wished and found.st_uid == os.geteuid():
        file.chmod(wished)
