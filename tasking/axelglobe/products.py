"""The items of a request and their files, found through its ``assets`` link.

The document promises the link with DATA_AVAILABLE, and shows ``ag:capture_id: null`` beside it in each of its examples.
So the link is what is followed, and its filter names the capture; the id is a help where it is given.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import httpx

from tasking.axelglobe.filters import captures_in
from tasking.axelglobe.models import Json, href_of
from tasking.errors import CredentialsRefused, NotFound, Refused, UnexpectedAnswer
from tasking.http.api import Operation
from tasking.provider import Request

if TYPE_CHECKING:
    from tasking.axelglobe.client import AxelGlobeClient


class Products:
    """Lists the items of requests and opens their files; remembers fresh addresses until the provider is closed.

    Args:
        client: The account's calls.
    """

    def __init__(self, client: AxelGlobeClient) -> None:
        self._client = client
        self._request_of: dict[str, str] = {}
        self._fresh: dict[tuple[str, str], str] = {}

    def items(self, request: Request) -> list[Json]:
        """STAC items of a request's capture, with absolute and fresh addresses; empty while there are none."""
        if not request.capture_ids:
            return []
        found = self._search(request.id)
        for item in found:
            self._request_of[str(item["id"])] = request.id
            for key in item["assets"]:
                self._fresh.pop((str(item["id"]), str(key)), None)
        return found

    def _search(self, request_id: str) -> list[Json]:
        """The id's own filter comes first where the link names another capture; what finds nothing is no answer."""
        from tasking.axelglobe.stac import search

        operation = Operation("search products", provider_id=request_id)
        there = self._client.request(request_id)
        link, given = href_of(there.links, "assets"), there.properties.capture_id
        if link is None:
            raise self._client.api.unexpected("the request has no link to its assets", operation)
        named = captures_in(link)
        wanted = {*named, *((given,) if given else ())}
        ways = [given, None] if given and given not in named else [None]
        for way in ways:
            try:
                found = search(self._client.api, link, operation, wanted, capture_id=way)
            except (CredentialsRefused, NotFound):
                raise
            except Refused:
                if way is None:
                    raise
                continue
            if found:
                return found
        return []

    def open(self, item: dict[str, Any], key: str) -> AbstractContextManager[httpx.Response]:
        """Open one asset as a stream.

        When its address is refused it has probably expired: the capture is listed once more, and the new address is
        used from then on, also by the next try of a download that broke.

        Raises:
            ProviderError: As `tasking.http.api.Api.stream`; refused with a fresh address, too, it says so.
        """
        operation = Operation("download", provider_id=f"{item.get('id')}/{key}")
        asset = item.get("assets", {}).get(key)
        if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
            raise self._client.api.unexpected("the item has no such asset", operation)
        return self._opened(str(item.get("id")), key, str(asset["href"]), operation)

    @contextmanager
    def _opened(self, item_id: str, key: str, href: str, operation: Operation) -> Iterator[httpx.Response]:
        address = self._fresh.get((item_id, key)) or href
        with ExitStack() as stack:
            try:
                response = stack.enter_context(self._client.api.stream(address, operation))
            except Refused as expired:
                fresh = self._anew(item_id, key, address)
                if fresh is None:
                    expired.message = f"the file's address is refused, and there is no other ({expired.message})"
                    raise
                try:
                    response = stack.enter_context(self._client.api.stream(fresh, operation))
                except Refused as refused:
                    refused.message = f"the file's address is refused, and so is a fresh one ({refused.message})"
                    raise
                self._fresh[item_id, key] = fresh
            yield response

    def _anew(self, item_id: str, key: str, before: str) -> str | None:
        """Another address of an asset than ``before``; ``None`` when there is none."""
        request_id = self._request_of.get(item_id)
        if request_id is None:
            return None
        try:
            found = self._search(request_id)
        except (Refused, UnexpectedAnswer):
            return None
        for item in found:
            href = item["assets"].get(key, {}).get("href") if str(item["id"]) == item_id else None
            if isinstance(href, str) and href != before:
                return href
        return None
