"""By what a person finds an order in the UI: its tags, one timeline, its reference; and by which deployment it runs."""

from __future__ import annotations

import pytest

from tasking.order import REFERENCE
from tasking.order_run import own_reference
from tasks.step import ledger
from tests.support.installation import Installation


@pytest.mark.parametrize("name", ["Tōkyō Bay, December!", "東京湾", "Ñandú / Río", "x" * 100, "🛰", "-.-"])
def test_a_reference_is_made_of_the_name_in_any_script(installation: Installation, name: str) -> None:
    run_id, order = "01a21990-2c18-764e-a7ab-ef468e959626", installation.order(name=name, reference=None)
    made = own_reference(order, run_id, ledger)
    assert REFERENCE.fullmatch(made)
    assert made == made.lower()
    assert made.endswith("-a7abef468e959626")  # what the id begins with is the time, alike for all of a moment
    if name[0] == "T":
        assert made.startswith("tokyo-bay-december-")
    assert made == own_reference(order, run_id, ledger)
