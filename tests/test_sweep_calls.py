"""What a watch over many open orders of one account costs in calls, counted by the provider's own journal."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from tasking import watching
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.http.settings import HttpSettings
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tasking.ledger import Filter, Ledger, RequestRecord, open_ledger
from tasking.order import Order
from tasking.provider import Provider, Request
from tasking.simulator import Simulator, serve
from tests.test_iceye_terms import order as iceye_order

COUNT = 300
QUICK = HttpSettings(requests_per_second=10_000, own_clock=True)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Open = Callable[[], Provider]


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    with serve(seed=7) as running:
        yield running


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield opened
    opened.close()


def many(simulator: Simulator, ledger: Ledger, kind: str, order: Order, made: Request) -> None:
    """Copies of one request, at the provider and in the ledger: making each would take minutes."""
    (fact,) = simulator.world.store.all(kind)
    for number in range(COUNT):
        mark = uuid.UUID(int=number + 1)
        copy = json.loads(json.dumps(fact)) | {
            "id": str(mark) if kind == "iceye task" else base64.b64encode(f"Task:{mark}".encode()).decode(),
            "number": fact.get("number", 0) + 1 + number,
        }
        simulator.world.store.put(kind, copy["id"], copy)
        reference = f"sweep-{number:03}"
        last = made.model_copy(update={"id": copy["id"]})
        record = RequestRecord(attempt=1, label=reference, candidate=None, last=last)
        ledger.claim(
            reference,
            order.model_dump(mode="json"),
            provider=kind.partition(" ")[0],
            flow_run_id=str(mark),
            owner_is_gone=lambda _run: False,
        )
        ledger.record(reference, requests=[record], waits_for="imagery", status="received", look_after=LONG_AGO)


def sweep(simulator: Simulator, ledger: Ledger, opened: Open) -> list[tuple[str, str]]:
    """One look at all; the calls it took, without the token's."""
    records = ledger.orders(Filter(open_only=True, limit=10_000))
    for one in records:
        ledger.record(one.reference, look_after=LONG_AGO)
    simulator.world.journal.clear()
    provider = opened()
    try:
        assert watching.look(ledger, provider, ledger.orders(Filter(open_only=True, limit=10_000))) == COUNT
    finally:
        provider.close()
    calls = [(call["method"], call["path"]) for call in simulator.journal()]
    return [call for call in calls if not call[1].endswith("/token")]


def words(ledger: Ledger) -> set[str | None]:
    return {one.provider_status for one in ledger.orders(Filter(limit=10_000))}


def test_iceyes_scenes_are_asked_for_on_changes_and_near_the_imaging_only(simulator: Simulator, ledger: Ledger) -> None:
    client_id, secret = simulator.credentials
    settings = IceyeSettings(
        client_id=SecretStr(client_id),
        client_secret=SecretStr(secret),
        auth_url=simulator.iceye_auth_url,
        api_url=simulator.iceye_api_url,
        contract_id=simulator.iceye.contract_id(),
        http=QUICK,
    )

    def opened() -> Iceye:
        return Iceye(settings, transport=httpx.HTTPTransport(verify=False))

    now = simulator.clock.now().replace(microsecond=0)
    wanted = iceye_order(window={"start": now + timedelta(days=2), "end": now + timedelta(days=5)})
    with opened() as provider:
        made = provider.request(wanted, None, None, "sweep")  # type: ignore[arg-type]
    many(simulator, ledger, "iceye task", wanted, made)
    fewest = COUNT // 100 + 1  # pages of a hundred tasks; the copied one stands there as well
    assert len(sweep(simulator, ledger, opened)) <= 1.1 * fewest
    simulator.advance(1300)
    assert len(sweep(simulator, ledger, opened)) <= 1.1 * (fewest + COUNT)  # ACTIVE: each has a scene now
    assert words(ledger) == {"ACTIVE"}
    planned = ledger.read("sweep-007").requests[0].last
    for _ in range(3):
        simulator.advance(600)
        assert len(sweep(simulator, ledger, opened)) <= 1.1 * fewest
    again = ledger.read("sweep-007").requests[0].last
    assert (again.start, again.end, again.note, again.cancel_until) == (
        planned.start,
        planned.end,
        planned.note,
        planned.cancel_until,
    )
    assert planned.start is not None
    assert "planned at" in planned.note
    simulator.advance((planned.start - simulator.clock.now()).total_seconds() - 1800)
    near = sweep(simulator, ledger, opened)
    assert sum(path.endswith("/scene") for _, path in near) == COUNT  # half an hour before: it may have moved
    assert len(sweep(simulator, ledger, opened)) <= 1.1 * fewest
    simulator.advance(3600)
    sweep(simulator, ledger, opened)
    assert len(sweep(simulator, ledger, opened)) <= 1.1 * fewest


def test_axelglobes_requests_are_read_in_pages_only(simulator: Simulator, ledger: Ledger) -> None:
    client_id, secret = simulator.credentials
    settings = AxelGlobeSettings(
        api_url=simulator.api_url,
        token_url=simulator.token_url,
        client_id=SecretStr(client_id),
        client_secret=SecretStr(secret),
        http=QUICK,
    )

    def opened() -> AxelGlobe:
        return AxelGlobe(settings, transport=httpx.HTTPTransport(verify=False))

    now = simulator.clock.now().replace(microsecond=0)
    ring: list[Any] = [[139.7, 35.6], [139.85, 35.6], [139.85, 35.72], [139.7, 35.72], [139.7, 35.6]]
    window = {"start": now, "end": now + timedelta(days=10)}
    area = {"type": "Polygon", "coordinates": [ring]}
    wanted = AxelGlobeOrder.model_validate({"name": "Tokyo Bay", "area": area, "window": window})
    with opened() as provider:
        plan = provider.plan(wanted, "sweep")
        simulator.advance(1300)
        made = provider.request(wanted, plan.id, provider.candidates(plan.id)[-1], "sweep")
    many(simulator, ledger, "axelglobe request", wanted, made)
    fewest = -(-(COUNT + 1) // 20)
    for order in ("newest", "oldest"):
        simulator.switch(list_order=order)
        simulator.advance(1900)
        assert len(sweep(simulator, ledger, opened)) <= 1.1 * fewest
    assert words(ledger) == {"ACCEPTED"}
