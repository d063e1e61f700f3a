"""Order one new radar image from ICEYE."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State

from flows.order import carry_out, order_name
from flows.pinned import pinned
from tasking.iceye import IceyeOrder


@pinned("order-iceye", validate_parameters=False, flow_run_name=order_name)
def order_iceye(order: IceyeOrder, dry_run: bool = False) -> State[Any]:
    """Order one new radar image of a place from ICEYE and bring it home.

    The run checks the contract, asks for price and feasibility, orders once, and waits. The products of the SLA are
    delivered as soon as they are there, the others when they follow, into the same STAC catalog. During the waits it
    holds no process. An order costs money and is never placed twice: to try a failed one again, press Retry on its run.

    Args:
        dry_run: Everything but the request: it ends with what would be ordered, at what price and by when, or with why
            nothing would be. The plan is made at the provider, and costs nothing.
    """
    return carry_out(IceyeOrder, order, dry_run)
