"""The STAC search behind a request's ``assets`` link, through pystac-client.

pystac-client pages and reads; the calls themselves go through `tasking.http.api` like all others, so that they are
repeated, paced, bounded, and carry the token to the provider's own host only.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import httpx

from tasking.axelglobe import filters
from tasking.axelglobe.models import Json, StacPage
from tasking.delivery.reading import listed_item
from tasking.errors import UnexpectedAnswer
from tasking.http.api import Api, Operation
from tasking.http.paging import refuse_cut

if TYPE_CHECKING:
    from pystac_client.stac_api_io import StacApiIO

logger = logging.getLogger(__name__)

PAGE = 100
_OURS = ("filter-lang",)
"""What the library adds of itself and the provider does not document."""
MOST_ITEMS = 10_000
"""Of one capture; a longer list is an error, never cut: what is left out would be missing from a finished order."""


def search(
    api: Api, link: str, operation: Operation, wanted: Collection[str], *, capture_id: str | None = None
) -> list[Json]:
    """The STAC items behind a request's ``assets`` link, with absolute asset addresses.

    A list that ends before all items came that it counts, or at a next link without an address, is an error: what is
    left out would be missing from a finished order.

    Args:
        api: The account's calls.
        link: Address of the ``assets`` link; relative ones are relative to the API.
        operation: For errors.
        wanted: The captures that items may name; those that name another one are left out. Where none is known, all
            items must be of one capture.
        capture_id: Ask for this capture at the link's address; ``None`` asks the link as it is.

    Raises:
        UnexpectedAnswer: Not a STAC answer, endless pages, too many items, items of several captures, or a list that is
            cut.
        ProviderError: As `tasking.http.api.Api.get`.
    """
    from pystac_client import ItemSearch

    address = api.resolve_link(api.base, link, operation)
    asked = address if capture_id is None else address.copy_with(query=None)
    found = ItemSearch(
        str(asked),
        method="GET",
        filter=filters.equals("ag:capture_id", capture_id) if capture_id is not None else None,
        filter_lang="cql2-text" if capture_id is not None else None,
        limit=PAGE,
        max_items=MOST_ITEMS + 1,
        stac_io=_stac_io(api, address, operation),
    )
    items: dict[tuple[str, str], Json] = {}
    captures: set[str] = set()
    for number, item in enumerate(found.items_as_dicts(), start=1):
        if number > MOST_ITEMS:
            raise api.unexpected(f"more than {MOST_ITEMS} items of one capture; none are taken", operation)
        of = item["properties"].get("ag:capture_id") if isinstance(item.get("properties"), dict) else None
        if of is not None and wanted and of not in wanted:
            logger.warning("axelglobe %s: an item of another capture was answered and is left out", operation.verb)
            continue
        items[str(item.get("collection")), item["id"]] = item
        captures |= {str(of)} if of is not None else set()
    if not wanted and len(captures) > 1:
        raise api.unexpected(
            "the link to the assets names no capture, and items of several came; none are taken", operation
        )
    return list(items.values())


def _stac_io(api: Api, address: httpx.URL, operation: Operation) -> StacApiIO:
    """pystac-client's way to ask, led through ours."""
    from pystac_client.stac_api_io import StacApiIO

    class ThroughOurApi(StacApiIO):
        """Asks through `Api.get`; next links come out absolute, and never lead elsewhere or in a circle."""

        seen: set[str]
        items: set[tuple[str, str]]

        def request(
            self,
            href: str,
            method: str | None = None,
            headers: dict[str, str] | None = None,  # noqa: ARG002 # a link cannot set our headers
            parameters: dict[str, Any] | None = None,
        ) -> str:
            url, body = httpx.URL(href), None
            if method == "POST":
                body = {key: value for key, value in (parameters or {}).items() if key not in _OURS}
            elif (
                parameters
            ):  # the provider does not document filter-lang; without it a GET's filter is cql2-text anyway
                sent = {key: str(value) for key, value in parameters.items() if key != "filter-lang"}
                url = url.copy_merge_params(sent)
            if url.copy_with(path="/", query=None) != address.copy_with(path="/", query=None):
                raise api.unexpected("the next page is at another host; not asked", operation)
            place = f"{url} {json.dumps(body, sort_keys=True)}"
            if place in self.seen or len(self.seen) >= api.settings.max_pages:
                raise api.unexpected(
                    "the next page is one that was read already, or there is no end of pages", operation
                )
            self.seen.add(place)
            page, at = api.get(url, StacPage, operation, anywhere=True, body=body, budget=budget)
            features = tuple(_checked(api, operation, item, at) for item in page.features)
            self.items |= {(str(item.get("collection")), item["id"]) for item in features}
            links = tuple(
                _next(api, operation, link, at, address)
                for link in page.links
                if link.get("rel") == "next" and link.get("href")
            )
            if not links or not features:  # pystac-client ends the list here
                refuse_cut(api, operation, page, len(self.items))
            return page.model_copy(update={"features": features, "links": links}).model_dump_json()

    budget = api.budget()
    io = ThroughOurApi(max_retries=None)
    io.seen, io.items = set(), set()
    return io


def _next(api: Api, operation: Operation, link: Json, at: httpx.URL, address: httpx.URL) -> Json:
    """A next link with its address and, where it is asked by POST, its body; nothing else of it is obeyed."""
    method, url = link.get("method", "GET"), api.resolve_link(at, str(link["href"]), operation)
    if not isinstance(method, str) or method.upper() not in ("GET", "POST"):
        raise api.unexpected(f"the next page is to be asked by {str(method)[:20]}", operation)
    if method.upper() == "GET":
        return {"rel": "next", "href": str(url)}
    body = link.get("body", {})
    if url.path != address.path or not isinstance(body, dict):
        raise api.unexpected("the next page is to be asked by POST at another address than the search's", operation)
    return {"rel": "next", "href": str(url), "method": "POST", "body": body, "merge": link.get("merge") is True}


def _checked(api: Api, operation: Operation, item: Json, at: httpx.URL) -> Json:
    """An item with an id, properties and assets, each address absolute; what else is odd in it stops no file."""
    links = item.get("links")
    own = [
        link["href"]
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("rel") == "self" and isinstance(link.get("href"), str)
    ]
    base = at
    if own:
        try:
            base = api.resolve_link(at, own[0], operation)
        except UnexpectedAnswer:
            logger.warning("axelglobe %s: an item's link to itself is no address", operation.verb)
    return listed_item(item, lambda href: str(api.resolve_link(base, href, operation)))
