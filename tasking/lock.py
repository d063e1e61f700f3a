"""A lock that all processes of this machine share."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path, patience_seconds: float) -> Iterator[int]:
    """Hold the lock file at ``path``; yields its file descriptor. A process that dies lets go of it.

    Raises:
        TimeoutError: Somebody else held it all the time.
        OSError: The file cannot be made or locked there.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        end = time.monotonic() + patience_seconds
        pause = 0.002
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= end:
                    raise TimeoutError(f"{path.name} was held by another process") from None
                time.sleep(pause)
                pause = min(pause * 1.5, 0.1)
        yield file
    finally:
        os.close(file)
