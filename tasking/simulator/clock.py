"""The simulated time: starts anywhere, runs at any rate, can be moved forward, and never goes back.

Time is kept as seconds since 1970 (UTC) together with the real time at which it was set, so it is the same after a
restart and keeps running while the process is down.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from tasking.simulator.store import Store

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")


def utc_text(seconds: float) -> str:
    """RFC 3339 in UTC to the second, as the providers write it: ``2026-12-01T00:00:00Z``."""
    return datetime.fromtimestamp(int(seconds // 1), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def read_time(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 date-time; raises `ValueError` for anything else, also without an offset."""
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 date-time with an offset")
    return datetime.fromisoformat(text.upper()).timestamp()


class SimulatedClock:
    """The simulator's clock.

    Args:
        store: Where the setting is kept; a setting found there wins over ``start`` and ``rate``.
        start: Simulated time at the first start, seconds since 1970; ``None`` means the real time.
        rate: Simulated seconds per real second.
        real: The real clock.
    """

    def __init__(
        self, store: Store, start: float | None = None, rate: float = 1.0, real: Callable[[], float] = time.time
    ) -> None:
        self._store, self._real = store, real
        if store.get("clock", "setting") is None:
            self._check_rate(rate)
            now = real()
            store.put("clock", "setting", {"simulated": now if start is None else start, "real": now, "rate": rate})

    @staticmethod
    def _check_rate(rate: float) -> None:
        if not 0 < rate <= 1e8:
            raise ValueError(f"rate must be above 0 and at most 1e8, not {rate}")

    def _setting(self) -> dict[str, float]:
        setting = self._store.get("clock", "setting")
        if setting is None:
            raise RuntimeError("the clock was never set")
        return setting

    @property
    def rate(self) -> float:
        """Simulated seconds per real second."""
        return float(self._setting()["rate"])

    def seconds(self) -> float:
        """Simulated time now, seconds since 1970."""
        setting = self._setting()
        return float(setting["simulated"] + max(0.0, self._real() - setting["real"]) * setting["rate"])

    def now(self) -> datetime:
        """Simulated time now, aware, UTC."""
        return datetime.fromtimestamp(self.seconds(), UTC)

    def move(
        self, *, rate: float | None = None, advance_seconds: float = 0.0, now: datetime | float | None = None
    ) -> datetime:
        """Change the rate and/or go forward; returns the new time.

        Raises:
            ValueError: When it would go backwards, or for a rate that is not above zero.
        """
        with self._store.lock:
            setting = self._setting()
            real = self._real()
            before = self.seconds()
            named = now.timestamp() if isinstance(now, datetime) else now
            after = (before if named is None else named) + advance_seconds
            if after < before:
                raise ValueError("the clock never goes backwards")
            if rate is not None:
                self._check_rate(rate)
            # The real time never steps back either: a machine whose clock was set back only pauses ours.
            new_rate = setting["rate"] if rate is None else rate
            self._store.put("clock", "setting", {"simulated": after, "real": real, "rate": new_rate})
            return datetime.fromtimestamp(after, UTC)

    def headers(self, skew_seconds: float = 0.0) -> list[tuple[bytes, bytes]]:
        """The headers every answer carries: ``Date``, and ``X-Clock-Rate`` unless time runs at its usual pace."""
        date = datetime.fromtimestamp(int((self.seconds() + skew_seconds) // 1), UTC)
        headers = [(b"date", format_datetime(date, usegmt=True).encode())]
        if self.rate != 1:
            headers.append((b"x-clock-rate", format(self.rate, ".15g").encode()))
        return headers
