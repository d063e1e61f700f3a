"""The one folder where tasking-flows keeps files of its own on a machine, and whose files they may be.

Other users of the machine may plant folders, links and files where ours are expected. What is not ours is refused.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tasking.errors import OtherEnvironment


def state_dir() -> Path:
    """``$TASKING_FLOWS_HOME``, else ``~/.tasking-flows``: ours alone. Made when it is absent.

    Raises:
        OtherEnvironment: The setting is relative. Runs start in folders of their own: each would have its own ledger.
        PermissionError: It is another user's, or everybody may write in it; says what to do.
    """
    named = os.environ.get("TASKING_FLOWS_HOME", "").strip()
    folder = Path(named or "~/.tasking-flows").expanduser()
    if not folder.is_absolute():
        raise OtherEnvironment(
            f"TASKING_FLOWS_HOME: {named}: is relative, so each process would use a folder of its own; "
            "write the whole path in the environment of server, workers and terminals"
        )
    return private_folder(folder)


def private_folder(folder: Path) -> Path:
    """A folder that nobody else can read or write; made when it is absent.

    Raises:
        PermissionError: It, or the link that stands for it, is another user's; or everybody could write in it.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    refuse_others(folder, os.lstat(folder))  # a link may lead anywhere
    found = folder.stat()
    refuse_others(folder, found)
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o002:
        raise PermissionError(
            f"{folder}: everybody may write in this folder: look what is in it, then chmod 700 {folder}, or name "
            "another folder in TASKING_FLOWS_HOME"
        )
    if mode & 0o077:
        folder.chmod(0o700)
    return folder


def refuse_others(path: Path, found: os.stat_result) -> None:
    """Refuse what another user made; root's is taken, who could write ours as well. Raises `PermissionError`."""
    if found.st_uid not in (os.geteuid(), 0):
        raise PermissionError(
            f"{path}: belongs to user {found.st_uid}, and this process runs as {os.geteuid()}: look what it is, then "
            "remove it, or chown it to the user that runs tasking-flows"
        )


def read_private(path: Path, most: int) -> bytes | None:
    """The begin of a file of ours; ``None`` when it is absent, a link, no plain file, or others may write it."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would hold us
    except OSError:
        return None
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(handle)
        ours = stat.S_ISREG(found.st_mode) and found.st_uid in (os.geteuid(), 0) and not found.st_mode & 0o022
        return file.read(most) if ours else None
