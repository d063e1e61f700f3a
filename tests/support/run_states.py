"""States of runs, set as others set them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from prefect import get_client
from prefect.client.schemas.objects import State


def set_state(run_id: UUID, state: State[Any], *, force: bool = True) -> None:
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, state, force=force)
