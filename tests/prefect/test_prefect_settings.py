"""What a Prefect profile, the environment or the server can set changes nothing about an order's life."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.settings import (
    get_current_settings,
)
from prefect.states import Crashed

from flows.order_axelglobe import order_axelglobe
from tests.support.installation import Installation
from tests.support.run_states import set_state

ROOT = Path(__file__).parents[2]

HARMFUL = {
    "PREFECT_FLOWS_DEFAULT_RETRIES": "3",
    "PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS": "600",
    "PREFECT_TASKS_DEFAULT_RETRIES": "7",
    "PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS": "600",
    "PREFECT_TASKS_DEFAULT_PERSIST_RESULT": "true",
    "PREFECT_TASKS_REFRESH_CACHE": "true",
    "PREFECT_TASKS_DISABLE_CACHING": "false",
    "PREFECT_TASKS_RUNNER_THREAD_POOL_MAX_WORKERS": "1",
    "PREFECT_RESULTS_PERSIST_BY_DEFAULT": "true",
    "PREFECT_RESULTS_DEFAULT_SERIALIZER": "compressed/json",
    "PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK": "s3-bucket/that-is-gone",
    "PREFECT_RESULTS_LOCAL_STORAGE_PATH": "/dev/null/results",
    "PREFECT_LOGGING_LOG_PRINTS": "true",
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "tasking,httpx,httpcore",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "error",
    "PREFECT_LOGGING_TO_API_MAX_LOG_SIZE": "40",
    "PREFECT_LOGGING_TO_API_BATCH_SIZE": "400",
    "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.1",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
    "PREFECT_FLOW_RUN_EXECUTE_SIGTERM_BEHAVIOR": "reschedule",
    "PREFECT_CLIENT_MAX_RETRIES": "0",
}
"""Each away from its default; docs/decisions/0006-settings.md says of each why it does no harm."""


def lived(installation: Installation, run: FlowRun, **settings: str) -> FlowRun:
    """Have the run carried out as a worker does it, by Prefect's engine in a process with these settings."""
    spoken(run, **settings)
    return installation.read(run.id)


def spoken(run: FlowRun, **settings: str) -> str:
    """What the process of a run writes, which ends well."""
    ours = {
        "PREFECT_API_URL": str(get_current_settings().api.url),
        "TASKING_FLOWS_HOME": os.environ["TASKING_FLOWS_HOME"],
        "TASKING_INLINE_WAIT_SECONDS": "0",
        "PREFECT__FLOW_RUN_ID": str(run.id),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }
    command = [sys.executable, "-m", "prefect.engine"]
    done = subprocess.run(
        command, env={**os.environ, **ours, **settings}, cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_an_order_lives_as_without_whatever_is_set(installation: Installation) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order())
    with get_client(sync_client=True) as client:
        for tag in ("provider:axelglobe", "reference:bay", "order", "axelglobe"):
            client.request("POST", "/concurrency_limits/", json={"tag": tag, "concurrency_limit": 0})
    starts = 0
    while (run := lived(installation, run, **HARMFUL)).state_type != "COMPLETED":
        assert run.state is not None
        assert run.state.name == "AwaitingRetry", run.state
        assert run.empirical_policy.retry_type is None
        installation.pass_time(run)
        starts += 1
        assert starts < 6, run.state
    assert installation.created == (1, 1)
    assert installation.ledger.read("bay").status == "completed"


def test_a_run_that_was_created_with_retries_is_not_stranded_when_it_waits(installation: Installation) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order())
    with get_client(sync_client=True) as client:
        policy = {"retries": 3, "retry_delay": 1, "retry_type": "in_process"}
        client.request("PATCH", "/flow_runs/{id}", path_params={"id": run.id}, json={"empirical_policy": policy})
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "AwaitingRetry"
    assert (run.empirical_policy.retries, run.empirical_policy.retry_type) == (0, None)


def test_a_server_that_lists_fewer_runs_at_once_hides_none_from_the_watch(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [
        installation.start(order_axelglobe, deployed=True, order=installation.order(reference=f"bay-{number}"))
        for number in range(3)
    ]
    read_flow_runs = SyncPrefectClient.read_flow_runs

    def at_most_two(self: SyncPrefectClient, **asked: Any) -> list[FlowRun]:
        if asked.get("limit", 200) > 2:
            self.request("POST", "/flow_runs/filter", json={"limit": 100_000})  # refused as by such a server
        return read_flow_runs(self, **asked)

    monkeypatch.setattr(SyncPrefectClient, "read_flow_runs", at_most_two)
    for run in runs:
        set_state(run.id, Crashed())
    said = installation.watch()  # other tests' lost runs may be brought back as well
    assert said.startswith("3 open orders: ")
    assert said.endswith(" 0 tended")
    assert [installation.read(run.id).state_name for run in runs] == ["AwaitingRetry"] * 3


def test_an_order_that_cannot_be_taken_ends_with_its_sentence_and_no_traceback(installation: Installation) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order(account="axelglobe-tasking/no"))
    said = spoken(run)
    state = installation.read(run.id).state
    assert state is not None
    assert (state.is_failed(), str(state.message).startswith("account: axelglobe-tasking/no: ")) == (True, True)
    assert "unexpected exception" not in said
    assert "Traceback" not in said
