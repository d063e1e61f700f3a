"""A moment that a person wrote is read as that moment, or refused; never as another century."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tasking.axelglobe.order import AxelGlobeOrder
from tasking.errors import InvalidOrder
from tasking.iceye.order import IceyeOrder
from tasking.moment_text import moment_from
from tasking.order import Order, order_from
from tasking.satellogic.order import SatellogicOrder
from tests.support.order_fields import GOOD

CASES = Path(__file__).parents[1] / "fixtures" / "input"
POINT = {"lat": 60.17, "lon": 24.94}
ORDERS: list[tuple[type[Order], dict[str, Any]]] = [
    (AxelGlobeOrder, GOOD),
    (IceyeOrder, {"name": "Harbour", "point": POINT}),
    (SatellogicOrder, {"name": "Harbour", "point": POINT}),
]


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2026-12-01T00:00:00Z", "2026-12-01T00:00:00"),
        ("2026-12-01T09:00:00+09:00", "2026-12-01T00:00:00"),
        ("2026-12-01 09:00 +0900", "2026-12-01T00:00:00"),
        ("2026-12-01T09:00+09", "2026-12-01T00:00:00"),
        ("2026-12-01t00:00:00.25z", "2026-12-01T00:00:00.250000"),
        ("2026-12-01T00:00:00.123456789Z", "2026-12-01T00:00:00.123456"),
        ("\ufeff2026-12-01T00:00:00 UTC\u00a0", "2026-12-01T00:00:00"),
        (datetime(2026, 12, 1, tzinfo=UTC), "2026-12-01T00:00:00"),
    ],
)
def test_a_moment_in_full_is_taken(written: object, utc: str) -> None:
    assert moment_from("start", written) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        (20270104, "a bare number is not a date and time; write 2027-01-04T00:00:00Z"),
        ("20270104", "write 2027-01-04T00:00:00Z"),
        (20270104.0, "a bare number is not a date and time; write 2026"),
        ("20270104.5", "a bare number"),
        ("202701041230", "write 2027-01-04T12:30:00Z"),
        ("20270104000000", "write 2027-01-04T00:00:00Z"),
        ("1800000000", "a bare number is not a date and time; write 2026-12-01T00:00:00Z"),
        (1800000000, "a bare number"),
        (1800000000000, "a bare number"),
        ("1.8e9", "a bare number"),
        ("1_800_000_000", "a bare number"),
        ("-1", "a bare number"),
        (float("nan"), "a bare number"),
        ("٢٠٢٧٠١٠٤", "a bare number"),
        ("20270104T000000Z", "write 2027-01-04T00:00:00Z"),
        ("20270104T0000+0900", "write 2027-01-04T00:00:00+09:00"),
        ("2027-W01", "write 2027-01-04T00:00:00Z"),
        ("2027-W01-1", "write 2027-01-04T00:00:00Z"),
        ("2027-004", "write it like 2026"),
        ("2027-01", "write it like 2026"),
        ("2027", "a bare number"),
        ("27-01-04", "write it like 2026"),
        ("04/01/2027 00:00Z", "write it like 2026"),
        ("04.01.2027", "write it like 2026"),
        ("2027年1月4日", "write it like 2026"),
        ("2027-01-04", "write 2027-01-04T00:00:00Z"),
        ("2027-01-04T00:00:00", "has no zone; write 2027-01-04T00:00:00Z"),
        ("2027-01-04T00:00:00 JST", "write it like 2026"),
        ("2027-01-04T00:00:00[Asia/Tokyo]", "write it like 2026"),
        (datetime(2027, 1, 4), "has no zone; write 2027-01-04T00:00:00Z"),
        (date(2027, 1, 4), "has no zone; write 2027-01-04T00:00:00Z"),
        ("2027-02-30T00:00:00Z", "there is no such date and time"),
        ("2027-01-04T25:00:00Z", "there is no such date and time"),
        ("2027-01-04T00:00:00+99:00", "there is no such date and time"),
        ("0001-01-01T00:00:00+12:00", "outside the years 1 to 9999"),
        ("P7D", "write it like 2026"),
        ("tomorrow", "write it like 2026"),
        ("", "write it like 2026"),
        (None, "write it like 2026"),
        (True, "write it like 2026"),
        ({"year": 2027}, "write it like 2026"),
        ("9" * 5000, "a bare number"),
    ],
)
def test_anything_else_is_refused_with_field_value_and_an_example(written: object, fix: str) -> None:
    with pytest.raises(InvalidOrder) as refused:
        moment_from("window.start", written)
    assert fix in str(refused.value)
    assert str(refused.value).startswith("window.start: ")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("kind", ORDERS, ids=lambda kind: kind[0].provider)
@pytest.mark.parametrize(
    "window", json.loads((CASES / "windows.json").read_text())["never_read_as_seconds_since_1970"], ids=str
)
def test_no_order_of_any_provider_takes_a_bare_number_for_a_time(
    kind: tuple[type[Order], dict[str, Any]], window: list[object]
) -> None:
    model, fields = kind
    with pytest.raises(InvalidOrder, match=r"window\.start: .*: a bare number is not a date and time; write 20"):
        order_from(model, {**fields, "window": {"start": window[0], "end": window[1]}})
