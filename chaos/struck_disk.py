"""Files of the archive that are struck: opened for writing or given their name; one alone, or all from then on."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chaos.plan import Strike, Way
from chaos.point import file_pattern
from chaos.struck_http import die
from chaos.trace import Trace

_FULL, _READ_ONLY = (errno.ENOSPC, "No space left on device"), (errno.EROFS, "Read-only file system")
_ERRORS: dict[Way, tuple[int, str]] = {"disk full": _FULL, "read-only": _READ_ONLY}
_LASTING: dict[Way, tuple[int, str]] = {"full for a while": _FULL, "read-only for a while": _READ_ONLY}
"""Until the process ends."""

_WRITING = os.O_WRONLY | os.O_RDWR


def strike_disk(trace: Trace, archive: Path) -> None:
    """From now on each file of the archive that is opened for writing, and each that is renamed, is a point."""
    root = f"{archive}/"
    lasting: list[tuple[int, str]] = []

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and isinstance(args[2], int) and args[2] & _WRITING:
            path, verb = str(args[0]), "write"
        elif event == "os.rename":
            path, verb = str(args[1]), "rename"
        else:
            return
        if path.startswith(root):
            strike = trace.reach("disk", f"{verb} {file_pattern(path)}")
            if strike is not None and strike.way in _LASTING:
                lasting[:] = [_LASTING[strike.way]]
            _hit(strike, lasting)

    sys.addaudithook(hook)


def _hit(strike: Strike | None, lasting: Sequence[tuple[int, str]]) -> None:
    if strike is not None and strike.way == "killed before":
        die()
    for number, words in lasting:
        raise OSError(number, words)
    if strike is not None:
        raise OSError(*_ERRORS[strike.way])
