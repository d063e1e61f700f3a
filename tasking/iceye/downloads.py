"""Products as they can be fetched: their addresses are signed, and live one hour."""

from __future__ import annotations

from tasking.errors import CredentialsRefused, Incomplete, NotFound, Refused, UnexpectedAnswer
from tasking.http.downloads import asset_address
from tasking.iceye.client import IceyeClient
from tasking.iceye.conversions import ALL_PRODUCTS
from tasking.iceye.models import Task
from tasking.iceye.products import TASK_ID, TYPE, is_flat, items_of, not_listed
from tasking.lenient import Json
from tasking.provider import Items, TaskingRequest


def products_of(client: IceyeClient, request: TaskingRequest) -> Items:
    """The STAC items of a task's products; empty while there are none.

    Files that have addresses are never held back. Once all products are said to be there, a file without an address and
    an ordered type that is not listed are still to come, until the request's patience is over: an order must not end
    without a product that was only late. What is missing then is left out, and told.

    Raises:
        Incomplete: All products are said to be there, and some have no files; the others are in it.
    """
    try:
        listed = client.products(request.id)
    except NotFound:
        return Items()
    complete = bool(listed) and ALL_PRODUCTS in request.capture_ids
    task = client.task(request.id) if complete or any(_has_no_place(each) for each in listed) else None
    found, waiting = items_of(listed, request.id, (request.start, request.end), _place(task))
    items = Items(found)
    if complete and task is not None:
        waiting += [f"{kind} (not listed)" for kind in not_listed(task.product_types, listed)]
        items.left_out = tuple(waiting)
    if items.left_out and client.clock.now() < request.give_up_at:
        why = f"all products are said to be there, and these have no files: {', '.join(waiting[:5])}"
        partly = client.error(Incomplete, why, "list products", provider_id=request.id)
        partly.items = list(items)
        raise partly
    return items


def fresh_address(client: IceyeClient, item: Json, key: str) -> str | None:
    """The address of an asset as ICEYE gives it now: by the product's type, else from the list of all.

    Raises:
        NotFound: The product is no longer listed.
    """
    properties, name = item.get("properties", {}), str(item.get("id"))
    task_id, kind = properties.get(TASK_ID), properties.get(TYPE)
    if not isinstance(task_id, str):
        return None
    for product_type in dict.fromkeys((kind if isinstance(kind, str) else None, None)):
        try:
            listed = client.products(task_id, product_type)
        except CredentialsRefused:
            raise
        except (Refused, UnexpectedAnswer):
            continue
        items, _ = items_of(listed, task_id, (None, None), None)
        address = asset_address(next((each for each in items if each["id"] == name), {}), key)
        if address is not None:
            return address
    why = "the address has expired, and the product is no longer listed"
    raise client.error(NotFound, why, "download", provider_id=f"{name}/{key}")


def _place(task: Task | None) -> tuple[float, float] | None:
    """The point (lon, lat) of a task."""
    if task is None or task.point.lon is None or task.point.lat is None:
        return None
    return task.point.lon, task.point.lat


def _has_no_place(product: Json) -> bool:
    return is_flat(product) or not isinstance(product.get("geometry"), dict)
