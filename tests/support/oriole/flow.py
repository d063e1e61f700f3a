"""Order one new image from Oriole."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State

from flows.order import carry_out, order_name
from flows.pinned import pinned
from tests.support.oriole.order import OrioleOrder


@pinned("order-oriole", validate_parameters=False, flow_run_name=order_name)
def order_oriole(order: OrioleOrder, dry_run: bool = False) -> State[Any]:
    """Order one new image of a place from Oriole and bring it home."""
    return carry_out(OrioleOrder, order, dry_run)
