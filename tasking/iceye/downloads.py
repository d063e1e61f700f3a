"""Products on their way home: their addresses are signed, live one hour, and are asked for anew when they have expired.

Addresses are kept in memory only, and only until the provider is closed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx

from tasking.errors import CredentialsRefused, Incomplete, NotFound, Refused, UnexpectedAnswer
from tasking.http.api import Operation
from tasking.iceye.client import IceyeClient
from tasking.iceye.conversions import ALL_PRODUCTS
from tasking.iceye.models import Json, Task
from tasking.iceye.products import TASK_ID, TYPE, address_of, is_flat, items_of, not_listed
from tasking.provider import Items, Request


class Products:
    """Lists products and opens their files.

    Args:
        client: The account's calls.
    """

    def __init__(self, client: IceyeClient) -> None:
        self._client = client
        self._fresh: dict[tuple[str, str], str] = {}

    def items(self, request: Request) -> Items:
        """The STAC items of a task's products; empty while there are none.

        Files that have addresses are never held back. Once all products are said to be there, a file without an address
        and an ordered type that is not listed are still to come, until the request's patience is over: an order must
        not end without a product that was only late. What is missing then is left out, and told.

        Raises:
            Incomplete: All products are said to be there, and some have no files; the others are in it.
        """
        try:
            listed = self._client.products(request.id)
        except NotFound:
            return Items()
        complete = bool(listed) and ALL_PRODUCTS in request.capture_ids
        task = self._client.task(request.id) if complete or any(_has_no_place(each) for each in listed) else None
        found, waiting = items_of(listed, request.id, (request.start, request.end), _place(task))
        items = Items(found)
        if complete and task is not None:
            waiting += [f"{kind} (not listed)" for kind in not_listed(task.product_types, listed)]
            items.left_out = tuple(waiting)
        for item in items:
            for key in item["assets"]:
                self._fresh.pop((item["id"], key), None)
        if items.left_out and self._client.clock.now() < request.give_up_at:
            partly = Incomplete(
                f"all products are said to be there, and these have no files: {', '.join(waiting[:5])}",
                provider=self._client.api.provider,
                verb="list products",
                provider_id=request.id,
            )
            partly.items = list(items)
            raise partly
        return items

    @contextmanager
    def open(self, item: dict[str, Any], key: str) -> Iterator[httpx.Response]:
        """Open one asset as a stream.

        When its address is refused it has probably expired: the product is asked for once more and its new address is
        used from then on, also by the next try of a download that broke.

        Raises:
            NotFound: The product is no longer listed.
            ProviderError: As `tasking.http.api.Api.stream`.
        """
        operation = Operation("download", provider_id=f"{item.get('id')}/{key}")
        asset = item.get("assets", {}).get(key)
        if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
            raise self._client.api.unexpected("the item has no such asset", operation)
        address = self._fresh.get((str(item.get("id")), key)) or str(asset["href"])
        with ExitStack() as stack:
            try:
                response = stack.enter_context(self._client.api.stream(address, operation))
            except Refused as expired:
                response = stack.enter_context(
                    self._client.api.stream(self._anew(item, key, operation, expired), operation)
                )
            yield response

    def _anew(self, item: dict[str, Any], key: str, operation: Operation, expired: Refused) -> str:
        """A fresh address of an asset: by the product's type, else from the list of all."""
        properties = item.get("properties", {})
        task_id, kind = properties.get(TASK_ID), properties.get(TYPE)
        if not isinstance(task_id, str):
            raise expired
        for product_type in dict.fromkeys((kind if isinstance(kind, str) else None, None)):
            try:
                listed = self._client.products(task_id, product_type)
            except CredentialsRefused:
                raise
            except (Refused, UnexpectedAnswer):
                continue
            items, _ = items_of(listed, task_id, (None, None), None)
            address = address_of(items, str(item.get("id")), key)
            if address is not None:
                self._fresh[str(item.get("id")), key] = address
                return address
        raise NotFound(
            "the address has expired, and the product is no longer listed",
            provider=self._client.api.provider,
            verb=operation.verb,
            provider_id=operation.provider_id,
        )


def _place(task: Task | None) -> tuple[float, float] | None:
    """The point (lon, lat) of a task."""
    if task is None or task.point.lon is None or task.point.lat is None:
        return None
    return task.point.lon, task.point.lat


def _has_no_place(product: Json) -> bool:
    return is_flat(product) or not isinstance(product.get("geometry"), dict)
