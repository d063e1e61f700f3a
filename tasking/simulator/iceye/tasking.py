"""The calls of ICEYE's tasking API v2: price, feasibility, tasks and scenes."""

from __future__ import annotations

import time
from typing import Any

from fastapi import Response

from tasking.simulator.clock import read_time
from tasking.simulator.iceye.calls import Call, Json, Refusal, answer, is_uuid, limit_param, page, stamp
from tasking.simulator.iceye.contracts import Contracts
from tasking.simulator.iceye.modes import price, sla_hours
from tasking.simulator.iceye.rules import choose, finite
from tasking.simulator.iceye.switches import IceyeSwitches
from tasking.simulator.iceye.tasks import Tasks
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
_LAT, _LON = "pointOfInterest[lat]", "pointOfInterest[lon]"
_PRICE = ("contractID", "imagingMode", _LAT, _LON, "exclusivity", "priority", "sla", "eula")


class Tasking:
    """Reads calls, writes answers."""

    def __init__(self, world: World, switches: SwitchBoard[IceyeSwitches], contracts: Contracts, tasks: Tasks) -> None:
        self._world, self._switches, self._contracts, self._tasks = world, switches, contracts, tasks

    def _params(self, call: Call, *known: str) -> dict[str, str]:
        return call.params(known, self._switches.now.unknown_parameters)

    def price(self, call: Call) -> Response:
        """``GET /price``; raises `Refusal` for a contract without a pricing plan."""
        params = self._params(call, *_PRICE)
        for name in _PRICE:
            if name not in params:
                raise Refusal(400, f"{name}: is required")
        if not is_uuid(params["contractID"]):
            raise Refusal(400, "contractID: must be a UUID")
        finite(params[_LAT], _LAT, -90, 90)
        finite(params[_LON], _LON, -180, 180)
        contract = self._contracts.find(call.client_id, params["contractID"])
        choose(contract, "imagingModes", "imagingMode", params["imagingMode"], "")
        wished = [params[name] for name in ("priority", "sla", "exclusivity", "eula")]
        for name, value in zip(("priority", "sla", "exclusivity", "eula"), wished, strict=True):
            choose(contract, name, name, value, "")
        if contract["pricing"] is None:
            status = self._switches.now.no_pricing_plan_status
            raise Refusal(status, "could not get price: no Pricing Plan", "ERR_NO_PRICING_PLAN", "No Pricing Plan")
        amount = price(params["imagingMode"], *wished)
        return answer({"amount": amount, "currency": contract["pricing"]["currency"]})

    def feasibility(self, call: Call) -> Response:
        """``POST /feasibility``: an array in, a verdict by index out; slow by switch."""
        switches = self._switches.now
        self._params(call)
        wishes = call.json()
        if not isinstance(wishes, list) or not 1 <= len(wishes) <= switches.feasibility_max_tasks:
            raise Refusal(400, f"the body must be an array of 1 to {switches.feasibility_max_tasks} tasks")
        found = [self._tasks.feasible(call.client_id, wish) for wish in wishes]
        time.sleep(switches.feasibility_seconds)
        words = ["FEASIBLE" if one else "INFEASIBLE" for one in found]
        return answer({"feasibility": [{"id": str(place), "result": word} for place, word in enumerate(words)]})

    def create(self, call: Call) -> Response:
        """``POST /tasks``."""
        self._params(call)
        task = self._tasks.create(call.client_id, call.json())
        call.request.state.created_ids = [task["id"]]
        return answer(self._shown(task), 201)

    def list(self, call: Call) -> Response:
        """``GET /tasks``."""
        switches, now = self._switches.now, self._world.clock.seconds()
        params = self._params(call, "contractID", "limit", "cursor", "createdAfter", "createdBefore")
        if not is_uuid(params.get("contractID", "00000000-0000-4000-8000-000000000000")):
            raise Refusal(400, "contractID: must be a UUID")
        try:
            after = read_time(params["createdAfter"]) if "createdAfter" in params else float("-inf")
            before = read_time(params["createdBefore"]) if "createdBefore" in params else float("inf")
        except ValueError as error:
            raise Refusal(400, f"createdAfter, createdBefore: {error}") from error
        tasks = [
            task
            for task in self._tasks.of(call.client_id)
            if task["contract_id"] == params.get("contractID", task["contract_id"])
            and after < task["created"] < before
            and task["created"] + self._world.switches.now.lag("tasks") <= now
        ]
        if self._world.switches.now.list_order == "newest":
            tasks.reverse()
        size = limit_param(params, switches.list_limit_max)
        listed, onward = page(tasks, params, size, lambda task: str(task["number"]), switches.last_cursor)
        data = [self._shown(task) for task in listed]
        for shown in data:
            shown.pop("notifications", None)
            shown.pop("deliveries", None)
        return answer({"data": data, **onward})

    def asked(self, call: Call, task_id: str) -> Fact:
        """The task that a path names; raises `Refusal` 400 or 404."""
        if not is_uuid(task_id):
            raise Refusal(400, "taskID: must be a UUID")
        return self._tasks.find(call.client_id, task_id)

    def one(self, call: Call, task_id: str) -> Response:
        """``GET /tasks/{taskID}``."""
        self._params(call)
        return answer(self._shown(self.asked(call, task_id)))

    def patch(self, call: Call, task_id: str) -> Response:
        """``PATCH /tasks/{taskID}``: cancel, and nothing else."""
        self._params(call)
        self.asked(call, task_id)
        if call.json() != {"status": "CANCELED"}:
            raise Refusal(400, 'the body must be {"status": "CANCELED"}')
        return answer(self._shown(self._tasks.cancel(call.client_id, task_id)))

    def scene(self, call: Call, task_id: str) -> Response:
        """``GET /tasks/{taskID}/scene``: the plan, later what was imaged; raises `Refusal` 404 without one."""
        self._params(call)
        stands = self._tasks.standing(self.asked(call, task_id))
        capture = stands.capture
        if capture is None or stands.status in ("RECEIVED", "REJECTED", "CANCELED", "FAILED"):
            raise Refusal(404, f"no scene: the task is {stands.status}", "ERR_SCENE_UNAVAILABLE", "Scene Not Found")
        angle = capture["incidence"]
        return answer(
            {
                "imagingTime": {"start": stamp(capture["start"]), "end": stamp(capture["end"])},
                "duration": capture["end"] - capture["start"],
                "incidenceAngle": f"{angle:.2f}" if self._switches.now.incidence_as_text else angle,
                "lookSide": capture["side"],
                "passDirection": capture["direction"],
            }
        )

    def _shown(self, task: Fact) -> Json:
        switches, stands, asked = self._switches.now, self._tasks.standing(task), task["asked"]
        shown: Json = {
            "id": task["id"],
            "pointOfInterest": asked["pointOfInterest"],
            "acquisitionWindow": {"start": stamp(task["start"]), "end": stamp(task["end"])},
            "createdAt": stamp(int(task["created"])),
            "updatedAt": stamp(int(stands.changed)),
            "imagingMode": task["mode"],
            "imagingDuration": task["duration"],
            "contractID": task["contract_id"],
            "status": stands.status,
            "exclusivity": task["exclusivity"],
            "priority": task["priority"],
            "sla": task["sla"],
            "productsAvailableInSeconds": int(sla_hours(task["sla"]) * 3600),
            "incidenceAngle": {"min": task["incidence"][0], "max": task["incidence"][1]},
            "lookSide": task["side"],
            "passDirection": task["direction"],
        }
        if "eula" in asked or switches.eula_when_unset == "default":
            shown["eula"] = task["eula"]
        shown |= {name: asked[name] for name in ("reference", "productTypes", "notifications") if name in asked}
        if stands.fulfilled is not None:
            shown["fulfilledAt"] = stamp(int(stands.fulfilled))
        if "deliveries" in asked:
            word = {"DONE": "success", "FAILED": "failed", "REJECTED": "failed", "CANCELED": "failed"}
            shown["deliveries"] = [
                {"id": delivery_id, **delivery, "status": word.get(stands.status, "pending")}
                for delivery_id, delivery in zip(task["deliveries"], asked["deliveries"], strict=True)
            ]
        return {**shown, "newField": {"since": "2.1"}} if self._world.switches.now.extra_fields else shown
