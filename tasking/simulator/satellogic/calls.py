"""Satellogic's tasking calls: contracts, products, clients, tasks, captures, cancel."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Response

from tasking.simulator.features import Json, json_answer
from tasking.simulator.satellogic.accounts import Accounts
from tasking.simulator.satellogic.answers import Asked, listing
from tasking.simulator.satellogic.captures import Capture
from tasking.simulator.satellogic.rules import PRODUCTS
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.satellogic.tasks import Tasks, capture_shape, normalised, task_shape
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]


class Calls:
    """The calls of the tasking API."""

    def __init__(
        self, world: World, switches: SwitchBoard[SatellogicSwitches], accounts: Accounts, tasks: Tasks
    ) -> None:
        self._world, self._switches, self._accounts, self._tasks = world, switches, accounts, tasks

    def contracts(self, asked: Asked) -> Response:
        """``GET /contracts``: the only call without the contract header."""
        mine = [
            {"contract_id": one["contract_id"], "name": one["name"]}
            for one in self._accounts.contracts(asked.client_id)
        ]
        if self._switches.now.contracts_shape == "results":
            return json_answer({"results": mine})
        return Response(json.dumps(mine), media_type="application/json")

    def products(self, asked: Asked) -> Response:
        """``GET /tasking/products/``."""
        known = [{"pk": pk, "name": name, "is_area": area} for pk, (name, area) in PRODUCTS.items()]
        return self._page(asked, "/tasking/products/", known, lambda one: one)

    def clients(self, asked: Asked) -> Response:
        """``GET /tasking/clients/``."""
        return self._page(asked, "/tasking/clients/", [{"pk": 1, "name": asked.client_id}], lambda one: one)

    def _page(self, asked: Asked, path: str, matched: list[Any], show: Any) -> Response:
        return listing(asked, path, matched, show, self._switches.now.page_size, self._switches.now.page_size_max)

    def _shape(self, task: Fact) -> Json:
        status, odd = self._tasks.story(task).status, self._switches.now.unknown_status_word
        shape = task_shape(
            task, odd if odd and status == "in_progress" else status, echo_limits=self._switches.now.echo_limits
        )
        if self._switches.now.echo == "normalised":
            shape = normalised(shape, task)
        if self._world.switches.now.extra_fields:
            shape["new_field"] = {"nested": [1]}
        return shape

    def tasks(self, asked: Asked) -> Response:
        """``GET /tasking/tasks/``: filters ``task_name``, ``project_name``, ``status``; unknown ones do nothing."""
        switches, now = self._world.switches.now, self._world.clock.seconds()
        found = [task for task in self._tasks.of(asked) if task["created"] + switches.lag("tasks") <= now]
        if switches.list_order == "newest":
            found.reverse()
        query = asked.query() if self._switches.now.filters == "honoured" else {}
        for name in ("task_name", "project_name"):
            if name in query:
                found = [task for task in found if task[name] == query[name]]
        if "status" in query:
            found = [task for task in found if self._shape(task)["status"] == query["status"]]
        return self._page(asked, "/tasking/tasks/", found, self._shape)

    def create(self, asked: Asked) -> Response:
        """``POST /tasking/tasks/``; raises `Refusal` 400."""
        made = self._tasks.create(asked)
        asked.request.state.created_ids = [str(made["task_id"])]
        return json_answer(self._shape(made), self._switches.now.create_status)

    def task(self, asked: Asked, task_id: str) -> Response:
        """``GET /tasking/tasks/{task_id}``; raises `Refusal` 404."""
        return json_answer(self._shape(self._tasks.get(asked, task_id)))

    def captures(self, asked: Asked, task_id: str) -> Response:
        """``GET /tasking/tasks/{task_id}/captures/``, earliest first; raises `Refusal` 404."""
        story = self._tasks.story(self._tasks.get(asked, task_id))

        odd = self._switches.now.processing_word

        def show(capture: Capture) -> Json:
            shape = capture_shape(capture, self._world.clock.seconds())
            return {**shape, "status": odd} if odd and shape["status"] == "processing" else shape

        return self._page(asked, f"/tasking/tasks/{task_id}/captures/", list(story.captures), show)

    def cancel(self, asked: Asked, task_id: str) -> Response:
        """``PATCH /tasking/tasks/{task_id}/cancel/``; raises `Refusal` 400 or 404."""
        task = self._tasks.cancel(self._tasks.get(asked, task_id))
        if self._switches.now.cancel_answer == "empty":
            return Response(status_code=200)
        return json_answer(self._shape(task))
