"""AxelGlobe's task plans and their candidates."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from typing import Any

from tasking.simulator.axelglobe.rules import check_area, check_name, check_view, check_window
from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.axelglobe.timeline import generation
from tasking.simulator.clock import utc_text
from tasking.simulator.features import Json, opaque, unopaque
from tasking.simulator.orbits import Satellite
from tasking.simulator.passes import Capture, captures
from tasking.simulator.problem import Problem
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
KIND = "axelglobe plan"
_PROPERTIES = ("name", "valid_start", "valid_end", "off_nadir_range", "satellites")


class Plans:
    """Plans, and the candidates that follow from them."""

    def __init__(self, world: World, switches: SwitchBoard[AxelGlobeSwitches], satellites: list[Satellite]) -> None:
        self._world, self._switches, self._satellites = world, switches, satellites
        self._passes: OrderedDict[str, list[Capture]] = OrderedDict()

    def create(self, client_id: str, feature: Json) -> Fact:
        """Register a plan; raises `Problem` 400, or 409 for a known name when names must differ."""
        switches, now = self._switches.now, self._world.clock.seconds()
        properties = feature["properties"]
        for name in properties.keys() - set(_PROPERTIES):
            raise Problem(400, f"properties.{name}: unknown property")
        name = check_name(properties, switches)
        area = check_area(feature["geometry"], switches)
        start, end = check_window(properties, now, switches)
        angles, satellites = check_view(properties, [one.name for one in self._satellites], switches)
        with self._world.store.together():
            if not switches.duplicate_names_allowed and any(plan["name"] == name for plan in self.of(client_id)):
                raise Problem(409, f"properties.name: a plan named {name!r} exists")
            plan_id = opaque("TaskPlan", self._world.new_uuid("plan"))
            number = self._world.store.next_number("plan")
            jitter = switches.candidates_ready_jitter_seconds
            wait = switches.candidates_ready_seconds + self._world.chance("ready", plan_id).uniform(-jitter, jitter)
            barren = (self._world.store.get("axelglobe", "barren plans") or {"next": 0})["next"]
            if barren:
                self._world.store.put("axelglobe", "barren plans", {"next": barren - 1})
            plan = {
                "id": plan_id,
                "number": number,
                "client_id": client_id,
                "name": name,
                "created": now,
                "geometry": area,
                "start": start,
                "end": end,
                "off_nadir_range": angles,
                "satellites": satellites,
                "ready": now + max(0, wait),
                "life": switches.candidate_life_seconds,
                "lead": switches.request_lead_seconds,
                "replaced": [],
                "barren": bool(barren),
            }
            self._world.store.put(KIND, plan_id, plan)
        return plan

    def get(self, plan_id: str) -> Fact | None:
        """A plan of any account."""
        return self._world.store.get(KIND, plan_id)

    def of(self, client_id: str) -> list[Fact]:
        """All plans of an account, oldest first."""
        return [plan for plan in self._world.store.all(KIND) if plan["client_id"] == client_id]

    def change(self, plan_id: str, *, replace_candidates: bool = False, barren: bool | None = None) -> Fact:
        """By hand: give the candidates new ids now, and/or say that there are none; raises `KeyError`."""
        with self._world.store.together():
            plan = self.get(plan_id)
            if plan is None:
                raise KeyError(plan_id)
            replaced = [*plan["replaced"], self._world.clock.seconds()] if replace_candidates else plan["replaced"]
            plan = {**plan, "replaced": replaced, "barren": plan["barren"] if barren is None else barren}
            self._world.store.put(KIND, plan_id, plan)
        return plan

    def ready(self, plan: Fact) -> bool:
        """Whether candidates can be listed."""
        return bool(self._world.clock.seconds() >= plan["ready"])

    def passes(self, plan: Fact) -> list[Capture]:
        """Every possible capture of a plan, from the start of its window to the end."""
        with self._world.store.lock:
            if plan["id"] not in self._passes:
                chosen = [one for one in self._satellites if one.name in plan["satellites"]]
                window, angles = (plan["start"], plan["end"]), tuple(plan["off_nadir_range"])
                self._passes[plan["id"]] = captures(chosen, plan["geometry"], window, angles)
                if len(self._passes) > 500:
                    self._passes.popitem(last=False)
            return self._passes[plan["id"]]

    def candidates(self, plan: Fact) -> list[Fact]:
        """What can be requested now, earliest first; empty before the plan is ready."""
        now = self._world.clock.seconds()
        shown = generation(plan, now)
        if shown is None or plan["barren"]:
            return []
        listed = []
        for index, capture in enumerate(self.passes(plan)):
            valid_until = math.floor(min(shown.end, capture.start - plan["lead"]))
            if valid_until > now:
                listed.append(self._candidate(plan, shown.number, index, capture, valid_until))
        return listed

    def _candidate(self, plan: Fact, number: int, index: int, capture: Capture, valid_until: int) -> Fact:
        token = f"{plan['number']:05x}{number:04x}{index:03x}"
        check = hashlib.sha256(f"{self._world.seed}|{plan['id']}|{token}".encode()).hexdigest()[:4]
        return {
            "id": opaque("OpportunityCandidate", token + check),
            "plan": plan,
            "capture": capture,
            "valid_until": valid_until,
        }

    def read_candidate(self, client_id: str, candidate_id: str) -> tuple[Fact, bool] | None:
        """A candidate that is or was listed, and whether it can be requested now; ``None`` when there never was one."""
        token = unopaque("OpportunityCandidate", candidate_id)
        try:
            number, past, index = int((token or "")[:5], 16), int((token or "")[5:9], 16), int((token or "")[9:12], 16)
        except ValueError:
            return None
        plan = next((one for one in self.of(client_id) if one["number"] == number), None)
        shown = generation(plan, self._world.clock.seconds()) if plan else None
        if plan is None or shown is None or past > shown.number or index >= len(self.passes(plan)):
            return None
        for living in self.candidates(plan):
            if living["id"] == candidate_id:
                return living, True
        return self._past(plan, past, index, candidate_id)

    def _past(self, plan: Fact, number: int, index: int, candidate_id: str) -> tuple[Fact, bool] | None:
        capture = self.passes(plan)[index]
        moment, then = plan["ready"], generation(plan, plan["ready"])
        while then and then.number < number:
            moment = then.end
            then = generation(plan, moment)
        if then is None or capture.start - plan["lead"] <= then.start:
            return None  # it was behind when that list was made
        valid_until = math.floor(min(then.end, capture.start - plan["lead"]))
        candidate = self._candidate(plan, number, index, capture, valid_until)
        return (candidate, False) if candidate["id"] == candidate_id else None


def plan_properties(plan: Fact, status: str) -> Json:
    """The documented properties of a plan."""
    return {
        "created": utc_text(plan["created"]),
        "name": plan["name"],
        "valid_start": utc_text(plan["start"]),
        "valid_end": utc_text(plan["end"]),
        "off_nadir_range": plan["off_nadir_range"],
        "satellites": plan["satellites"],
        "status": status,
    }


def candidate_properties(candidate: Fact) -> Json:
    """The documented properties of a candidate."""
    capture: Capture = candidate["capture"]
    return {
        "task_plan_id": candidate["plan"]["id"],
        "view:off_nadir": capture.off_nadir,
        "view:sun_elevation": capture.sun_elevation,
        "view:sun_azimuth": capture.sun_azimuth,
        "plan_coverage": capture.coverage,
        "start_datetime": utc_text(capture.start),
        "end_datetime": utc_text(capture.end),
        "platform": capture.platform,
        "constellation": "GRUS1",
        "valid_until": utc_text(candidate["valid_until"]),
    }
