"""Order one new image from AxelGlobe."""

from __future__ import annotations

from typing import Any

from prefect.client.schemas.objects import State

from flows.order import carry_out, order_name
from flows.pinned import pinned
from tasking.axelglobe import AxelGlobeOrder


@pinned("order-axelglobe", validate_parameters=False, flow_run_name=order_name)
def order_axelglobe(order: AxelGlobeOrder, dry_run: bool = False) -> State[Any]:
    """Order one new image of an area from AxelGlobe (GRUS satellites) and bring it home.

    The run plans the capture, waits for candidates, chooses one, orders it, waits for the imagery and delivers it as a
    STAC catalog into the archive. During the waits it holds no process; it may take weeks. An order costs money and is
    never placed twice: to try a failed one again, press Retry on its run.

    Args:
        dry_run: Everything but the request: it ends with what would be ordered, at what price and by when, or with why
            nothing would be. The plan is made at the provider, and costs nothing.
    """
    return carry_out(AxelGlobeOrder, order, dry_run)
