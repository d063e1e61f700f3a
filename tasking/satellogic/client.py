"""Satellogic's Aleph APIs, call by call, as its documents describe them.

Tasking (contracts, products, tasks, captures), analysis, delivery (scenes) and the STAC archive. Each method is one
documented call (a list is as many as it has pages). Errors are those of `Api.create` where something is sent once, else
those of `Api.get`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel

from tasking.client_base import ClientBase
from tasking.errors import CredentialsRefused, UnexpectedAnswer
from tasking.http.api import Operation
from tasking.http.paging import pages
from tasking.http.urls import segment
from tasking.satellogic.models import Analysis, Capture, Contract, Page, Product, Scene, Task
from tasking.satellogic.settings import SatellogicSettings
from tasking.window import iso

F = TypeVar("F", bound=BaseModel)

PAGE = 100
"""Objects asked for on a page of a list. Ours: the documents name no limit; a server may give fewer."""
CONTRACT_HEADER = "X-Satellogic-Contract-Id"
TASKS = "tasking/tasks/"


class SatellogicClient(ClientBase[SatellogicSettings]):
    """The documented APIs of one account and contract."""

    provider = "satellogic"
    token_header = "AuthorizationToken"  # noqa: S105 # the name of a header

    # the account -----------------------------------------------------------------------------------------------------

    def touch(self) -> object:
        """The account's contracts, for the time that comes with them."""
        return self.contracts()

    def contracts(self) -> list[Contract]:
        """The account's contracts: the only call that does not name one."""
        with closing(self._open({})) as api:
            api.auth.tokens = self.api.auth.tokens
            operation = Operation("list contracts")
            page, _ = api.get(api.url("contracts"), Page, operation)
            return list(self._readable(page.results, Contract, operation))

    def products(self) -> list[Product]:
        """The products that can be tasked, with their codes."""
        return list(self._list("tasking/products/", Product, Operation("list products")))

    # tasks -----------------------------------------------------------------------------------------------------------

    def create_task(self, payload: Mapping[str, Any]) -> Task:
        """Create a task: this is an order. Sent once.

        Args:
            payload: From `task_payload`.
        """
        operation = Operation("create task", reference=str(payload.get("task_name")))
        with self._contract_named():
            return self.api.create(self.api.url(TASKS), dict(payload), Task, operation)

    def tasks(self, *, task_name: str | None = None) -> Iterator[Task]:
        """The contract's tasks, all or by name. Whether the filter is exact is not documented.

        Raises:
            UnexpectedAnswer: A task that is called ``task_name`` and cannot be read; one of somebody else is left out.
            ProviderError: As `tasking.http.api.Api.get`.
        """
        operation = Operation("list tasks", reference=task_name)
        for page in self._pages(TASKS, operation, {} if task_name is None else {"task_name": task_name}):
            for given in page.results:
                if task_name is not None and given.get("task_name") == task_name:
                    yield self._read(given, Task, operation)
                else:
                    yield from self._readable([given], Task, operation)

    def task_pages(self, status: str | None = None) -> Iterator[tuple[list[Task], int | None]]:
        """The contract's tasks page by page, all or by status, each with how many there are (when the server says).

        A task that cannot be read is left out. Whether a server honours the documented filter is seen by its answer.
        """
        operation = Operation("list tasks")
        for page in self._pages(TASKS, operation, {} if status is None else {"status": status}):
            yield list(self._readable(page.results, Task, operation)), page.count

    def task(self, task_id: str) -> Task:
        """One task."""
        with self._contract_named():
            return self._one(self.api.url(f"{TASKS}{segment(task_id)}"), task_id, Task, "read task")

    def captures(self, task_id: str) -> list[Capture]:
        """The captures of a task, whatever became of them; one without an id has yet to get it, and is left out."""
        operation = Operation("list captures", provider_id=task_id)
        self._refuse_empty(task_id, operation.verb)
        path = f"{TASKS}{segment(task_id)}/captures/"
        listed = self._pages(path, operation, {})
        return [each for page in listed for each in self._readable(page.results, Capture, operation)]

    def cancel_task(self, task_id: str) -> Task:
        """Cancel a task. Sent once.

        Raises:
            Uncertain: No answer, or one that shows no task (the answer may be empty); read the task.
            Refused: Too late, or already canceled.
        """
        operation = Operation("cancel task", provider_id=task_id)
        self._refuse_empty(task_id, operation.verb)
        with self._contract_named():
            return self.api.create(
                self.api.url(f"{TASKS}{segment(task_id)}/cancel/"), {}, Task, operation, method="PATCH"
            )

    # analysis --------------------------------------------------------------------------------------------------------

    def start_analysis(self, kind: str, payload: Mapping[str, Any]) -> Analysis:
        """Ask for an analysis of what would become of a task.

        It is free, and nothing is ordered by it, so it is repeated like any question: also, once, after an answer that
        cannot be read. One is an accident on the way; the same twice is how this server writes.

        Args:
            kind: ``opportunities`` or ``can-add``.
            payload: From `task_payload`: the very payload that the task would have.

        Raises:
            UnexpectedAnswer: Not an analysis, or one without an id.
            ProviderError: As `tasking.http.api.Api.query`.
        """
        operation = Operation("start analysis", reference=str(payload.get("task_name")))
        url = self.api.url(self._analysis_path(kind))

        def ask() -> Analysis:
            made = self.api.query(url, dict(payload), Analysis, operation)
            if made.id is None:
                raise self.api.unexpected("the analysis has no id", operation)
            return made

        return _twice(ask)

    def analysis(self, kind: str, analysis_id: str) -> Analysis:
        """One analysis; Satellogic keeps it for 24 hours, then it is `NotFound`."""
        operation = Operation("read analysis", provider_id=analysis_id)
        url = self.api.url(f"{self._analysis_path(kind)}/{segment(analysis_id)}")
        return _twice(lambda: self.api.get(url, Analysis, operation)[0])

    # what was delivered ----------------------------------------------------------------------------------------------

    def scenes(self, capture_id: str) -> list[Scene]:
        """The scenes of a capture, each with its attachments; a scene that names another capture is left out.

        One without an id gets one from its place in the list: it is the file that is ordered.
        """
        operation, found = Operation("list scenes", provider_id=capture_id), list[Scene]()
        for page in self._pages("telluric/scenes/", operation, {"sceneset_id": capture_id}):
            for given in page.results:
                scene = next(self._readable([given], Scene, operation), None)
                scene = scene or self._read({**given, "scene_id": f"{capture_id}-{len(found) + 1}"}, Scene, operation)
                if scene.sceneset_id in (None, capture_id):
                    found.append(scene)
        return found

    # how -------------------------------------------------------------------------------------------------------------

    def _headers(self) -> dict[str, str]:
        return {CONTRACT_HEADER: self.settings.contract_id}

    def _analysis_path(self, kind: str) -> str:
        return self.settings.can_add_path if kind == "can-add" else self.settings.opportunities_path

    @contextmanager
    def _contract_named(self) -> Iterator[None]:
        """A refusal of the account says under which contract it was: that is where it may be wrong."""
        try:
            yield
        except CredentialsRefused as error:
            if error.verb != "get token" and self.settings.contract_id not in error.message:
                error.message += (
                    f" under contract {self.settings.contract_id} (contract_id of the account's block; "
                    "tasking-flows contracts lists those of the account)"
                )
            raise

    def _list(
        self, path: str, model: type[F], operation: Operation, params: Mapping[str, str] | None = None
    ) -> Iterator[F]:
        for page in self._pages(path, operation, params or {}):
            for given in page.results:
                yield self._read(given, model, operation)

    def _pages(self, path: str, operation: Operation, params: Mapping[str, str]) -> Iterator[Page]:
        """Follow ``next`` until it is absent, and on by ``offset`` while ``count`` says that there is more.

        A list must not end early: a task that is overlooked would be ordered a second time.
        """
        sent = {"limit": str(PAGE), **params}
        read = 0

        def next_href(page: Page) -> str | None:
            nonlocal read
            read += page.given
            if page.next:
                return self._as_secure(page.next)
            if page.given and page.count is not None and read < page.count:
                return str(self.api.url(path, {**sent, "offset": str(read)}))
            return None

        with self._contract_named():
            yield from pages(self.api, self.api.url(path, sent), Page, next_href, operation)

    def _as_secure(self, href: str) -> str:
        """A link to our own host as https: a server behind a proxy writes http in its links."""
        plain, base = f"http://{self.api.base.host}/", self.api.base
        if base.scheme == "https" and base.port is None and href.startswith(plain):
            return f"https://{base.host}/{href.removeprefix(plain)}"
        return href


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


def _twice(ask: Callable[[], Analysis]) -> Analysis:
    try:
        return ask()
    except UnexpectedAnswer:
        return ask()
