"""A download that crawls is given up: it would hold its worker for ever."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tasking.delivery import download
from tasking.delivery.download import LeastSpeed, TooSlow, fetch
from tasking.errors import DeliveryFailed

MEGABYTE = 1_000_000


class Clock:
    """A clock that stands still unless it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr("tasking.delivery.download.time.monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def seconds_until_given_up(clock: Clock, bytes_a_second: float, expected: int, most: float = 200_000) -> float | None:
    watched, begun, had = LeastSpeed(expected), clock.now, 0.0
    while clock.now - begun < most and had < expected:
        clock.now += 0.5
        had += bytes_a_second / 2
        try:
            watched.took(int(had))
        except TooSlow:
            return clock.now - begun
    return None


def test_one_byte_each_half_second_is_given_up_after_a_minute(clock: Clock) -> None:
    given_up = seconds_until_given_up(clock, 2, 10 * MEGABYTE)
    assert given_up is not None
    assert 60 <= given_up < 62


def test_a_line_that_is_slow_all_the_time_ends_by_the_size(clock: Clock) -> None:
    given_up = seconds_until_given_up(clock, 10_000, 100 * MEGABYTE)
    assert given_up == pytest.approx(download.GRACE_SECONDS + 100 * MEGABYTE / download.LEAST_BYTES_A_SECOND, abs=2)


@pytest.mark.parametrize("bytes_a_second", [100_000, 10 * MEGABYTE])
def test_a_line_as_there_are_brings_a_large_file_home(clock: Clock, bytes_a_second: float) -> None:
    assert seconds_until_given_up(clock, bytes_a_second, 1000 * MEGABYTE) is None


def test_a_pause_that_is_shorter_than_a_minute_is_waited_out(clock: Clock) -> None:
    watched = LeastSpeed(0)
    for step in range(10):
        clock.now += 55
        watched.took((step + 1) * MEGABYTE)


def test_a_crawling_download_fails_and_leaves_nothing(clock: Clock, tmp_path: Path) -> None:
    class Crawl(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                clock.now += 0.5
                yield b"x"

    @contextmanager
    def open_asset() -> Iterator[httpx.Response]:
        yield httpx.Response(200, headers={"content-length": "1000000"}, stream=Crawl())

    with pytest.raises(DeliveryFailed, match=r"a\.bin: \d+ bytes came within 6\d s, which is too slow to wait for"):
        fetch(open_asset, tmp_path / "a.bin", tries=1, wait_seconds=0)
    assert list(tmp_path.iterdir()) == []
