"""What a watch over many open orders of one account costs in calls, counted by the provider's own journal."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
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
from tasking.ledger import Ledger, OrderRecord, open_ledger
from tasking.provider import Provider, TaskingRequest
from tasking.simulator import Simulator, serve
from tests.support.iceye_orders import order as iceye_order

COUNT = 300
QUICK = HttpSettings(requests_per_second=10_000, own_clock=True)
Open = Callable[[], Provider]


@pytest.fixture
def simulator(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Simulator]:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))
    with serve(seed=7) as running:
        yield running


def many(simulator: Simulator, kind: str, made: TaskingRequest) -> dict[str, TaskingRequest]:
    """Copies of one request at the provider, as the ledger would hold them: making each would take minutes."""
    (fact,) = simulator.world.store.all(kind)
    known = {}
    for number in range(COUNT):
        mark = uuid.UUID(int=number + 1)
        copy = json.loads(json.dumps(fact)) | {
            "id": str(mark) if kind == "iceye task" else base64.b64encode(f"Task:{mark}".encode()).decode(),
            "number": fact.get("number", 0) + 1 + number,
        }
        simulator.world.store.put(kind, copy["id"], copy)
        known[copy["id"]] = made.model_copy(update={"id": copy["id"]})
    return known


def sweep(simulator: Simulator, opened: Open, known: dict[str, TaskingRequest]) -> list[str]:
    """One look at all by a process of its own, which knows what was read last; its calls without the token's."""
    stored = {key: TaskingRequest.model_validate_json(one.model_dump_json()) for key, one in known.items()}
    simulator.world.journal.clear()
    provider = opened()
    try:
        answers = provider.read(list(known), None, stored)
    finally:
        provider.close()
    assert len(answers) == COUNT
    known.update(answers)
    return [call["path"] for call in simulator.journal() if not call["path"].endswith("/token")]


def words(known: dict[str, TaskingRequest]) -> set[str]:
    return {one.provider_status for one in known.values()}


def test_iceyes_scenes_are_asked_for_on_changes_and_near_the_imaging_only(simulator: Simulator) -> None:
    client_id, secret = simulator.credentials
    settings = IceyeSettings(
        client_id=SecretStr(client_id),
        client_secret=SecretStr(secret),
        auth_url=simulator.iceye.auth_url,
        api_url=simulator.iceye.api_url,
        contract_id=simulator.iceye.contract_id(),
        http=QUICK,
    )

    def opened() -> Iceye:
        return Iceye(settings, transport=httpx.HTTPTransport(verify=False))

    now = simulator.clock.now().replace(microsecond=0)
    wanted = iceye_order(window={"start": now + timedelta(days=2), "end": now + timedelta(days=5)})
    with opened() as provider:
        made = provider.request(wanted, None, None, "sweep")  # type: ignore[arg-type]
    known = many(simulator, "iceye task", made)
    fewest = COUNT // 100 + 1  # pages of a hundred tasks; the copied one stands there as well
    assert len(sweep(simulator, opened, known)) <= 1.1 * fewest
    simulator.advance(1300)
    assert len(sweep(simulator, opened, known)) <= 1.1 * (fewest + COUNT)  # ACTIVE: each has a scene now
    assert words(known) == {"ACTIVE"}
    planned = known[str(uuid.UUID(int=8))]
    for _ in range(3):
        simulator.advance(600)
        assert len(sweep(simulator, opened, known)) <= 1.1 * fewest
    again = known[str(uuid.UUID(int=8))]
    assert (again.start, again.end, again.note, again.cancel_until) == (
        planned.start,
        planned.end,
        planned.note,
        planned.cancel_until,
    )
    assert planned.start is not None
    assert "planned at" in planned.note
    simulator.advance((planned.start - simulator.clock.now()).total_seconds() - 1800)
    near = sweep(simulator, opened, known)
    assert sum(path.endswith("/scene") for path in near) == COUNT  # half an hour before: it may have moved
    assert len(sweep(simulator, opened, known)) <= 1.1 * fewest
    simulator.advance(3600)
    sweep(simulator, opened, known)
    assert len(sweep(simulator, opened, known)) <= 1.1 * fewest


def axelglobe(simulator: Simulator) -> AxelGlobe:
    client_id, secret = simulator.credentials
    settings = AxelGlobeSettings(
        api_url=simulator.axelglobe.api_url,
        token_url=simulator.axelglobe.token_url,
        client_id=SecretStr(client_id),
        client_secret=SecretStr(secret),
        http=QUICK,
    )
    return AxelGlobe(settings, transport=httpx.HTTPTransport(verify=False))


def tokyo_bay(simulator: Simulator) -> AxelGlobeOrder:
    now = simulator.clock.now().replace(microsecond=0)
    ring: list[Any] = [[139.7, 35.6], [139.85, 35.6], [139.85, 35.72], [139.7, 35.72], [139.7, 35.6]]
    window = {"start": now, "end": now + timedelta(days=10)}
    area = {"type": "Polygon", "coordinates": [ring]}
    return AxelGlobeOrder.model_validate({"name": "Tokyo Bay", "area": area, "window": window})


def test_axelglobes_requests_are_read_in_pages_only(simulator: Simulator) -> None:
    def opened() -> AxelGlobe:
        return axelglobe(simulator)

    wanted = tokyo_bay(simulator)
    with opened() as provider:
        plan = provider.plan(wanted, "sweep")
        simulator.advance(1300)
        made = provider.request(wanted, plan.id, provider.candidates(plan.id)[-1], "sweep")
    known = many(simulator, "axelglobe request", made)
    fewest = -(-(COUNT + 1) // 20)
    for order in ("newest", "oldest"):
        simulator.switch(list_order=order)
        simulator.advance(1900)
        assert len(sweep(simulator, opened, known)) <= 1.1 * fewest
    assert words(known) == {"ACCEPTED"}


def waiting_for_candidates(simulator: Simulator, ledger: Ledger) -> list[OrderRecord]:
    """Orders with a plan each, as the ledger would hold them; one of them is in it."""
    wanted = tokyo_bay(simulator)
    with axelglobe(simulator) as provider:
        provider.plan(wanted, "sweep")
    order = {**wanted.model_dump(mode="json"), "account": "axelglobe-tasking/default"}
    held = ledger.claim("sweep", order, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _run: False)
    (fact,) = simulator.world.store.all("axelglobe plan")
    records = []
    for number in range(COUNT):
        plan_id = base64.b64encode(f"TaskPlan:{uuid.UUID(int=number + 1)}".encode()).decode()
        copy = json.loads(json.dumps(fact)) | {"id": plan_id, "number": fact["number"] + 1 + number}
        simulator.world.store.put("axelglobe plan", plan_id, copy)
        due = {"plan_id": plan_id, "waits_for": "candidates", "next_poll_at": ledger.now()}
        records.append(held.model_copy(update={"reference": f"sweep-{number}", **due}))
    return records


def test_axelglobes_plans_are_read_in_pages_only(
    simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: dict[str, dict[str, Any]] = {}
    monkeypatch.setattr(Ledger, "record", lambda _self, reference, **fields: written.update({reference: fields}))
    fewest = -(-(COUNT + 1) // 20)
    with closing(open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")) as ledger:
        records = waiting_for_candidates(simulator, ledger)
        for order, passed, woken in (("newest", 60, 0), ("oldest", 1900, COUNT)):
            simulator.switch(list_order=order)
            simulator.advance(passed)
            simulator.world.journal.clear()
            written.clear()
            with axelglobe(simulator) as provider:
                assert watching.poll_account(ledger, provider, records) == COUNT
            calls = [call for call in simulator.journal() if not call["path"].endswith("/token")]
            assert len(calls) <= 1.1 * fewest
            assert len(written) == COUNT
            assert sum(fields["news_at"] is not None for fields in written.values()) == woken
