"""Order new images of a place or an area from Satellogic."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State

from flows.order import carry_out, order_name
from flows.pinned import pinned
from tasking.satellogic import SatellogicOrder


@pinned("order-satellogic", validate_parameters=False, flow_run_name=order_name)
def order_satellogic(order: SatellogicOrder, dry_run: bool = False) -> State[Any]:
    """Order new images of a place, of an area, or again and again, from Satellogic (Aleph) and bring them home.

    The run asks for opportunities, chooses, orders once, and waits. Each capture is delivered into the same STAC
    catalog as soon as it is published, also when the task goes on for weeks. During the waits it holds no process. An
    order costs money and is never placed twice: to try a failed one again, press Retry on its run.

    Args:
        dry_run: Everything but the request: it ends with what would be ordered, at what price and by when, or with why
            nothing would be. The plan is made at the provider, and costs nothing.
    """
    return carry_out(SatellogicOrder, order, dry_run)
