"""A wide area of which no capture covers enough: nothing is bought, and the order says what would help."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tasking.area import Area
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.coverage import covered_percent, covered_together_percent
from tasking.errors import InvalidOrder
from tasking.lifecycle import covering
from tasking.order import order_from
from tests.support.ledgers import new_ledger

WIDE = "POLYGON ((138.6 35.0, 141.0 35.0, 141.0 36.5, 138.6 36.5, 138.6 35.0))"
"""219 km by 166 km; a capture is 57 km wide."""


def test_an_order_of_before_has_the_default_and_a_wrong_share_is_refused() -> None:
    window = {"start": "2026-12-02T00:00:00Z", "end": "2026-12-09T00:00:00Z"}
    order = order_from(AxelGlobeOrder, {"name": "Bay", "area": WIDE, "window": window})
    assert order.least_coverage_percent == 90
    for wrong in (-1, 101, "most"):
        with pytest.raises(InvalidOrder, match="coverage_min_percent"):
            order_from(AxelGlobeOrder, {**order.model_dump(mode="json"), "coverage_min_percent": wrong})


def test_what_several_captures_cover_together_counts_the_ground_once() -> None:
    area = Area.model_validate("POLYGON ((10 50, 11 50, 11 51, 10 51, 10 50))")
    west = {"type": "Polygon", "coordinates": [[[9, 49], [10.6, 49], [10.6, 52], [9, 52], [9, 49]]]}
    east = {"type": "Polygon", "coordinates": [[[10.4, 49], [12, 49], [12, 52], [10.4, 52], [10.4, 49]]]}
    far = {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]]}
    assert covered_percent(area, [west, None, far]) == [pytest.approx(60, abs=0.01), None, 0.0]
    assert covered_together_percent(area, [west, None, west]) == pytest.approx(60, abs=0.01)
    assert covered_together_percent(area, [west, east, far]) == pytest.approx(100, abs=0.01)
    assert covered_together_percent(area, [far]) == 0.0
    assert covered_together_percent(area, [None, {"type": "Polygon", "coordinates": []}]) is None


def test_strips_that_come_one_by_one_are_added_up_and_odd_ones_stop_nothing(tmp_path: Path) -> None:
    order = order_from(
        AxelGlobeOrder,
        {
            "name": "Bay",
            "area": "POLYGON ((10 50, 11 50, 11 51, 10 51, 10 50))",
            "window": {"start": "2026-12-02T00:00:00Z", "end": "2026-12-09T00:00:00Z"},
        },
    )
    strips: list[Any] = [
        {"type": "Polygon", "coordinates": [[[9, 49], [10.3, 49], [10.3, 52], [9, 52], [9, 49]]]},
        {"type": "Polygon", "coordinates": [[[10.3, 49], [10.8, 49], [10.8, 52], [10.3, 52], [10.3, 49]]]},
        None,
        "here",
        {"type": "Polygon", "coordinates": [[["a", "b"]]]},
    ]
    for number, strip in enumerate(strips):
        item = {"type": "Feature", "geometry": strip, "properties": {}}
        covering.mark(order, [item])
        if number < 2:
            assert item["properties"]["tasking:area_covered_percent"] == pytest.approx([30, 50][number], abs=0.1)
        else:
            assert item["properties"] == {}
        folder = tmp_path / f"item-{number}"
        folder.mkdir()
        (folder / f"item-{number}.json").write_text(json.dumps(item))
    (tmp_path / "item-0" / "meta.json").write_text("{")
    with closing(new_ledger(tmp_path)) as ledger:
        ledger.claim(
            "bay", {"name": "B", "account": "a/b"}, provider="p", flow_run_id="r", owner_is_gone=lambda _: False
        )
        said = covering.covered(ledger, order, "bay", tmp_path, "Delivered 2 files")
        assert said == (
            "Delivered 2 files; that covers 80 % of the area, less than the 90 % that were asked for "
            "(3 of 5 images are not counted: their footprints tell nothing)"
        )
        assert "it is unknown" in covering.covered(ledger, order, "bay", tmp_path / "nowhere", "Delivered")
