"""The window of an order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tasking.errors import InvalidOrder
from tasking.window import Window

START, END = datetime(2026, 12, 1, tzinfo=UTC), datetime(2026, 12, 8, tzinfo=UTC)


def test_times_are_turned_to_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    window = Window(start=datetime(2026, 12, 1, 9, tzinfo=tokyo), end=END)
    assert window.start == START
    assert window.start.tzinfo is UTC
    assert window.length == timedelta(days=7)


def test_a_window_reads_back_from_its_own_dump() -> None:
    window = Window(start=START, end=END)
    assert Window.model_validate(window.model_dump(mode="json")) == window


def test_a_window_that_is_over_is_refused_only_when_asked() -> None:
    window = Window(start=START, end=END)
    window.refuse_if_past(END - timedelta(seconds=1))
    with pytest.raises(InvalidOrder, match=r"window\.end: 2026-12-08T00:00:00Z: is past .* give an end in the future"):
        window.refuse_if_past(END)
