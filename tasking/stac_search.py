"""A search of a STAC catalog through pystac-client, which makes the questions and follows the pages.

The calls themselves go through `tasking.http.api` like all others. So they are repeated, paced and bounded, and carry
the token to the provider's own hosts only. pystac-client would ask by ``requests``, which has none of this.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict
from pystac_client import ItemSearch
from pystac_client.stac_api_io import StacApiIO

from tasking.delivery.provider_item import listed_item
from tasking.errors import UnexpectedAnswer
from tasking.http.api import Api, Operation
from tasking.http.paging import PageReader

logger = logging.getLogger(__name__)

Json = dict[str, Any]

PAGE = 100
MOST_ITEMS = 10_000
"""Of one capture; a longer list is an error, never cut: what is left out would be missing from a finished order."""


class StacPage(BaseModel):
    """One page of a search: items and links as given."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    features: tuple[Json, ...]
    links: tuple[Json, ...] = ()


def search(
    api: Api, address: httpx.URL, operation: Operation, *, unsaid: Collection[str] = (), **asked: Any
) -> Iterator[Json]:
    """The items of a search, with absolute asset addresses.

    A list that ends before all items came that it counts, or at a next link without an address, is an error.

    Args:
        api: The account's calls.
        address: Where; outside of the provider it is asked without the token.
        operation: For errors.
        unsaid: Parameters that pystac-client adds of itself, and the provider does not document.
        asked: As pystac-client's ``ItemSearch`` takes it: ``method``, ``filter``, ``filter_lang``.

    Raises:
        UnexpectedAnswer: Not a STAC answer, endless pages, too many items, or a list that is cut.
        ProviderError: As `tasking.http.api.Api.get`.
    """
    through = _ThroughApi(api, address, operation, unsaid)
    found = ItemSearch(str(address), limit=PAGE, max_items=MOST_ITEMS + 1, stac_io=through, **asked)
    for number, item in enumerate(found.items_as_dicts(), start=1):
        if number > MOST_ITEMS:
            raise api.unexpected(f"more than {MOST_ITEMS} items of one capture; none are taken", operation)
        yield item


class _ThroughApi(StacApiIO):
    """pystac-client's way to ask, led through ours; a next link comes out with all that it is asked with."""

    def __init__(self, api: Api, address: httpx.URL, operation: Operation, unsaid: Collection[str]) -> None:
        super().__init__(max_retries=None)
        self._api, self._address, self._operation, self._unsaid = api, address, operation, unsaid
        self._pages, self._asked = PageReader(api, operation, address), Json()
        self._items: set[tuple[str, str]] = set()

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,  # noqa: ARG002 # a link cannot set our headers
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """One page as text; empty ones before it are passed over, where pystac-client would end the list."""
        url, body = httpx.URL(href), None
        said = {key: value for key, value in (parameters or {}).items() if key not in self._unsaid}
        self._asked = self._asked or said
        if method == "POST":
            body = said
        elif said:
            url = url.copy_merge_params({key: str(value) for key, value in said.items()})
        while True:
            page, at = self._pages.read(url, StacPage, body)
            features = tuple(self._checked(item, at) for item in page.features)
            self._items |= {(str(item.get("collection")), item["id"]) for item in features}
            link = next((each for each in page.links if each.get("rel") == "next" and _href(each)), None)
            if link is None:
                self._refuse_cut(page)
                links: tuple[Json, ...] = ()
                break
            following = self._next(link, at)
            links = (following,)
            if features:
                break
            url, body = httpx.URL(following["href"]), following.get("body")
        return page.model_copy(update={"features": features, "links": links}).model_dump_json()

    def _next(self, link: Json, at: httpx.URL) -> Json:
        """A next link with its address and, where it is asked by POST, its whole body; nothing else is obeyed."""
        method, url = link.get("method") or "GET", self._api.resolve_link(at, _href(link), self._operation)
        if not isinstance(method, str) or method.upper() not in ("GET", "POST"):
            raise self._api.unexpected(f"the next page is to be asked by {str(method)[:20]}", self._operation)
        if method.upper() == "GET":
            return {"rel": "next", "href": str(url)}
        body = link.get("body") or {}
        if url.path.rstrip("/") != self._address.path.rstrip("/") or not isinstance(body, dict):
            why = "the next page is to be asked by POST at another address than the search's, or with no object"
            raise self._api.unexpected(why, self._operation)
        whole = {**self._asked, **body} if link.get("merge") is True or not body else body
        return {"rel": "next", "href": str(url), "method": "POST", "body": whole}

    def _checked(self, item: Json, at: httpx.URL) -> Json:
        """An item with an id, properties and assets, each address absolute; what else is odd in it stops no file."""
        links = item.get("links")
        own = [each for each in (links if isinstance(links, list) else []) if isinstance(each, dict) and _href(each)]
        base = at
        for link in [each for each in own if each.get("rel") == "self"][:1]:
            try:
                base = self._api.resolve_link(at, _href(link), self._operation)
            except UnexpectedAnswer:
                name = f"{self._api.provider} {self._operation.verb}"
                logger.warning("%s: an item's link to itself is no address", name)
        return listed_item(item, lambda href: str(self._api.resolve_link(base, href, self._operation)))

    def _refuse_cut(self, last: StacPage) -> None:
        """Refuse a list that is said to go on after its last page: what is left out would be missing from an order."""
        matched, count = (last.model_extra or {}).get("numberMatched"), len(self._items)
        if isinstance(matched, int) and not isinstance(matched, bool) and matched >= 0:
            if count < matched:
                why = f"{count} of {matched} items of the capture are listed; none are taken"
                raise self._api.unexpected(why, self._operation)
        elif last.features and any(link.get("rel") == "next" for link in last.links):
            why = f"the next page, after {count} items, has no address; none are taken"
            raise self._api.unexpected(why, self._operation)


def _href(link: Json) -> str:
    href = link.get("href")
    return href if isinstance(href, str) else ""
