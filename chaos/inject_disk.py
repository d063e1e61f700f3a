"""Files of the archive that are struck: opened for writing or given their name; one alone, or all from then on."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from chaos.fail_point import file_pattern
from chaos.fault_plan import Fault, FaultKind
from chaos.inject_http import die
from chaos.trace import Trace

_FULL, _READ_ONLY = (errno.ENOSPC, "No space left on device"), (errno.EROFS, "Read-only file system")
_ERRORS: dict[FaultKind, tuple[int, str]] = {"disk full": _FULL, "read-only": _READ_ONLY}
_LASTING: dict[FaultKind, tuple[int, str]] = {"full for a while": _FULL, "read-only for a while": _READ_ONLY}
"""Until the process ends."""

_WRITING = os.O_WRONLY | os.O_RDWR


def inject_disk(trace: Trace, archive: Path) -> None:
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
            fault = trace.reach("disk", f"{verb} {file_pattern(path)}")
            if fault is not None and fault.kind in _LASTING:
                lasting[:] = [_LASTING[fault.kind]]
            _hit(fault, lasting)

    sys.addaudithook(hook)


def _hit(fault: Fault | None, lasting: Sequence[tuple[int, str]]) -> None:
    if fault is not None and fault.kind == "killed before":
        die()
    for number, words in lasting:
        raise OSError(number, words)
    if fault is not None:
        raise OSError(*_ERRORS[fault.kind])
