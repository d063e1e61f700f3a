"""Satellogic, served: the tasking API v1 as documented, analyses, delivery, archive, and its token server.

This file puts it together. ``satellogic_accounts`` holds tokens and contracts, ``_calls`` the tasking calls, ``_rules``
what a task must be, ``_tasks`` what is kept, ``_timeline`` and ``_captures`` what becomes of it with time, ``_passes``
the satellites, ``_delivery``, ``_zips`` and ``_files`` what is delivered, ``_stac`` and ``_search`` the archive.
Sources: the provider's tasking introduction and its Python examples.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request, Response

from tasking.simulator.features import Json
from tasking.simulator.provider import SimulatedProvider
from tasking.simulator.satellogic.accounts import Accounts
from tasking.simulator.satellogic.analysis import Analyses
from tasking.simulator.satellogic.answers import PREFIX, Refusal
from tasking.simulator.satellogic.calls import Calls
from tasking.simulator.satellogic.control import satellogic_control
from tasking.simulator.satellogic.delivery import Delivery
from tasking.simulator.satellogic.files import Files
from tasking.simulator.satellogic.passes import newsats
from tasking.simulator.satellogic.stac import Archive
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.satellogic.tasks import KIND, Tasks, capture_shape
from tasking.simulator.satellogic.timeline import ENDS
from tasking.simulator.world import World

Fact = dict[str, Any]
Answer = Callable[..., Response]
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


class Satellogic(SimulatedProvider[SatellogicSwitches]):
    """The provider."""

    name = "satellogic"
    switches_model = SatellogicSwitches
    shown_headers = ("x-satellogic-contract-id",)

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.accounts = Accounts(world, self.switches, self.tokens)
        files = Files(world, self.switches, self.accounts)
        self._tasks = Tasks(world, self.switches, newsats(world.epoch))
        self._calls = Calls(world, self.switches, self.accounts, self._tasks)
        self._analyses = Analyses(world, self.switches, self._tasks)
        self._delivery = Delivery(world, self.switches, self._tasks, files)
        self._archive = Archive(world, self.switches, self._tasks, files)

    @property
    def api_url(self) -> str:
        """Its base, without final slash."""
        return f"{self.url}{PREFIX}"

    @property
    def token_url(self) -> str:
        """Where tokens are asked for."""
        return f"{self.api_url}/oauth/token"

    def contracts(self, client_id: str | None = None) -> list[Json]:
        """The contracts of an account, the first account unless another is named: standard, rush, long footprint."""
        return self.accounts.contracts(client_id or next(iter(self._world.clients)))

    def tasks(self) -> list[Fact]:
        """All tasks of all accounts as stored, oldest first, with ``status``, ``places`` and ``captures`` of now."""
        now, found = self._world.clock.seconds(), []
        for task in self._tasks.all():
            story = self._tasks.story(task)
            captures = [{**capture_shape(one, now), "place": one.place} for one in story.captures]
            lost = [one.capture_id for one in story.lost]
            found.append(
                {**task, "status": story.status, "places": story.places, "captures": captures, "lost_captures": lost}
            )
        return found

    def summary(self) -> Json:
        """Counts and objects: the judge of what a client really did."""
        tasks = self.tasks()
        by_name: dict[str, list[int]] = {}
        for task in tasks:
            by_name.setdefault(task["task_name"], []).append(task["task_id"])
        return {"tokens_issued": self.tokens.issued, "tasks": tasks, "tasks_by_name": by_name}

    def files(self, reference: str) -> list[Json]:
        """What is published for an order, file by file, with size and hash."""
        return list(self._delivery.published(reference))

    def decide(self, task_id: int, status: str, in_seconds: float = 0) -> None:
        """A provider's decision by hand.

        ``planning`` takes the queued captures away (others are sought); an end (``failed``, ``rejected``, ...) ends the
        task; any other word is shown from then on, until a decision for "" or another one.

        Raises:
            KeyError: For an unknown task.
            ValueError: When the task has ended.
        """
        task = self._world.store.get(KIND, str(task_id))
        if task is None:
            raise KeyError(task_id)
        if self._tasks.story(task).status in ENDS:
            raise ValueError("the task has ended")
        what = "lose" if status == "planning" else "end" if status in ENDS else "say"
        self._tasks.decide(task, {"what": what, "status": status}, in_seconds)

    def fail_next_captures(self, times: int = 1, *, task_id: int | None = None) -> list[int]:
        """The next captures to come down fail in orbit; returns the tasks it was said of.

        Without ``task_id`` it is said of every open task, or of the next one made when none is open.
        """
        return self._tasks.fail_next("orbit", times, task_id)

    def reject_qc(self, times: int = 1, *, task_id: int | None = None) -> list[int]:
        """The next captures to be processed fail in quality control; as `fail_next_captures`."""
        return self._tasks.fail_next("qc", times, task_id)

    def trap_next_zips(self, kind: str, times: int = 1) -> None:
        """The next delivery zips fetched are traps of a kind, see ``satellogic_zips``; -1 is always, 0 never."""
        self._delivery.trap_next(kind, times)

    def join(self, app: FastAPI) -> None:
        """Add the provider's routes, its control routes, and the way it says no."""
        get = self._entered
        stac, analysis = "/archive/stac", "/v2/analysis/{kind}"
        search = get(self._archive.search)
        routes: dict[str, dict[str, Answer]] = {
            "/oauth/token": {"POST": self.accounts.token},
            "/contracts": {"GET": get(self._calls.contracts, contract_needed=False)},
            "/tasking/products": {"GET": get(self._calls.products)},
            "/tasking/clients": {"GET": get(self._calls.clients)},
            "/tasking/tasks": {"GET": get(self._calls.tasks), "POST": get(self._calls.create)},
            "/tasking/tasks/{task_id}": {"GET": get(self._calls.task)},
            "/tasking/tasks/{task_id}/captures": {"GET": get(self._calls.captures)},
            "/tasking/tasks/{task_id}/cancel": {"PATCH": get(self._calls.cancel)},
            analysis: {"POST": get(self._analyses.ask)},
            analysis + "/{analysis_id}": {"GET": get(self._analyses.read)},
            "/telluric/scenes": {"GET": get(self._delivery.scenes)},
            "/telluric/scenes/{scene}/attachments/{file_name}": {"GET": self._read(self._delivery.zip_file)},
            stac: {"GET": get(self._archive.landing)},
            stac + "/collections": {"GET": get(self._archive.collections)},
            stac + "/collections/{collection}": {"GET": get(self._archive.collection)},
            stac + "/collections/{collection}/items/{item_id}": {"GET": get(self._archive.item)},
            stac + "/search": {"GET": search, "POST": search},
            "/archive/files/{item_id}/{name}": {"GET": self._read(self._archive.file)},
        }
        for path, answers in routes.items():
            for slash in ("", "/"):
                app.router.add_route(PREFIX + path + slash, _by_method(answers), methods=_METHODS)
        app.router.add_route(PREFIX + "/{rest:path}", _nothing, methods=_METHODS)
        app.include_router(satellogic_control(self))
        app.add_exception_handler(Refusal, _say_no)

    def _entered(self, answer: Answer, *, contract_needed: bool = True) -> Answer:
        def entered(request: Request) -> Response:
            asked = self.accounts.enter(request, contract_needed=contract_needed)
            if request.path_params.get("kind", "opportunities") not in ("opportunities", "can-add"):
                raise Refusal(404, "Not found.")
            return answer(asked, **request.path_params)

        return entered

    @staticmethod
    def _read(answer: Answer) -> Answer:
        def read(request: Request) -> Response:
            return answer(request, **request.path_params)

        return read


def _by_method(answers: dict[str, Answer]) -> Answer:
    def answered(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in answers:
            raise Refusal(405, f'Method "{request.method}" not allowed.', {"Allow": ", ".join(answers)})
        return answers[method](request)

    return answered


def _nothing(_: Request) -> Response:
    raise Refusal(404, "Not found.")


async def _say_no(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return error.answer()
