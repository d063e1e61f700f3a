"""The environment of the stack's programs: nothing of the user's Prefect, everything in one folder."""

from __future__ import annotations

import os
from pathlib import Path

STACK_MARK = "TASKING_FLOWS_STACK"
"""Set for all programs of a stack, and for what they start: tells our processes from all others."""


RETRIED = "500,504"
"""Answers of Prefect that its client repeats, too, as in prefect.yaml: else one at a run's end fails the run."""


def environment(folder: Path, url: str, password: str, inline_wait_seconds: float) -> dict[str, str]:
    """This process's environment without any settings of the user's Prefect, and with those of one stack.

    Args:
        folder: Where everything is kept.
        url: The stack's Prefect server. Only its own pages may call its API from a browser.
        password: What the server's API asks of everybody, as ``user:password``.
        inline_wait_seconds: See `flows.parking.inline_seconds`.
    """
    temporary = folder / "tmp"
    temporary.mkdir()
    mine = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "TASKING_"))}
    mine |= {
        STACK_MARK: str(folder),
        "TASKING_FLOWS_HOME": str(folder / "home"),
        "TASKING_INLINE_WAIT_SECONDS": f"{inline_wait_seconds:g}",
        "TMPDIR": str(temporary),  # what a killed process leaves goes with the rest
        "PREFECT_HOME": str(folder / "prefect"),
        "PREFECT_API_URL": f"{url}/api",
        "PREFECT_API_AUTH_STRING": password,
        "PREFECT_SERVER_API_AUTH_STRING": password,
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": url,
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
        "PREFECT_SERVER_SERVICES_FOREMAN_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT2M",  # the watch runs often: no hour ahead
        "PREFECT_CLIENT_RETRY_EXTRA_CODES": RETRIED,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_WORKER_PREFETCH_SECONDS": "0",  # a process is started when due, not 10 s ahead
        "PREFECT_CLI_COLORS": "false",
        "PREFECT_CLI_PROMPT": "false",
        "PYTHONUNBUFFERED": "1",
    }
    for name in ("NO_PROXY", "no_proxy"):  # proxies are for the world outside; everything here is on this machine
        mine[name] = ",".join(filter(None, [mine.get(name), "127.0.0.1", "localhost"]))
    return mine
