"""Order one new image from whichever of several accounts can bring it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from prefect.client.schemas.objects import State
from pydantic import Field

from flows.any_order import AnyOrder, as_meant, read_orders
from flows.ending import ended
from flows.order import FlowRunHost, order_name, state_of
from flows.pinned import pinned
from tasking.anywhere.running import run_anywhere
from tasking.anywhere.wish import Wish, wish_from
from tasking.errors import InvalidOrder
from tasking.exploring import Exploration
from tasks.show_study import show_exploration
from tasks.tag_run import tag_run


class AnywhereOrder(Wish):
    """The form: each of its orders is of one of the providers there are."""

    orders: tuple[AnyOrder, ...] = Field(
        title=Wish.model_fields["orders"].title, description=Wish.model_fields["orders"].description
    )


@pinned("order-anywhere", validate_parameters=False, flow_run_name=order_name)
def order_anywhere(order: AnywhereOrder, dry_run: bool = False) -> State[Any]:
    """Order one new image from whichever of several accounts can bring it.

    What each account could bring is studied first, which costs nothing. The first by preference, or the best of it, is
    ordered. When that is rejected, infeasible, failed or late, the next one is tried. Never two are open at once,
    unless the order asks for it. During the waits the run holds no process.

    Args:
        order: What to order: one order for each account that could bring it, each with its own fields.
        dry_run: Everything but the request: it ends with what would be ordered, at what price and by when, or with why
            nothing would be.
    """
    host = FlowRunHost()

    def read(held: Mapping[str, Any] | None) -> Wish:
        return read_wish(as_meant(order) if held is None else held, host.scheduled)

    return ended(state_of(run_anywhere(host, read, _RunPage(), dry_run=bool(dry_run))))


def read_wish(given: object, counted_from: datetime) -> Wish:
    """The order, as a person gave it or as the ledger has it.

    Args:
        given: Its fields.
        counted_from: From when what is relative counts.

    Raises:
        InvalidOrder: It cannot be read; says which field of which of its orders.
    """
    if isinstance(given, Wish):
        return given
    if not isinstance(given, Mapping):
        raise InvalidOrder("order", given, "give its fields: name, and orders with their accounts")
    orders = read_orders(given.get("orders"), counted_from)
    return wish_from(AnywhereOrder, {**given, "orders": orders}, counted_from)


class _RunPage:
    """The page of the run that this process carries out."""

    def begins(self, wish: Wish, reference: str) -> None:
        """Tag the run."""
        tag_run(wish, reference)

    def explored(self, found: Exploration) -> None:
        """Show the table, once it is complete."""
        if found.wait is None:
            show_exploration(found)
