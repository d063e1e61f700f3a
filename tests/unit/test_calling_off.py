"""What is wanted no more is called off where that is free, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasking.clock import ProviderClock
from tasking.errors import Refused, Uncertain
from tasking.iceye.order import IceyeOrder
from tasking.ledger import Ledger, OrderRecord, RequestRecord, open_ledger
from tasking.lifecycle.calling_off import call_off
from tasking.provider import CancelTerms, TaskingRequest
from tasking.status import OrderStatus, StatusCode
from tests.support.sessions import session_of

NOW = datetime(2026, 12, 1, tzinfo=UTC)
WINDOW = {"start": NOW, "end": NOW + timedelta(days=7)}
ORDER = IceyeOrder.model_validate({"name": "Bay", "point": "POINT (139.8 35.6)", "window": WINDOW})


def request(status: StatusCode) -> TaskingRequest:
    return TaskingRequest(id="r", status=status, provider_status=status, next_look_at=NOW, give_up_at=NOW)


class Cancelling:
    """A provider that takes cancels, as `says`."""

    name, environment, poll_interval_seconds = "iceye", "here", 60.0

    def __init__(self, says: Any, **terms: Any) -> None:
        self.says, self.terms, self.clock = (
            says,
            {"allowed": True, "message": "A cancel costs 20 %", **terms},
            ProviderClock(),
        )
        self.cancelled = 0

    def cancel_terms(self, request_id: str) -> CancelTerms:
        assert request_id == "r"
        return CancelTerms(**self.terms)

    def cancel(self, request_id: str) -> TaskingRequest:
        self.cancelled += 1
        if isinstance(self.says, Exception):
            raise self.says
        assert isinstance(self.says, TaskingRequest)
        return self.says


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as book:
        book.claim("bay", ORDER.model_dump(mode="json"), provider="iceye", flow_run_id="run", owner_is_gone=bool)
        yield book


def ordered(ledger: Ledger, **fields: Any) -> OrderRecord:
    made = RequestRecord(attempt=1, label="bay", candidate=None, last=request(StatusCode.ACCEPTED))
    return ledger.record("bay", requests=[made], **{"environment": "here", **fields})


CANCELLED = request(StatusCode.USER_CANCELLED)


@pytest.mark.parametrize("fee", [0.0, None])
def test_a_request_is_cancelled_where_no_fee_is_due_or_named(ledger: Ledger, fee: float | None) -> None:
    ordered(ledger)
    provider = Cancelling(CANCELLED, fee_percent=fee)
    assert call_off(session_of(ledger, provider, ORDER), "another one has delivered") is None
    record = ledger.read("bay")
    assert (record.called_off, record.cancel_asked, record.ended) == ("another one has delivered", True, None)
    assert record.requests[0].last.status is StatusCode.USER_CANCELLED
    assert provider.cancelled == 1


@pytest.mark.parametrize(
    ("terms", "fields", "why"),
    [
        ({"fee_percent": 20.0}, {}, "costs 20 %"),
        ({"allowed": False, "message": "it is too late"}, {}, "too late"),
        ({"fee_percent": 0.0}, {"environment": "elsewhere"}, "begun at elsewhere"),
    ],
)
def test_what_is_not_free_or_not_ours_goes_on(ledger: Ledger, terms: Any, fields: Any, why: str) -> None:
    ordered(ledger, **fields)
    provider = Cancelling(CANCELLED, **terms)
    assert why in str(call_off(session_of(ledger, provider, ORDER), "it is late"))
    assert provider.cancelled == 0
    assert ledger.read("bay").called_off is None


def test_a_refused_cancel_leaves_no_mark_and_an_unclear_one_does(ledger: Ledger) -> None:
    ordered(ledger)
    refused = Cancelling(Refused("no", provider="iceye", verb="cancel"), fee_percent=0.0)
    assert "no" in str(call_off(session_of(ledger, refused, ORDER), "it is late"))
    assert (ledger.read("bay").called_off, ledger.read("bay").cancel_asked) == (None, False)
    unclear = Cancelling(Uncertain("?", provider="iceye", verb="cancel"), fee_percent=0.0)
    with pytest.raises(Uncertain):
        call_off(session_of(ledger, unclear, ORDER), "it is late")
    assert ledger.read("bay").called_off == "it is late"


def test_before_the_request_it_ends_and_one_in_doubt_is_not_sent_again(ledger: Ledger) -> None:
    provider = Cancelling(CANCELLED)
    intent = ledger.record_intent("bay", "request", "bay", NOW, NOW)
    assert intent is not None
    assert "not known yet" in str(call_off(session_of(ledger, provider, ORDER), "it is late"))
    assert (ledger.read("bay").cancel_asked, ledger.read("bay").ended) == (True, None)
    ledger.close_intent("bay", intent, "absent", "it never arrived")
    assert call_off(session_of(ledger, provider, ORDER), "it is late") is None
    record = ledger.read("bay")
    assert (record.order_status, record.called_off) == (OrderStatus.CANCELLED, "it is late")
    assert provider.cancelled == 0
