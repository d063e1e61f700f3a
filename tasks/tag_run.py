"""Tags by which the UI finds the runs of an order, of a provider and of a site."""

from __future__ import annotations

from prefect import get_client, get_run_logger
from prefect.context import FlowRunContext

from tasking.anywhere.wish import Wish
from tasking.order import Order
from tasks.site_runs import site_tag


def tag_run(order: Order | Wish, reference: str) -> None:
    """Tag this run with what it is about, however it was started: one call, at its first start only.

    A run that cannot be tagged carries out its order all the same.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return
    wanted = [f"reference:{reference}", f"provider:{order.provider}"]
    if order.dry_run:  # it holds back no order of its site
        wanted.append("dry-run")
    elif order.site:
        wanted.append(site_tag(order.site))
    held = list(context.flow_run.tags)
    missing = [tag for tag in wanted if tag not in held]
    if not missing:
        return
    try:
        with get_client(sync_client=True) as client:
            client.update_flow_run(context.flow_run.id, tags=[*held, *missing])
    except Exception as error:
        get_run_logger().warning("The run was not tagged: %s", error)
