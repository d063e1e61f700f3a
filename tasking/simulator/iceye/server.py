"""ICEYE, served: tasking API v2 and contracts as documented, its token server, and product files.

This file puts it together. ``iceye_calls`` reads calls and says no, ``_accounts`` holds tokens, ``_contracts`` budgets,
``_rules`` and ``_modes`` what may be asked for, ``_imaging`` finds passes, ``_tasks`` orders, ``_timeline`` what
becomes of them with time, ``_tasking`` answers, ``_items`` and ``_products`` what comes of it, ``_webhooks`` tells of
it. Sources: the provider's documents "Get task" and "Build a tasking application", and its OpenAPI text 2.0.0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from tasking.simulator.iceye.accounts import Accounts
from tasking.simulator.iceye.calls import Call, Json, Refusal, answer, limit_param, page, refusal_answer
from tasking.simulator.iceye.contracts import Contracts
from tasking.simulator.iceye.control import iceye_control
from tasking.simulator.iceye.imaging import Imaging
from tasking.simulator.iceye.products import FILES, Products
from tasking.simulator.iceye.switches import IceyeSwitches
from tasking.simulator.iceye.tasking import Tasking
from tasking.simulator.iceye.tasks import Tasks
from tasking.simulator.iceye.webhooks import Webhooks
from tasking.simulator.provider import SimulatedProvider
from tasking.simulator.world import World

Fact = dict[str, Any]
ROOT = "/iceye"
_TASKS = "/api/tasking/v2/tasks"
_CONTRACTS = "/api/company/v1/contracts"
_WEBHOOKS = "/api/notifications/v1/webhooks"


class Iceye(SimulatedProvider[IceyeSwitches]):
    """The provider."""

    name = "iceye"
    switches_model = IceyeSwitches

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.accounts = Accounts(world, self.switches, self.tokens)
        self.contracts = Contracts(world, self.switches)
        self._tasks = Tasks(world, self.switches, self.contracts, Imaging(world.epoch))
        self._tasking = Tasking(world, self.switches, self.contracts, self._tasks)
        self._products = Products(world, self.switches, self._tasks, self._tasking)
        self.webhooks = Webhooks(world)

    @property
    def api_url(self) -> str:
        """The base of its APIs, before ``/tasking/v2`` and ``/company/v1``."""
        return f"{self.url}{ROOT}/api"

    @property
    def auth_url(self) -> str:
        """The base of its token server, before ``/v1/token``."""
        return f"{self.url}{ROOT}/auth"

    def tasks(self) -> list[Fact]:
        """All tasks of all accounts as stored, oldest first, with ``status``, present ``capture`` and ``ready``."""
        found = []
        for task in self._tasks.all():
            stands = self._tasks.standing(task)
            ready = list(stands.products)
            found.append({**task, "status": stands.status, "capture": stands.capture, "ready": ready})
        return found

    def decide(self, task_id: str, status: str, in_seconds: float = 0) -> None:
        """ICEYE's decision by hand: REJECTED, ACTIVE, FAILED, FULFILLED, DONE or any word.

        Raises:
            KeyError: For an unknown task.
            ValueError: When there is nothing such a decision could mean.
        """
        self._tasks.decide(task_id, status, in_seconds)

    def infeasible_for_next(self, tasks: int = 1) -> None:
        """The next tasks made are rejected, whatever their feasibility was."""
        self._world.store.put("iceye", "barren tasks", {"next": tasks})

    def add_contract(self, client_id: str | None = None, **contract: Any) -> Fact:
        """Give an account (the first when absent) a contract: fields of its answer, and ``pricing``."""
        client_id = client_id or next(iter(self._world.clients))
        if client_id not in self._world.clients:
            raise KeyError(client_id)
        return self.contracts.add(client_id, contract)

    def contract_id(self, *, priced: bool = True, client_id: str | None = None) -> str:
        """The first contract of an account with (or without) a pricing plan."""
        client_id = client_id or next(iter(self._world.clients))
        return next(
            str(one["id"])
            for one in self.contracts.all()
            if one["client_id"] == client_id and (one["pricing"] is not None) == priced
        )

    def summary(self) -> Json:
        """Counts, money and objects: the judge of what a client really did."""
        tasks = self.tasks()
        by_reference: dict[str, list[str]] = {}
        for task in tasks:
            by_reference.setdefault(task["asked"].get("reference", ""), []).append(task["id"])
        return {
            "tokens_issued": self.tokens.issued,
            "tasks": tasks,
            "tasks_by_reference": by_reference,
            "budgets": {one["id"]: self.contracts.budget(one) for one in self.contracts.all()},
            "contracts": self.contracts.all(),
        }

    def files(self, reference: str) -> list[Json]:
        """What is published for an order, file by file, with size and hash."""
        return list(self._products.published(reference))

    def close(self) -> None:
        """End what runs beside the calls."""
        self.webhooks.close()

    def join(self, app: FastAPI) -> None:
        """Add the provider under ``/iceye``, with its own way to say no, and its control routes."""
        own = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
        own.add_api_route("/auth/v1/token", self._token, methods=["POST"], response_model=None)
        routes: list[tuple[str, str, Callable[..., Response]]] = [
            ("GET", "/api/tasking/v2/price", self._tasking.price),
            ("POST", "/api/tasking/v2/feasibility", self._tasking.feasibility),
            ("POST", _TASKS, self._tasking.create),
            ("GET", _TASKS, self._tasking.list),
            ("GET", _TASKS + "/{task_id}", self._tasking.one),
            ("PATCH", _TASKS + "/{task_id}", self._tasking.patch),
            ("GET", _TASKS + "/{task_id}/scene", self._tasking.scene),
            ("GET", _TASKS + "/{task_id}/products", self._products.list),
            ("GET", _TASKS + "/{task_id}/products/{product}", self._products.by_type),
            ("GET", _WEBHOOKS, self._webhooks),
            ("POST", _WEBHOOKS, self._register),
            ("GET", _CONTRACTS, self.contracts.list),
            ("GET", _CONTRACTS + "/{contract_id}", self.contracts.one),
            ("GET", _CONTRACTS + "/{contract_id}/summary", self.contracts.summary),
        ]
        for method, path, done in routes:
            own.add_api_route(path, self._entered(done), methods=[method], response_model=None)
        own.add_api_route(FILES, self._file, methods=["GET", "HEAD"], response_model=None)
        own.add_exception_handler(Refusal, self._say_no)
        own.add_exception_handler(HTTPException, self._say_no)
        app.include_router(iceye_control(self))
        app.mount(ROOT, own)

    def _token(self, request: Request) -> Response:
        return self.accounts.token(request)

    def _webhooks(self, call: Call) -> Response:
        """``GET /webhooks``; the shape of the list is that of the other lists, ICEYE does not publish it."""
        params = call.params(("limit", "cursor"), self.switches.now.unknown_parameters)
        size = limit_param(params, self.switches.now.list_limit_max)
        shown, onward = page(
            self.webhooks.of(call.client_id), params, size, lambda one: str(one["id"]), self.switches.now.last_cursor
        )
        return answer({"data": [{"id": one["id"], "url": one["url"]} for one in shown], **onward})

    def _register(self, call: Call) -> Response:
        """``POST /webhooks``: the callback's address, and the webhook's id as answer; names of fields are made up."""
        body = call.json()
        if not isinstance(body, dict) or not isinstance(body.get("url"), str) or body.keys() - {"url"}:
            raise Refusal(400, "url: the callback's address is required, and nothing else")
        try:
            made = self.webhooks.register(body["url"], client_id=call.client_id)
        except ValueError as error:
            raise Refusal(400, str(error)) from error
        call.request.state.created_ids = [made]
        return answer({"id": made, "url": body["url"]}, 201)

    def _file(self, request: Request) -> Response:
        return self._products.file(request)

    def _entered(self, answer: Callable[..., Response]) -> Callable[..., Response]:
        def entered(request: Request) -> Response:
            return answer(self.accounts.enter(request), **request.path_params)

        return entered

    async def _say_no(self, request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException):
            error = Refusal(error.status_code, str(error.detail), headers=dict(error.headers or {}))
        assert isinstance(error, Refusal)
        return refusal_answer(request, error, self.switches.now.error_form)
