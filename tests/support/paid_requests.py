"""The judge of orders that go to several accounts: what stood open at the providers whenever one more was created."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any
from unittest.mock import patch

from devstack.kits import KITS
from tasking.simulator import Simulator

OVER = {
    "REJECTED",
    "DATA_AVAILABLE",
    "FAILED",
    "CANCELED",
    "DONE",
    "completed",
    "partially_completed",
    "failed",
    "canceled",
    "rejected",
}
"""The providers' words after which a request is not open any more."""


@dataclass
class Moment:
    """A request was created.

    Attributes:
        index: Of its call in the simulator's journal.
        open: References of all requests of the need that are open then, the new one among them.
    """

    index: int
    open: list[str]


@dataclass
class PaidRequests:
    """What was bought for needs, each the reference of an order."""

    simulator: Simulator
    moments: list[Moment] = field(default_factory=list)

    def all(self, need: str = "") -> dict[str, str]:
        """Word of each request by its reference; a second one under a reference is marked."""
        found: dict[str, str] = {}
        for name, kit in KITS.items():
            if name not in self.simulator.providers:
                continue
            summary = self.simulator.providers[name].summary()
            kind, key = kit.paid
            words = {str(one[key]): str(one["status"]) for one in summary[kind]}
            for reference, ids in summary[list(kit.creates)[-1]].items():
                for number, one in enumerate(ids):
                    if reference.startswith(need):
                        found[f"{reference}{' again' * number}"] = words[str(one)]
        return found

    def open(self, need: str = "") -> list[str]:
        """Those that are open now."""
        return sorted(reference for reference, word in self.all(need).items() if word not in OVER)

    @property
    def most_at_once(self) -> int:
        """The most that were open at any moment: more of them only come to be by a create."""
        return max((len(one.open) for one in self.moments), default=0)


@contextmanager
def paid_requests(simulator: Simulator, need: str = "") -> Iterator[PaidRequests]:
    """Look at all providers whenever the journal has a call that created what costs money."""
    judge = PaidRequests(simulator)
    journal = simulator.world.journal
    close = journal.close
    creates = [kit.create for kit in KITS.values()]

    def closed(entry: dict[str, Any], **outcome: Any) -> None:
        close(entry, **outcome)
        made = {**entry, **outcome}
        if made["created_ids"] and made["method"] == "POST" and any(fnmatchcase(made["path"], one) for one in creates):
            judge.moments.append(Moment(made["index"], judge.open(need)))

    with patch.object(journal, "close", closed):
        yield judge
