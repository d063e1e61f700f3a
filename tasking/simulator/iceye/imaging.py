"""Which imagings a wished task could have: passes of ICEYE's radar satellites that fit all it asks for."""

from __future__ import annotations

import math
from collections import OrderedDict
from threading import Lock
from typing import Any

from tasking.simulator.iceye.rules import mode_named
from tasking.simulator.iceye.sar_passes import RadarPass, iceyes, radar_passes, scene_of
from tasking.simulator.orbits import Satellite

Fact = dict[str, Any]


class Imaging:
    """Finds imagings, and remembers what it found: a search over 14 days takes some tens of milliseconds."""

    def __init__(self, epoch: float) -> None:
        self._satellites = {satellite.name: satellite for satellite in iceyes(epoch)}
        self._found: OrderedDict[tuple[Any, ...], list[RadarPass]] = OrderedDict()
        self._lock = Lock()

    def _passes(self, wish: Fact) -> list[RadarPass]:
        low, high = wish["incidence"]
        mode = mode_named(wish["mode"])
        if mode.strict:
            low, high = max(low, mode.incidence[0]), min(high, mode.incidence[1])
        known = (wish["lon"], wish["lat"], wish["start"], wish["end"], low, high)
        with self._lock:
            if known not in self._found:
                window = (wish["start"], wish["end"])
                satellites: list[Satellite] = list(self._satellites.values())
                self._found[known] = radar_passes(satellites, wish["lon"], wish["lat"], window, (low, high))
                while len(self._found) > 100:
                    self._found.popitem(last=False)
            return self._found[known]

    def possible(self, wish: Fact, earliest: float, most: int = 1) -> list[Fact]:
        """The first imagings that fit a wish and do not start before ``earliest``; empty when none does."""
        fitting = []
        for seen in self._passes(wish):
            start = math.floor(seen.at - wish["duration"] / 2)
            if start < max(wish["start"], earliest) or start + wish["duration"] > wish["end"]:
                continue
            if wish["side"] in ("ANY", seen.side) and wish["direction"] in ("ANY", seen.direction):
                fitting.append(self._capture(wish, seen, start))
                if len(fitting) == most:
                    break
        return fitting

    def _capture(self, wish: Fact, seen: RadarPass, start: int) -> Fact:
        mode = mode_named(wish["mode"])
        satellite = self._satellites[seen.platform]
        scene = scene_of(seen, satellite, wish["lon"], wish["lat"], mode.range_km, mode.azimuth_km)
        return {
            "platform": seen.platform,
            "start": start,
            "end": start + wish["duration"],
            "side": seen.side,
            "direction": seen.direction,
            "incidence": seen.incidence,
            "near": scene.near,
            "far": scene.far,
            "look": seen.look,
            "footprint": scene.footprint,
        }
