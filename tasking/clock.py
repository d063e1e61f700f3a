"""The provider's time, seen from here.

Deadlines such as ``valid_until`` are the provider's, so the provider's clock decides about them. Every answer carries
the standard ``Date`` header; the difference to our clock is kept. A server whose time does not run at one second a
second says so with ``X-Clock-Rate`` (seconds of its time per second of ours, default 1), and waits shrink with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

RATE_HEADER = "X-Clock-Rate"


def utc_now() -> datetime:
    """Our own clock: aware, UTC."""
    return datetime.now(UTC)


class ProviderClock:
    """Maps the provider's time to ours and back. Until the first answer the two are the same.

    Args:
        local: Our own clock.
    """

    def __init__(self, local: Callable[[], datetime] = utc_now) -> None:
        self._local = local
        self._seen_local: datetime | None = None
        self._seen_provider: datetime | None = None
        self.rate = 1.0

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers; missing or unreadable ones change nothing."""
        try:
            provider = parsedate_to_datetime(headers["Date"])
            rate = float(headers.get(RATE_HEADER, "1"))
        except (KeyError, ValueError):
            return
        if provider.tzinfo is None or not 0 < rate < 1e9:
            return
        self._seen_local, self._seen_provider, self.rate = self._local(), provider.astimezone(UTC), rate

    def now(self) -> datetime:
        """The provider's time now."""
        if self._seen_local is None or self._seen_provider is None:
            return self._local()
        return self._seen_provider + (self._local() - self._seen_local) * self.rate

    def local(self, when: datetime) -> datetime:
        """Our time at which the provider's clock shows ``when``."""
        if self._seen_local is None or self._seen_provider is None:
            return when
        return self._seen_local + (when - self._seen_provider) / self.rate

    def in_seconds(self, seconds: float) -> datetime:
        """The provider's time ``seconds`` (of its time) from now."""
        return self.now() + timedelta(seconds=seconds)
