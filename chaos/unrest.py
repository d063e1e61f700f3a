"""What happens to the whole stack, and what people do, while orders are under way."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import httpx

from chaos.campaign import Campaign
from chaos.order import PROVIDERS, Subject
from demo.programs import kill_all

LEDGER_AWAY_SECONDS = 33.0
"""Longer than any process waits for the ledger's lock."""

SKEW_SECONDS = 600

ACTS = ("twin", "sent twice", "pressed", "rescheduled", "cancelled")
"""What people do: a second run with the same reference; the same trigger once more; Run now on a run that waits; a new
start whatever the run is doing; a cancel."""

_WEATHER: tuple[dict[str, Any], ...] = (
    {"kind": "reset_before"},
    {"kind": "reset_after"},
    {"kind": "reset_after", "method": "POST"},
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

_REVOKE = {one: {"revoke_tokens": True} for one in PROVIDERS}


class Unrest:
    """Storms over the stack: one from the beginning, one from each jump of the provider's time.

    `tick` is called again and again. Between the storms the orders come to rest, so that the next jump can be made.

    Args:
        campaign: Whose stack and orders.
        chance: Decides what and when.
        storm_seconds: How long a storm lasts.
        every_seconds: Between two disturbances of the stack in a storm, on average.
        say: Told what is done.
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
        self._deeds: list[Callable[[], None]] = []
        self._people: list[tuple[float, str, Subject]] = []
        self._clouds = time.monotonic()
        self.count: Counter[str] = Counter()
        if chance.random() < 0.5:
            self._skew(chance.choice((-SKEW_SECONDS, SKEW_SECONDS)))

    def people(self, subjects: Sequence[Subject], within_seconds: float) -> None:
        """Let people act on their orders, each at some moment from now on."""
        now = time.monotonic()
        self._people += [
            (now + self._chance.uniform(1, within_seconds), act, subject)
            for subject in subjects
            for act in subject.acts
        ]
        self._people.sort(key=lambda one: one[0])

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        while self._people and self._people[0][0] <= now:
            _, act, subject = self._people.pop(0)
            self._act(act, subject)
        if self._campaign.jumps > self._jumps:
            self._jumps = self._campaign.jumps
            self._until = now + self._storm
        if now >= self._until:
            return
        if now >= self._clouds:
            self._clouds = now + self._chance.uniform(1.0, 4.0)
            self._stack.sim.post("/_sim/faults", json=self._chance.choice(_WEATHER)).raise_for_status()
            self.count["trouble on the provider's side (simulator, real sockets)"] += 1
        if now >= self._next:
            if not self._deeds:
                self._deeds = [
                    *(self._worker_killed, self._watcher_killed, self._server_killed, self._simulator_killed),
                    *(self._ledger_away, self._tokens_revoked, self._notifications_again),
                ]
                self._chance.shuffle(self._deeds)
            deed = self._deeds.pop()
            self._say(f"unrest: {deed.__name__.strip('_').replace('_', ' ')}")
            deed()
            self._next = time.monotonic() + self._chance.uniform(0.5, 1.5) * self._every

    # to the stack

    def _worker_killed(self) -> None:
        worker = self._stack.workers["orders"]
        worker.kill()
        at_work = [pid for ids in self._campaign.runs.values() for one in ids for pid in self._stack.processes(one)]
        kill_all(at_work)
        self._stack.start(worker)
        self.count["worker and all its runs killed"] += 1

    def _watcher_killed(self) -> None:
        worker = self._stack.workers["ops"]
        worker.kill()
        kill_all([pid for run in self._stack.api.runs("watch-orders", "RUNNING") for pid in self._processes(run)])
        self._stack.start(worker)
        self.count["watcher and its worker killed"] += 1

    def _processes(self, run: dict[str, Any]) -> list[int]:
        return self._stack.processes(str(run["id"]))

    def _server_killed(self) -> None:
        self._stack.server.kill()
        self._stack.start(self._stack.server)
        self.count["Prefect server killed"] += 1

    def _simulator_killed(self) -> None:
        self._stack.simulator.kill()
        time.sleep(self._chance.uniform(0, 3))
        self._stack.start(self._stack.simulator)
        self.count["provider's server killed"] += 1

    def _ledger_away(self) -> None:
        file = self._stack.ledger_url.removeprefix("sqlite:///")
        threading.Thread(target=_hold, args=(Path(file), LEDGER_AWAY_SECONDS), daemon=True).start()
        self.count[f"ledger locked for {LEDGER_AWAY_SECONDS:g} s"] += 1

    def _tokens_revoked(self) -> None:
        for provider, wish in _REVOKE.items():
            self._stack.sim.patch(f"/_sim/{provider}", json=wish).raise_for_status()
        self.count["all tokens revoked"] += 1

    def _notifications_again(self) -> None:
        sent = self._stack.sim.get("/_sim/iceye/webhooks").raise_for_status().json()
        url = f"{self._stack.receiver_url}/iceye/{self._stack.secret_path}"
        for one in sent[-20:]:
            httpx.post(url, json=one["body"], timeout=30, trust_env=False)
        self.count["notifications delivered again"] += len(sent[-20:])

    def _skew(self, seconds: int) -> None:
        self._stack.sim.patch("/_sim/switches", json={"date_header_skew_seconds": seconds}).raise_for_status()
        self.count[f"provider's clock {seconds:+d} s"] += 1

    # by people

    def _act(self, act: str, subject: Subject) -> None:
        run_id = self._campaign.runs[subject.reference][0]
        if act == "twin":
            self._campaign.start(subject, f"twin of {subject.reference}")
        elif act == "sent twice":
            self._campaign.start(subject, subject.reference)
        elif act == "cancelled":
            wish = {"reference": subject.reference}
            self._stack.api.start(self._stack.deployments["cancel-order/cancel"], wish)
        else:
            state = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Pressed by a person"}
            body = {"state": state, "force": act == "rescheduled"}
            self._stack.api.ask("POST", f"/flow_runs/{run_id}/set_state", json=body)
        self.count[f"by people: {act}"] += 1


def _hold(file: Path, seconds: float) -> None:
    """Keep the ledger's only write lock."""
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        connection.execute("ROLLBACK")
    finally:
        connection.close()
