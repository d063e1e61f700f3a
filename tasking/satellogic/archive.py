"""The STAC archive: the tiles of a capture, searched by ``satl:outcome_id``.

A search by POST with a CQL2-JSON filter, as the archive takes it; the ``query`` extension is refused there with 403.
The calls go through `tasking.http.api` like all others.
"""

from __future__ import annotations

import logging
from typing import Any

import httpx

from tasking.delivery.reading import listed_item
from tasking.http.api import Api, Operation
from tasking.http.paging import refuse_cut
from tasking.http.urls import origin
from tasking.satellogic.models import Json, StacPage

logger = logging.getLogger(__name__)

SEARCH = "archive/stac/search"
OUTCOME = "satl:outcome_id"
PAGE = 100
MOST_ITEMS = 2000


def search(api: Api, capture_id: str) -> list[Json]:
    """The STAC items of one capture, with absolute asset addresses; an item of another capture is left out.

    A list that ends before all items came that it counts, or at a next link without an address, is an error: what is
    left out would be missing from a finished order.

    Raises:
        UnexpectedAnswer: Not a STAC answer, endless pages, or a list that is
            cut.
        ProviderError: As `tasking.http.api.Api.get`.
    """
    operation = Operation("search archive", provider_id=capture_id)
    body: Json = {
        "filter-lang": "cql2-json",
        "filter": {"op": "=", "args": [{"property": OUTCOME}, capture_id]},
        "limit": PAGE,
    }
    sent: Json | None = body
    url, seen = api.url(SEARCH), set[str]()
    items: dict[tuple[str, str], Json] = {}
    read = set[tuple[str, str]]()
    budget = api.budget()
    while True:
        mark = f"{url} {sent}"
        if mark in seen or len(items) > MOST_ITEMS or len(seen) >= api.settings.max_pages:
            raise api.unexpected("the next page is one that was read already, or there is no end of pages", operation)
        seen.add(mark)
        page, at = api.get(url, StacPage, operation, body=sent, budget=budget)
        for given in page.features:
            item = _checked(api, operation, given, at)
            read.add((str(item.get("collection")), item["id"]))
            if item["properties"].get(OUTCOME, capture_id) == capture_id:
                items[str(item.get("collection")), item["id"]] = item
            else:
                logger.warning("satellogic %s: an item of another capture was answered and is left out", operation.verb)
        link = next((one for one in page.links if one.get("rel") == "next" and isinstance(one.get("href"), str)), None)
        if link is None:
            refuse_cut(api, operation, page, len(read))
            return list(items.values())
        url = api.resolve_link(at, link["href"], operation)
        if origin(url) != origin(api.base):
            raise api.unexpected("the next page is at another host; not asked", operation)
        sent = _next_body(link, body)


def _next_body(link: Json, body: Json) -> Json | None:
    """What the next page is asked with: nothing for a GET, else the link's body, over ours when it says merge."""
    if str(link.get("method") or "GET").upper() != "POST":
        return None
    more: Any = link.get("body")
    more = more if isinstance(more, dict) else {}
    return {**body, **more} if link.get("merge") or not more else more


def _checked(api: Api, operation: Operation, item: Json, at: httpx.URL) -> Json:
    """An item with an id, properties and assets, each address absolute; what else is odd in it stops no file."""
    return listed_item(item, lambda href: str(api.resolve_link(at, href, operation)))
