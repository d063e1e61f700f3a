"""A process that is killed (SIGKILL) between sending a create and recording it: made once, and the order goes on."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from uuid import UUID

import pytest
from prefect.settings import PREFECT_API_URL

from flows.order_axelglobe import order_axelglobe
from tests.installation import Installation

pytestmark = pytest.mark.server

PLANS = "/wfs/tasking/v2/collections/plans/items"
REQUESTS = "/wfs/tasking/v2/collections/requests/items"

GO_ON = """
import sys
from uuid import UUID
from prefect import get_client
from prefect.exceptions import Pause
from prefect.flow_engine import run_flow
from flows.order_axelglobe import order_axelglobe
with get_client(sync_client=True) as client:
    run = client.read_flow_run(UUID(sys.argv[1]))
try:
    run_flow(order_axelglobe, flow_run=run, parameters=run.parameters, return_type="state")
except Pause:
    pass
"""


def in_a_process(run_id: UUID) -> subprocess.Popen[bytes]:
    env = {**os.environ, "PREFECT_API_URL": str(PREFECT_API_URL.value())}
    return subprocess.Popen([sys.executable, "-c", GO_ON, str(run_id)], env=env, stderr=subprocess.DEVNULL)


def kill_once_made(installation: Installation, run_id: UUID, wanted: tuple[int, int]) -> None:
    """Kill the run's process as soon as the provider has made the thing; the answer is still on its way."""
    process = in_a_process(run_id)
    try:
        give_up = time.monotonic() + 60
        while installation.created != wanted:
            assert process.poll() is None, "it ended before the provider made anything"
            assert time.monotonic() < give_up, "the provider was never asked"
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("created", [PLANS, REQUESTS])
def test_a_killed_process_is_no_second_order(installation: Installation, created: str) -> None:
    installation.simulator.switch(list_lag_seconds=60)
    installation.simulator.fault("delay_answer", method="POST", path=created, seconds=120)
    if created == PLANS:
        run = installation.create(order_axelglobe, order=installation.order())
        kill_once_made(installation, run.id, (1, 0))
    else:
        run = installation.start(order_axelglobe, order=installation.order())
        installation.pass_time(run)
        kill_once_made(installation, run.id, (1, 1))
    installation.retry(run)
    state = installation.to_the_end(installation.go_on(run.id))
    assert state.is_completed(), state
    assert installation.created == (1, 1)
