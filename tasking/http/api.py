"""The one place for HTTP: what is repeated, what is sent once, and who receives the token.

What each answer means is drawn in `tasking.http.answers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from functools import partial
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from tasking.clock import ProviderClock
from tasking.errors import (
    CredentialsRefused,
    NotFound,
    ProviderError,
    Refused,
    Unavailable,
    Uncertain,
    UnexpectedAnswer,
    UnsafeAsset,
)
from tasking.http.answers import Answers, Operation, SizeBudget
from tasking.http.deadline import since_announced, within
from tasking.http.network import Forbidden
from tasking.http.rate_limit import RateLimit
from tasking.http.redaction import Redactor, keep_queries_out_of_logs
from tasking.http.redirects import MOST_REDIRECTS, REDIRECTS, Moved, next_call
from tasking.http.settings import HttpSettings
from tasking.http.tokens import TokenAnswer, Tokens, refuses
from tasking.http.transport import Answer, NoResponse, NotSent, exchange, in_words, open_client, read, start
from tasking.http.urls import (
    checked_url,
    host_shown,
    is_loopback,
    origin,
    resolved,
    why_not_connect,
    why_not_follow,
)

__all__ = ["Api", "HttpSettings", "Operation"]

A = TypeVar("A", Answer, Answer | httpx.Response)
M = TypeVar("M", bound=BaseModel)

_JSON = "application/geo+json, application/json;q=0.9, */*;q=0.1"


class Api:
    """The calls of one account at one provider, over one connection pool.

    Args:
        provider: Its name, for errors.
        base_url: Address that all paths are relative to; the token goes to its origin.
        settings: Time-outs, repeats and limits.
        clock: Learns the provider's time from every answer of its own origins.
        account: Who is paced together, e.g. the client id; never shown either.
        secrets: Texts that must never be shown.
        trusted: Further addresses of the provider whose origins may receive the token.
        token_header: Name of the header that carries ``Bearer <token>``.
        headers: Further headers for the provider's own origins.
        accept: Media types asked for, where the provider documents its own.
        transport: For tests.

    Attributes:
        tokens: Where tokens come from; set once it is known. Without it calls carry no token.
    """

    def __init__(
        self,
        provider: str,
        base_url: str,
        *,
        settings: HttpSettings | None = None,
        clock: ProviderClock | None = None,
        account: str = "",
        secrets: Iterable[str] = (),
        trusted: Sequence[str] = (),
        token_header: str = "Authorization",  # noqa: S107 # the name of a header
        headers: Mapping[str, str] | None = None,
        accept: str = _JSON,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.provider, self.settings = provider, settings or HttpSettings()
        self.clock = clock or ProviderClock()
        self.tokens: Tokens | None = None
        self.base = httpx.URL(checked_url("api_url", base_url))
        self._trusted = {origin(self.base), *(origin(checked_url("trusted", url)) for url in trusted)}
        self._redactor, self._token_header = Redactor([account, *secrets]), token_header
        self._headers = dict(headers or {})
        self._accept = {"Accept": accept}
        self._answers = Answers(provider, self.settings, self.clock, self._redactor)
        self._rate_limit = RateLimit(f"{provider} {origin(self.base)} {account}", self.settings.requests_per_second)
        self._asked_by_us = set(self._trusted)
        self._client = open_client(self.base, self.settings, transport, self._why_not_connect)
        keep_queries_out_of_logs()

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def url(self, path: str, params: Mapping[str, str] | None = None) -> httpx.URL:
        """The address of ``path`` below the base, with its query encoded."""
        url = httpx.URL(str(self.base).rstrip("/") + "/" + path.lstrip("/"))
        return url.copy_merge_params(dict(params)) if params else url

    def unexpected(self, message: str, operation: Operation) -> UnexpectedAnswer:
        """The error for an answer that has the right shape and says something that cannot be."""
        return self._answers.error(UnexpectedAnswer, message, operation)

    def get(
        self,
        url: httpx.URL,
        model: type[M],
        operation: Operation,
        *,
        anywhere: bool = False,
        body: Any = None,
        budget: SizeBudget | None = None,
    ) -> tuple[M, httpx.URL]:
        """Read something; repeated when the server is away.

        Args:
            url: From `url`, or an address out of an answer.
            model: Shape of the answer.
            operation: For errors.
            anywhere: Whether an address outside of the provider may be read (without a token).
            body: JSON of a question that is asked by POST and makes nothing, e.g. a search; ``None`` for a GET.
            allowance: From `allowance`, for a page of a list.

        Returns:
            The value, and the address it was found at (links are relative to it).

        Raises:
            Unavailable: No answer, 408, 425, 429 or 5xx, also after the repeats.
            UnexpectedAnswer: A 2xx of another shape, a redirect or address that leads elsewhere.
            CredentialsRefused: 401 after a fresh token, or 403.
            NotFound: 404 or 410.
            Refused: Any other 4xx.
        """
        if not self._own(url):
            why = why_not_follow(url, self.base) if anywhere else "it is at another host"
            if why:
                raise self.unexpected(f"the address {host_shown(url)} was not asked: {why}", operation)
        method = "GET" if body is None else "POST"
        why = None
        try:
            answer = self._answers.repeat(operation, lambda: self._follow(url, operation, method, body))
        except Forbidden as inside:
            why = str(inside)
        if why is not None:
            raise self.unexpected(why, operation)
        if budget is not None and not budget.takes(answer.body):
            raise self.unexpected(f"the list is longer than {self.settings.list_max_bytes} bytes", operation)
        return self._answers.value(self._answers.promised(answer, operation), model, operation), answer.url

    def budget(self) -> SizeBudget:
        """How much of one list may be read: one for all its pages."""
        return SizeBudget(self.settings.list_max_bytes)

    def pages(
        self, url: httpx.URL, model: type[M], next_href: Callable[[M], str | None], operation: Operation
    ) -> Iterator[M]:
        """Read a list page by page, until ``next_href`` of a page is ``None``.

        Raises:
            UnexpectedAnswer: A next link to another host or to a page seen before, or more pages or bytes than the set
                number.
            ProviderError: As `get`.
        """
        seen: set[str] = set()
        budget = self.budget()
        while True:
            seen.add(str(url))
            page, at = self.get(url, model, operation, budget=budget)
            yield page
            href = next_href(page)
            if href is None:
                return
            url = self.resolve_link(at, href, operation)
            if origin(url) != origin(self.base):
                raise self.unexpected(f"the next page is at another host: {host_shown(url)}; not asked", operation)
            if str(url) in seen:
                raise self.unexpected("the next page is one that was read already", operation)
            if len(seen) >= self.settings.max_pages:
                raise self.unexpected(f"the list goes on after {len(seen)} pages", operation)

    def query(
        self, url: httpx.URL, body: Any, model: type[M], operation: Operation, *, read_seconds: float | None = None
    ) -> M:
        """Ask a question by POST: nothing is made by it, so it is repeated as a `get` is.

        Args:
            url: From `url`.
            body: JSON.
            model: Shape of the answer.
            operation: For errors.
            read_seconds: How long to wait for the answer, where it is a slow one.

        Raises:
            ProviderError: As `get`.
        """
        answer = self._answers.repeat(operation, lambda: self._follow(url, operation, "POST", body, read_seconds))
        return self._answers.value(self._answers.promised(answer, operation), model, operation)

    def create(
        self,
        url: httpx.URL,
        body: Any,
        model: type[M],
        operation: Operation,
        *,
        method: str = "POST",
    ) -> M:
        """Create or change something: sent once, and over `HttpSettings.longest_create_seconds` after its announcement.

        It is sent again only where it was clearly not carried out: a refused token is answered by a fresh one, and a
        redirect that asks for the same call at another address of the provider is followed.

        Args:
            url: From `url`.
            body: JSON.
            model: Shape of the answer.
            operation: For errors.
            method: ``POST``, or ``PATCH`` for a change that must not be repeated blindly either.

        Raises:
            Uncertain: It was sent, and what came of it is unknown: look before anything else.
            Unavailable: It was not made: no connection, no token, or turned away with 429.
            CredentialsRefused: 401 or 403 after a fresh token: it was not made.
            Refused: Any other clear no: 4xx, or a redirect that is not followed, which names the address.
        """
        ready_since = since_announced()

        def once(where: httpx.URL, token: dict[str, str]) -> Answer:
            self._rate_limit.wait()
            if ready_since.seconds > self.settings.create_start_seconds:
                raise self._answers.error(Unavailable, "was not sent: getting ready took too long", operation)
            problem: ProviderError
            try:
                with within(self.settings.head_seconds):
                    return self._exchange(method, where, headers={**self._accept, **token}, json=body)
            except NotSent as error:
                problem = self._answers.error(Unavailable, f"was not sent: {error}", operation)
            except NoResponse as error:
                problem = self._answers.error(Uncertain, f"sent, and no answer: {error}", operation)
            raise problem

        problem: ProviderError
        try:
            answer = self._with_token(url, partial(once, url))
            hops = 0
            while (following := next_call(answer, makes=True, may_go=self._may_go(answer.url))) is not None:
                if (hops := hops + 1) > MOST_REDIRECTS:
                    raise Moved(f"more than {MOST_REDIRECTS} redirects")
                answer = self._with_token(following.url, partial(once, following.url))
            if not 200 <= answer.status < 300:
                raise self._not_made(answer, operation)
            return self._answers.value(answer, model, operation)
        except Moved as elsewhere:
            problem = self._answers.error(Refused, f"was not carried out: {elsewhere}", operation)
        except UnexpectedAnswer as error:
            if error.verb == operation.verb:
                message = f"sent, and the answer cannot be understood: {error.message}"
                problem = self._answers.error(Uncertain, message, operation)
                problem.status = error.status
            else:
                problem = self._answers.error(Unavailable, f"was not sent, there is no token: {error}", operation)
        raise problem

    def ask_token(
        self,
        url: str,
        *,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> TokenAnswer:
        """Ask a token endpoint; repeated when the server is away. The token is kept out of every text from now on.

        Raises:
            CredentialsRefused: 400, 401, 403, or a 200 that names an error: id, secret or audience are not accepted.
            NotFound: 404, 405 or 410: this is not the address for tokens.
            Refused: Another clear no, or a redirect to another host, which is given no secret.
            Unavailable, UnexpectedAnswer: As `get`.
        """
        operation, where = Operation("get token"), httpx.URL(checked_url("token_url", url))
        self._asked_by_us.add(origin(where))
        sent = {**self._accept, **(headers or {})}

        def once() -> Answer:
            asked = where
            for _ in range(MOST_REDIRECTS + 1):
                answer = self._exchange("POST", asked, headers=sent, json=json, data=data)
                to_here = partial(_same_origin, asked)
                if (following := next_call(answer, makes=True, may_go=to_here)) is None:
                    return self._answers.unless_away(answer, operation)
                asked = following.url
            raise Moved(f"more than {MOST_REDIRECTS} redirects")

        why: str | None = None
        try:
            answer = self._answers.repeat(operation, once)
        except Moved as elsewhere:
            why = f"the token address is not right: {elsewhere}"
        if why is not None:
            raise self._answers.error(Refused, why, operation)
        if answer.status in (400, 401, 403) or refuses(answer):
            given = {**(json if isinstance(json, dict) else {}), **(data or {})}
            what = "the client id or the client secret is" + (", or the audience," if "audience" in given else "")
            message = f"{what} not accepted"
            raise self._answers.error(CredentialsRefused, message, operation, answer, heard=True)
        if answer.status in (404, 405, 410):
            message = f"the token address is not right: {host_shown(where)} has no such endpoint"
            raise self._answers.error(NotFound, message, operation, answer)
        token = self._answers.value(self._answers.promised(answer, operation), TokenAnswer, operation)
        self._redactor.add(token.access_token)
        return token

    @contextmanager
    def stream(self, url: str, operation: Operation) -> Iterator[httpx.Response]:
        """Open a download; the body is not read yet. Opening is repeated when the server is away.

        Redirects are followed, up to five. The token goes to the provider's own origins only, on every hop.

        Args:
            url: Absolute address, as a provider's answer gave it.
            operation: For errors.

        Raises:
            UnsafeAsset: An address we do not follow (plain http, or into this machine or a private network).
            Unavailable: The server is away; also when the connection breaks while the body is read.
            CredentialsRefused, NotFound, Refused: As `get`; a signed address that expired is one of these.
        """
        problem: ProviderError | None = None
        why = None
        try:
            response = self._answers.repeat(operation, lambda: self._open(url, operation))
        except Forbidden as inside:
            why = str(inside)
        if why is not None:
            raise UnsafeAsset(f"{self.provider} {operation.verb}: {why}")
        try:
            yield response
        except (httpx.HTTPError, httpx.StreamError) as error:
            problem = self._answers.error(Unavailable, f"the download broke: {in_words(error)}", operation)
        finally:
            response.close()
        if problem is not None:
            raise problem from None  # the library's error came in through the with block, with its request

    def resolve_link(self, base: httpx.URL, href: str, operation: Operation) -> httpx.URL:
        """The address a link in an answer means; raises `UnexpectedAnswer` when it is none."""
        try:
            return resolved(base, href)
        except ValueError as error:
            why = str(error)
        raise self.unexpected(f"the address of a link cannot be followed: {why}", operation)

    def _not_made(self, answer: Answer, operation: Operation) -> ProviderError:
        """The error of an answer to a create that is not a yes."""
        if 400 <= answer.status < 500 and answer.status not in (408, 425):
            return self._answers.no(answer, operation)
        return self._answers.error(Uncertain, "sent, and the answer does not tell what came of it", operation, answer)

    def _follow(
        self, url: httpx.URL, operation: Operation, method: str, body: Any = None, read_seconds: float | None = None
    ) -> Answer:
        """Ask once, with redirects to the provider's own addresses."""

        def once(where: httpx.URL, token: dict[str, str]) -> Answer:
            if self._own(where):
                self._rate_limit.wait()
            content = {} if method == "GET" else {"json": body, "read_seconds": read_seconds}
            answer = self._exchange(method, where, headers={**self._accept, **token}, **content)
            return self._answers.unless_away(answer, operation)

        for _ in range(MOST_REDIRECTS + 1):
            answer = self._with_token(url, partial(once, url))
            try:
                following = next_call(answer, makes=False, may_go=self._may_go(url))
            except (Moved, ValueError) as elsewhere:
                why = str(elsewhere)
                break
            if following is None:
                return answer
            url = following.url
            method = "GET" if following.as_get else method
        else:
            why = f"more than {MOST_REDIRECTS} redirects"
        raise self.unexpected(why, operation)

    def _open(self, address: str, operation: Operation) -> httpx.Response:
        """Open a download once, with redirects to anywhere safe."""
        url, href = self.base, address
        for _ in range(MOST_REDIRECTS + 1):
            url = self._safe(url, href, operation)
            self._redactor.add_query(url)

            def once(token: dict[str, str], where: httpx.URL = url) -> Answer | httpx.Response:
                if self._own(where):
                    self._rate_limit.wait()
                headers = {"Accept": "*/*", "Accept-Encoding": "identity", **token}
                request = self._client.build_request("GET", where, headers=headers)
                response = start(self._client, request, self.settings.head_seconds)
                self._observe(where, response.headers)
                if response.status_code == 200:
                    return response
                with closing(response):
                    return self._answers.unless_away(read(response, 64 * 1024, self.settings.read_seconds), operation)

            opened = self._with_token(url, once)
            if isinstance(opened, httpx.Response):
                return opened
            if opened.status not in REDIRECTS:
                self._answers.promised(opened, operation)
                raise self._answers.error(UnexpectedAnswer, "the answer is not the whole file", operation, opened)
            href = opened.headers.get("Location", "")
        raise self.unexpected(f"more than {MOST_REDIRECTS} redirects", operation)

    def _safe(self, base: httpx.URL, href: str, operation: Operation) -> httpx.URL:
        """The address of a file, if it may be followed."""
        try:
            url = resolved(base, href)
            why = None if self._own(url) else why_not_follow(url, self.base)
            where = f"the address {host_shown(url)}"
        except ValueError as error:
            why, where = str(error), "the address of the file"
        if why is not None:
            raise UnsafeAsset(f"{self.provider} {operation.verb}: {where} is not followed: {why}")
        return url

    def _with_token(self, url: httpx.URL, once: Callable[[dict[str, str]], A]) -> A:
        """Do ``once`` with our token if the address is the provider's own; a refused one is renewed once.

        Gateways answer an old token with 401, some with 403. That is also what a right one gets that may not do this.
        So after a 403 it is renewed only when it may be old.
        """
        if self.tokens is None or not self._own(url):
            return once({})
        token = self.tokens.get()
        answer = once(self._bearing(token))
        if isinstance(answer, Answer):
            if answer.status == 401:
                return once(self._bearing(self.tokens.refresh(token)))
            if answer.status == 403 and (fresh := self.tokens.renewed(token)) is not None:
                return once(self._bearing(fresh))
        return answer

    def _bearing(self, token: str) -> dict[str, str]:
        self._redactor.add(token)
        return {**self._headers, self._token_header: f"Bearer {token}"}

    def _own(self, url: httpx.URL) -> bool:
        return origin(url) in self._trusted

    def _may_go(self, here: httpx.URL) -> Callable[[httpx.URL], bool]:
        """Whether a call may go on from here to another address: on the same origin, or among the provider's own."""
        return lambda url: _same_origin(here, url) or (self._own(here) and self._own(url))

    def _why_not_connect(self, host: str, port: int, address: str) -> str | None:
        """Judges what a name stands for, unless the account names this host, or the provider is on this machine."""
        named = any((host, port) == each[1:] for each in self._asked_by_us)
        return None if named or is_loopback(self.base.host) else why_not_connect(address)

    def _exchange(self, method: str, url: httpx.URL, **content: Any) -> Answer:
        answer = exchange(self._client, self.settings, method, url, **content)
        self._observe(url, answer.headers)
        return answer

    def _observe(self, url: httpx.URL, headers: httpx.Headers) -> None:
        if self._own(url):
            self.clock.observe(headers)


def _same_origin(here: httpx.URL, there: httpx.URL) -> bool:
    return origin(here) == origin(there)
