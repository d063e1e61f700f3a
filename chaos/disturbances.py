"""Storms over the whole stack while orders are under way: kills, bad weather at the provider, a clock that jumps."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx

from chaos.campaign import Campaign
from chaos.nemesis import Nemesis
from chaos.user_actions import UserActions

SKEWS = (-3600, -600, 0, 600, 3600)
"""What the provider's Date header is off by, in its seconds: the largest is longer than the settle time."""

PEOPLE_SECONDS = 600.0
"""Patience for what people still want when the runs have ended."""

_DELAY_SECONDS = 12
"""Longer than we wait for an answer (6 s), and within the settle time."""

_WEATHER: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "reset_after", "method": "POST"},
    {"kind": "delay", "seconds": _DELAY_SECONDS, "method": "POST"},
    {"kind": "delay", "seconds": _DELAY_SECONDS, "method": "POST", "path": "*/items"},
    {"kind": "delay", "seconds": _DELAY_SECONDS, "method": "POST", "path": "*/tasks*"},
    {"kind": "status", "code": 429},
    {"kind": "status", "code": 429, "retry_after": 2},
    {"kind": "status", "code": 500, "after_acting": True, "method": "POST"},
    {"kind": "status", "code": 502, "after_acting": True},
    {"kind": "status", "code": 503},
    {"kind": "status", "code": 504, "after_acting": True},
    {"kind": "malformed", "how": "cut"},
    {"kind": "malformed", "how": "html"},
    {"kind": "cut_body", "keep": 0.4},
    {"kind": "wrong_length", "keep": 0.7, "path": "*/assets/*"},
    {"kind": "close_delimited", "keep": 0.5, "path": "*/files/*"},
    {"kind": "delay_answer", "seconds": 8},
    {"kind": "slow_body", "seconds": 3},
)
"""Faults of the simulator, over real sockets, for whichever call comes next."""


class Disturbances:
    """Storms over the stack: one from the beginning, one from each jump of the provider's time.

    `tick` is called again and again. Between the storms the orders come to rest, so that the next jump can be made.

    Args:
        campaign: Whose stack and orders.
        chance: Decides what and when.
        storm_seconds: How long a storm lasts.
        every_seconds: Between two disturbances of the stack in a storm, on average.
        say: Told what is done.

    Attributes:
        user_actions: Those who act on their orders meanwhile.
    """

    def __init__(
        self,
        campaign: Campaign,
        chance: random.Random,
        storm_seconds: float,
        every_seconds: float,
        say: Callable[[str], object],
    ) -> None:
        self._campaign, self._stack, self._chance, self._say = campaign, campaign.stack, chance, say
        self._storm, self._every, self._next = storm_seconds, every_seconds, time.monotonic() + every_seconds
        self._jumps, self._until = campaign.jumps, time.monotonic() + storm_seconds
        self._count: Counter[str] = Counter()
        self._nemesis = Nemesis(campaign, chance, self._count, say)
        self.user_actions = UserActions(campaign, chance, self._count)
        self._clouds = self._clock_jumps = time.monotonic()
        self._skew = 0
        self._ordered: dict[int, str] = {}

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        if self._campaign.jumps > self._jumps:
            self._jumps = self._campaign.jumps
            self._until = now + self._storm
            self._nemesis.storm_begins()
            self.user_actions.time_jumped(self._storm)
        self.user_actions.tick(calm=now >= self._until)
        if now >= self._until:
            return
        try:
            self._over_the_provider(now)
        except httpx.HTTPError as problem:  # it is away: the campaign sees to it
            self._say(f"disturbance: no weather: {problem!r}")
        if now >= self._next:
            self._nemesis.one()
            self._next = time.monotonic() + self._chance.uniform(0.5, 1.5) * self._every

    def follow(self, patience_seconds: float) -> None:
        """Follow the campaign to its end, and then what people still want of it, to its end."""
        self._campaign.follow(patience_seconds, self.tick)
        give_up = time.monotonic() + PEOPLE_SECONDS
        while self.user_actions.busy() and (left := give_up - time.monotonic()) > 0:
            self.user_actions.hurry()
            self._campaign.follow(left, self.tick)
            time.sleep(1.0)

    def tally(self) -> dict[str, int]:
        """All that happened, and how often. What was ordered of the provider's side and hit no call is left out."""
        waiting = self._stack.sim.get("/_sim/faults").raise_for_status().json()["faults"]
        left = {one["id"] for one in waiting}
        hit = Counter(
            f"provider's side, real sockets: {kind}" for one, kind in self._ordered.items() if one not in left
        )
        return dict(self._count + hit + self.user_actions.cancels_struck())

    def _over_the_provider(self, now: float) -> None:
        if now >= self._clouds:
            self._clouds = now + self._chance.uniform(1.0, 4.0)
            weather = self._chance.choice(_WEATHER)
            ordered = self._stack.sim.post("/_sim/faults", json=weather).raise_for_status().json()
            self._ordered[ordered["id"]] = _name(weather)
        if now >= self._clock_jumps:
            self._clock_jumps = now + self._chance.uniform(5.0, 30.0)
            skew = self._chance.choice([one for one in SKEWS if one != self._skew])
            change = {"date_header_skew_seconds": skew}
            self._stack.sim.patch("/_sim/switches", json=change).raise_for_status()
            self._skew = skew
            self._count["provider's clock set off or right again"] += 1


def _name(weather: dict[str, Any]) -> str:
    """Its kind, and a status' code."""
    acted = " after acting" if weather.get("after_acting") else ""
    return f"{weather['kind']} {weather['code']}{acted}" if "code" in weather else str(weather["kind"])
