"""One account's calls: what is read is repeated while the server is away, what makes something is sent once.

What each answer means is drawn in `tasking.http.answers`. Who receives the token is said in `tasking.http.auth`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel

from tasking.clock import ProviderClock
from tasking.errors import ProviderError, Refused, Unavailable, Uncertain, UnexpectedAnswer
from tasking.http.answers import Answers, Operation, SizeBudget
from tasking.http.auth import AccountAuth, OwnHosts
from tasking.http.deadline import Stopwatch, since_announced
from tasking.http.rate_limit import RateLimit
from tasking.http.redaction import Redactor, keep_queries_out_of_logs
from tasking.http.redirects import MOST_REDIRECTS, Moved, next_call
from tasking.http.settings import HttpSettings
from tasking.http.transport import NoResponse, NotSent, Purpose, open_client, send
from tasking.http.urls import checked_url, host_shown, origin, resolved, why_not_follow

__all__ = ["Api", "HttpSettings", "Operation"]

M = TypeVar("M", bound=BaseModel)

JSON = "application/geo+json, application/json;q=0.9, */*;q=0.1"


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
        auth: Signs the requests; its ``tokens`` are set once it is known where they come from.
        answers: Says what an answer means.
        own: The provider's own addresses.
        redactor: Keeps secrets out of every text.
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
        accept: str = JSON,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.provider, self.settings = provider, settings or HttpSettings()
        self.clock = clock or ProviderClock()
        self.base = httpx.URL(checked_url("api_url", base_url))
        self.own, self.redactor = OwnHosts(self.base, trusted), Redactor([account, *secrets])
        self.answers = Answers(provider, self.settings, self.clock, self.redactor)
        rate_limit = RateLimit(f"{provider} {origin(self.base)} {account}", self.settings.requests_per_second)
        self.auth = AccountAuth(self.own, rate_limit, self.redactor, token_header, headers or {})
        self._accept = {"Accept": accept}
        self._client = open_client(self.base, self.settings, transport, self.own.why_not_connect)
        self._client.event_hooks = {"request": [self._refuse_late], "response": [self._learn_time]}
        keep_queries_out_of_logs()

    def close(self) -> None:
        """Give back the connections."""
        self._client.close()

    def url(self, path: str, params: Mapping[str, str] | None = None) -> httpx.URL:
        """The address of ``path`` below the base, with its query encoded."""
        url = httpx.URL(str(self.base).rstrip("/") + "/" + path.lstrip("/"))
        return url.copy_merge_params(dict(params)) if params else url

    def resolve_link(self, base: httpx.URL, href: str, operation: Operation) -> httpx.URL:
        """The address a link in an answer means; raises `UnexpectedAnswer` when it is none."""
        try:
            return resolved(base, href)
        except ValueError as error:
            why = str(error)
        raise self.unexpected(f"the address of a link cannot be followed: {why}", operation)

    def unexpected(self, message: str, operation: Operation) -> UnexpectedAnswer:
        """The error for an answer that has the right shape and says something that cannot be."""
        return self.answers.error(UnexpectedAnswer, message, operation)

    def get(
        self,
        url: httpx.URL,
        model: type[M],
        operation: Operation,
        *,
        anywhere: bool = False,
        body: Any = None,
        read_seconds: float | None = None,
        budget: SizeBudget | None = None,
    ) -> tuple[M, httpx.URL]:
        """Read something; repeated when the server is away.

        Args:
            url: From `url`, or an address out of an answer.
            model: Shape of the answer.
            operation: For errors.
            anywhere: Whether an address outside of the provider may be read (without a token).
            body: JSON of a question that is asked by POST and makes nothing, e.g. a search; ``None`` for a GET.
            read_seconds: How long to wait for the answer, where it is a slow one.
            budget: What is left of a list's size, for a page of one.

        Returns:
            The value, and the address it was found at (links are relative to it).

        Raises:
            Unavailable: No answer, 408, 425, 429 or 5xx, also after the repeats.
            UnexpectedAnswer: A 2xx of another shape, a redirect or address that leads elsewhere.
            CredentialsRefused: 401 after a fresh token, or 403.
            NotFound: 404 or 410.
            Refused: Any other 4xx.
        """
        if url not in self.own:
            why = why_not_follow(url, self.base) if anywhere else "it is at another host"
            if why:
                raise self.unexpected(f"the address {host_shown(url)} was not asked: {why}", operation)
        answer = self.answers.repeat(operation, self._follow, operation, url, body, read_seconds)
        if budget is not None and not budget.takes(answer.content):
            raise self.unexpected(f"the list is longer than {self.settings.list_max_bytes} bytes", operation)
        return self.answers.value(self.answers.promised(answer, operation), model, operation), answer.url

    def query(
        self, url: httpx.URL, body: Any, model: type[M], operation: Operation, *, read_seconds: float | None = None
    ) -> M:
        """Ask a question by POST: nothing is made by it, so it is repeated, and raises, as a `get` does."""
        return self.get(url, model, operation, body=body, read_seconds=read_seconds)[0]

    def create(self, url: httpx.URL, body: Any, model: type[M], operation: Operation, *, method: str = "POST") -> M:
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
        request = self.build(method, url, purpose="create", json=body)
        ready_since = request.extensions["ready_since"] = since_announced()
        problem: ProviderError
        try:
            answer = self.send(request)
            hops = 0
            while (following := next_call(answer, makes=True, may_go=self.own.may_go)) is not None:
                if (hops := hops + 1) > MOST_REDIRECTS:
                    raise Moved(f"more than {MOST_REDIRECTS} redirects")
                request = self.build(method, following.url, purpose="create", json=body)
                request.extensions["ready_since"] = ready_since
                answer = self.send(request)
            return self.answers.value(self.answers.made(answer, operation), model, operation)
        except NotSent as error:
            problem = self.answers.error(Unavailable, f"was not sent: {error}", operation)
        except NoResponse as error:
            problem = self.answers.error(Uncertain, f"sent, and no answer: {error}", operation)
        except Moved as elsewhere:
            problem = self.answers.error(Refused, f"was not carried out: {elsewhere}", operation)
        except UnexpectedAnswer as error:
            if error.verb == operation.verb:
                message = f"sent, and the answer cannot be understood: {error.message}"
                problem = self.answers.error(Uncertain, message, operation)
                problem.status = error.status
            else:
                problem = self.answers.error(Unavailable, f"was not sent, there is no token: {error}", operation)
        raise problem

    def build(
        self,
        method: str,
        url: httpx.URL,
        *,
        purpose: Purpose = "read",
        read_seconds: float | None = None,
        headers: Mapping[str, str] | None = None,
        **content: Any,
    ) -> httpx.Request:
        """A request, ready to be sent.

        Args:
            method: Of HTTP.
            url: Where.
            purpose: What it is for, which decides how long it may take and how much of its answer is read.
            read_seconds: How long to wait for the answer, where it is a slow one.
            headers: Beside the media types asked for, or in place of them.
            content: ``json`` or ``data``.
        """
        extensions = {"purpose": purpose, "read_seconds": read_seconds}
        headers = {**self._accept, **(headers or {})}
        return self._client.build_request(method, url, headers=headers, extensions=extensions, **content)

    def send(self, request: httpx.Request, *, signed: bool = True) -> httpx.Response:
        """Send a request once; only a refused token makes it two.

        Args:
            request: From `build`.
            signed: Whether it waits for its turn and gets the token, where its address may have it.

        Raises:
            NotSent, NoResponse, Forbidden, TaskingError: As `tasking.http.transport.send`.
        """
        return send(self._client, request, self.auth if signed else None)

    def _follow(self, operation: Operation, url: httpx.URL, body: Any, read_seconds: float | None) -> httpx.Response:
        """Ask once, with redirects to the provider's own addresses."""
        why = f"more than {MOST_REDIRECTS} redirects"
        for _ in range(MOST_REDIRECTS + 1):
            answer = self.send(self.build("GET" if body is None else "POST", url, read_seconds=read_seconds, json=body))
            self.answers.unless_away(answer, operation)
            try:
                following = next_call(answer, makes=False, may_go=self.own.may_go)
            except (Moved, ValueError) as elsewhere:
                why = str(elsewhere)
                break
            if following is None:
                return answer
            url, body = following.url, None if following.as_get else body
        raise self.unexpected(why, operation)

    def _refuse_late(self, request: httpx.Request) -> None:
        """A create that took too long to get ready (token, pacing) is not sent: others no longer wait for it."""
        ready_since: Stopwatch | None = request.extensions.get("ready_since")
        if ready_since is not None and ready_since.seconds > self.settings.create_start_seconds:
            raise NotSent("getting ready took too long")

    def _learn_time(self, response: httpx.Response) -> None:
        if response.url in self.own:
            self.clock.observe(response.headers)
