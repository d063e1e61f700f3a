"""Which clock decides: the provider's, unless it contradicts ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasking.clock import ProviderClock
from tasking.waiting import wait_until

NOW = datetime(2026, 12, 1, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def told(offset: timedelta, rate: str | None = None, *, own: bool = False) -> ProviderClock:
    """A clock after an answer that is so far ahead of ours."""
    clock = ProviderClock(lambda: NOW, own=own)
    headers = {"Date": f"{NOW + offset:%a, %d %b %Y %H:%M:%S} GMT"}
    clock.observe(headers if rate is None else {**headers, "X-Clock-Rate": rate})
    return clock


@pytest.mark.parametrize("offset", [-20 * HOUR, timedelta(seconds=-90), timedelta(0), 20 * HOUR])
def test_the_providers_clock_decides_where_both_tell_the_time_of_day(offset: timedelta) -> None:
    clock = told(offset)
    assert clock.agrees
    assert clock.now() == NOW + offset
    assert clock.local(NOW + offset + HOUR) == NOW + HOUR


@pytest.mark.parametrize("offset", [2 * DAY, 40 * DAY, 4000 * DAY])
@pytest.mark.parametrize("wrong", ["theirs", "ours"])
def test_no_moment_is_past_by_one_wrong_clock(offset: timedelta, wrong: str) -> None:
    clock = told(offset if wrong == "theirs" else -offset)
    assert not clock.agrees
    true_now = NOW if wrong == "theirs" else NOW - offset
    assert clock.now() == true_now
    assert clock.local(clock.now()) == NOW


def test_a_later_answer_with_the_right_time_is_believed_again() -> None:
    clock = told(40 * DAY)
    clock.observe({"Date": f"{NOW + HOUR:%a, %d %b %Y %H:%M:%S} GMT"})
    assert clock.agrees
    assert clock.now() == NOW + HOUR


@pytest.mark.parametrize("offset", [-40 * DAY, 40 * DAY])
def test_a_wait_is_over_when_either_of_two_contradicting_clocks_says_so(offset: timedelta) -> None:
    clock = told(offset)
    assert wait_until(clock.read(), NOW + 3 * HOUR, "candidates", "").until == NOW + 3 * HOUR
    over = wait_until(clock.read(), NOW - HOUR, "candidates", "").until
    assert NOW < over <= NOW + HOUR, "and is looked at again within the hour, not each second or in 40 days"


def test_only_an_account_that_says_so_has_a_clock_of_its_own() -> None:
    fast = told(400 * DAY, "3600", own=True)
    assert (fast.now(), fast.rate, fast.agrees) == (NOW + 400 * DAY, 3600, True)
    assert fast.local(NOW + 400 * DAY + HOUR) == NOW + timedelta(seconds=1)
    real = told(timedelta(0), "3600")
    assert real.rate == 1
    assert real.local(NOW + HOUR) == NOW + HOUR
