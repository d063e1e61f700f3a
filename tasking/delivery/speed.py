"""How slow a download may be. One that crawls holds a worker's slot from all others, and never ends by itself."""

from __future__ import annotations

import time
from collections import deque

MINUTE = 60.0
LEAST_BYTES_A_MINUTE = 256 * 1024
"""What has to come within any minute: 4 KB a second, which is less than any line that satellites' files come over."""

GRACE_SECONDS = 600.0
LEAST_BYTES_A_SECOND = 64 * 1024
"""What a whole download has to come with on average, after `GRACE_SECONDS`: 1 GB in 4.6 hours."""


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
