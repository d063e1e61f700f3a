"""What a Prefect profile, the environment or the server can set changes nothing about an order's life."""

from __future__ import annotations

from typing import Any

from prefect.settings import (
    PREFECT_FLOWS_DEFAULT_RETRIES,
    PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS,
    PREFECT_LOGGING_LOG_PRINTS,
    PREFECT_RESULTS_DEFAULT_SERIALIZER,
    PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK,
    PREFECT_RESULTS_PERSIST_BY_DEFAULT,
    PREFECT_TASKS_DEFAULT_PERSIST_RESULT,
    PREFECT_TASKS_DEFAULT_RETRIES,
    PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS,
    temporary_settings,
)

from flows.order import order_name
from flows.pinned import Nowhere, pinned
from tasks.step import step

SET = {
    PREFECT_FLOWS_DEFAULT_RETRIES: 3,
    PREFECT_FLOWS_DEFAULT_RETRY_DELAY_SECONDS: 600,
    PREFECT_TASKS_DEFAULT_RETRIES: 7,
    PREFECT_TASKS_DEFAULT_RETRY_DELAY_SECONDS: 600,
    PREFECT_TASKS_DEFAULT_PERSIST_RESULT: True,
    PREFECT_RESULTS_PERSIST_BY_DEFAULT: True,
    PREFECT_RESULTS_DEFAULT_SERIALIZER: "pickle",
    PREFECT_RESULTS_DEFAULT_STORAGE_BLOCK: "s3-bucket/that-is-gone",
    PREFECT_LOGGING_LOG_PRINTS: True,
}


def as_set_from_outside() -> tuple[dict[str, Any], dict[str, Any]]:
    """What is set of a flow and of a step that are made now."""
    made = pinned("probe", flow_run_name=order_name)(lambda: None)
    task = step("probe")(lambda: None)
    told = ("retries", "retry_delay_seconds", "persist_result", "result_serializer", "log_prints", "timeout_seconds")
    of_flow = {name: getattr(made, name) for name in told}
    of_task = {name: getattr(task, name) for name in (*told, "cache_policy", "refresh_cache")}
    return of_flow | {"kept": type(made.result_storage)}, of_task


def test_what_is_set_from_outside_reaches_none_of_our_flows_and_steps() -> None:
    before = as_set_from_outside()
    assert before[0]["kept"] is Nowhere
    assert (before[0]["retries"], before[1]["retries"]) == (0, 1)
    with temporary_settings(SET):
        assert as_set_from_outside() == before
