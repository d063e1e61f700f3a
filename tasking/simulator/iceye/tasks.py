"""ICEYE's tasks: each costs what it costs, also when one with the same reference was made before."""

from __future__ import annotations

from typing import Any

from tasking.simulator.iceye.calls import Json, Refusal
from tasking.simulator.iceye.contracts import TASK, Contracts
from tasking.simulator.iceye.imaging import Imaging
from tasking.simulator.iceye.modes import sla_hours
from tasking.simulator.iceye.rules import check_shape, resolve
from tasking.simulator.iceye.switches import IceyeSwitches
from tasking.simulator.iceye.timeline import Standing, standing
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
_HOUR = 3600
_FEES = ((72, 0), (48, 10), (24, 20))  # more hours than this before the window's start: percent of the price


class Tasks:
    """Tasks, and how they stand."""

    def __init__(
        self, world: World, switches: SwitchBoard[IceyeSwitches], contracts: Contracts, imaging: Imaging
    ) -> None:
        self._world, self._switches, self._contracts, self._imaging = world, switches, contracts, imaging

    def all(self) -> list[Fact]:
        """All tasks of all accounts, oldest first."""
        return self._world.store.all(TASK)

    def of(self, client_id: str) -> list[Fact]:
        """An account's tasks, oldest first."""
        return [task for task in self.all() if task["client_id"] == client_id]

    def find(self, client_id: str, task_id: str) -> Fact:
        """An account's task; raises `Refusal` 404."""
        task = self._world.store.get(TASK, task_id)
        if task is None or task["client_id"] != client_id:
            raise Refusal(404, "task not found", "ERR_TASK_NOT_FOUND", "Task Not Found")
        return task

    def standing(self, task: Fact) -> Standing:
        """How a task stands now."""
        return standing(task, self._world.clock.seconds())

    def _wish(self, client_id: str, body: Any, now: float) -> tuple[Json, Fact, Fact]:
        asked = check_shape(body, self._switches.now)
        contract = self._contracts.find(client_id, asked["contractID"])
        return asked, contract, resolve(asked, contract, now, self._switches.now)

    def _no_funds(self, doing: str) -> Refusal:
        said = f"could not {doing}: insufficient funds"
        return Refusal(
            self._switches.now.insufficient_funds_status, said, "ERR_INSUFFICIENT_FUNDS", "Insufficient Funds"
        )

    def feasible(self, client_id: str, body: Any) -> bool:
        """Whether a task could be acquired and paid; raises `Refusal` as `create` does."""
        switches, now = self._switches.now, self._world.clock.seconds()
        _, contract, wish = self._wish(client_id, body, now)
        if not self._contracts.can_pay(contract, wish["price"]):
            if switches.feasibility_over_budget == "error":
                raise self._no_funds("check feasibility")
            return False
        earliest = now + switches.decision_seconds + switches.decision_jitter_seconds + switches.uplink_seconds
        return bool(self._imaging.possible(wish, earliest))

    def create(self, client_id: str, body: Any) -> Fact:
        """Order an imaging; raises `Refusal` 400, 404 for the contract, or by switch when the budget is too small."""
        now, switches = self._world.clock.seconds(), self._switches.now
        asked, contract, wish = self._wish(client_id, body, now)
        self._imaging.possible(wish, now)  # searched before the store is held
        with self._world.store.together():
            if not self._contracts.can_pay(contract, wish["price"]):
                raise self._no_funds("create task")
            task_id = self._world.new_uuid(TASK)
            chance = self._world.chance(TASK, task_id)
            jitter = switches.decision_jitter_seconds
            decided = now + max(0.0, switches.decision_seconds + chance.uniform(-jitter, jitter))
            imagings = self._imaging.possible(wish, decided + switches.uplink_seconds, most=2)
            if self._next_is_barren():
                imagings = []
            moves = []
            if switches.scene_moves and len(imagings) > 1:
                moves = [{"at": (decided + imagings[0]["start"]) / 2, "capture": imagings[1]}]
            task: Fact = {
                "id": task_id,
                "number": self._world.store.next_number(TASK),
                "client_id": client_id,
                "created": now,
                "asked": asked,
                **wish,
                "frame": chance.randrange(100_000, 10_000_000),
                "decided": decided,
                "capture": imagings[0] if imagings else None,
                "moves": moves,
                "sla_seconds": round(sla_hours(wish["sla"]) * _HOUR * chance.uniform(*switches.sla_share)),
                "other_seconds": switches.other_products_seconds,
                "sla_products": list(switches.sla_products),
                "fails": chance.random() < switches.failure_probability,
                "decisions": [],
                "fee": 0,
                "deliveries": [self._world.new_uuid("iceye delivery") for _ in asked.get("deliveries", [])],
            }
            self._world.store.put(TASK, task_id, task)
        return task

    def _next_is_barren(self) -> bool:
        left = (self._world.store.get("iceye", "barren tasks") or {"next": 0})["next"]
        if left:
            self._world.store.put("iceye", "barren tasks", {"next": left - 1})
        return bool(left)

    def fee_percent(self, task: Fact, now: float) -> int | None:
        """What cancelling costs now, percent of the price; ``None`` when the policy does not allow it."""
        hours = (task["start"] - now) / _HOUR
        for more_than, percent in _FEES:
            if hours > more_than:
                return percent
        if task["start"] - task["created"] > 24 * _HOUR or self._switches.now.late_cancel == "charge":
            return 100
        return None

    def cancel(self, client_id: str, task_id: str) -> Fact:
        """End a task that is not imaged yet; raises `Refusal` 404, or by switch when it is too late."""
        status = self._switches.now.not_cancellable_status
        with self._world.store.together():
            task, now = self.find(client_id, task_id), self._world.clock.seconds()
            stands = self.standing(task)
            if stands.status not in ("RECEIVED", "ACTIVE") or stands.taken:
                said = f"the task is {stands.status}" + (" and imaging has begun" if stands.taken else "")
                raise Refusal(status, f"could not cancel task: {said}", "ERR_TASK_NOT_CANCELABLE")
            percent = self.fee_percent(task, now)
            if percent is None:
                said = "its window starts in less than 24 hours and it was ordered less than 24 hours ahead"
                raise Refusal(status, f"could not cancel task: {said}", "ERR_TASK_NOT_CANCELABLE")
            decisions = [one for one in task["decisions"] if one["at"] <= now]
            fee = (task["price"] or 0) * percent // 100
            task = {**task, "fee": fee, "decisions": [*decisions, {"at": now, "status": "CANCELED"}]}
            self._world.store.put(TASK, task_id, task)
        return task

    def decide(self, task_id: str, status: str, in_seconds: float = 0) -> Fact:
        """By hand: ICEYE's decision, now or later.

        Raises:
            KeyError: For an unknown task.
            ValueError: When there is nothing such a decision could mean.
        """
        with self._world.store.together():
            task = self._world.store.get(TASK, task_id)
            if task is None:
                raise KeyError(task_id)
            at = self._world.clock.seconds() + in_seconds
            decision: Fact = {"at": at, "status": status}
            then = standing(task, at)
            imaged = then.taken and then.capture is not None and at >= then.capture["end"]
            if status in ("FULFILLED", "DONE") and not imaged:
                raise ValueError("nothing is imaged by then: move the clock first")
            if status == "ACTIVE" and not then.taken and (then.capture is None or at >= then.capture["start"]):
                ahead = self._imaging.possible(task, at)
                if not ahead:
                    raise ValueError("no pass is left in the task's window")
                decision["capture"] = ahead[0]
            task = {**task, "decisions": [*task["decisions"], decision]}
            self._world.store.put(TASK, task_id, task)
        return task
