"""ICEYE as a provider: found again, read, cancelled, and one order from quote to files against the simulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tasking.delivery.outcome import Delivery
from tasking.delivery.verify import verify
from tasking.errors import InvalidOrder, Uncertain, UnexpectedAnswer
from tasking.iceye.order import IceyeOrder
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tasking.simulator import Simulator, serve
from tasking.status import StatusCode
from tests.support.delivery import deliver
from tests.support.iceye_answers import HTTP
from tests.support.iceye_orders import order
from tests.support.openapi_contract import assert_request_valid

DAY = timedelta(days=1)


# against the simulator -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with serve(seed=7) as running:
        yield running


def opened(simulator: Simulator) -> Iceye:
    client_id, secret = simulator.credentials
    settings = IceyeSettings(
        client_id=SecretStr(client_id),
        client_secret=SecretStr(secret),
        auth_url=simulator.iceye.auth_url,
        api_url=simulator.iceye.api_url,
        contract_id=simulator.iceye.contract_id(),
        http=HTTP,
    )
    return Iceye(settings, transport=httpx.HTTPTransport(verify=False))


def order_at(simulator: Simulator, **changes: Any) -> IceyeOrder:
    now = simulator.clock.now().replace(microsecond=0)
    return order(window={"start": now + 2 * DAY, "end": now + 5 * DAY}, **changes)


@pytest.mark.parametrize("shape", ["stac", "flat"])
def test_an_order_goes_from_quote_to_all_products_in_one_catalog(
    simulator: Simulator, tmp_path: Path, shape: str
) -> None:
    simulator.iceye.switch(product_shape=shape)
    since = max((call["index"] for call in simulator.journal()), default=0)
    wanted, label = order_at(simulator), f"whole-{shape}"
    with opened(simulator) as provider:
        provider.check(wanted)
        quote = provider.quote(wanted)
        assert quote.price is not None
        assert quote.price > 0
        assert provider.find_request(wanted, None, label) is None
        request = provider.request(wanted, None, None, label)  # type: ignore[arg-type]
        again = provider.find_request(wanted, None, label)
        assert again is not None
        assert again.id == request.id
        delivered: dict[str, Delivery] = {}
        for _ in range(60):
            if request.provider_status == "DONE":
                break
            left = (request.next_look_at - simulator.clock.now()).total_seconds()
            simulator.advance(max(left, 0) + 5)
            request = provider.read([request.id])[request.id]
            if request.capture_ids and request.provider_status not in delivered:
                items = provider.products(request)
                if request.provider_status == "DONE":
                    simulator.advance(3700)  # every address has expired
                delivered[request.provider_status] = deliver(
                    label,
                    items,
                    tmp_path,
                    provider.open_asset,
                    title="t",
                    description="d",
                    order_facts={},
                    wait_seconds=0,
                )
    first, rest = delivered["FULFILLED"], delivered["DONE"]
    assert set(first.items) < set(rest.items)
    assert 0 < rest.new_files < len(rest.files)
    assert verify(rest.folder) == []
    assert len(simulator.iceye.summary()["tasks_by_reference"][label]) == 1
    sent = simulator.journal(path="*/tasking/v2/*", since=since)
    assert len(sent) > 8
    for call in sent:
        body = call.get("body")
        body = json.loads(body) if isinstance(body, str) and body else body or None
        query = dict(httpx.QueryParams(call.get("query") or ""))
        assert_request_valid(call["method"], call["path"], body, query)


def test_a_create_whose_answer_is_lost_made_one_task_that_is_found_again(simulator: Simulator) -> None:
    simulator.fault("reset_after", method="POST", path="*/tasks")
    wanted = order_at(simulator, point=[139.7, 35.6])
    with opened(simulator) as provider:
        with pytest.raises(Uncertain):
            provider.request(wanted, None, None, "lost")  # type: ignore[arg-type]
        there = provider.find_request(wanted, None, "lost")
        assert there is not None
    assert simulator.iceye.summary()["tasks_by_reference"]["lost"] == [there.id]


def test_a_task_is_cancelled_and_then_no_more(simulator: Simulator) -> None:
    with opened(simulator) as provider:
        request = provider.request(order_at(simulator), None, None, "cancel")  # type: ignore[arg-type]
        assert provider.cancel_terms(request.id).allowed
        simulator.fault("reset_after", method="PATCH")
        assert provider.cancel(request.id).status is StatusCode.USER_CANCELLED
        assert provider.cancel(request.id).provider_status == "CANCELED"
        assert not provider.cancel_terms(request.id).allowed


def test_a_window_of_two_hours_stops_before_money_is_spent(simulator: Simulator) -> None:
    now = simulator.clock.now().replace(microsecond=0)
    short = order(window={"start": now + DAY, "end": now + DAY + timedelta(hours=2)})
    before = len(simulator.iceye.tasks())
    with opened(simulator) as provider, pytest.raises(InvalidOrder, match="24 at least; end it at"):
        provider.quote(short)
    assert len(simulator.iceye.tasks()) == before


def test_a_broken_list_never_makes_an_order_look_unplaced(simulator: Simulator) -> None:
    wanted = order_at(simulator)
    with opened(simulator) as provider:
        made = provider.request(wanted, None, None, "broken")  # type: ignore[arg-type]
        simulator.fault("malformed", how="wrong_shape", method="GET", path="*/tasks")
        with pytest.raises(UnexpectedAnswer):
            provider.find_request(wanted, None, "broken")
        there = provider.find_request(wanted, None, "broken")
        assert there is not None
        assert there.id == made.id
