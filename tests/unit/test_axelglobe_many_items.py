"""A capture of more items than are taken is told, and never delivered in part."""

from __future__ import annotations

from typing import Any

import pytest

from tasking.axelglobe import stac
from tasking.errors import UnexpectedAnswer
from tests.support.axelglobe_answers import ITEM, STAC, listed, products

MOST = 4


def tiles(count: int) -> list[dict[str, Any]]:
    return [{**ITEM, "id": f"tile-{number}"} for number in range(count)]


@pytest.mark.parametrize("count", [MOST - 1, MOST])
def test_all_tiles_of_a_capture_are_listed(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(stac, "MOST_ITEMS", MOST)
    given = tiles(count)
    items, _ = products(listed(*given[:2], href=f"{STAC}?page=2"), listed(*given[2:]))
    assert [item["id"] for item in items] == [item["id"] for item in given]


@pytest.mark.parametrize("on_the_first_page", [MOST - 1, MOST, MOST + 1])
def test_a_capture_of_too_many_tiles_is_not_cut_to_a_part(
    monkeypatch: pytest.MonkeyPatch, on_the_first_page: int
) -> None:
    monkeypatch.setattr(stac, "MOST_ITEMS", MOST)
    given = tiles(MOST + 2)
    first = listed(*given[:on_the_first_page], href=f"{STAC}?page=2")
    with pytest.raises(UnexpectedAnswer, match=f"more than {MOST} items"):
        products(first, listed(*given[on_the_first_page:]))


@pytest.mark.parametrize("link", [{"type": "application/geo+json"}, {"href": None}, {"href": ""}])
@pytest.mark.parametrize(("matched", "why"), [(5, "4 of 5 items"), (None, "after 4 items, has no address")])
def test_a_list_that_goes_on_without_saying_where_is_not_cut_there(
    link: dict[str, Any], matched: int | None, why: str
) -> None:
    given = tiles(4)
    last = listed(*given[2:], matched=matched)
    last["links"].append({"rel": "next", **link})
    with pytest.raises(UnexpectedAnswer, match=why):
        products(listed(*given[:2], matched=matched, href=f"{STAC}?page=2"), last)


def test_a_list_of_fewer_items_than_it_counts_is_not_taken_for_all() -> None:
    given = tiles(4)
    for last in (listed(*given[2:], matched=5), listed(matched=5), listed(given[1], given[0], matched=4)):
        with pytest.raises(UnexpectedAnswer, match="items of the capture are listed; none are taken"):
            products(listed(*given[:2], href=f"{STAC}?page=2"), last)


@pytest.mark.parametrize("matched", [0, 2, 4, None, "many", -1, True])
def test_a_list_is_whole_when_all_items_came_that_it_counts(matched: Any) -> None:
    """Also where the last page announces a next one without an address, as the document's examples do."""
    given = tiles(4)
    last = {**listed(*given[2:]), "numberMatched": matched}
    if isinstance(matched, int) and not isinstance(matched, bool) and matched >= 0:
        last["links"].append({"rel": "next", "type": "application/geo+json"})
    items, _ = products(listed(*given[:2], href=f"{STAC}?page=2"), last)
    assert len(items) == 4
