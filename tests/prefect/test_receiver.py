"""The webhook receiver: whoever may notify us wakes an order, and nobody can do harm."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta

import httpx
import pytest

from blocks.webhook_receiver import WebhookReceiver
from flows.order_iceye import order_iceye
from flows.receiver import from_settings
from flows.receiver.wake_queue import Due, find_orders
from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable
from tasking.ledger import Ledger
from tests.support.installation import Installation
from tests.support.receiver import CLIENT, served


def unreadable(_ledger: Ledger, reference: str) -> None:
    raise LedgerUnavailable(f"the code on this machine cannot read order {reference}")


def test_the_providers_webhook_brings_a_parked_run_forward(
    installation: Installation, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    WebhookReceiver.model_validate({"client_id": "iceye", "client_secret": CLIENT}).save("default", overwrite=True)
    caplog.set_level(logging.DEBUG)
    with served(from_settings()) as address:
        oauth = {"token_url": f"{address}/token", "client_id": "iceye", "client_secret": CLIENT}
        registered = httpx.post(
            f"{installation.simulator.url}/_sim/iceye/webhooks", json={"url": f"{address}/iceye", "oauth": oauth}
        )
        now = installation.simulator.clock.now()
        order = {
            "name": "Tokyo Bay",
            "reference": "bay",
            "point": {"type": "Point", "coordinates": [139.8, 35.6]},
            "window": {"start": now + timedelta(days=2), "end": now + timedelta(days=9)},
            "webhook_id": registered.json()["id"],
        }
        run = installation.start(order_iceye, order=order_iceye.validate_parameters({"order": order})["order"])
        assert run.state is not None
        due = run.state.state_details.scheduled_time
        assert due is not None
        assert due > utc_now() + timedelta(minutes=5)
        installation.simulator.advance(20 * 60)  # ICEYE has decided, and says so

        give_up = utc_now() + timedelta(seconds=60)
        while (run := installation.read(run.id)).state is None or run.state.state_details.scheduled_time == due:
            assert utc_now() < give_up, installation.simulator.iceye.webhooks.sent()
            threading.Event().wait(0.1)

    assert run.state.name == "AwaitingRetry"
    assert run.state.state_details.scheduled_time is not None
    assert run.state.state_details.scheduled_time <= utc_now()
    assert "webhook" in str(run.state.message)
    record = installation.ledger.read("bay")
    assert record.next_poll_at is not None
    assert record.next_poll_at <= utc_now(), "should the run have been at work, the next sweep asks"
    ids = frozenset({record.requests[0].last.id, "another-word"})
    assert find_orders("iceye", ids) == [Due("bay", str(run.id))]
    assert find_orders("satellogic", ids) == []
    with monkeypatch.context() as patch:  # as if newer code had written the order: its run is woken all the same
        patch.setattr(Ledger, "find", unreadable)
        assert find_orders("iceye", ids) == [Due("bay", str(run.id))]
    assert [one["status"] for one in installation.simulator.iceye.webhooks.sent()] == [202]
    run = installation.go_on(run.id)
    assert "ACTIVE" in str(run.state and run.state.message)
    assert CLIENT not in caplog.text
