"""A process that is killed (SIGKILL) between sending a create and recording it: made once, and the order goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from uuid import UUID

import pytest
from prefect.settings import PREFECT_API_URL

from tests.support.installation import Installation
from tests.support.order_kinds import KINDS

PLANS = "/wfs/tasking/v2/collections/plans/items"

GO_ON = """
import sys
from importlib import import_module
from uuid import UUID
from prefect import get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
with get_client(sync_client=True) as client:
    run = client.read_flow_run(UUID(sys.argv[1]))
flow = getattr(import_module(f"flows.{sys.argv[2]}"), sys.argv[2])
try:
    run_flow(flow, flow_run=run, parameters=run.parameters, return_type="state")
except Pause:
    pass
"""


def kill_once_made(run_id: UUID, flow: str, made: Callable[[], int]) -> None:
    """Kill the run's process as soon as the provider has made the thing; the answer is still on its way."""
    env = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    process = subprocess.Popen([sys.executable, "-c", GO_ON, str(run_id), flow], env=env, stderr=subprocess.DEVNULL)
    try:
        give_up = time.monotonic() + 120
        while not made():
            assert process.poll() is None, "it ended before the provider made anything"
            assert time.monotonic() < give_up, "the provider was never asked"
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("provider", KINDS)
def test_a_process_killed_after_ordering_is_no_second_order(installation: Installation, provider: str) -> None:
    kind, simulator = KINDS[provider], installation.simulator
    simulator.switch(list_lag_seconds=60)
    simulator.fault("delay_answer", method="POST", path=kind.create, seconds=300)
    run = installation.create(kind.flow, order=kind.order(installation))
    if provider != "iceye":  # the others wait for candidates first
        installation.pass_time(installation.go_on(run.id))
    kill_once_made(run.id, kind.flow.fn.__name__, lambda: len(kind.made(simulator)))
    installation.retry(run)
    state = installation.to_the_end(installation.go_on(run.id))
    assert state.is_completed(), state
    assert kind.made(simulator) == ["bay"]


def test_a_process_killed_after_planning_is_no_second_plan(installation: Installation) -> None:
    kind = KINDS["axelglobe"]
    installation.simulator.switch(list_lag_seconds=60)
    installation.simulator.fault("delay_answer", method="POST", path=PLANS, seconds=300)
    run = installation.create(kind.flow, order=kind.order(installation))
    kill_once_made(run.id, "order_axelglobe", lambda: installation.created[0])
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)
