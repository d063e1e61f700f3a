"""Satellogic's tasks: each POST is a task of its own, also when one with the same name was made before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from threading import RLock
from typing import Any

from tasking.simulator.clock import utc_text
from tasking.simulator.features import Json
from tasking.simulator.orbits import Satellite
from tasking.simulator.satellogic.answers import Asked, Refusal
from tasking.simulator.satellogic.captures import Capture, Story
from tasking.simulator.satellogic.passes import Pass, aimed, footprint, passes, strips
from tasking.simulator.satellogic.rules import AREA, read_task
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.satellogic.timeline import ENDS, Planner
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
KIND = "satellogic task"
_FIRST_ID = 299000
_HEADING = 190.0
_KEPT = 64


class Tasks:
    """Tasks, and how they stand."""

    def __init__(self, world: World, switches: SwitchBoard[SatellogicSwitches], satellites: list[Satellite]) -> None:
        self._world, self._switches, self._satellites = world, switches, satellites
        self._lock = RLock()
        self._seen: OrderedDict[str, tuple[list[Pass], list[Json]]] = OrderedDict()
        self._aims: OrderedDict[tuple[int, str, int], Pass] = OrderedDict()

    def all(self) -> list[Fact]:
        """All tasks, oldest first."""
        return self._world.store.all(KIND)

    def of(self, asked: Asked) -> list[Fact]:
        """The tasks of a contract, oldest first."""
        return [task for task in self.all() if self._visible(task, asked)]

    @staticmethod
    def _visible(task: Fact, asked: Asked) -> bool:
        return bool(
            task["client_id"] == asked.client_id and task["contract"]["contract_id"] == asked.contract["contract_id"]
        )

    def get(self, asked: Asked, task_id: str) -> Fact:
        """A task of a contract; raises `Refusal` 404."""
        task = self._world.store.get(KIND, task_id)
        if task is None or not self._visible(task, asked):
            raise Refusal(404, "Not found.")
        return task

    def draft(self, asked: Asked) -> Fact:
        """A payload as a task that is not stored: what an analysis looks at; raises `Refusal` 400."""
        now, switches = self._world.clock.seconds(), self._switches.now
        read = read_task(asked.body(), now, switches, self._switches.now.name_max_length)
        task: Fact = {
            **read,
            "task_id": 0,
            "client_id": asked.client_id,
            "contract": asked.contract,
            "created": now,
            "rules": switches.model_dump(mode="json"),
            "decisions": [],
        }
        if read["product"] == AREA:
            count = len(self._looks(task)[1])
            if count > switches.max_strips:
                raise Refusal(400, {"target": [f"The area needs {count} strips; at most {switches.max_strips}."]})
        return task

    def create(self, asked: Asked) -> Fact:
        """Order; raises `Refusal` 400."""
        task = self.draft(asked)
        with self._world.store.together():
            task["task_id"] = _FIRST_ID + self._world.store.next_number("satellogic task")
            waiting = self._world.store.get("satellogic", "next failures") or {"decisions": []}
            task["decisions"] = [{**one, "at": task["created"]} for one in waiting["decisions"]]
            self._world.store.drop("satellogic", "next failures")
            self._world.store.put(KIND, str(task["task_id"]), task)
        return task

    def _looks(self, task: Fact) -> tuple[list[Pass], list[Json]]:
        """The passes that see a task's target, and the strips it is cut into (none for a point)."""
        rules, target = task["rules"], task["target"]
        along = 5.0 if task["product"] == AREA else float(task["contract"]["footprint_km"][1])
        window = (task["start"], task["end"])
        angle, strip = rules["off_nadir_max_deg"], (rules["strip_width_km"], rules["strip_length_max_km"])
        known = repr((target, along, window, angle, strip))
        with self._lock:
            if known not in self._seen:
                looks = passes(self._satellites, target, window, angle, along)
                heading = looks[0].heading if looks else _HEADING
                self._seen[known] = (looks, strips(target, heading, *strip) if task["product"] == AREA else [])
                while len(self._seen) > _KEPT:
                    self._seen.popitem(last=False)
            return self._seen[known]

    def _planner(self, task: Fact) -> Planner:
        looks, cut = self._looks(task)

        def aim(look: Pass, strip: int) -> Pass:
            known = (task["task_id"], look.key, strip)
            if known not in self._aims:
                satellite = next(one for one in self._satellites if one.name == look.platform)
                self._aims[known] = aimed(satellite, look, cut[strip], 40.0)
                while len(self._aims) > _KEPT * 32:
                    self._aims.popitem(last=False)
            return self._aims[known]

        return Planner(task, looks, len(cut), self._world.chance, aim)

    def story(self, task: Fact) -> Story:
        """How a task stands now."""
        with self._world.store.lock:
            return self._planner(task).story(self._world.clock.seconds())

    def opportunities(self, task: Fact, *, free_only: bool) -> tuple[list[Pass], int]:
        """Passes that could serve a draft, and how many strips it has.

        Args:
            task: A draft or task.
            free_only: Leave out those that other orders take, and those before the order cutoff.
        """
        looks, cut = self._looks(task)
        if free_only:
            planner, first = self._planner(task), task["created"] + task["rules"]["order_cutoff_seconds"]
            looks = [look for look in looks if look.start >= first and not planner.taken(look)]
        return [look for look in looks if look.start >= task["created"]], len(cut)

    def ground(self, task: Fact, capture: Capture) -> Json:
        """GeoJSON of what a capture shows: its strip, or the footprint around the point."""
        _, cut = self._looks(task)
        if cut:
            return cut[capture.place]
        return footprint(task["target"], task["contract"]["footprint_km"], capture.look.heading)

    def published(self, client_id: str | None = None, contract_id: str | None = None) -> Iterator[tuple[Fact, Capture]]:
        """All published captures (of an account and contract) with their tasks, oldest task first."""
        now = self._world.clock.seconds()
        for task in self.all():
            if client_id in (None, task["client_id"]) and contract_id in (None, task["contract"]["contract_id"]):
                for capture in self.story(task).captures:
                    if capture.published(now):
                        yield task, capture

    def cancel(self, task: Fact) -> Fact:
        """Cancel by the user; raises `Refusal` 400 for a task that has ended."""
        with self._world.store.together():
            status = self.story(task).status
            if status in ENDS:
                raise Refusal(400, {"status": [f"A task that is {status} cannot be canceled."]})
            notice = task["rules"]["cancel_notice_seconds"]
            return self.decide(task, {"what": "end", "status": "canceled", "notice": notice}, 0)

    def decide(self, task: Fact, decision: Fact, in_seconds: float) -> Fact:
        """Write down what was decided by hand."""
        at = self._world.clock.seconds() + in_seconds
        with self._world.store.together():
            task = {**task, "decisions": [*task["decisions"], {**decision, "at": at}]}
            self._world.store.put(KIND, str(task["task_id"]), task)
        return task

    def fail_next(self, how: str, times: int, task_id: int | None) -> list[int]:
        """The next captures to settle fail: of one task, of all open ones, or of the next task when none is open."""
        decision = {"what": "fail", "how": how, "times": times}
        with self._world.store.together():
            if task_id is not None:
                task = self._world.store.get(KIND, str(task_id))
                if task is None:
                    raise KeyError(task_id)
                chosen = [task]
            else:
                chosen = [task for task in self.all() if self.story(task).status not in ENDS]
            if not chosen:
                waiting = self._world.store.get("satellogic", "next failures") or {"decisions": []}
                decisions = [*waiting["decisions"], decision]
                self._world.store.put("satellogic", "next failures", {"decisions": decisions})
            return [int(self.decide(task, decision, 0)["task_id"]) for task in chosen]


def shown_target(target: Json) -> Json:
    """A target as the provider shows it: with a height of zero."""

    def raised(value: Any) -> Any:
        if value and isinstance(value[0], list):
            return [raised(one) for one in value]
        return [*value[:2], 0.0]

    return {"type": target["type"], "coordinates": raised(target["coordinates"])}


def task_shape(task: Fact, status: str, *, echo_limits: bool) -> Json:
    """A task as its calls answer it."""
    limits = {"max_captures": task["max_captures"], "expected_age": task["expected_age_text"]}
    return {
        "task_id": task["task_id"],
        "task_name": task["task_name"],
        "project_name": task["project_name"],
        "product": task["product"],
        "start": utc_text(task["start"]),
        "end": utc_text(task["end"]),
        "priority": task["contract"]["priority"],
        "client": task["client_id"],
        "target": shown_target(task["target"]),
        "created_time": utc_text(task["created"]),
        "status": status,
        **(limits if echo_limits else {}),
    }


def normalised(shape: Json, task: Fact) -> Json:
    """A task as a server shows it that keeps whole minutes, four decimals, and zero for no number of captures."""

    def rounded(value: Any) -> Any:
        return [rounded(one) for one in value] if isinstance(value, list) else round(value, 4)

    start = max(task["start"], task["created"])
    changed = {
        "start": utc_text(start - start % 60),
        "end": utc_text(task["end"] - task["end"] % 60),
        "target": {**shape["target"], "coordinates": rounded(shape["target"]["coordinates"])},
    }
    limits = {"max_captures": task["max_captures"] or 0} if "max_captures" in shape else {}
    return {**shape, **changed, **limits}


def capture_shape(capture: Capture, now: float) -> Json:
    """A capture as its task's list shows it."""
    return {
        "capture_id": capture.capture_id,
        "start": utc_text(capture.look.start),
        "satellite_name": capture.look.platform,
        "status": capture.status(now),
    }
