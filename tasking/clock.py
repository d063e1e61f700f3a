"""The provider's time, seen from here.

Deadlines such as ``valid_until`` are the provider's, so the provider's clock decides about them. Every answer carries
the standard ``Date`` header; the difference to our clock is kept. A server whose time does not run at one second a
second says so with ``X-Clock-Rate`` (seconds of its time per second of ours, default 1), and waits shrink with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from tasking.moment import EARLIEST, LATEST, moment

RATE_HEADER = "X-Clock-Rate"


def utc_now() -> datetime:
    """Our own clock: aware, UTC."""
    return datetime.now(UTC)


class ProviderClock:
    """Maps the provider's time to ours and back. Until the first answer the two are the same.

    Threads may share one: what is learned from an answer is replaced as a whole.

    Args:
        local: Our own clock.
    """

    def __init__(self, local: Callable[[], datetime] = utc_now) -> None:
        self._local = local
        self._seen: tuple[datetime, datetime, float] | None = None  # ours, theirs, rate

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers; missing or unreadable ones change nothing, nor does a cached answer."""
        try:
            provider = parsedate_to_datetime(headers["Date"])
            rate = float(headers.get(RATE_HEADER, "1"))
            if provider.tzinfo is None or not 1e-3 <= rate <= 1e6 or headers.get("Age", "0") != "0":
                return
            self._seen = self._local(), moment(provider), rate
        except (LookupError, ValueError, TypeError, OverflowError):
            return

    @property
    def known(self) -> bool:
        """Whether an answer has told the provider's time yet."""
        return self._seen is not None

    @property
    def rate(self) -> float:
        """Seconds of the provider's time per second of ours."""
        return 1.0 if self._seen is None else self._seen[2]

    def now(self) -> datetime:
        """The provider's time now."""
        if self._seen is None:
            return self._local()
        ours, theirs, rate = self._seen
        return _moved(theirs, (self._local() - ours).total_seconds() * rate)

    def local(self, when: datetime) -> datetime:
        """Our time at which the provider's clock shows ``when``."""
        if self._seen is None:
            return when
        ours, theirs, rate = self._seen
        return _moved(ours, (when - theirs).total_seconds() / rate)

    def in_seconds(self, seconds: float) -> datetime:
        """The provider's time ``seconds`` (of its time) from now."""
        return _moved(self.now(), seconds)


def _moved(when: datetime, seconds: float) -> datetime:
    """``when`` moved by ``seconds``, at most to where the calendar has room for more."""
    try:
        return moment(when + timedelta(seconds=seconds))
    except OverflowError:
        return LATEST if seconds > 0 else EARLIEST
