"""A moment in a form of Prefect's is read as what the person meant, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.survey_site import survey_site
from tests.support.order_fields import GOOD

CASES = Path(__file__).parents[1] / "fixtures" / "input"


def test_a_survey_with_compact_dates_is_refused_before_it_orders() -> None:
    case = json.loads((CASES / "survey_basic_date.json").read_text())
    with pytest.raises(Exception, match=r"window\.start: 20270104: a bare number is not a date and time; write 2027-"):
        survey_site.validate_parameters(case)


@pytest.mark.parametrize("hours", [-1, float("nan"), float("inf"), 1e9, "2027-01-04"])
def test_a_survey_starts_some_hours_ahead_and_not_at_a_date(hours: object) -> None:
    with pytest.raises(Exception, match="starts_in_hours"):
        survey_site.validate_parameters({"site": "bay", "order": GOOD, "starts_in_hours": hours})
