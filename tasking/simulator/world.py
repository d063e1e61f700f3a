"""Everything the simulated providers share: store, clock, switches, faults, journal, orbits' epoch and the seed."""

from __future__ import annotations

import hashlib
import random
import uuid
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from tasking.simulator.clock import SimulatedClock
from tasking.simulator.faults import FaultBook
from tasking.simulator.journal import Journal
from tasking.simulator.store import Store
from tasking.simulator.switches import AnySwitches, SwitchBoard, Switches


class Config(BaseModel):
    """How a simulator starts. What a state file already holds wins over all of it, except the file's path.

    Attributes:
        start: Simulated time at the first start; the real time when absent.
        rate: Simulated seconds per real second.
        seed: Makes ids, jitter and pictures repeatable.
        clients: Accounts: client id to client secret.
        state: SQLite file that survives the process; in memory when absent.
        switches: First values of switches; a provider's own are named with a dot: ``iceye.error_form``.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: AwareDatetime | None = None
    rate: float = Field(default=1.0, gt=0)
    seed: int = 7
    clients: dict[str, str] = {"demo-client": "demo-secret", "second-client": "second-secret"}
    state: Path | None = None
    switches: dict[str, Any] = {}


class World:
    """What every provider of one simulator shares."""

    def __init__(self, config: Config) -> None:
        self.store = Store(config.state)
        with self.store.together():
            start = config.start.timestamp() if config.start else None
            self.clock = SimulatedClock(self.store, start, config.rate)
            shared = {name: value for name, value in config.switches.items() if "." not in name}
            self.switches = SwitchBoard(self.store, Switches, shared)
            if self.store.get("world", "first") is None:
                epoch = self.clock.seconds() // 86400 * 86400 - 86400
                told = config.model_dump(include={"seed", "clients"})
                self.store.put("world", "first", {"epoch": epoch, **told})
        self._first_switches = config.switches
        self.journal = Journal(self.store, self.clock)
        self.faults = FaultBook(self.store)
        self.url = ""
        """Address of the simulator, once it is served."""
        first = self.store.get("world", "first") or {}
        self.seed: int = first["seed"]
        self.epoch: float = first["epoch"]
        self.clients: dict[str, str] = first["clients"]

    def own_switches(self, provider: str, model: type[AnySwitches]) -> SwitchBoard[AnySwitches]:
        """A provider's own switches; their first values are the configured ones named ``provider.name``."""
        dotted = {name.partition(".")[::2]: value for name, value in self._first_switches.items()}
        first = {name: value for (whose, name), value in dotted.items() if whose == provider and name}
        return SwitchBoard(self.store, model, first, provider)

    def chance(self, *about: object) -> random.Random:
        """A random source that gives the same numbers for the same subject, whenever it is asked."""
        text = "|".join(str(part) for part in (self.seed, *about))
        return random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311 (repeatable on purpose)

    def new_uuid(self, kind: str) -> str:
        """The next id of its kind."""
        number = self.store.next_number(f"uuid {kind}")
        return str(uuid.UUID(int=self.chance("uuid", kind, number).getrandbits(128), version=4))
