"""What the clients of all providers do alike: one connection pool, and one token for all processes of the machine."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from tasking.account import AccountSettings
from tasking.clock import ProviderClock
from tasking.errors import NotFound, ProviderError, UnexpectedAnswer
from tasking.http.api import JSON, Api, Operation
from tasking.http.token_endpoint import ask_token
from tasking.http.tokens import SharedTokens, TokenAnswer

logger = logging.getLogger(__name__)

S = TypeVar("S", bound=AccountSettings)
M = TypeVar("M", bound=BaseModel)
E = TypeVar("E", bound=ProviderError)


class ClientBase(ABC, Generic[S]):
    """The documented API of one account; close it, or use it as a context manager.

    Args:
        settings: Addresses, credentials and timing.
        transport: For tests.

    Attributes:
        provider: Its name, for errors.
        token_header: Name of the header that carries the token.
        accept: Media types asked for, where the provider documents its own.
    """

    provider: ClassVar[str]
    token_header: ClassVar[str] = "Authorization"  # noqa: S105 # the name of a header
    accept: ClassVar[str] = JSON

    def __init__(self, settings: S, *, transport: httpx.BaseTransport | None = None) -> None:
        self.settings, self.clock, self._transport = settings, ProviderClock(own=settings.http.own_clock), transport
        self.api = self._open(self._headers())
        self.api.auth.tokens = SharedTokens(
            self._new_token,
            token_url=settings.token_url,
            client_id=settings.client_id.get_secret_value(),
            audience=getattr(settings, "audience", ""),
            client_secret=settings.client_secret.get_secret_value(),
            clock=self.clock,
            margin_seconds=settings.token_margin_seconds,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self.api.close()

    @abstractmethod
    def touch(self) -> object:
        """The cheapest question there is, for the time that comes with its answer."""

    def _open(self, headers: Mapping[str, str]) -> Api:
        settings = self.settings
        return Api(
            self.provider,
            settings.api_url,
            settings=settings.http,
            clock=self.clock,
            account=settings.client_id.get_secret_value(),
            secrets=[settings.client_secret.get_secret_value()],
            trusted=settings.trusted_urls,
            token_header=self.token_header,
            headers=headers,
            accept=self.accept,
            transport=self._transport,
        )

    def _headers(self) -> dict[str, str]:
        """Further headers of a request with a token."""
        return {}

    def _new_token(self) -> TokenAnswer:
        return ask_token(self.api, self.settings.token_url, **self._token_question())

    def _token_question(self) -> dict[str, Any]:
        """What a token is asked for with: JSON with an audience, unless the provider has its own way."""
        settings = self.settings
        return {
            "json": {
                "grant_type": "client_credentials",
                "audience": getattr(settings, "audience", ""),
                "client_id": settings.client_id.get_secret_value(),
                "client_secret": settings.client_secret.get_secret_value(),
            }
        }

    def _one(self, url: httpx.URL, identifier: str, model: type[M], verb: str) -> M:
        """One thing by its id."""
        self._refuse_empty(identifier, verb)
        return self.api.get(url, model, Operation(verb, provider_id=identifier))[0]

    def error(
        self, kind: type[E], message: str, verb: str, *, reference: str | None = None, provider_id: str | None = None
    ) -> E:
        """An error of ours about one call."""
        return self.api.answers.error(kind, message, Operation(verb, reference, provider_id))

    def _refuse_empty(self, identifier: str, verb: str) -> None:
        """An empty id would lead to the whole list."""
        if not identifier:
            raise self.error(NotFound, "an empty id", verb)

    def _read(self, entry: object, model: type[M], operation: Operation) -> M:
        """One entry of a list; raises `UnexpectedAnswer` when it cannot be read."""
        try:
            return model.model_validate(entry)
        except ValidationError as error:
            problems = error.errors(include_input=False, include_url=False)[:3]
            why = "; ".join(f"{'.'.join(map(str, each['loc']))[:200]}: {each['msg']}" for each in problems)
        raise self.api.unexpected(f"an entry of the list is not what the API promises: {why}", operation)

    def _readable(self, entries: Iterable[object], model: type[M], operation: Operation) -> Iterator[M]:
        """The entries of a list that can be read; others are left out with a warning: they are nobody's order."""
        for entry in entries:
            try:
                yield self._read(entry, model, operation)
            except UnexpectedAnswer as odd:
                logger.warning("%s: left out: %s", self.provider, odd)
