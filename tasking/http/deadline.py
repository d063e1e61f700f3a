"""Until when what is being done must be over, whatever the network does.

A deadline holds for all that happens inside of `within`, in its thread: whatever waits for a socket below asks `left`.
A deadline inside another one can only be earlier.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Stopwatch:
    """Seconds since it was made.

    Two clocks run: the one that nobody can set does not count while the machine sleeps, and the other one does. The
    longer time counts. So a clock that is set ahead ends a wait early, and nothing lets it last longer.

    Args:
        ago: As if it was made so many seconds ago.
    """

    def __init__(self, ago: float = 0.0) -> None:
        self._monotonic, self._wall = time.monotonic() - ago, time.time() - ago

    @property
    def seconds(self) -> float:
        """How long ago it was made."""
        return max(time.monotonic() - self._monotonic, time.time() - self._wall)


_ends: ContextVar[tuple[tuple[Stopwatch, float], ...]] = ContextVar("ends", default=())
_announced: ContextVar[Stopwatch | None] = ContextVar("announced", default=None)


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let everything in this block that waits for the network end after so many seconds, counted from now."""
    token = _ends.set((*_ends.get(), (Stopwatch(), seconds)))
    try:
        yield
    finally:
        _ends.reset(token)


def left(most: float | None = None) -> float | None:
    """Seconds until the earliest deadline, at most ``most``; zero or less when it is over, ``None`` without any."""
    seconds = [length - since.seconds for since, length in _ends.get()]
    return min([*seconds, *([] if most is None else [most])], default=None)


@contextmanager
def announced(since: Stopwatch) -> Iterator[None]:
    """Let a create in this block count as being got ready since then: that is when others began to count."""
    token = _announced.set(since)
    try:
        yield
    finally:
        _announced.reset(token)


def since_announced() -> Stopwatch:
    """Since when a create is being got ready: its announcement, else now."""
    return _announced.get() or Stopwatch()
