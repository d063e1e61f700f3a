"""The one place for HTTP: what is repeated, what is sent once, and who receives the token.

What each answer means is drawn in `tasking.http.answers`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from tasking.clock import ProviderClock
from tasking.errors import CredentialsRefused, ProviderError, Unavailable, Uncertain, UnexpectedAnswer, UnsafeAsset
from tasking.http.address import checked_url, origin, resolved, shown, why_not_follow
from tasking.http.answers import Allowance, Answers, Call
from tasking.http.exchange import Answer, Lost, NotSent, exchange, in_words, open_client, read, start
from tasking.http.pace import Pace
from tasking.http.settings import HttpSettings
from tasking.http.tokens import TokenAnswer, Tokens
from tasking.http.words import Secrets, keep_queries_out_of_logs

__all__ = ["Api", "Call", "HttpSettings"]

A = TypeVar("A", Answer, Answer | httpx.Response)
M = TypeVar("M", bound=BaseModel)

MOST_REDIRECTS = 5
_REDIRECTS = (301, 302, 303, 307, 308)
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
        self._secrets, self._token_header = Secrets([account, *secrets]), token_header
        self._headers = dict(headers or {})
        self._accept = {"Accept": accept}
        self._answers = Answers(provider, self.settings, self.clock, self._secrets)
        self._pace = Pace(f"{provider} {origin(self.base)} {account}", self.settings.requests_per_second)
        self._client = open_client(self.base, self.settings, transport)
        keep_queries_out_of_logs()

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def url(self, path: str, params: Mapping[str, str] | None = None) -> httpx.URL:
        """The address of ``path`` below the base, with its query encoded."""
        url = httpx.URL(str(self.base).rstrip("/") + "/" + path.lstrip("/"))
        return url.copy_merge_params(dict(params)) if params else url

    def unexpected(self, message: str, call: Call) -> UnexpectedAnswer:
        """The error for an answer that has the right shape and says something that cannot be."""
        return self._answers.error(UnexpectedAnswer, message, call)

    def get(
        self,
        url: httpx.URL,
        model: type[M],
        call: Call,
        *,
        anywhere: bool = False,
        body: Any = None,
        allowance: Allowance | None = None,
    ) -> tuple[M, httpx.URL]:
        """Read something; repeated when the server is away.

        Args:
            url: From `url`, or an address out of an answer.
            model: Shape of the answer.
            call: For errors.
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
                raise self.unexpected(f"the address {shown(url)} was not asked: {why}", call)
        answer = self._answers.repeat(call, lambda: self._follow(url, call, body))
        if allowance is not None and not allowance.takes(answer.body):
            raise self.unexpected(f"the list is longer than {self.settings.list_max_bytes} bytes", call)
        return self._answers.value(self._answers.promised(answer, call), model, call), answer.url

    def allowance(self) -> Allowance:
        """How much of one list may be read: one for all its pages."""
        return Allowance(self.settings.list_max_bytes)

    def pages(self, url: httpx.URL, model: type[M], next_href: Callable[[M], str | None], call: Call) -> Iterator[M]:
        """Read a list page by page, until ``next_href`` of a page is ``None``.

        Raises:
            UnexpectedAnswer: A next link to another host or to a page seen before, or more pages or bytes than the set
                number.
            ProviderError: As `get`.
        """
        seen: set[str] = set()
        allowance = self.allowance()
        while True:
            seen.add(str(url))
            page, at = self.get(url, model, call, allowance=allowance)
            yield page
            href = next_href(page)
            if href is None:
                return
            url = self.found(at, href, call)
            if origin(url) != origin(self.base):
                raise self.unexpected(f"the next page is at another host: {shown(url)}; not asked", call)
            if str(url) in seen:
                raise self.unexpected("the next page is one that was read already", call)
            if len(seen) >= self.settings.max_pages:
                raise self.unexpected(f"the list goes on after {len(seen)} pages", call)

    def ask(self, url: httpx.URL, body: Any, model: type[M], call: Call, *, read_seconds: float | None = None) -> M:
        """Ask a question by POST: nothing is made by it, so it is repeated as a `get` is.

        Args:
            url: From `url`.
            body: JSON.
            model: Shape of the answer.
            call: For errors.
            read_seconds: How long to wait for the answer, where it is a slow one.

        Raises:
            ProviderError: As `get`; a redirect is an `UnexpectedAnswer`.
        """

        def once(token: dict[str, str]) -> Answer:
            self._pace.wait()
            answer = self._exchange(
                "POST", url, headers={**self._accept, **token}, json=body, read_seconds=read_seconds
            )
            return self._answers.unless_away(answer, call)

        answer = self._answers.repeat(call, lambda: self._with_token(url, once))
        return self._answers.value(self._answers.promised(answer, call), model, call)

    def create(
        self,
        url: httpx.URL,
        body: Any,
        model: type[M],
        call: Call,
        *,
        method: str = "POST",
        begun: float | None = None,
    ) -> M:
        """Create or change something: sent once. A 401, a clear no, is answered by one fresh token and one more try.

        Args:
            url: From `url`.
            body: JSON.
            model: Shape of the answer.
            call: For errors.
            method: ``POST``, or ``PATCH`` for a change that must not be repeated blindly either.
            begun: Since when (`time.monotonic`) it is being got ready, when that began before this call.

        Raises:
            Uncertain: It was sent, and what came of it is unknown: look before anything else.
            Unavailable: It was not made: no connection, no token, or turned away with 429.
            CredentialsRefused: 401 after a fresh token, or 403: it was not made.
            Refused: Any other clear no (4xx).
        """
        ready_since = time.monotonic() if begun is None else begun

        def once(token: dict[str, str]) -> Answer:
            self._pace.wait()
            if time.monotonic() - ready_since > self.settings.create_start_seconds:
                raise self._answers.error(Unavailable, "was not sent: getting ready took too long", call)
            problem: ProviderError
            try:
                return self._exchange(method, url, headers={**self._accept, **token}, json=body)
            except NotSent as error:
                problem = self._answers.error(Unavailable, f"was not sent: {error}", call)
            except Lost as error:
                problem = self._answers.error(Uncertain, f"sent, and no answer: {error}", call)
            raise problem

        problem: ProviderError
        try:
            answer = self._with_token(url, once)
            if not 200 <= answer.status < 300:
                raise self._not_made(answer, call)
            return self._answers.value(answer, model, call)
        except UnexpectedAnswer as error:
            if error.verb == call.verb:
                message = f"sent, and the answer cannot be understood: {error.message}"
                problem = self._answers.error(Uncertain, message, call)
                problem.status = error.status
            else:
                problem = self._answers.error(Unavailable, f"was not sent, there is no token: {error}", call)
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
            CredentialsRefused: 400, 401 or 403: id, secret or audience are not accepted.
            Unavailable, UnexpectedAnswer, Refused: As `get`.
        """
        call, where = Call("get token"), httpx.URL(checked_url("token_url", url))
        sent = {**self._accept, **(headers or {})}

        def once() -> Answer:
            return self._answers.unless_away(self._exchange("POST", where, headers=sent, json=json, data=data), call)

        answer = self._answers.repeat(call, once)
        if answer.status in (400, 401, 403):
            message = "the client id, the client secret or the audience is not accepted"
            raise self._answers.error(CredentialsRefused, message, call, answer)
        token = self._answers.value(self._answers.promised(answer, call), TokenAnswer, call)
        self._secrets.add(token.access_token)
        return token

    @contextmanager
    def stream(self, url: str, call: Call) -> Iterator[httpx.Response]:
        """Open a download; the body is not read yet. Opening is repeated when the server is away.

        Redirects are followed, up to five. The token goes to the provider's own origins only, on every hop.

        Args:
            url: Absolute address, as a provider's answer gave it.
            call: For errors.

        Raises:
            UnsafeAsset: An address we do not follow (plain http, or into this machine or a private network).
            Unavailable: The server is away; also when the connection breaks while the body is read.
            CredentialsRefused, NotFound, Refused: As `get`; a signed address that expired is one of these.
        """
        response = self._answers.repeat(call, lambda: self._open(url, call))
        problem: ProviderError | None = None
        try:
            yield response
        except (httpx.HTTPError, httpx.StreamError) as error:
            problem = self._answers.error(Unavailable, f"the download broke: {in_words(error)}", call)
        finally:
            response.close()
        if problem is not None:
            raise problem from None  # the library's error came in through the with block, with its request

    def found(self, base: httpx.URL, href: str, call: Call) -> httpx.URL:
        """The address a link in an answer means; raises `UnexpectedAnswer` when it is none."""
        try:
            return resolved(base, href)
        except ValueError as error:
            why = str(error)
        raise self.unexpected(f"the address of a link cannot be followed: {why}", call)

    def _not_made(self, answer: Answer, call: Call) -> ProviderError:
        """The error of an answer to a create that is not a yes."""
        if 400 <= answer.status < 500 and answer.status not in (408, 425):
            return self._answers.no(answer, call)
        return self._answers.error(Uncertain, "sent, and the answer does not tell what came of it", call, answer)

    def _follow(self, url: httpx.URL, call: Call, body: Any = None) -> Answer:
        """Ask once, with redirects on the same origin."""
        method, content = ("GET", {}) if body is None else ("POST", {"json": body})
        for _ in range(MOST_REDIRECTS + 1):
            where = url

            def once(token: dict[str, str], where: httpx.URL = where) -> Answer:
                if self._own(where):
                    self._pace.wait()
                answer = self._exchange(method, where, headers={**self._accept, **token}, **content)
                return self._answers.unless_away(answer, call)

            answer = self._with_token(where, once)
            if answer.status not in _REDIRECTS:
                return answer
            url = self.found(where, answer.headers.get("Location", ""), call)
            if origin(url) != origin(where):
                raise self.unexpected(f"redirected to another host: {shown(url)}; not followed", call)
        raise self.unexpected(f"more than {MOST_REDIRECTS} redirects", call)

    def _open(self, address: str, call: Call) -> httpx.Response:
        """Open a download once, with redirects to anywhere safe."""
        url, href = self.base, address
        for _ in range(MOST_REDIRECTS + 1):
            url = self._safe(url, href, call)
            self._secrets.add_query(url)

            def once(token: dict[str, str], where: httpx.URL = url) -> Answer | httpx.Response:
                if self._own(where):
                    self._pace.wait()
                headers = {"Accept": "*/*", "Accept-Encoding": "identity", **token}
                response = start(self._client, self._client.build_request("GET", where, headers=headers))
                self._observe(where, response.headers)
                if response.status_code == 200:
                    return response
                with closing(response):
                    return self._answers.unless_away(read(response, 64 * 1024, self.settings.read_seconds), call)

            opened = self._with_token(url, once)
            if isinstance(opened, httpx.Response):
                return opened
            if opened.status not in _REDIRECTS:
                self._answers.promised(opened, call)
                raise self._answers.error(UnexpectedAnswer, "the answer is not the whole file", call, opened)
            href = opened.headers.get("Location", "")
        raise self.unexpected(f"more than {MOST_REDIRECTS} redirects", call)

    def _safe(self, base: httpx.URL, href: str, call: Call) -> httpx.URL:
        """The address of a file, if it may be followed."""
        try:
            url = resolved(base, href)
            why = None if self._own(url) else why_not_follow(url, self.base)
            where = f"the address {shown(url)}"
        except ValueError as error:
            why, where = str(error), "the address of the file"
        if why is not None:
            raise UnsafeAsset(f"{self.provider} {call.verb}: {where} is not followed: {why}")
        return url

    def _with_token(self, url: httpx.URL, once: Callable[[dict[str, str]], A]) -> A:
        """Do ``once`` with our token if the address is the provider's own; a 401 is answered by one fresh token."""
        if self.tokens is None or not self._own(url):
            return once({})
        token = self.tokens.get()
        answer = once(self._bearing(token))
        if isinstance(answer, Answer) and answer.status == 401:
            return once(self._bearing(self.tokens.refresh(token)))
        return answer

    def _bearing(self, token: str) -> dict[str, str]:
        self._secrets.add(token)
        return {**self._headers, self._token_header: f"Bearer {token}"}

    def _own(self, url: httpx.URL) -> bool:
        return origin(url) in self._trusted

    def _exchange(self, method: str, url: httpx.URL, **content: Any) -> Answer:
        answer = exchange(self._client, self.settings, method, url, **content)
        self._observe(url, answer.headers)
        return answer

    def _observe(self, url: httpx.URL, headers: httpx.Headers) -> None:
        if self._own(url):
            self.clock.observe(headers)
