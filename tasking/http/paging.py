"""Lists that come page by page: read to their end, and no further."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from tasking.http.answers import Operation, SizeBudget
from tasking.http.api import Api
from tasking.http.urls import host_shown, same_origin

M = TypeVar("M", bound=BaseModel)


class PageReader:
    """Reads the pages of one list: each once, all at one host, and no more pages or bytes than the set numbers.

    Args:
        api: The account's calls.
        operation: For errors.
        home: An address of the host that all pages are at; outside of the provider they are read without a token.
    """

    def __init__(self, api: Api, operation: Operation, home: httpx.URL) -> None:
        self._api, self._operation, self._home = api, operation, home
        self._seen: set[str] = set()
        self._budget = SizeBudget(api.settings.list_max_bytes)

    def read(self, url: httpx.URL, model: type[M], body: Any = None) -> tuple[M, httpx.URL]:
        """One page, and the address it was found at.

        Raises:
            UnexpectedAnswer: It is at another host, was read already, or the list is too long.
            ProviderError: As `Api.get`.
        """
        place = f"{url} {json.dumps(body, sort_keys=True)}"
        if not same_origin(url, self._home):
            raise self._api.unexpected(
                f"the next page is at another host: {host_shown(url)}; not asked", self._operation
            )
        if place in self._seen:
            raise self._api.unexpected("the next page is one that was read already", self._operation)
        if len(self._seen) >= self._api.settings.max_pages:
            raise self._api.unexpected(f"the list goes on after {len(self._seen)} pages", self._operation)
        self._seen.add(place)
        return self._api.get(url, model, self._operation, anywhere=True, body=body, budget=self._budget)


def pages(
    api: Api, url: httpx.URL, model: type[M], next_href: Callable[[M], str | None], operation: Operation
) -> Iterator[M]:
    """Read a list page by page, until ``next_href`` of a page is ``None``; raises as `PageReader.read`."""
    reader, following = PageReader(api, operation, api.base), httpx.URL(url)
    while True:
        page, at = reader.read(following, model)
        yield page
        href = next_href(page)
        if href is None:
            return
        following = api.resolve_link(at, href, operation)
