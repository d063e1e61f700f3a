"""``python -m devstack.prepare``: make work pools and save blocks, as a person does in the Prefect UI.

Standard input holds JSON: ``{"command": ..., "pools": {name: limit}, "blocks": {"type/name": {field: value}}}``. A
process of its own, because Prefect's settings belong to a process; the values come by standard input, because command
lines can be read by other users.
"""

from __future__ import annotations

import json
import sys
import time

import httpx
from prefect import get_client
from prefect.blocks.core import Block
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_URL
from prefect.utilities.dispatch import lookup_type
from prefect.workers.process import ProcessWorker

import blocks  # noqa: F401 (makes the block types known)

PATIENCE_SECONDS = 120.0


def main() -> None:
    """Wait for the server, then make the pools and save the blocks."""
    wanted = json.load(sys.stdin)
    # All that can be imported is imported now, while the server still starts.
    template = ProcessWorker.get_default_base_job_template()
    # Named by its full path, the engine is one start of Python; left out, Prefect starts two, one after the other.
    template["variables"]["properties"]["command"]["default"] = wanted["command"]
    _wait_for_server(f"{PREFECT_API_URL.value()}/health")
    with get_client(sync_client=True) as client:
        for name, limit in wanted["pools"].items():
            pool = WorkPoolCreate(name=name, type="process", base_job_template=template, concurrency_limit=limit)
            client.create_work_pool(pool)
    for address, fields in wanted["blocks"].items():
        slug, _, name = address.partition("/")
        lookup_type(Block, slug)(**fields).save(name, overwrite=True)


def _wait_for_server(health: str) -> None:
    give_up = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < give_up:
        try:
            if httpx.get(health, trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    sys.exit(f"no answer from {health}")


if __name__ == "__main__":
    main()
