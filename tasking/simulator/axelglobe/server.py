"""AxelGlobe, served: the tasking API v2 as documented, its token server and its STAC API.

This file puts it together. ``accounts`` holds tokens, ``tasking`` the calls, ``shapes`` the answers,
``plans`` and ``requests`` the rules, ``timeline`` what becomes of things with time, ``satellites`` the reference
data and ``stac`` the catalog. Source: the provider's tasking API v2 document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from tasking.simulator.axelglobe.accounts import Accounts
from tasking.simulator.axelglobe.control import axelglobe_control
from tasking.simulator.axelglobe.plans import Plans
from tasking.simulator.axelglobe.requests import Requests
from tasking.simulator.axelglobe.shapes import BASE
from tasking.simulator.axelglobe.stac import ROOT as STAC_ROOT
from tasking.simulator.axelglobe.stac import Stac
from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.axelglobe.tasking import Tasking
from tasking.simulator.features import Call, Json
from tasking.simulator.orbits import grus
from tasking.simulator.problem import Problem, problem_answer
from tasking.simulator.provider import SimulatedProvider
from tasking.simulator.world import World

Fact = dict[str, Any]


class AxelGlobe(SimulatedProvider[AxelGlobeSwitches]):
    """The provider."""

    name = "axelglobe"
    switches_model = AxelGlobeSwitches

    def __init__(self, world: World) -> None:
        super().__init__(world)
        satellites = grus(world.epoch)
        self.accounts = Accounts(world, self.switches, self.tokens)
        self._plans = Plans(world, self.switches, satellites)
        self._requests = Requests(world, self.switches, self._plans)
        self._tasking = Tasking(world, self.switches, satellites, self._plans, self._requests)
        self._stac = Stac(world, self.switches, self._requests)

    @property
    def api_url(self) -> str:
        """The tasking API's base, with its final slash."""
        return f"{self.url}{BASE}"

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.url}/oauth/token"

    @property
    def stac_url(self) -> str:
        """The STAC API's landing page."""
        return f"{self.url}{STAC_ROOT}"

    def plans(self) -> list[Fact]:
        """All plans of all accounts as stored, oldest first, each with its present ``status``."""
        plans = [plan for client_id in self._world.clients for plan in self._plans.of(client_id)]
        return [
            {**plan, "status": "ACTIVE" if self._plans.ready(plan) else "PROCESSING"}
            for plan in sorted(plans, key=lambda plan: plan["number"])
        ]

    def requests(self) -> list[Fact]:
        """All requests of all accounts as stored, oldest first, each with its present ``status`` and ``data_at``."""
        found = []
        for request in self._requests.all():
            stands = self._requests.standing(request)
            found.append({**request, "status": stands.status, "captured": stands.captured, "data_at": stands.data_at})
        return found

    def decide(self, request_id: str, status: str, in_seconds: float = 0) -> None:
        """A provider's decision by hand: REJECTED, ACCEPTED, DATA_AVAILABLE or any word."""
        self._requests.decide(request_id, status, in_seconds)

    def change_plan(self, plan_id: str, *, replace_candidates: bool = False, barren: bool | None = None) -> None:
        """Replace a plan's candidates now (new ids), and/or say that it has none."""
        self._plans.change(plan_id, replace_candidates=replace_candidates, barren=barren)

    def no_candidates_for_next(self, plans: int = 1) -> None:
        """The next plans made get no candidates."""
        self._world.store.put("axelglobe", "barren plans", {"next": plans})

    def summary(self) -> Json:
        """Counts and objects: the judge of what a client really did."""
        plans, requests = self.plans(), self.requests()
        return {
            "credits_total": self.switches.now.credits * len(self._world.clients),
            "credits_spent": len(requests),
            "credits_left": {client: self._requests.credits_left(client) for client in self._world.clients},
            "tokens_issued": self.tokens.issued,
            "plans": plans,
            "requests": requests,
            "plans_by_name": _by_name(plans),
            "requests_by_name": _by_name(requests),
        }

    def files(self, reference: str) -> list[Json]:
        """What is published for an order, file by file, with size and hash."""
        return self._stac.files(reference)

    def join(self, app: FastAPI) -> None:
        """Add the provider's routes, its control routes, and the way it says no."""
        app.add_api_route("/oauth/token", self._token, methods=["POST"], response_model=None)
        routes: dict[str, Callable[..., Response]] = {
            BASE: self._tasking.landing,
            BASE + "conformance": self._tasking.conformance,
            BASE + "collections": self._tasking.collections,
            BASE + "collections/{collection}": self._tasking.one_collection,
            BASE + "collections/{collection}/items": self._tasking.items,
            BASE + "collections/{collection}/items/{item_id}": self._tasking.one_item,
        }
        for path, answer in routes.items():
            app.add_api_route(path, self._entered(answer), methods=["GET"], response_model=None)
        path = BASE + "collections/{collection}/items"
        app.add_api_route(path, self._entered(self._tasking.create), methods=["POST"], response_model=None)
        app.add_api_route(
            path + "/{item_id}", self._entered(self._tasking.delete), methods=["DELETE"], response_model=None
        )
        stac: dict[str, Callable[..., Response]] = {
            STAC_ROOT: self._stac.landing,
            STAC_ROOT + "/collections": self._stac.collections,
            STAC_ROOT + "/collections/{collection}": self._stac.collection,
            STAC_ROOT + "/collections/{collection}/items/{item_id}": self._stac.item,
            STAC_ROOT + "/search": self._stac.search,
        }
        for path, answer in stac.items():
            app.add_api_route(path, self._entered(answer), methods=["GET"], response_model=None)
        files = STAC_ROOT + "/assets/{item_id}/{name}"
        app.add_api_route(files, self._entered(self._stac.file, open_to_all=True), methods=["GET", "HEAD"])
        app.include_router(axelglobe_control(self))
        app.add_exception_handler(Problem, self._say_no)
        app.add_exception_handler(HTTPException, self._say_no)

    def _token(self, request: Request) -> Response:
        return self.accounts.token(request)

    def _entered(self, answer: Callable[..., Response], *, open_to_all: bool = False) -> Callable[..., Response]:
        def entered(request: Request) -> Response:
            switches = self.switches.now
            if open_to_all and (not switches.assets_need_token or switches.asset_life_seconds):
                call = Call(request, "")
            else:
                call = self.accounts.enter(request)
            return answer(call, **request.path_params)

        return entered

    async def _say_no(self, request: Request, error: Exception) -> Response:
        style = self.switches.now.error_style
        if isinstance(error, HTTPException):
            style = "detail" if request.url.path.startswith("/_sim") else style
            error = Problem(error.status_code, str(error.detail), dict(error.headers or {}))
        assert isinstance(error, Problem)
        return problem_answer(error, style)


def _by_name(facts: list[Fact]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for fact in facts:
        found.setdefault(fact["name"], []).append(fact["id"])
    return found
