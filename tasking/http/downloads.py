"""Files on their way home: opened as a stream, with redirects to anywhere safe, and with the token where it may go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeAlias

import httpx

from tasking.errors import ProviderError, Refused, Unavailable, UnexpectedAnswer, UnsafeAsset
from tasking.http.answers import Operation
from tasking.http.api import Api
from tasking.http.network import Forbidden
from tasking.http.redirects import MOST_REDIRECTS, REDIRECTS
from tasking.http.transport import in_words
from tasking.http.urls import host_shown, resolved, why_not_follow

Json = dict[str, Any]

_WHOLE = {"Accept": "*/*", "Accept-Encoding": "identity"}


Place: TypeAlias = tuple[str, str, str]
"""Collection and id of an item, and the key of an asset."""


class Downloads:
    """Opens the files of listed items. An address that is refused has probably expired: then it is asked for anew.

    A fresh address is used from then on, also by the next try of a download that broke. It is kept in memory only,
    until its item is listed again.

    Args:
        api: The account's calls.
        renew: The address of a file as the provider gives it now, by its item, its key and the address that is refused;
            ``None`` when there is no other.
    """

    def __init__(self, api: Api, renew: Callable[[Json, str, str], str | None]) -> None:
        self._api, self._renew = api, renew
        self._fresh: dict[Place, str] = {}

    def listed(self, items: Iterable[Json]) -> None:
        """Items that came with addresses of now."""
        for item in items:
            for key in item["assets"]:
                self._fresh.pop(_place(item, str(key)), None)

    def open(self, item: Json, key: str) -> AbstractContextManager[httpx.Response]:
        """Open one asset as a stream.

        Raises:
            UnexpectedAnswer: The item has no such asset.
            ProviderError, UnsafeAsset: As `stream`; refused with a fresh address, too, it says so.
        """
        operation = Operation("download", provider_id=f"{item.get('id')}/{key}")
        href = asset_address(item, key)
        if href is None:
            raise self._api.unexpected("the item has no such asset", operation)
        return self._opened(item, key, href, operation)

    @contextmanager
    def _opened(self, item: Json, key: str, href: str, operation: Operation) -> Iterator[httpx.Response]:
        place = _place(item, key)
        address = self._fresh.get(place, href)
        with ExitStack() as stack:
            try:
                response = stack.enter_context(stream(self._api, address, operation))
            except Refused as expired:
                fresh = self._renew(item, key, address)
                if fresh is None:
                    expired.message = f"the file's address is refused, and there is no other ({expired.message})"
                    raise
                try:
                    response = stack.enter_context(stream(self._api, fresh, operation))
                except Refused as refused:
                    refused.message = f"the file's address is refused, and so is a fresh one ({refused.message})"
                    raise
                self._fresh[place] = fresh
            yield response


def _place(item: Json, key: str) -> Place:
    return *item_identity(item), key


def item_identity(item: Json) -> tuple[str, str]:
    """Collection and id of an item: its id alone is unique in its collection only."""
    return str(item.get("collection")), str(item.get("id"))


def asset_address(item: Json, key: str) -> str | None:
    """The address of one asset of an item."""
    asset = (item.get("assets") or {}).get(key)
    href = asset.get("href") if isinstance(asset, dict) else None
    return href if isinstance(href, str) else None


@contextmanager
def stream(api: Api, url: str, operation: Operation) -> Iterator[httpx.Response]:
    """Open a download; the body is not read yet. Opening is repeated when the server is away.

    Redirects are followed, up to five. The token goes to the provider's own origins only, on every hop.

    Args:
        api: The account's calls.
        url: Absolute address, as a provider's answer gave it.
        operation: For errors.

    Raises:
        UnsafeAsset: An address we do not follow (plain http, or into this machine or a private network).
        Unavailable: The server is away; also when the connection breaks while the body is read.
        CredentialsRefused, NotFound, Refused: As `Api.get`; a signed address that expired is one of these.
    """
    response = api.answers.repeat(operation, _open, api, url, operation)
    problem: ProviderError | None = None
    try:
        yield response
    except (httpx.HTTPError, httpx.StreamError) as error:
        problem = api.answers.error(Unavailable, f"the download broke: {in_words(error)}", operation)
    finally:
        response.close()
    if problem is not None:
        raise problem from None  # the library's error came in through the with block, with its request


def _open(api: Api, href: str, operation: Operation) -> httpx.Response:
    """Open a download once."""
    url = api.base
    for _ in range(MOST_REDIRECTS + 1):
        url = _safe(api, url, href, operation)
        api.redactor.add_query(url)
        answer = _exchange(api, url, operation)
        if answer.status_code == 200:
            return answer
        api.answers.unless_away(answer, operation)
        if answer.status_code not in REDIRECTS:
            api.answers.promised(answer, operation)
            raise api.answers.error(UnexpectedAnswer, "the answer is not the whole file", operation, answer)
        href = answer.headers.get("Location", "")
    raise api.unexpected(f"more than {MOST_REDIRECTS} redirects", operation)


def _exchange(api: Api, url: httpx.URL, operation: Operation) -> httpx.Response:
    try:
        return api.send(api.build("GET", url, purpose="download", headers=_WHOLE))
    except Forbidden as inside:
        why = str(inside)
    raise UnsafeAsset(f"{api.provider} {operation.verb}: {why}")


def _safe(api: Api, base: httpx.URL, href: str, operation: Operation) -> httpx.URL:
    """The address of a file, if it may be followed."""
    try:
        url = resolved(base, href)
        why = None if url in api.own else why_not_follow(url, api.base)
        where = f"the address {host_shown(url)}"
    except ValueError as error:
        why, where = str(error), "the address of the file"
    if why is not None:
        raise UnsafeAsset(f"{api.provider} {operation.verb}: {where} is not followed: {why}")
    return url
