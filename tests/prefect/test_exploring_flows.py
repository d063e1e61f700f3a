"""What is asked without ordering, as a person and a program see it in Prefect; and windows that count from a turn."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Crashed, Running, Scheduled

from flows.explore_order import explore_order
from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import recoverable_flows
from tasking.clock import utc_now
from tests.support.installation import Installation
from tests.support.order_kinds import KINDS


def shown(run: FlowRun) -> dict[str, Any]:
    """The artifacts of a run, by key."""
    which = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
    with get_client(sync_client=True) as client:
        return {str(one.key): one.data for one in client.read_artifacts(artifact_filter=which)}


def test_a_dry_run_shows_what_would_be_ordered_to_people_and_programs(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order(), dry_run=True)
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert "It would order the capture by" in str(state.message)
    assert installation.created == (1, 0)
    (reference,) = (tag.partition(":")[2] for tag in installation.read(run.id).tags if tag.startswith("reference:"))
    assert "dry-run" in installation.read(run.id).tags
    there = shown(run)
    assert {f"order-{reference}-dry-run", f"order-{reference}-dry-run-options"} <= set(there)
    rows = json.loads(there[f"order-{reference}-dry-run-options"])
    (wished,) = (one for one in rows if one["wished"])
    assert wished == rows[0]
    assert wished["account"] == "axelglobe-tasking/default"


def test_an_exploration_ranks_all_accounts_in_one_table(installation: Installation) -> None:
    run = installation.start(explore_order, orders=[installation.order(), KINDS["iceye"].order(installation)])
    assert run.state is not None
    assert run.state.name == "AwaitingRetry", "AxelGlobe's candidates take their time, and no process waits for them"
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert "The best is of" in str(state.message)
    rows = json.loads(shown(run)["exploration-options"])
    assert {one["account"] for one in rows} == {"axelglobe-tasking/default", "iceye-tasking/default"}
    assert installation.created == (1, 0)
    assert installation.simulator.iceye.tasks() == []


def test_a_lost_exploration_is_brought_back(installation: Installation) -> None:
    run = installation.start(explore_order, deployed=True, orders=[installation.order()])
    installation.set_state(run.id, Running(), force=True)
    installation.set_state(run.id, Crashed(message="the machine died"), force=True)
    assert explore_order.name in recoverable_flows()
    assert "1 recovered" in installation.watch()
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 0)


def test_what_cannot_be_studied_is_named_by_its_place(installation: Installation) -> None:
    wish: Any = {"name": "Bay", "account": "nobody-tasking/default"}
    run = installation.start(explore_order, orders=[wish])
    assert run.state is not None
    assert run.state.is_failed()
    assert "orders[0].account: nobody-tasking/default: it tells whose order this is" in str(run.state.message)


def test_the_window_of_a_turn_counts_from_its_scheduled_time_at_every_start(installation: Installation) -> None:
    due = utc_now().replace(microsecond=0) - timedelta(hours=3)
    wish = installation.order(reference=None).model_dump(mode="json") | {
        "area": {
            "__prefect_kind": "json",
            "value": json.dumps(installation.order().area.geometry),
        },  # as the UI keeps it
        "window": {"starts_in": "P2D", "lasts": "P7D"},
    }
    scheduled: State[Any] = Scheduled(scheduled_time=due)
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(order_axelglobe, parameters={"order": wish}, state=scheduled)
    installation.runs[run.id] = (order_axelglobe, {"order": wish})
    run = installation.go_on(run.id)
    while installation.created[1] == 0:
        installation.pass_time(run)
        run = installation.go_on(run.id)
        (record,) = (one for one in installation.ledger.orders() if one.flow_run_id == str(run.id))
        start = (due + timedelta(days=2)).isoformat().replace("+00:00", "Z")
        end = (due + timedelta(days=9)).isoformat().replace("+00:00", "Z")
        assert record.order["window"] == {"start": start, "end": end}
    with get_client(sync_client=True) as client:
        assert client.read_flow_run(run.id).expected_start_time == due
