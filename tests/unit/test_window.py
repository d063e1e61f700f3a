"""The window of an order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.clock import utc_now
from tasking.errors import InvalidOrder
from tasking.order import order_from
from tasking.window import Window
from tests.support.order_fields import GOOD

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


# relative ones --------------------------------------------------------------------------------------------------------

TURN = datetime(2026, 12, 1, 6, 0, 0, 250000, tzinfo=UTC)


def read(window: dict[str, Any], **more: Any) -> AxelGlobeOrder:
    return order_from(AxelGlobeOrder, {**GOOD, "window": window, **more}, TURN)


@pytest.mark.parametrize(
    ("window", "start", "end"),
    [
        ({"starts_in": "P1D", "lasts": "P7D"}, "2026-12-02T06:00:00Z", "2026-12-09T06:00:00Z"),
        ({"starts_in": "PT0S", "lasts": "PT36H"}, "2026-12-01T06:00:00Z", "2026-12-02T18:00:00Z"),
        ({"starts_in": "p1w", "lasts": "P1DT12H"}, "2026-12-08T06:00:00Z", "2026-12-09T18:00:00Z"),
        ({"starts_in": "P0.5D", "lasts": "PT90M"}, "2026-12-01T18:00:00Z", "2026-12-01T19:30:00Z"),
        ({"start": "2026-12-05T00:00:00Z", "lasts": "P1D"}, "2026-12-05T00:00:00Z", "2026-12-06T00:00:00Z"),
        ({"starts_in": "P1D", "end": "2026-12-06T00:00:00Z"}, "2026-12-02T06:00:00Z", "2026-12-06T00:00:00Z"),
        (
            {"start": "", "end": None, "starts_in": "P1D", "lasts": "P7D"},
            "2026-12-02T06:00:00Z",
            "2026-12-09T06:00:00Z",
        ),
    ],
)
def test_a_relative_window_counts_from_when_the_order_was_to_begin(
    window: dict[str, Any], start: str, end: str
) -> None:
    assert read(window).window == Window.model_validate({"start": start, "end": end})


def test_what_is_kept_of_a_relative_window_are_its_moments() -> None:
    kept = read({"starts_in": "P1D", "lasts": "P7D"}, needed_by="P5D").model_dump(mode="json")
    assert kept["window"] == {"start": "2026-12-02T06:00:00Z", "end": "2026-12-09T06:00:00Z"}
    assert kept["needed_by"] == "2026-12-06T06:00:00Z"
    assert order_from(AxelGlobeOrder, kept).model_dump(mode="json") == kept


def test_in_a_notebook_a_relative_window_counts_from_now() -> None:
    window = AxelGlobeOrder.model_validate({**GOOD, "window": {"starts_in": "P1D", "lasts": "P7D"}}).window
    assert abs(window.start - utc_now() - timedelta(days=1)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("window", "says"),
    [
        ({"starts_in": "P1M", "lasts": "P7D"}, r"window\.starts_in: P1M: months and years have no fixed length.*P30D"),
        ({"starts_in": "P1Y", "lasts": "P7D"}, r"window\.starts_in: P1Y: months and years"),
        ({"starts_in": "1 day", "lasts": "P7D"}, r"window\.starts_in: 1 day: is not ISO 8601; write P1D"),
        ({"starts_in": "36h", "lasts": "P7D"}, r"write PT36H"),
        ({"starts_in": "P", "lasts": "P7D"}, r"window\.starts_in: P: is not a length of time by ISO 8601"),
        ({"starts_in": "P1DT", "lasts": "P7D"}, r"is not a length of time"),
        ({"starts_in": 24, "lasts": "P7D"}, r"window\.starts_in: 24: is not a length of time; write it as ISO 8601"),
        ({"starts_in": "-P1D", "lasts": "P7D"}, r"times lie ahead; leave out the sign"),
        ({"starts_in": "P1D", "lasts": "P0D"}, r"window\.lasts: P0D: a window lasts longer than that"),
        ({"starts_in": "P99999D", "lasts": "P7D"}, r"longer than 3660 days"),
        ({"starts_in": "P999999999999D", "lasts": "P7D"}, r"longer than 3660 days"),
        ({"starts_in": "P1D"}, r"window\.end: \(missing\): is required, or lasts instead, e\.g\. P7D"),
        ({"lasts": "P7D"}, r"window\.start: \(missing\): is required, or starts_in instead, e\.g\. P1D"),
        (
            {"start": "2026-12-05T00:00:00Z", "starts_in": "P1D", "lasts": "P7D"},
            r"window\.starts_in: P1D: window\.start \(2026-12-05T00:00:00Z\) says the same; keep one of them",
        ),
        ({"starts_in": "P9D", "end": "2026-12-06T00:00:00Z"}, r"window\.end: .* is not after the start"),
        ({"starts_in": "P1D", "lasts": "P15D"}, r"the window is 15\.0 days long"),
    ],
)
def test_a_relative_window_that_says_nothing_clear_is_refused(window: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidOrder, match=says):
        read(window)


@pytest.mark.parametrize(
    ("needed_by", "says"),
    [
        ("2026-12-01", r"needed_by: 2026-12-01: is not a date and time in full"),
        ("PT1H", r"needed_by: .*: no image is taken before the window starts"),
        ("P1M", r"needed_by: P1M: months and years"),
    ],
)
def test_a_deadline_that_cannot_be_met_or_read_is_refused(needed_by: str, says: str) -> None:
    with pytest.raises(InvalidOrder, match=says):
        read({"starts_in": "P1D", "lasts": "P7D"}, needed_by=needed_by)


@pytest.mark.parametrize("empty", [None, "", " "])
def test_an_order_without_a_deadline_has_none(empty: object) -> None:
    assert read({"starts_in": "P1D", "lasts": "P7D"}, needed_by=empty).needed_by is None
