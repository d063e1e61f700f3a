"""ICEYE's Tasking and Company APIs, call by call, as its documents describe them.

Each method is one documented call (a list is as many as it has pages). Errors are those of `Api.create` where something
is sent once, else those of `Api.get`. ICEYE says no in two shapes, ``code`` and ``message`` or ``title``, ``code``,
``details`` and ``reference``; both are read.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tasking.bulk_reading import narrowed
from tasking.client_base import ClientBase
from tasking.http.api import Operation
from tasking.http.paging import pages
from tasking.http.urls import segment
from tasking.iceye.models import (
    Contract,
    Feasibility,
    ListedTask,
    Page,
    Scene,
    Summary,
    Task,
    TaskPrice,
    Verdict,
    Webhook,
)
from tasking.iceye.settings import IceyeSettings
from tasking.lenient import Json
from tasking.window import iso

PAGE = 100
"""Entries asked for on a page. ICEYE gives 10 when not asked, and documents 100 to 200 as the most of its lists."""


class IceyeClient(ClientBase[IceyeSettings]):
    """The documented API of one account."""

    provider = "iceye"
    accept = "application/json, application/problem+json"

    def _token_question(self) -> dict[str, Any]:
        """The secret in a header, and no audience."""
        pair = f"{self.settings.client_id.get_secret_value()}:{self.settings.client_secret.get_secret_value()}"
        basic = base64.b64encode(pair.encode()).decode()
        self.api.redactor.add(basic)
        return {"data": {"grant_type": "client_credentials"}, "headers": {"Authorization": f"Basic {basic}"}}

    # contracts -------------------------------------------------------------------------------------------------------

    def contracts(self, wanted: str | None = None) -> list[Contract]:
        """The account's contracts (Company API v1), by ICEYE's own page length should it refuse ours.

        Args:
            wanted: Id of the one that is looked for, if it is one.

        Raises:
            UnexpectedAnswer: One is listed without an id, and it may be the one that is meant.
        """
        operation = Operation("list contracts")
        path = "company/v1/contracts"
        listed = narrowed(  # no largest page is documented for contracts
            lambda: self._pages(path, operation, {"limit": str(PAGE)}), lambda: self._pages(path, operation, {})
        )
        entries = [each if isinstance(each, dict) else {} for page in listed for each in page]
        found = [self._read(each, Contract, operation) for each in entries]
        if all(each.id for each in found) or (wanted or "").lower() in [each.id.lower() for each in found if each.id]:
            return found
        raise self.api.unexpected("a contract is listed without an id, so it cannot be told which is meant", operation)

    def touch(self) -> object:
        """A list of one contract, for the time that comes with it."""
        return self.api.get(self.api.url("company/v1/contracts", {"limit": "1"}), Page, Operation("list contracts"))

    def contract(self, contract_id: str) -> Contract:
        """One contract (Company API v1)."""
        return self._one(
            self.api.url(f"company/v1/contracts/{segment(contract_id)}"), contract_id, Contract, "read contract"
        )

    def summary(self, contract_id: str) -> Summary:
        """What of a contract's budget is spent; raises `NotFound` for a contract without a pricing plan."""
        path = f"company/v1/contracts/{segment(contract_id)}/summary"
        return self._one(self.api.url(path), contract_id, Summary, "read budget")

    # before a task ---------------------------------------------------------------------------------------------------

    def price(
        self,
        contract_id: str,
        imaging_mode: str,
        lat: float,
        lon: float,
        *,
        exclusivity: str,
        priority: str,
        sla: str,
        eula: str,
    ) -> TaskPrice:
        """What a task would cost. All parameters are required; a contract without a pricing plan is refused."""
        params = {
            "contractID": contract_id,
            "imagingMode": imaging_mode,
            "pointOfInterest[lat]": str(lat),
            "pointOfInterest[lon]": str(lon),
            "exclusivity": exclusivity,
            "priority": priority,
            "sla": sla,
            "eula": eula,
        }
        operation = Operation("ask price", provider_id=contract_id)
        return self.api.get(self.api.url("tasking/v2/price", params), TaskPrice, operation)[0]

    def feasibility(self, tasks: Sequence[Json]) -> tuple[Verdict, ...]:
        """Whether tasks could be scheduled and paid, in the order asked. Slow; nothing is made.

        Args:
            tasks: Bodies as for `create_task`.

        Raises:
            UnexpectedAnswer: There is not one verdict for each task.
        """
        operation = Operation("check feasibility")
        answer = self.api.query(
            self.api.url("tasking/v2/feasibility"),
            list(tasks),
            Feasibility,
            operation,
            read_seconds=self.settings.feasibility_seconds,
        )
        by_id = {each.id: each for each in answer.feasibility}
        if len(answer.feasibility) != len(tasks) or set(by_id) != {str(n) for n in range(len(tasks))}:
            raise self.api.unexpected("there is not one verdict for each task", operation)
        return tuple(by_id[str(n)] for n in range(len(tasks)))

    # tasks -----------------------------------------------------------------------------------------------------------

    def create_task(self, body: Json) -> Task:
        """Create a task: this costs money. Sent once.

        Args:
            body: From `tasking.iceye.contract_terms.task_body`.
        """
        operation = Operation("create task", reference=body.get("reference"))
        return self.api.create(self.api.url("tasking/v2/tasks"), body, Task, operation)

    def tasks(
        self, *, contract_id: str | None = None, created_after: datetime | None = None, limit: int | None = PAGE
    ) -> Iterator[list[ListedTask]]:
        """The account's tasks page by page; the list cannot be narrowed by status or reference.

        What cannot be read of an entry is left out of it, down to its id: other people's tasks stand there as well.

        Args:
            contract_id: Only tasks of this contract.
            created_after: Only tasks created after it (aware).
            limit: Entries on a page; ``None`` leaves that to ICEYE.
        """
        operation = Operation("list tasks")
        params = {
            "contractID": contract_id,
            "createdAfter": iso(created_after.replace(microsecond=0)) if created_after is not None else None,
            "limit": str(limit) if limit is not None else None,
        }
        for page in self._pages("tasking/v2/tasks", operation, params):
            yield [self._read(each, ListedTask, operation) for each in page if isinstance(each, dict)]

    def task(self, task_id: str) -> Task:
        """One task."""
        return self._one(self.api.url(f"tasking/v2/tasks/{segment(task_id)}"), task_id, Task, "read task")

    def cancel_task(self, task_id: str) -> Task:
        """Cancel a task. Sent once."""
        url = self.api.url(f"tasking/v2/tasks/{segment(task_id)}")
        return self.api.create(
            url, {"status": "CANCELED"}, Task, Operation("cancel task", provider_id=task_id), method="PATCH"
        )

    def scene(self, task_id: str) -> Scene:
        """How a task will be imaged (ACTIVE) or was (FULFILLED, DONE); ICEYE asks not to call it in other states."""
        return self._one(self.api.url(f"tasking/v2/tasks/{segment(task_id)}/scene"), task_id, Scene, "read scene")

    def products(self, task_id: str, product_type: str | None = None) -> list[Json]:
        """The products of a task (FULFILLED, DONE), every page; their addresses are signed and live one hour.

        Args:
            task_id: Whose products.
            product_type: Only products of this type, e.g. ``GRD``.
        """
        path = f"tasking/v2/tasks/{segment(task_id)}/products"
        if product_type is not None:
            path += f"/{segment(product_type)}"
        pages = self._pages(path, Operation("list products", provider_id=task_id), {})
        return [each for page in pages for each in page if isinstance(each, dict)]

    # notifications ---------------------------------------------------------------------------------------------------

    def webhooks(self) -> list[Webhook]:
        """The account's webhooks (Notifications API v1)."""
        operation = Operation("list webhooks")
        pages = self._pages("notifications/v1/webhooks", operation, {})
        return [self._read(each, Webhook, operation) for page in pages for each in page if isinstance(each, dict)]

    def register_webhook(self, url: str) -> Webhook:
        """Register an address that ICEYE tells of changes (Notifications API v1). Sent once.

        Args:
            url: The receiver's, https. ICEYE does not publish what its field is called; see the account's settings.
        """
        body = {self.settings.webhook_url_field: url}
        return self.api.create(self.api.url("notifications/v1/webhooks"), body, Webhook, Operation("register webhook"))

    # how -------------------------------------------------------------------------------------------------------------

    def _pages(self, path: str, operation: Operation, params: Mapping[str, str | None]) -> Iterator[tuple[Any, ...]]:
        """Follow the cursor until it is absent or empty; one that comes back, or never ends, is an error."""
        sent = {key: value for key, value in params.items() if value is not None}

        def next_href(page: Page) -> str | None:
            return str(self.api.url(path, {**sent, "cursor": page.cursor})) if page.cursor else None

        for page in pages(self.api, self.api.url(path, sent), Page, next_href, operation):
            yield page.data
