"""A capture of more items than are taken is told, and never delivered in part."""

from __future__ import annotations

from typing import Any

import pytest

from tasking.axelglobe import stac
from tasking.errors import UnexpectedAnswer
from tests.test_axelglobe_client import ITEM, STAC, listed, products

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
