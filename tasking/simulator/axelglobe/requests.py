"""AxelGlobe's task requests: each costs a credit, also when one with the same name or candidate was made before."""

from __future__ import annotations

import base64
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from tasking.simulator.axelglobe.plans import Plans
from tasking.simulator.axelglobe.rules import check_name
from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.axelglobe.timeline import STORY, Standing, capture_of, standing
from tasking.simulator.clock import utc_text
from tasking.simulator.features import Json, opaque
from tasking.simulator.problem import Problem
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
KIND = "axelglobe request"
PRIORITIES = ("NORMAL", "EMERGENCY")


class Requests:
    """Requests, and how they stand."""

    def __init__(self, world: World, switches: SwitchBoard[AxelGlobeSwitches], plans: Plans) -> None:
        self._world, self._switches, self._plans = world, switches, plans

    def of(self, client_id: str) -> list[Fact]:
        """All requests of an account, oldest first."""
        return [request for request in self._world.store.all(KIND) if request["client_id"] == client_id]

    def all(self) -> list[Fact]:
        """All requests, oldest first."""
        return self._world.store.all(KIND)

    def get(self, request_id: str) -> Fact | None:
        """A request of any account."""
        return self._world.store.get(KIND, request_id)

    def standing(self, request: Fact) -> Standing:
        """How a request stands now."""
        return standing(request, self._world.clock.seconds())

    def credits_left(self, client_id: str) -> int:
        """Credits not spent; a cancelled request gives its credit back."""
        spent = [request for request in self.of(client_id) if not request["cancelled"]]
        return self._switches.now.credits - len(spent)

    def create(self, client_id: str, feature: Json) -> Fact:
        """Order a capture; raises `Problem` 400, 404, or by switch for an expired candidate or without a credit."""
        switches = self._switches.now
        if feature["geometry"] != {"type": "Polygon", "coordinates": []}:
            raise Problem(400, "geometry: must be an empty Polygon when a candidate is given")
        properties = feature["properties"]
        for name in properties.keys() - {"name", "candidate_id", "priority"}:
            raise Problem(400, f"properties.{name}: unknown property")
        name = check_name(properties, switches)
        if properties.get("priority") not in PRIORITIES:
            raise Problem(400, f"properties.priority: must be {' or '.join(PRIORITIES)}")
        if not isinstance(properties.get("candidate_id"), str):
            raise Problem(400, "properties.candidate_id: a text is required")
        with self._world.store.together():
            found = self._plans.read_candidate(client_id, properties["candidate_id"])
            if found is None:
                raise Problem(404, "properties.candidate_id: unknown")
            candidate, living = found
            if not living:
                raise Problem(switches.expired_candidate_status, "properties.candidate_id: the candidate has expired")
            if not switches.duplicate_names_allowed and any(one["name"] == name for one in self.of(client_id)):
                raise Problem(409, f"properties.name: a request named {name!r} exists")
            if self.credits_left(client_id) <= 0:
                raise Problem(switches.no_credits_status, "no task credit is left")
            request = self._made(client_id, name, properties["priority"], candidate)
            self._world.store.put(KIND, request["id"], request)
        return request

    def _made(self, client_id: str, name: str, priority: str, candidate: Fact) -> Fact:
        switches, now = self._switches.now, self._world.clock.seconds()
        request_id = opaque("Task", self._world.new_uuid("request"))
        chance = self._world.chance("request", request_id)
        capture = candidate["capture"]
        request: Fact = {
            "id": request_id,
            "client_id": client_id,
            "name": name,
            "created": now,
            "priority": priority,
            "plan_id": candidate["plan"]["id"],
            "candidate_id": candidate["id"],
            "capture": asdict(capture),
            "capture_id": base64.b64encode(chance.getrandbits(64).to_bytes(8, "big").hex().encode()).decode(),
            "accept_seconds": switches.accept_seconds,
            "lead_seconds": switches.request_lead_seconds,
            "data_seconds": round(chance.uniform(*switches.data_after_capture_seconds)),
            "decisions": [],
            "cancelled": False,
        }
        if chance.random() < switches.rejection_probability:
            rejected = min(now + switches.accept_seconds, capture.start - 1)
            request["decisions"] = [{"at": rejected, "status": "REJECTED"}]
            if switches.rejection_reversal_seconds:
                # When no pass is left by then, it stays rejected.
                with suppress(ValueError):
                    request = self._decided(request, "ACCEPTED", rejected + switches.rejection_reversal_seconds)
        return request

    def _decided(self, request: Fact, status: str, at: float) -> Fact:
        decision: Fact = {"at": at, "status": status}
        capture, then = capture_of(request, at), standing(request, at)
        if status == "DATA_AVAILABLE" and not then.captured:
            raise ValueError(f"nothing is captured before {utc_text(capture['end'])}: move the clock first")
        if status in ("PLANNED", "ACCEPTED", "PROCESSING") and at > capture["start"] and not then.captured:
            plan = self._plans.get(request["plan_id"])
            earliest = at + request["lead_seconds"]
            ahead = [one for one in self._plans.passes(plan) if one.start >= earliest] if plan else []
            if not ahead:
                raise ValueError("the capture's time has gone by, and no other pass is left in the plan's window")
            decision["capture"] = asdict(ahead[0])
        return {**request, "decisions": [*request["decisions"], decision]}

    def decide(self, request_id: str, status: str, in_seconds: float = 0) -> Fact:
        """By hand: the provider's decision, now or later.

        Raises:
            KeyError: For an unknown request.
            ValueError: When there is nothing such a decision could mean.
        """
        with self._world.store.together():
            request = self.get(request_id)
            if request is None:
                raise KeyError(request_id)
            request = self._decided(request, status, self._world.clock.seconds() + in_seconds)
            self._world.store.put(KIND, request_id, request)
        return request

    def cancel(self, request: Fact) -> None:
        """End a request and give its credit back; raises `Problem` 409 after ``cancel_until``."""
        with self._world.store.together():
            now = self._world.clock.seconds()
            if self.standing(request).status not in (*STORY[:2], "REJECTED") or now > cancel_until(request):
                raise Problem(409, f"cancelling ended at {utc_text(cancel_until(request))}")
            decisions = [one for one in request["decisions"] if one["at"] <= now]
            changed = {"cancelled": True, "decisions": [*decisions, {"at": now, "status": "CANCELED"}]}
            self._world.store.put(KIND, request["id"], {**request, **changed})


def cancel_until(request: Fact) -> float:
    """Until when a request could be cancelled."""
    return float(request["capture"]["start"] - request["lead_seconds"])


def request_properties(request: Fact, plan: Fact, now: Standing, name: str, window: str, known: bool) -> Json:
    """The documented properties of a request.

    Args:
        request: The request.
        plan: Its plan.
        now: How it stands.
        name: The name to show.
        window: ``plan`` or ``candidate``: what valid_start and valid_end are taken from.
        known: Whether the capture id is shown.
    """
    capture = now.capture
    start, end = (capture["start"], capture["end"]) if window == "candidate" else (plan["start"], plan["end"])
    return {
        "name": name,
        "created": utc_text(request["created"]),
        "valid_start": utc_text(start),
        "valid_end": utc_text(end),
        "off_nadir_range": [round(max(0, capture["off_nadir"] - 0.15), 2), round(capture["off_nadir"] + 0.15, 2)],
        "satellites": [capture["platform"]],
        "priority": request["priority"],
        "cancel_until": utc_text(cancel_until(request)),
        "task_plan_id": request["plan_id"],
        "status": now.status,
        "ag:capture_id": request["capture_id"] if known else None,
    }
