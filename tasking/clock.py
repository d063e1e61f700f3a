"""The provider's time, seen from here.

Deadlines such as ``valid_until`` are the provider's, so the provider's clock decides about them. Every answer carries
the standard ``Date`` header; the difference to our clock is kept.

Both clocks tell the time of day, and either may be wrong. Where they are further apart than `CLOCKS_APART`, the earlier
one decides: no deadline is over by one wrong clock, whichever of the two it is.

A server whose clock is another one on purpose (``own``, a setting of the account) is believed whatever it says. Its
time may also run faster than ours: it says so with ``X-Clock-Rate`` (seconds of its time per second of ours, else 1),
and waits shrink with it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from tasking.utc import EARLIEST, LATEST, to_utc_clamped

logger = logging.getLogger(__name__)

RATE_HEADER = "X-Clock-Rate"

CLOCKS_APART = timedelta(days=1)
"""Two clocks that differ by more do not both tell the time of day."""


def utc_now() -> datetime:
    """Our own clock: aware, UTC."""
    return datetime.now(UTC)


class ClockReading(NamedTuple):
    """Both clocks in one moment.

    Attributes:
        now: The provider's time.
        ours: Our time.
        rate: Seconds of the provider's time per second of ours.
        agrees: See `ProviderClock.agrees`.
        known: An answer has told the provider's time.
    """

    now: datetime
    ours: datetime
    rate: float = 1.0
    agrees: bool = True
    known: bool = True

    def local(self, when: datetime) -> datetime:
        """Our time at which the provider's clock shows ``when``."""
        return _moved(self.ours, (when - self.now).total_seconds() / self.rate)

    def in_seconds(self, seconds: float) -> datetime:
        """The provider's time ``seconds`` (of its time) after this moment."""
        return _moved(self.now, seconds)


class ProviderClock:
    """Maps the provider's time to ours and back. Until the first answer the two are the same.

    Threads may share one: what is learned from an answer is replaced as a whole.

    Args:
        local: Our own clock.
        own: The provider's clock is another one than the time of day; see `tasking.http.settings.HttpSettings`.
    """

    def __init__(self, local: Callable[[], datetime] = utc_now, *, own: bool = False) -> None:
        self._local, self._own = local, own
        self._agrees = True
        self._seen: tuple[datetime, datetime, float] | None = None  # ours, theirs, rate

    def observe(self, headers: Mapping[str, str]) -> None:
        """Learn from an answer's headers; missing or unreadable ones change nothing, nor does a cached answer."""
        try:
            provider = parsedate_to_datetime(headers["Date"])
            rate = float(headers.get(RATE_HEADER, "1")) if self._own else 1.0
            if provider.tzinfo is None or not 1e-3 <= rate <= 1e6 or headers.get("Age", "0") != "0":
                return
            ours, theirs = self._local(), to_utc_clamped(provider)
        except (LookupError, ValueError, TypeError, OverflowError):
            return
        agrees = self._own or abs(theirs - ours) <= CLOCKS_APART
        if not agrees and self._agrees:
            logger.warning("The provider says that it is %s, and our clock %s: one is wrong", theirs, ours)
        self._agrees = agrees
        self._seen = ours, theirs if agrees else min(ours, theirs), rate

    @property
    def agrees(self) -> bool:
        """Whether the provider's clock and ours told the same time in the last answer, within `CLOCKS_APART`."""
        return self._agrees

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

    def read(self) -> ClockReading:
        """Both clocks now."""
        now = self.now()
        return ClockReading(now, self.local(now), self.rate, self.agrees, self.known)

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
        return to_utc_clamped(when + timedelta(seconds=seconds))
    except OverflowError:
        return LATEST if seconds > 0 else EARLIEST
