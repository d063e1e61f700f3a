"""Where the token may go, and how a request gets it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping

import httpx

from tasking.http.rate_limit import RateLimit
from tasking.http.redaction import Redactor
from tasking.http.tokens import Tokens
from tasking.http.urls import checked_url, is_loopback, origin, same_origin, why_not_connect


class OwnHosts:
    """The provider's own addresses: what has their origin may receive the token, and nothing else may.

    Args:
        base: The API's.
        trusted: Further ones.
    """

    def __init__(self, base: httpx.URL, trusted: Iterable[str] = ()) -> None:
        self._on_this_machine = is_loopback(base.host)
        self._own = {origin(base), *(origin(checked_url("trusted", url)) for url in trusted)}
        self._named = set(self._own)

    def __contains__(self, url: object) -> bool:
        return isinstance(url, httpx.URL) and origin(url) in self._own

    def add_named(self, url: httpx.URL) -> None:
        """An address that the account names beside them: it gets no token."""
        self._named.add(origin(url))

    def may_go(self, here: httpx.URL, there: httpx.URL) -> bool:
        """Whether a call may go on from one address to another: on the same origin, or among the provider's own."""
        return same_origin(here, there) or (here in self and there in self)

    def why_not_connect(self, host: str, port: int, address: str) -> str | None:
        """Judges what a name stands for, unless the account names this host, or the provider is on this machine."""
        named = any((host, port) == each[1:] for each in self._named)
        return None if named or self._on_this_machine else why_not_connect(address)


class AccountAuth(httpx.Auth):
    """Lets a request to the provider's own addresses wait for its turn, and signs it; others go as they are.

    Gateways answer an old token with 401, some with 403. That is also what a right one gets that may not do this. So a
    refused token is renewed once, and after a 403 only when it may be old.

    Args:
        own: The provider's own addresses.
        rate_limit: Whose turn it is.
        redactor: Keeps the tokens out of every text.
        token_header: Name of the header that carries ``Bearer <token>``.
        headers: Further headers of a request with a token.

    Attributes:
        tokens: Where tokens come from; set once it is known. Without it requests carry none.
    """

    tokens: Tokens | None = None

    def __init__(
        self, own: OwnHosts, rate_limit: RateLimit, redactor: Redactor, token_header: str, headers: Mapping[str, str]
    ) -> None:
        self._own, self._rate_limit, self._redactor = own, rate_limit, redactor
        self._token_header, self._headers = token_header, dict(headers)

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """The request, and once more when its token is refused."""
        if request.url not in self._own:
            yield request
        elif self.tokens is None:
            self._rate_limit.wait()
            yield request
        else:
            token = self.tokens.get()
            response = yield self._signed(request, token)
            if response.status_code == 401:
                yield self._signed(request, self.tokens.refresh(token))
            elif response.status_code == 403 and (fresh := self.tokens.renewed(token)) is not None:
                yield self._signed(request, fresh)

    def _signed(self, plain: httpx.Request, token: str) -> httpx.Request:
        """A request of its own for each try, once it is its turn."""
        self._redactor.add(token)
        headers = plain.headers.copy()
        headers.update({**self._headers, self._token_header: f"Bearer {token}"})
        self._rate_limit.wait()
        return httpx.Request(plain.method, plain.url, headers=headers, stream=plain.stream, extensions=plain.extensions)
