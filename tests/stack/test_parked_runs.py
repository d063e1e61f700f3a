"""Waits hold nothing, and what dies during one is no loss; simulator, Prefect server and workers are real processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest

from devstack.programs import kill_all
from devstack.stack import Stack
from tasking.delivery.verify import verify
from tasking.ledger import OrderRecord, open_ledger
from tests.support.prefect_database import copy_database

PATIENCE_SECONDS = 400.0
"""Prefect on SQLite can stand still for its lock's 60 s, and the machine may be busy."""


class Placed(NamedTuple):
    """An order and its flow run."""

    reference: str
    run_id: str


@pytest.fixture(scope="module")
def stack(prefect_database: Path) -> Iterator[Stack]:
    """A pool of one slot; the twenty minutes until there are candidates take one."""
    stack = Stack("axelglobe", rate=20, watch_seconds=15, watch_parameters={"lost_after_seconds": 20}, order_slots=1)
    copy_database(prefect_database, stack.folder / "prefect" / "prefect.db")
    with stack:
        yield stack


@pytest.fixture(scope="module")
def placed(stack: Stack) -> Placed:
    """An order that waits for candidates."""
    run_id = stack.order(stack.kit.order("bay", stack.provider_now()))
    placed = Placed("bay", run_id)
    waits_for(stack, placed, "candidates")
    return placed


@pytest.mark.parametrize("origin", ["http://127.0.0.1:1", "https://evil.example", "null"])
def test_a_page_from_elsewhere_in_the_operators_browser_gets_nothing(stack: Stack, origin: str) -> None:
    path = f"{stack.url}/api/block_documents/filter"
    body = {"include_secrets": True}

    stranger = httpx.post(path, json=body, headers={"Origin": origin}, trust_env=False)
    logged_in = stack.api.client.post(path, json=body, headers={"Origin": origin})
    asked_first = httpx.options(
        path, headers={"Origin": origin, "Access-Control-Request-Method": "POST"}, trust_env=False
    )

    assert stranger.status_code == 401
    assert b"client_secret" not in stranger.content
    assert logged_in.is_success, "this is the operator's own password, and the browser alone stands between"
    for answer in (stranger, logged_in, asked_first):
        assert answer.headers.get("access-control-allow-origin") is None


def record_of(stack: Stack, reference: str) -> OrderRecord | None:
    """What the ledger holds of an order."""
    with closing(open_ledger(stack.ledger_url)) as ledger:
        return ledger.find(reference)


def at_work(stack: Stack, flow: str) -> list[str]:
    """Runs of a flow that are Running and have a process."""
    return [run["id"] for run in stack.api.runs(flow, "RUNNING") if stack.processes(run["id"])]


def waits_for(stack: Stack, placed: Placed, what: str) -> None:
    """Wait until the order's run is parked, and until its process is gone."""

    def parked() -> bool:
        record = record_of(stack, placed.reference)
        return (
            stack.api.run(placed.run_id)["state_name"] == "AwaitingRetry"
            and record is not None
            and record.waits_for == what
            and not stack.processes(placed.run_id)
        )

    stack.wait_for(parked, PATIENCE_SECONDS, f"{placed.reference} to wait for {what} without a process")


def test_a_wait_holds_no_slot_and_says_what_for(stack: Stack, placed: Placed) -> None:
    run = stack.api.run(placed.run_id)

    assert run["state_name"] == "AwaitingRetry"
    assert run["state"]["message"].startswith("Waiting for candidates")
    assert run["infrastructure_pid"] is None
    assert stack.api.slots_held("orders") == 0


def test_in_a_pool_of_one_slot_another_run_has_its_turn_during_the_wait(stack: Stack, placed: Placed) -> None:
    late = stack.kit.order("late", stack.provider_now() - timedelta(days=30))
    other = stack.order(late)

    stack.wait_for(
        lambda: stack.api.run(other)["state_type"] == "FAILED", PATIENCE_SECONDS, "the other run to have its turn"
    )

    assert "is past" in stack.api.run(other)["state"]["message"]
    assert stack.api.run(placed.run_id)["state_name"] == "AwaitingRetry", "the first was still waiting"


def test_an_order_ends_well_although_everything_dies_during_its_waits(stack: Stack, placed: Placed) -> None:
    everything = (*stack.workers.values(), stack.server, stack.simulator)
    for program in everything:
        program.kill()
    stack.start(stack.simulator, stack.server)
    stack.start(*stack.workers.values())
    stack.sim.post("/_sim/clock", json={"advance_seconds": 1200}).raise_for_status()
    waits_for(stack, placed, "imagery")
    for program in everything:
        program.stop()
    stack.start(stack.simulator, stack.server)
    stack.start(*stack.workers.values())
    assert stack.api.slots_held("orders") == 0
    record = record_of(stack, placed.reference)
    assert record is not None
    due = stack.kit.products_due(record)
    assert due is not None
    stack.sim.post("/_sim/clock", json={"now": due.isoformat()}).raise_for_status()

    stack.wait_for(
        lambda: stack.api.run(placed.run_id)["state_type"] in ("COMPLETED", "FAILED"),
        PATIENCE_SECONDS,
        "the order to end",
    )

    assert stack.api.run(placed.run_id)["state"]["message"].startswith("Delivered")
    held = stack.kit.summary(stack.sim)
    assert stack.kit.made(held, placed.reference) == {"plans": 1, "requests": 1}
    assert stack.kit.spending(held, [placed.reference]) == [], "one credit"
    assert (stack.archive / placed.reference / "catalog.json").is_file()
    assert verify(stack.archive / placed.reference) == []


def test_watching_goes_on_after_a_watch_was_killed_together_with_the_server(stack: Stack) -> None:
    (watch, *_) = stack.wait_for(lambda: at_work(stack, "watch-orders"), PATIENCE_SECONDS, "a watch at work")
    stack.workers["ops"].kill()
    kill_all(stack.processes(watch))
    stack.server.kill()
    killed = datetime.now(UTC).isoformat()

    stack.start(stack.server)
    stack.start(stack.workers["ops"])

    def another() -> bool:
        done = stack.api.runs("watch-orders", "COMPLETED", start_time={"after_": killed})
        return any("open orders" in run["state"]["message"] for run in done)

    stack.wait_for(another, PATIENCE_SECONDS, "another watch to do its work")


def test_an_order_whose_worker_and_engine_were_killed_is_brought_back_and_planned_once(stack: Stack) -> None:
    run_id = stack.order(stack.kit.order("lost", stack.provider_now()))
    stack.wait_for(lambda: run_id in at_work(stack, "order-axelglobe"), PATIENCE_SECONDS, "the order to be at work")
    stack.workers["orders"].kill()
    kill_all(stack.processes(run_id))

    stack.start(stack.workers["orders"])

    waits_for(stack, Placed("lost", run_id), "candidates")
    assert stack.kit.made(stack.kit.summary(stack.sim), "lost")["plans"] == 1
    assert "AwaitingRetry" in [
        state["name"] for state in stack.api.states(run_id) if "lost" in (state["message"] or "")
    ]
