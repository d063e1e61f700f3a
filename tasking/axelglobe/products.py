"""The items of a request, found through its ``assets`` link.

The document promises the link with DATA_AVAILABLE, and shows ``ag:capture_id: null`` beside it in each of its examples.
So the link is what is followed, and its filter names the capture; the id is a help where it is given.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from tasking.axelglobe import filters
from tasking.axelglobe.models import href_of
from tasking.errors import CredentialsRefused, NotFound, Refused
from tasking.http.api import Operation
from tasking.lenient import Json

if TYPE_CHECKING:
    from tasking.axelglobe.client import AxelGlobeClient

logger = logging.getLogger(__name__)


def items_of(client: AxelGlobeClient, request_id: str) -> list[Json]:
    """STAC items of a request's capture, with absolute and fresh addresses; empty while there are none.

    The id's own filter comes first where the link names another capture; what finds nothing is no answer.
    """
    operation = Operation("search products", provider_id=request_id)
    there = client.request(request_id)
    link, given = href_of(there.links, "assets"), there.properties.capture_id
    if link is None:
        raise client.api.unexpected("the request has no link to its assets", operation)
    named = filters.captures_in(link)
    wanted = {*named, *((given,) if given else ())}
    ways = [given, None] if given and given not in named else [None]
    for way in ways:
        try:
            found = _search(client, link, operation, wanted, way)
        except (CredentialsRefused, NotFound):
            raise
        except Refused:
            if way is None:
                raise
            continue
        if found:
            return found
    return []


def _search(
    client: AxelGlobeClient, link: str, operation: Operation, wanted: Collection[str], capture_id: str | None
) -> list[Json]:
    """The items behind the link, or of one capture at the link's address.

    Args:
        client: The account.
        link: Address of the ``assets`` link; relative ones are relative to the API.
        operation: For errors.
        wanted: The captures that items may name; those that name another one are left out. Where none is known, all
            items must be of one capture.
        capture_id: Ask for this capture; ``None`` asks the link as it is.

    Raises:
        UnexpectedAnswer: Items of several captures, or as `tasking.stac_search.search`.
    """
    from tasking.stac_search import search

    api, asked = client.api, Json()
    address = api.resolve_link(api.base, link, operation)
    if capture_id is not None:
        address = address.copy_with(query=None)
        asked = {"filter": filters.equals("ag:capture_id", capture_id), "filter_lang": "cql2-text"}
    items: dict[tuple[str, str], Json] = {}
    captures: set[str] = set()
    # the provider does not document filter-lang; without it a GET's filter is cql2-text anyway
    for item in search(api, address, operation, unsaid=("filter-lang",), method="GET", **asked):
        of: Any = item["properties"].get("ag:capture_id")
        if of is not None and wanted and of not in wanted:
            logger.warning("axelglobe %s: an item of another capture was answered and is left out", operation.verb)
            continue
        items[str(item.get("collection")), item["id"]] = item
        captures |= {str(of)} if of is not None else set()
    if not wanted and len(captures) > 1:
        why = "the link to the assets names no capture, and items of several came; none are taken"
        raise api.unexpected(why, operation)
    return list(items.values())
