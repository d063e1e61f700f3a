"""prefect.yaml as the stack deploys it: the same, with a watch that runs more often than in production.

The schedule is not changed after deploying: a scheduler that read the old one a moment before may still write its runs,
and while those are there Prefect plans no others.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

WATCH = "flows.watch_orders.watch_orders"


def write_deploy_file(production: Path, to: Path, watch_seconds: float, watch_parameters: dict[str, Any]) -> None:
    """Write a copy of prefect.yaml.

    Args:
        production: The project's own.
        to: Where the copy goes.
        watch_seconds: How often watch-orders runs.
        watch_parameters: What it runs with.
    """
    read = yaml.safe_load(production.read_text())
    for one in read["deployments"]:
        if one["entrypoint"] == WATCH:
            one["schedules"] = [{"interval": watch_seconds, "slug": "watch"}]
            one["parameters"] = watch_parameters
    to.write_text(yaml.safe_dump(read))
