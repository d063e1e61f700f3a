"""A yes that comes after its create was given up is kept: the order knows all that was bought, and a person is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasking.simulator import serve
from tests.support.way import on_its_way


@pytest.mark.parametrize("provider", ["iceye", "satellogic"])
def test_of_two_under_one_label_the_one_that_the_order_does_not_know_is_found(tmp_path: Path, provider: str) -> None:
    with serve(seed=7) as simulator, on_its_way(simulator, tmp_path, provider) as way:
        chosen: Any = None
        known, other = (way.provider.request(way.order, None, chosen, "bay") for _ in range(2))
        found = way.provider.find_request(way.order, None, "bay", [known.id], True)
        assert found is not None
        assert found.id == other.id
        assert way.provider.find_request(way.order, None, "bay", [known.id, other.id], True) is None
