"""What happens to the whole stack: its programs are killed, its ledger is locked, its tokens end."""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from chaos.campaign import Campaign
from chaos.orders import PROVIDERS
from devstack.programs import Program, kill_all

LEDGER_AWAY_SECONDS = 75.0
"""So much longer than any process waits for the ledger's lock (30 s) that most writes begun meanwhile fail."""

LEDGER_PATIENCE_SECONDS = 30.0
"""How long the lock is tried for."""

SERVER_AWAY_SECONDS = 15.0
PROVIDER_AWAY_SECONDS = 20.0
"""At most; how long is drawn."""

START_SECONDS = 120.0
"""Patience until a program that was started again answers."""


class Nemesis:
    """Does one thing after the other to a stack, each once before any comes again.

    Args:
        campaign: Whose stack.
        chance: Decides what and how long.
        count: Where it is noted.
        say: Told what is done.
    """

    def __init__(
        self, campaign: Campaign, chance: random.Random, count: Counter[str], say: Callable[[str], object]
    ) -> None:
        self._campaign, self._stack, self._chance = campaign, campaign.stack, chance
        self._count, self._say = count, say
        self._left: list[Callable[[], None]] = []
        self._ledger_spared = False

    def storm_begins(self) -> None:
        """The ledger may be locked once more."""
        self._ledger_spared = False

    def one(self) -> None:
        """Do the next; what fails because a program is away is left."""
        if not self._left:
            self._left = [
                *(self._worker_killed, self._worker_killed_alone, self._watcher_killed, self._server_killed),
                *(self._simulator_killed, self._receiver_killed),
                *(self._tokens_revoked, self._notifications_again),
                *([] if self._ledger_spared else [self._ledger_away]),
            ]
            self._chance.shuffle(self._left)
        act = self._left.pop()
        name = act.__name__.strip("_").replace("_", " ")
        self._say(f"disturbance: {name}")
        try:
            act()
        except (httpx.HTTPError, RuntimeError) as problem:  # Prefect's errors are told as RuntimeError
            self._say(f"disturbance: {name}: {problem!r}")

    def _worker_killed(self) -> None:
        worker = self._stack.workers["orders"]
        worker.kill()
        at_work = [pid for ids in self._campaign.runs.values() for one in ids for pid in self._stack.processes(one)]
        kill_all(at_work)
        self._back(worker)
        self._count["worker and all its runs killed"] += 1

    def _worker_killed_alone(self) -> None:
        """Its runs go on, and nobody tells Prefect when one of them is killed."""
        worker = self._stack.workers["orders"]
        worker.kill()
        self._back(worker)
        self._count["worker killed, its runs go on"] += 1

    def _watcher_killed(self) -> None:
        worker = self._stack.workers["ops"]
        worker.kill()
        try:
            running = self._stack.api.runs("watch-orders", "RUNNING")
            kill_all([pid for run in running for pid in self._processes(run)])
        finally:
            self._back(worker)
        self._count["watcher and its worker killed"] += 1

    def _processes(self, run: dict[str, Any]) -> list[int]:
        return self._stack.processes(str(run["id"]))

    def _server_killed(self) -> None:
        self._stack.server.kill()
        time.sleep(self._chance.uniform(0, SERVER_AWAY_SECONDS))
        self._back(self._stack.server)
        self._count["Prefect server killed"] += 1

    def _simulator_killed(self) -> None:
        self._stack.simulator.kill()
        time.sleep(self._chance.uniform(0, PROVIDER_AWAY_SECONDS))
        self._back(self._stack.simulator)
        self._count["provider's server killed"] += 1

    def _receiver_killed(self) -> None:
        self._stack.receiver.kill()
        self._back(self._stack.receiver)
        self._count["webhook receiver killed"] += 1

    def _back(self, program: Program) -> None:
        """Start it and wait until it answers; what else has ended meanwhile is the campaign's to start again."""
        program.start()
        give_up = time.monotonic() + START_SECONDS
        while program.pid is not None and not self._answers(program):
            if time.monotonic() > give_up:
                self._say(f"disturbance: {program.name} does not answer. {program.last_words(5)}")
                return
            time.sleep(0.2)

    def _answers(self, program: Program) -> bool:
        addresses = {
            self._stack.server: f"{self._stack.url}/api/health",
            self._stack.simulator: f"{self._stack.simulator_url}/_sim/health",
            self._stack.receiver: f"{self._stack.receiver_url}/health",
        }
        if program not in addresses:
            return True
        try:
            return httpx.get(addresses[program], timeout=10, trust_env=False).is_success
        except httpx.TransportError:
            return False

    def _ledger_away(self) -> None:
        self._ledger_spared = True
        file = Path(self._stack.ledger_url.removeprefix("sqlite:///"))
        threading.Thread(target=self._hold, args=(file,), daemon=True).start()

    def _hold(self, file: Path) -> None:
        """Keep the ledger's only write lock; where it cannot be had, nothing has happened."""
        with closing(sqlite3.connect(file, timeout=LEDGER_PATIENCE_SECONDS, isolation_level=None)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return
            self._count[f"ledger locked for {LEDGER_AWAY_SECONDS:g} s"] += 1
            time.sleep(LEDGER_AWAY_SECONDS)
            connection.execute("ROLLBACK")

    def _tokens_revoked(self) -> None:
        for provider in PROVIDERS:
            self._stack.sim.delete(f"/_sim/{provider}/tokens").raise_for_status()
        self._count["all tokens revoked"] += 1

    def _notifications_again(self) -> None:
        for provider, kit in self._stack.kits.items():
            for body in kit.notifications(self._stack.sim)[-20:]:
                answer = httpx.post(self._stack.webhook_url(provider), json=body, timeout=30, trust_env=False)
                self._count["notifications delivered again"] += answer.is_success
