"""ICEYE's fees for a cancel, as steps in time: the same as `cancel_terms_of` says at each moment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tasking.iceye.conversions import cancel_terms_of, request_of
from tasking.iceye.models import Task
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tasking.lifecycle.deadlines import cancelling
from tasking.provider import CancelFees
from tests.support.iceye_answers import task

START = datetime(2026, 12, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
SETTINGS = IceyeSettings(client_id="me", client_secret="s", auth_url="https://auth.example.com")  # type: ignore[arg-type]


def made(hours_before: float, status: str = "ACTIVE") -> Task:
    """A task whose window starts so long after it was made."""
    window = {"start": START.isoformat(), "end": (START + 48 * HOUR).isoformat()}
    created = (START - hours_before * HOUR).isoformat()
    return Task.model_validate(task(status=status, acquisitionWindow=window, createdAt=created))


@pytest.mark.parametrize("hours_before", [200, 60, 30])
@pytest.mark.parametrize("passed", [0.5, 20, 45, 70, 150, 190, 230])
def test_each_step_is_what_a_cancel_costs_then(hours_before: float, passed: float) -> None:
    one = made(hours_before)
    now = START - (hours_before - passed) * HOUR
    request = request_of(one, None, SETTINGS, now)
    ahead = [step for step in request.cancel_fees if step.until > now]
    if now < START + 48 * HOUR:
        assert ahead[0].percent == cancel_terms_of(one, None, now).fee_percent
        assert "cancel costs" in cancelling(request, now)


def test_what_was_ordered_in_the_last_24_hours_cannot_be_cancelled_and_no_step_says_so() -> None:
    request = request_of(made(20), None, SETTINGS, START - 19 * HOUR)
    assert (request.cancel_fees, request.cancel_until) == ((), None)
    assert cancelling(request, START - 19 * HOUR) == ""


def test_all_of_the_price_counts_where_a_cancel_that_the_policy_forbids_was_taken_all_the_same() -> None:
    provider = Iceye(SETTINGS)
    assert isinstance(provider, CancelFees)
    assert provider.dearest_cancel_percent == 100


@pytest.mark.parametrize("status", ["FULFILLED", "DONE", "REJECTED", "CANCELED", "FAILED"])
def test_what_is_imaged_or_over_has_no_steps(status: str) -> None:
    assert request_of(made(200, status), None, SETTINGS, START - 190 * HOUR).cancel_fees == ()
