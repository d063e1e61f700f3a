"""Files of the archive that are struck: opened for writing or given their name."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

from chaos.plan import Strike
from chaos.point import file_pattern
from chaos.struck_http import die
from chaos.trace import Trace

_ERRORS = {
    "disk full": (errno.ENOSPC, "No space left on device"),
    "read-only": (errno.EROFS, "Read-only file system"),
}
_WRITING = os.O_WRONLY | os.O_RDWR


def strike_disk(trace: Trace, archive: Path) -> None:
    """From now on each file of the archive that is opened for writing, and each that is renamed, is a point."""
    root = f"{archive}/"

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
            path, verb = str(args[0]), "write"
        elif event == "os.rename":
            path, verb = str(args[1]), "rename"
        else:
            return
        if path.startswith(root):
            _hit(trace.reach("disk", f"{verb} {file_pattern(path)}"))

    sys.addaudithook(hook)


def _hit(strike: Strike | None) -> None:
    if strike is None:
        return
    if strike.way == "killed before":
        die()
    number, words = _ERRORS[strike.way]
    raise OSError(number, words)
