"""Satellogic's Aleph APIs, call by call, as its documents describe them.

Tasking (contracts, products, tasks, captures), analysis, delivery (scenes) and the STAC archive. Each method is one
documented call (a list is as many as it has pages). Errors are those of `tasking.http.api`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from tasking.clock import ProviderClock
from tasking.errors import NotFound, ProviderError
from tasking.http.address import segment
from tasking.http.api import Api, Call
from tasking.http.tokens import SharedTokens
from tasking.satellogic.models import Analysis, Capture, Contract, Page, Product, Scene, Task
from tasking.satellogic.settings import SatellogicSettings
from tasking.window import iso

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=BaseModel)

PAGE = 100
"""Objects asked for on a page of a list. Ours: the documents name no limit; a server may give fewer."""
TOKEN_HEADER = "AuthorizationToken"  # noqa: S105 # the name of a header
CONTRACT_HEADER = "X-Satellogic-Contract-Id"
TASKS = "tasking/tasks/"


class SatellogicClient:
    """The documented APIs of one account and contract; close it, or use it as a context manager.

    Args:
        settings: Addresses, credentials and timing.
        transport: For tests.
    """

    def __init__(self, settings: SatellogicSettings, *, transport: httpx.BaseTransport | None = None) -> None:
        self.settings, self.clock, self._transport = settings, ProviderClock(own=settings.http.own_clock), transport
        secret = settings.client_secret.get_secret_value()
        self.api = self._open({CONTRACT_HEADER: settings.contract_id})
        body = {
            "client_id": settings.client_id.get_secret_value(),
            "client_secret": secret,
            "audience": settings.audience,
            "grant_type": "client_credentials",
        }
        self.api.tokens = SharedTokens(
            lambda: self.api.ask_token(settings.token_url, json=body),
            token_url=settings.token_url,
            client_id=settings.client_id.get_secret_value(),
            audience=settings.audience,
            client_secret=secret,
            clock=self.clock,
            margin_seconds=settings.token_margin_seconds,
        )

    def __enter__(self) -> SatellogicClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back the connections."""
        self.api.close()

    # the account -----------------------------------------------------------------------------------------------------

    def contracts(self) -> list[Contract]:
        """The account's contracts: the only call that does not name one."""
        with closing(self._open({})) as api:
            api.tokens = self.api.tokens
            call = Call("list contracts")
            page, _ = api.get(api.url("contracts"), Page, call)
            return [self._read(each, Contract, call) for each in page.results]

    def products(self) -> list[Product]:
        """The products that can be tasked, with their codes."""
        return list(self._list("tasking/products/", Product, Call("list products")))

    # tasks -----------------------------------------------------------------------------------------------------------

    def create_task(self, payload: Mapping[str, Any]) -> Task:
        """Create a task: this is an order. Sent once.

        Args:
            payload: From `task_payload`.

        Raises:
            Uncertain, Unavailable, Refused: See `tasking.http.api.Api.create`.
        """
        call = Call("create task", reference=str(payload.get("task_name")))
        return self.api.create(self.api.url(TASKS), dict(payload), Task, call)

    def tasks(self, *, task_name: str | None = None, status: str | None = None) -> Iterator[Task]:
        """The contract's tasks, all or by name or status. Whether the filters are exact is not documented.

        Raises:
            UnexpectedAnswer: A task that cannot be read, and that may be called ``task_name``.
            ProviderError: As `tasking.http.api.Api.get`.
        """
        sent = {key: value for key, value in (("task_name", task_name), ("status", status)) if value is not None}
        call = Call("list tasks", reference=task_name)
        for page in self._pages(TASKS, call, sent):
            for given in page.results:
                try:
                    yield self._read(given, Task, call)
                except ProviderError:
                    if given.get("task_name") in (None, task_name) or task_name is None:
                        raise
                    logger.warning("satellogic: a task of another name cannot be read and is left out")

    def task_pages(self) -> Iterator[tuple[list[Task], int | None]]:
        """The contract's tasks page by page, each with how many there are in all (when the server says so)."""
        call = Call("list tasks")
        for page in self._pages(TASKS, call, {}):
            tasks = []
            for given in page.results:
                try:
                    tasks.append(self._read(given, Task, call))
                except ProviderError as error:
                    logger.warning("satellogic: a task that cannot be read is left out: %s", error)
            yield tasks, page.count

    def task(self, task_id: str) -> Task:
        """One task."""
        call = Call("read task", provider_id=task_id)
        return self.api.get(self._task_url(task_id, call), Task, call)[0]

    def captures(self, task_id: str) -> list[Capture]:
        """The captures of a task, whatever became of them."""
        call = Call("list captures", provider_id=task_id)
        self._task_url(task_id, call)
        return list(self._list(f"{TASKS}{segment(task_id)}/captures/", Capture, call))

    def cancel_task(self, task_id: str) -> Task:
        """Cancel a task. Sent once.

        Raises:
            Uncertain: No answer, or one that shows no task (the answer may be empty); read the task.
            Refused: Too late, or already canceled.
        """
        call = Call("cancel task", provider_id=task_id)
        self._task_url(task_id, call)
        return self.api.create(self.api.url(f"{TASKS}{segment(task_id)}/cancel/"), {}, Task, call, method="PATCH")

    # analysis --------------------------------------------------------------------------------------------------------

    def start_analysis(self, kind: str, payload: Mapping[str, Any]) -> Analysis:
        """Ask for an analysis of what would become of a task; free, and nothing is ordered. Sent once.

        Args:
            kind: ``opportunities`` or ``can-add``.
            payload: From `task_payload`: the very payload that the task would have.
        """
        call = Call("start analysis", reference=str(payload.get("task_name")))
        return self.api.create(self.api.url(self._analysis_path(kind)), dict(payload), Analysis, call)

    def analysis(self, kind: str, analysis_id: str) -> Analysis:
        """One analysis; Satellogic keeps it for 24 hours, then it is `NotFound`."""
        call = Call("read analysis", provider_id=analysis_id)
        url = self.api.url(f"{self._analysis_path(kind)}/{segment(analysis_id)}")
        return self.api.get(url, Analysis, call)[0]

    # what was delivered ----------------------------------------------------------------------------------------------

    def scenes(self, capture_id: str) -> list[Scene]:
        """The scenes of a capture, each with its attachments; a scene that names another capture is left out."""
        call = Call("list scenes", provider_id=capture_id)
        found = self._list("telluric/scenes/", Scene, call, {"sceneset_id": capture_id})
        return [scene for scene in found if scene.sceneset_id in (None, capture_id)]

    # how -------------------------------------------------------------------------------------------------------------

    def _open(self, headers: Mapping[str, str]) -> Api:
        settings = self.settings
        return Api(
            "satellogic",
            settings.api_url,
            settings=settings.http,
            clock=self.clock,
            account=settings.client_id.get_secret_value(),
            secrets=[settings.client_secret.get_secret_value()],
            trusted=settings.trusted_urls,
            token_header=TOKEN_HEADER,
            headers=headers,
            transport=self._transport,
        )

    def _analysis_path(self, kind: str) -> str:
        return self.settings.can_add_path if kind == "can-add" else self.settings.opportunities_path

    def _task_url(self, task_id: str, call: Call) -> httpx.URL:
        if not task_id:
            raise NotFound("an empty id", provider=self.api.provider, verb=call.verb)
        return self.api.url(f"{TASKS}{segment(task_id)}")

    def _list(self, path: str, model: type[F], call: Call, params: Mapping[str, str] | None = None) -> Iterator[F]:
        for page in self._pages(path, call, params or {}):
            for given in page.results:
                yield self._read(given, model, call)

    def _pages(self, path: str, call: Call, params: Mapping[str, str]) -> Iterator[Page]:
        """Follow ``next`` until it is absent, and on by ``offset`` while ``count`` says that there is more.

        A list must not end early: a task that is overlooked would be ordered a second time.
        """
        sent = {"limit": str(PAGE), **params}
        read = 0

        def next_href(page: Page) -> str | None:
            nonlocal read
            read += len(page.results)
            if page.next:
                return self._as_secure(page.next)
            if page.results and page.count is not None and read < page.count:
                return str(self.api.url(path, {**sent, "offset": str(read)}))
            return None

        return self.api.pages(self.api.url(path, sent), Page, next_href, call)

    def _as_secure(self, href: str) -> str:
        """A link to our own host as https: a server behind a proxy writes http in its links."""
        plain, base = f"http://{self.api.base.host}/", self.api.base
        if base.scheme == "https" and base.port is None and href.startswith(plain):
            return f"https://{base.host}/{href.removeprefix(plain)}"
        return href

    def _read(self, given: dict[str, Any], model: type[F], call: Call) -> F:
        try:
            return model.model_validate(given)
        except ValidationError as error:
            problems = error.errors(include_input=False, include_url=False)[:3]
            why = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in problems)
        raise self.api.unexpected(f"an object of the list is not what the API promises: {why}", call)


def task_payload(
    name: str,
    project: str,
    code: int,
    target: Mapping[str, Any],
    start: datetime,
    end: datetime,
    *,
    max_captures: int = 1,
    expected_age: str | None = None,
) -> dict[str, Any]:
    """What a task is created with, and equally what an analysis is asked with.

    Args:
        name: ``task_name``; we put our label there.
        project: ``project_name``.
        code: The product's code; the wire name is ``product`` (a table of the introduction says ``product_id``).
        target: GeoJSON Point or Polygon, as the product takes it.
        start: Begin of the collection window, aware.
        end: End of the collection window, aware.
        max_captures: Left out when it is the default, one.
        expected_age: Recurrence, ``7 days, 00:00:00``; left out when there is none.
    """
    payload: dict[str, Any] = {
        "task_name": name,
        "project_name": project,
        "product": code,
        "target": dict(target),
        "start": iso(start),
        "end": iso(end),
    }
    if max_captures > 1:
        payload["max_captures"] = max_captures
    if expected_age is not None:
        payload["expected_age"] = expected_age
    return payload
