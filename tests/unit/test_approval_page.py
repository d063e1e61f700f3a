"""A question as a person reads it: numbers, prices and reasons, and nothing that a page makes something else of."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pytest

from tasking.approval import Offer, Question
from tasking.approval_page import line, markdown_form, markdown_page
from tasking.area import Area
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.coastlines import land_in
from tasking.footprint_map import footprint_svg

NOW = datetime(2026, 12, 1, tzinfo=UTC)
BAY = "POLYGON ((139.6 35.3, 140.1 35.3, 140.1 35.8, 139.6 35.8, 139.6 35.3))"
ORDER = AxelGlobeOrder.model_validate({"name": "Bay", "area": BAY, "window": {"start": NOW, "end": NOW.replace(day=9)}})
SVG = "{http://www.w3.org/2000/svg}"


def offer(number: int, **said: Any) -> Offer:
    west = 139.2 + 0.1 * number
    ring = [[west, 34.5], [west + 0.6, 34.5], [west + 0.8, 36.5], [west + 0.2, 36.5], [west, 34.5]]
    start = NOW + timedelta(days=number)
    facts = {"start": start, "end": start, "platform": "GRUS-1A", "area_covered_percent": 100.0 - number}
    footprint = {"type": "Polygon", "coordinates": [ring]}
    one = Candidate(**{"id": f"c{number}", "footprint": footprint, **facts, **said})
    return Offer(candidates=(one,), reason=f"covers {100 - number} % of the area")


def question(*offers: Offer, **said: Any) -> Question:
    asked = {"reference": "bay", "text": "Waiting for approval: a capture", "count": 1, "deadline": NOW}
    return Question(**{**asked, "offers": offers, **said})


def picture(page: str) -> ElementTree.Element:
    found = re.search(r"data:image/svg[+]xml;base64,([^)]*)", page)
    assert found is not None
    return ElementTree.fromstring(base64.b64decode(found[1]))


def paths(drawn: ElementTree.Element, kind: str) -> list[str]:
    return [path.get("d", "") for path in drawn.iter(f"{SVG}path") if path.get("class") == kind]


def test_numbers_stand_in_the_table_the_reasons_the_form_and_on_the_footprints() -> None:
    asked = question(*(offer(number) for number in (1, 2, 3)))
    page = markdown_page(ORDER, asked)
    assert re.findall(r"^[|] (\d) [|]", page, re.MULTILINE) == ["1", "2", "3"]
    assert "- **3**: covers 97 % of the area" in page
    assert "- **3**: 2026-12-04 00:00 UTC, GRUS-1A, covers 97.0 %" in markdown_form(asked)
    drawn = [text.text for text in picture(page).iter(f"{SVG}text") if text.get("class") == "n"]
    assert sorted(str(one) for one in drawn) == ["1", "2", "3"]


def test_prices_are_shown_where_they_are_known_and_no_empty_column_where_they_are_not() -> None:
    priced = offer(1, price=Decimal("1200"), currency="EUR")
    assert "1,200.00 EUR" in markdown_page(ORDER, question(priced))
    assert line(priced).endswith("1,200.00 EUR")
    assert "price" not in markdown_page(ORDER, question(offer(1)))


def test_what_is_left_and_until_when_an_answer_counts_is_said_in_the_page_and_the_form() -> None:
    asked = question(offer(1), facts=("3 of 20 captures are left",), if_not_answered="decline")
    for shown in (markdown_page(ORDER, asked), markdown_form(asked)):
        assert "- 3 of 20 captures are left" in shown
        assert "- Answer until **2026-12-01 00:00 UTC**. Without an answer by then, the order ends" in shown


def test_a_window_of_which_the_provider_picks_the_pass_is_asked_about_without_a_list() -> None:
    asked = question(offer(1, id=WHOLE_WINDOW, footprint=None))
    assert "|" not in markdown_page(ORDER, asked)
    assert "**1**" not in markdown_form(asked)


def test_a_long_list_is_cut_in_the_form_and_whole_on_the_page() -> None:
    asked = question(*(offer(number) for number in range(1, 26)))
    assert "- **25**: " in markdown_page(ORDER, asked)
    assert "15 more are on this run's page" in markdown_form(asked)


def test_words_from_outside_make_no_link_or_cell() -> None:
    nasty = offer(1, platform="[pay](https://evil.example) | <img src=x>")
    shown = re.sub(r"\\.", "", markdown_page(ORDER, question(nasty, facts=("**`x`**",))).split("base64,")[1])
    assert "](https" not in shown
    assert "<img" not in shown


# coastlines


def test_the_coast_of_the_area_is_drawn_below_the_footprints() -> None:
    page = picture(markdown_page(ORDER, question(offer(1))))
    (land,) = paths(page, "l")
    assert land.count("L") > 20, "Tokyo Bay has a coast"
    kinds = [path.get("class") for path in page.iter(f"{SVG}path")]
    assert kinds.index("l") < kinds.index("c") < kinds.index("a")


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((139.0, 34.0, 141.0, 36.0), (0.2, 0.5)),  # Kanto
        ((10.0, 48.0, 11.0, 49.0), (1.0, 1.0)),  # Bavaria
        ((-150.0, 0.0, -140.0, 10.0), (0.0, 0.0)),  # the Pacific
        ((50.0, 40.0, 52.0, 42.0), (0.0, 0.3)),  # the Caspian Sea is no land
        ((176.0, 66.0, 184.0, 68.0), (0.9, 1.0)),  # Chukotka, over the 180° meridian
        ((-10.0, -89.0, 0.0, -80.0), (1.0, 1.0)),  # Antarctica
    ],
)
def test_land_is_where_it_is(box: tuple[float, float, float, float], share: tuple[float, float]) -> None:
    land = land_in(*box)
    got = land.area / ((box[2] - box[0]) * (box[3] - box[1]))
    assert share[0] - 1e-6 <= got <= share[1] + 1e-6


def test_no_line_is_drawn_along_the_180_degree_meridian() -> None:
    land = land_in(176.0, 66.0, 184.0, 68.0)
    assert land.geom_type == "Polygon", "both sides are one"


def test_a_copy_of_the_world_has_the_same_land() -> None:
    assert land_in(-221.0, 34.0, -219.0, 36.0).area == pytest.approx(land_in(139.0, 34.0, 141.0, 36.0).area)


def test_a_picture_of_a_wide_area_stays_small() -> None:
    norway = Area.model_validate("POLYGON ((5 58, 31 58, 31 71, 5 71, 5 58))")
    assert len(footprint_svg(norway, [], []).encode()) < 60_000
