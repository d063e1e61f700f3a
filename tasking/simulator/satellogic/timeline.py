"""What becomes of a Satellogic task with time: a pure function of the stored task, the passes and the clock.

The planner wakes every 30 minutes. It fills *places*: one for a point, one per repetition (``max_captures``) or per
``expected_age`` of the window, one per strip of an area. A place whose capture failed or lost its allocation is filled
again as long as passes are left, and until then the task is back in planning.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from tasking.simulator.satellogic.captures import NEVER, Capture, Story
from tasking.simulator.satellogic.passes import Pass

Fact = dict[str, Any]
Chance = Callable[..., Random]
ENDS = ("completed", "partially_completed", "failed", "canceled", "rejected")


class Planner:
    """Tells the story of one task.

    Args:
        task: The stored task.
        looks: Passes that see it, earliest first.
        strips: How many strips it has; 0 for a point.
        chance: Repeatable random numbers by subject.
        aim: A pass aimed at a strip.
    """

    def __init__(
        self, task: Fact, looks: Sequence[Pass], strips: int, chance: Chance, aim: Callable[[Pass, int], Pass]
    ) -> None:
        self._task, self._rules, self._chance, self._aim = task, task["rules"], chance, aim
        self._strips = strips
        self._looks = [look for look in looks if not self.taken(look)]
        self._cycle = self._rules["cycle_seconds"]
        self._first = (math.floor(task["created"] / self._cycle) + 1) * self._cycle
        waits = chance("satellogic planning", task["task_id"]).randint(*self._rules["planning_cycles"])
        self._ready = self._first + waits * self._cycle
        stops = [one["at"] for one in task["decisions"] if one["what"] == "end"]
        self._stop = min(stops, default=NEVER)

    def taken(self, look: Pass) -> bool:
        """Whether another order has this pass; a rush task goes before others."""
        rush = self._task["contract"]["rush"]
        return not rush and self._chance("satellogic demand", look.key).random() < self._rules["demand"]

    @property
    def places(self) -> int:
        """How many captures (or strips) must be published."""
        age, most = self._task["expected_age"], self._task["max_captures"]
        if self._strips:
            return self._strips
        if age:
            count = math.ceil((self._task["end"] - self._task["start"]) / age)
            return int(min(count, most)) if most else count
        return int(most or 1)

    def _belongs(self, place: int, look: Pass) -> bool:
        age = self._task["expected_age"]
        return not age or self._slot(look) == place

    def _slot(self, look: Pass) -> int:
        return int((look.start - self._task["start"]) // self._task["expected_age"])

    def _open(self, captures: Sequence[Capture], now: float) -> list[int]:
        filled = {one.place for one in captures if not one.troubled(now)}
        age, most = self._task["expected_age"], self._task["max_captures"]
        if age and most:
            slots = math.ceil((self._task["end"] - self._task["start"]) / age)
            ahead = [slot for slot in range(slots) if slot not in filled and self._ends(slot) > now]
            return ahead[: max(0, most - len(filled))]
        return [place for place in range(self.places) if place not in filled]

    def _ends(self, slot: int) -> float:
        return float(self._task["start"] + (slot + 1) * self._task["expected_age"])

    def _free(self, captures: Sequence[Capture], place: int, after: float) -> list[Pass]:
        used = {one.look.key for one in captures}
        if not self._strips:
            return [
                look
                for look in self._looks
                if look.start >= after and look.key not in used and self._belongs(place, look)
            ]
        days: dict[int, int] = {}
        for one in captures:
            if not one.lost < NEVER:
                days[one.look.start // 86400] = days.get(one.look.start // 86400, 0) + 1
        return [
            look
            for look in self._looks
            if look.start >= after
            and look.key not in used
            and days.get(look.start // 86400, 0) < self._rules["strips_per_day"]
        ]

    def _ripe(self, captures: Sequence[Capture], place: int, now: float) -> float:
        """When a place that lost its capture may be filled again: rescheduling takes cycles, as scheduling does."""
        lost = [one for one in captures if one.place == place and one.troubled(now)]
        if not lost:
            return 0.0
        last = max(lost, key=lambda one: one.settled)
        waits = self._chance("satellogic replanning", last.capture_id).randint(*self._rules["planning_cycles"])
        return last.settled + waits * float(self._cycle)

    def _queued(self, place: int, look: Pass, now: float) -> Capture:
        chance = self._chance("satellogic capture", self._task["task_id"], place, look.key)
        text = f"{chance.getrandbits(128):032x}"
        capture_id = "-".join((text[:8], text[8:12], "4" + text[13:16], "a" + text[17:20], text[20:]))
        aimed = self._aim(look, place) if self._strips else look
        down = aimed.end + chance.uniform(*self._rules["downlink_seconds"])
        done = down + chance.uniform(*self._rules["processing_seconds"])
        orbit, qc, lost = chance.random(), chance.random(), chance.random()
        failure = "orbit" if orbit < self._rules["orbit_failure_probability"] else ""
        failure = failure or ("qc" if qc < self._rules["qc_rejection_probability"] else "")
        gone = NEVER
        if lost < self._rules["lost_allocation_probability"]:
            gone = chance.uniform(now + self._cycle, max(now + self._cycle, aimed.start - 600))
        # The pass is kept under its own time: two strips of one pass cannot both be taken.
        return Capture(capture_id, place, replace(aimed, start=look.start), now, down, done, failure, gone)

    def _decided(self, captures: list[Capture], now: float) -> list[Capture]:
        """What was decided by hand until now, applied to the captures of the task."""
        for decision in sorted(self._task["decisions"], key=lambda one: float(one["at"])):
            at = decision["at"]
            if at > now:
                break
            notice = decision.get("notice", 0)
            if decision["what"] in ("lose", "end"):
                captures = [
                    replace(one, lost=min(one.lost, at)) if one.queued <= at < one.look.start - notice else one
                    for one in captures
                ]
            elif decision["what"] == "fail":
                left = decision["times"]
                order = sorted(range(len(captures)), key=lambda number: captures[number].down)
                for number in order:
                    one = captures[number]
                    moment = one.down if decision["how"] == "orbit" else one.done
                    if left and moment > at and not one.failure and one.lost == NEVER:
                        captures[number] = replace(one, failure=decision["how"])
                        left -= 1
        return captures

    def _next(self, captures: Sequence[Capture], now: float) -> float:
        """The next planning cycle at which there may be something to do."""
        moments = [one.settled for one in captures if one.active(now)]
        moments += [one["at"] for one in self._task["decisions"] if one["at"] > now]
        horizon = self._rules["horizon_days"] * 86400
        for place in self._open(captures, now):
            ahead = self._free(captures, place, now + self._rules["uplink_seconds"])
            ripe = self._ripe(captures, place, now)
            moments += [max(look.start - horizon, ripe, now + 1) for look in ahead[:1]]
        return math.ceil(min(moments, default=NEVER) / self._cycle) * self._cycle if moments else NEVER

    def _captures(self, now: float) -> list[Capture]:
        made: list[Capture] = []
        moment = float(self._ready)
        while moment <= now and moment < self._stop:
            settled = self._decided(list(made), moment)
            if self._completed(settled, moment) <= moment:
                break
            earliest = moment + self._rules["uplink_seconds"]
            latest = moment + self._rules["horizon_days"] * 86400
            for place in self._open(settled, moment):
                free = self._free(settled, place, earliest)
                if free and free[0].start <= latest and self._ripe(settled, place, moment) <= moment:
                    one = self._queued(place, free[0], moment)
                    made.append(one)
                    settled.append(one)
            settled = self._decided(list(made), moment)
            moment = max(self._next(settled, moment), moment + self._cycle)
        return self._decided(made, now)

    def _completed(self, captures: Sequence[Capture], now: float) -> float:
        """When the last required capture was published; never for recurrence without a number of captures."""
        if self._task["expected_age"] and not self._task["max_captures"]:
            return NEVER
        published = sorted(one.settled for one in captures if one.published(now))
        needed = self._task["max_captures"] or self.places
        return published[needed - 1] if len(published) >= needed else NEVER

    def story(self, now: float) -> Story:
        """How the task stands at a time."""
        everything = self._captures(now)
        shown = tuple(sorted((one for one in everything if one.lost > now), key=lambda one: one.look.start))
        lost = tuple(one for one in everything if one.lost <= now)
        return Story(self._word(everything, now), shown, self.places, lost)

    def _word(self, captures: Sequence[Capture], now: float) -> str:
        ended = [one for one in self._task["decisions"] if one["what"] == "end" and one["at"] <= now]
        if ended:
            return str(min(ended, key=lambda one: float(one["at"]))["status"])
        said = [one for one in self._task["decisions"] if one["what"] == "say" and one["at"] <= now]
        if said and max(said, key=lambda one: float(one["at"]))["status"]:
            return str(max(said, key=lambda one: float(one["at"]))["status"])
        if now < self._first:
            return "received"
        if self._rules.get("ends_with_window") and now >= self._task["end"]:
            return self._word_at_its_end(captures)
        if self._completed(captures, now) <= now:
            return "completed"
        active = [one for one in captures if one.active(now)]
        if now >= self._task["end"] and not active:
            return "partially_completed" if any(one.published(now) for one in captures) else "failed"
        if not active or self._wanting(captures, now):
            return "planning"
        return "in_progress" if self._near(captures, now) else "pending"

    def _word_at_its_end(self, captures: Sequence[Capture]) -> str:
        """The word when the collection period is over, whatever is published later."""
        end = self._task["end"]
        if self._completed(captures, end) <= end:
            return "completed"
        return "partially_completed" if any(one.published(end) for one in captures) else "failed"

    def _wanting(self, captures: Sequence[Capture], now: float) -> bool:
        """Whether a place lost its capture, was not filled again yet, and still can be."""
        filled = {one.place for one in captures if not one.troubled(now)}
        empty = {one.place for one in captures if one.troubled(now)} - filled
        return any(self._free(captures, place, now + self._rules["uplink_seconds"]) for place in empty)

    def _near(self, captures: Sequence[Capture], now: float) -> bool:
        trouble = max((one.settled for one in captures if one.troubled(now)), default=-NEVER)
        for one in captures:
            entered = max(one.queued, one.look.start - self._rules["in_progress_seconds"])
            if not one.troubled(now) and entered <= now and (one.active(now) or entered >= trouble):
                return True
        return False
