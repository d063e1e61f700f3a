"""The STAC search behind a request's ``assets`` link, through pystac-client.

pystac-client pages and reads; the calls themselves go through `tasking.http.api` like all others, so that they are
repeated, paced, bounded, and carry the token to the provider's own host only.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import httpx

from tasking.axelglobe import filters
from tasking.axelglobe.models import Json, StacPage
from tasking.http.api import Api, Call
from tasking.http.lists import refuse_cut

if TYPE_CHECKING:
    from pystac_client.stac_api_io import StacApiIO

logger = logging.getLogger(__name__)

PAGE = 100
MOST_ITEMS = 10_000
"""Of one capture; a longer list is an error, never cut: what is left out would be missing from a finished order."""


def search(api: Api, link: str, capture_id: str) -> list[Json]:
    """The STAC items of one capture, with absolute asset addresses.

    A list that ends before all items came that it counts, or at a next link without an address, is an error: what is
    left out would be missing from a finished order.

    The link's own filter is not trusted: the document shows it while ``ag:capture_id`` is still null. An item that
    names another capture is left out.

    Args:
        api: The account's calls.
        link: Address of the ``assets`` link; relative ones are relative to the API.
        capture_id: ``ag:capture_id`` of the request.

    Raises:
        UnexpectedAnswer: Not a STAC answer, an item without id or assets, endless pages, too many items, or a list that
            is cut.
        ProviderError: As `tasking.http.Api.get`.
    """
    from pystac_client import ItemSearch

    call = Call("search products", provider_id=capture_id)
    address = api.found(api.base, link, call).copy_with(query=None)
    found = ItemSearch(
        str(address),
        method="GET",
        filter=filters.equals("ag:capture_id", capture_id),
        filter_lang="cql2-text",
        limit=PAGE,
        max_items=MOST_ITEMS + 1,
        stac_io=_stac_io(api, address, call),
    )
    items: dict[tuple[str, str], Json] = {}
    for number, item in enumerate(found.items_as_dicts(), start=1):
        if number > MOST_ITEMS:
            raise api.unexpected(f"more than {MOST_ITEMS} items of one capture; none are taken", call)
        of = item["properties"].get("ag:capture_id", capture_id) if isinstance(item.get("properties"), dict) else None
        if of is None or of == capture_id:
            items[str(item.get("collection")), item["id"]] = item
        else:
            logger.warning("axelglobe %s: an item of another capture was answered and is left out", call.verb)
    return list(items.values())


def _stac_io(api: Api, address: httpx.URL, call: Call) -> StacApiIO:
    """pystac-client's way to ask, led through ours."""
    from pystac_client.stac_api_io import StacApiIO

    class ThroughOurApi(StacApiIO):
        """Asks through `Api.get`; next links come out absolute, and never lead elsewhere or in a circle."""

        seen: set[str]
        items: set[tuple[str, str]]

        def request(
            self,
            href: str,
            method: str | None = None,  # noqa: ARG002 # GET, see _next
            headers: dict[str, str] | None = None,  # noqa: ARG002 # a link cannot set our headers
            parameters: dict[str, Any] | None = None,
        ) -> str:
            url = httpx.URL(href)
            if parameters:  # the provider does not document filter-lang; without it a GET's filter is cql2-text anyway
                sent = {key: str(value) for key, value in parameters.items() if key != "filter-lang"}
                url = url.copy_merge_params(sent)
            if url.copy_with(path="/", query=None) != address.copy_with(path="/", query=None):
                raise api.unexpected("the next page is at another host; not asked", call)
            if str(url) in self.seen or len(self.seen) >= api.settings.max_pages:
                raise api.unexpected("the next page is one that was read already, or there is no end of pages", call)
            self.seen.add(str(url))
            page, at = api.get(url, StacPage, call, anywhere=True, allowance=allowance)
            features = tuple(_checked(api, call, item, at) for item in page.features)
            self.items |= {(str(item.get("collection")), item["id"]) for item in features}
            links = tuple(
                _next(api, call, link, at) for link in page.links if link.get("rel") == "next" and link.get("href")
            )
            if not links or not features:  # pystac-client ends the list here
                refuse_cut(api, call, page, len(self.items))
            return page.model_copy(update={"features": features, "links": links}).model_dump_json()

    allowance = api.allowance()
    io = ThroughOurApi(max_retries=None)
    io.seen, io.items = set(), set()
    return io


def _next(api: Api, call: Call, link: Json, at: httpx.URL) -> Json:
    """A next link with nothing in it but its address: what else a server writes there is not obeyed."""
    method = link.get("method", "GET")
    if not isinstance(method, str) or method.upper() != "GET":
        raise api.unexpected(f"the next page is to be asked by {str(method)[:20]}", call)
    return {"rel": "next", "href": str(api.found(at, str(link["href"]), call))}


def _checked(api: Api, call: Call, item: Json, at: httpx.URL) -> Json:
    """An item with an id, properties and assets, each asset with an absolute address."""
    assets, properties = item.get("assets"), item.get("properties")
    if not isinstance(item.get("id"), str) or not isinstance(assets, dict) or not isinstance(properties, dict):
        raise api.unexpected("an item without id, properties or assets", call)
    links = item.get("links")
    own = [
        link["href"]
        for link in (links if isinstance(links, list) else [])
        if isinstance(link, dict) and link.get("rel") == "self" and isinstance(link.get("href"), str)
    ]
    base = api.found(at, own[0], call) if own else at
    whole = {}
    for key, asset in assets.items():
        if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
            raise api.unexpected(f"asset {key[:60]} has no address", call)
        # any scheme is kept here: whether an address may be followed is decided when it is opened
        href = asset["href"]
        whole[key] = {**asset, "href": href if "://" in href else str(api.found(base, href, call))}
    return {**item, "assets": whole}
