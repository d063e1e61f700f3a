"""How fast we call: one queue for each account, shared by all processes of this machine."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Callable

from tasking.http.deadline import left
from tasking.lock import locked
from tasking.paths import private_folder, state_dir

logger = logging.getLogger(__name__)

HORIZON_SECONDS = 600.0
"""A slot further away than this is left over from a clock that was set back, and is forgotten."""


class RateLimit:
    """Hands out the next free slot and waits for it.

    The next slot stands in a small file, so that a thousand processes keep to the limit together. Where no file can be
    kept, each process keeps to it on its own.

    Args:
        account: Who is counted, e.g. provider and client id; only its hash appears in a file name.
        per_second: Slots per second.
        sleep: For tests.
        now: Seconds that all processes of the machine agree on.
    """

    def __init__(
        self,
        account: str,
        per_second: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._name = hashlib.sha256(account.encode()).hexdigest()[:32]
        self._step = 1.0 / per_second
        self._sleep, self._now = sleep, now
        self._own_lock, self._own_next, self._file_works = threading.Lock(), 0.0, True

    def wait(self) -> None:
        """Wait until it is our turn; not past the deadline, after which nothing is sent anyway."""
        pause = left(self._reserve() - self._now())
        if pause is not None and pause > 0:
            self._sleep(pause)

    def _reserve(self) -> float:
        if self._file_works:
            try:
                return self._reserve_in_file()
            except OSError as error:
                self._file_works = False
                logger.warning("No pacing file can be kept (%s); this process keeps to the rate on its own.", error)
        with self._own_lock:
            slot = max(self._now(), self._own_next)
            self._own_next = slot + self._step
            return slot

    def _reserve_in_file(self) -> float:
        folder = private_folder(state_dir() / "pace")
        with locked(folder / self._name, patience_seconds=30) as file:
            now = self._now()
            slot = max(now, _number(os.pread(file, 64, 0)))
            if slot - now > HORIZON_SECONDS:
                slot = now
            os.pwrite(file, f"{slot + self._step:<32.6f}".encode(), 0)
            return slot


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
