"""One AxelGlobe order from plan to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError

from flows import order, parking
from flows.order_axelglobe import order_axelglobe
from tasking.delivery.catalog import verify
from tests.support.installation import Installation


def test_an_order_comes_home_as_a_whole_catalog(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []
    assert installation.created == (1, 1)
    record = installation.ledger.read("bay")
    assert (record.status, record.outcome) == ("completed", state.message)
    with get_client(sync_client=True) as client:
        shown = client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        )
    assert {one.key for one in shown} == {"order-bay-candidates", "order-bay-timeline", "order-bay-delivered"}
    assert "data:image/svg+xml;base64," in str(next(one.data for one in shown if one.key == "order-bay-candidates"))


def test_an_order_is_not_closed_because_prefect_did_not_answer_when_it_went_to_wait(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, broken = SyncPrefectClient.set_flow_run_state, [500, 504]

    def set_flow_run_state(self: SyncPrefectClient, run_id: UUID, state: State[Any], **rest: Any) -> Any:
        if state.name == "AwaitingRetry" and broken:
            request = httpx.Request("POST", "http://prefect/set_state")
            answer = httpx.Response(broken.pop(), request=request)
            raise PrefectHTTPStatusError("Server error", request=request, response=answer)
        return original(self, run_id, state, **rest)

    monkeypatch.setattr(SyncPrefectClient, "set_flow_run_state", set_flow_run_state)
    monkeypatch.setattr(parking, "AGAIN_SECONDS", 0.01)
    run = installation.start(order_axelglobe, order=installation.order())
    assert run.state is not None
    assert run.state.name == "AwaitingRetry"
    assert broken == []
    assert installation.ledger.read("bay").ended is None


def test_an_order_whose_run_is_deleted_while_it_works_stays_open(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.create(order_axelglobe, order=installation.order())

    def deleted(*_args: object) -> None:
        with get_client(sync_client=True) as client:
            client.delete_flow_run(run.id)

    monkeypatch.setattr(order, "show_timeline", deleted)
    with pytest.raises(ObjectNotFound):
        installation.go_on(run.id)
    assert installation.created == (1, 0)
    assert installation.ledger.read("bay").ended is None  # the watcher starts another run for it


def test_an_unusable_order_is_refused_with_the_field_the_value_and_the_fix(installation: Installation) -> None:
    order: Any = {
        "name": "Nowhere",
        "area": "POLYGON ((35.5 139.7, 35.7 139.7, 35.7 139.9, 35.5 139.7))",
        "window": {"start": "2026-12-01T00:00:00", "end": "2026-12-03T00:00:00Z"},
    }
    run = installation.start(order_axelglobe, order=order)
    assert run.state is not None
    assert run.state.is_failed()
    assert run.name == "Nowhere"
    said = str(run.state.message)
    assert "area.coordinates[0][0]: [35.5, 139.7]: longitude comes first; write [139.7, 35.5]" in said
    assert "window.start: 2026-12-01T00:00:00: has no zone; write 2026-12-01T00:00:00Z" in said
    assert installation.simulator.journal() == []
