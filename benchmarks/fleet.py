"""Many orders over all providers at once: ``python -m benchmarks.fleet --orders 30``.

One Prefect server, a worker for each pool, one watcher, and one simulator that is every provider; real processes
on free ports of this machine. The orders are placed by HTTP, one after the other without a pause. The provider's time
jumps on whenever every order waits for imagery. What was ordered is counted at the providers.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from devstack.kits import KITS
from devstack.programs import Program
from devstack.stack import Stack
from tasking.delivery.verify import verify
from tasking.ledger import Filter, OrderRecord, open_ledger

ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
PROVIDERS = tuple(KITS)
MOST = 100_000


@dataclass
class Figures:
    """What came of a fleet of orders.

    Attributes:
        ordered: Provider's name by order reference.
        delivered: References whose run completed and whose catalog verifies.
        made: What each provider made for a reference, counted by the provider.
        starts: How often each order's run was started.
        wall_seconds: From the first order placed to the last one delivered, our time.
        provider_days: The same in the provider's time.
        cpu_seconds: Of the server, the workers themselves, the runs of orders, those of the watcher, the simulator.
        watches: How often the watcher ran.
        calls: Calls that the providers got, by provider.
        problems: What else is not as it should be.
    """

    ordered: dict[str, str] = field(default_factory=dict)
    delivered: set[str] = field(default_factory=set)
    made: dict[str, dict[str, int]] = field(default_factory=dict)
    starts: dict[str, int] = field(default_factory=dict)
    wall_seconds: float = 0.0
    provider_days: float = 0.0
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    watches: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def fine(self) -> bool:
        """Whether all were delivered, and each was made exactly once."""
        once = all(count == 1 for reference in self.ordered for count in self._requests(reference))
        return once and self.delivered == set(self.ordered) and not self.problems

    def _requests(self, reference: str) -> list[int]:
        return list(self.made[reference].values()) or [0]

    def table(self) -> Table:
        """One line for each provider."""
        table = Table(title=f"{len(self.ordered)} orders at once")
        for heading in ("provider", "orders", "delivered", "made per reference", "starts per order", "calls per order"):
            table.add_column(heading, justify="left" if heading == "provider" else "right")
        for provider in dict.fromkeys(self.ordered.values()):
            mine = [reference for reference, whose in self.ordered.items() if whose == provider]
            counts = {count for reference in mine for count in self._requests(reference)}
            starts = [self.starts[reference] for reference in mine]
            table.add_row(
                provider,
                str(len(mine)),
                str(len(self.delivered & set(mine))),
                " to ".join(map(str, sorted({min(counts), max(counts)}))),
                f"{sum(starts) / len(starts):.1f} (most {max(starts)})",
                f"{self.calls[provider] / len(mine):.1f}",
            )
        return table


class Fleet:
    """A number of orders in a stack that runs.

    Args:
        stack: With all the providers.
        orders: How many; they take turns among the providers.
        say: Told what happens.
    """

    def __init__(self, stack: Stack, orders: int, say: Console) -> None:
        self._stack, self._say, self._count = stack, say, orders
        self._runs: dict[str, str] = {}
        self.figures = Figures()

    def run(self, timeout_seconds: float) -> Figures:
        """Place the orders, follow them to their ends, and count."""
        stack, figures = self._stack, self.figures
        before, begin, theirs = self._cpu(), time.monotonic(), stack.provider_now()
        for number in range(self._count):
            provider = PROVIDERS[number % len(PROVIDERS)]
            reference = f"fleet-{number:03}-{provider}"
            figures.ordered[reference] = provider
            order = stack.kits[provider].order(reference, stack.provider_now())
            self._runs[reference] = stack.order(order, provider)
        self._say.print(f"{self._count} orders placed within {time.monotonic() - begin:.0f} s")
        stack.wait_for(self._all_ended, timeout_seconds, "all orders to end", every_seconds=2.0)
        figures.wall_seconds = time.monotonic() - begin
        figures.provider_days = (stack.provider_now() - theirs).total_seconds() / 86400
        figures.cpu_seconds = {what: used - before[what] for what, used in self._cpu().items()}
        self._count_up()
        return figures

    def _records(self) -> list[OrderRecord]:
        with closing(open_ledger(self._stack.ledger_url)) as ledger:
            return ledger.orders(Filter(limit=MOST))

    def _all_ended(self) -> bool:
        records = self._records()
        left = [one for one in records if one.ended is None]
        if len(records) == self._count and not left:
            # the ledger knows first: a run says how it ended a moment later
            return all(self._stack.api.run(one)["state"]["type"] in ENDED for one in self._runs.values())
        if len(records) == self._count and all(one.waits_for == "imagery" for one in left):
            self._perhaps_jump(left)
        return False

    def _perhaps_jump(self, left: list[OrderRecord]) -> None:
        """To the time at which the imagery of all is there, once nothing is left to do before."""
        now = self._stack.provider_now()
        due = [when for one in left if (when := self._stack.kits[one.provider].products_due(one)) is not None]
        if len(due) < len(left) or min(due) <= now:
            return
        days = (max(due) - now).total_seconds() / 86400
        self._say.print(f"{len(left)} orders wait for imagery: the provider's time jumps {days:.1f} days")
        clock = {"now": max(due).isoformat()}
        self._stack.sim.post("/_sim/clock", json=clock).raise_for_status()

    def _count_up(self) -> None:
        stack, figures = self._stack, self.figures
        summaries = {name: kit.summary(stack.sim) for name, kit in stack.kits.items()}
        for record in self._records():
            reference = record.reference
            run = stack.api.run(self._runs[reference])
            figures.starts[reference] = int(run["run_count"])
            figures.made[reference] = stack.kits[record.provider].made(summaries[record.provider], reference)
            wrong = verify(stack.archive / reference) if record.status == "completed" else [str(record.outcome)]
            if wrong:
                figures.problems.append(f"{reference}: {'; '.join(wrong[:3])}")
            if run["state"]["type"] != "COMPLETED":
                figures.problems.append(f"{reference}: its run ended {run['state']['type']}: {run['state']['message']}")
            elif not wrong:
                figures.delivered.add(reference)
        figures.watches = len(stack.api.runs("watch-orders", "COMPLETED"))
        for call in stack.sim.get("/_sim/journal").raise_for_status().json()["calls"]:
            figures.calls[_whose(str(call["path"]))] += 1

    def _cpu(self) -> dict[str, float]:
        workers = self._stack.workers
        return {
            "Prefect server": sum(_own(pid) for pid in _tree(self._stack.server)),
            "workers themselves": sum(_own(worker.pid or 0) for worker in workers.values()),
            "runs of orders": _children(workers["orders"].pid or 0),
            "runs of the watcher": _children(workers["ops"].pid or 0),
            "simulator": sum(_own(pid) for pid in _tree(self._stack.simulator)),
        }


def _whose(path: str) -> str:
    return next((name for name, kit in KITS.items() if any(fnmatchcase(path, one) for one in kit.paths)), "nobody")


def _stat(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ["0"] * 20


def _own(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> float:
    """CPU seconds of the children of a process that have ended."""
    fields = _stat(pid)
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def _tree(program: Program) -> list[int]:
    """A program's process and all below it."""
    found = [program.pid or 0]
    parents = {int(one.name): int(_stat(int(one.name))[1]) for one in Path("/proc").glob("[0-9]*")}
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def fleet(orders: int, say: Console, timeout_seconds: float = 1800.0, **stack: Any) -> Figures:
    """Run a fleet in a stack of its own."""
    how: dict[str, Any] = {"rate": 60.0, "room": True, "watch_seconds": 15.0, "webhooks": False, **stack}
    with Stack(PROVIDERS[0], others=PROVIDERS[1:], **how) as running:
        return Fleet(running, orders, say).run(timeout_seconds)


def main() -> int:
    """Run a fleet and print the figures; 0 when all is as it should be."""
    parser = argparse.ArgumentParser("python -m benchmarks.fleet", description=__doc__)
    parser.add_argument("--orders", type=int, default=30, help="how many, over all providers (default 30)")
    parser.add_argument("--timeout", type=float, default=1800.0, help="seconds (default 1800)")
    given = parser.parse_args()
    console = Console(highlight=False)
    console.width = max(console.width, 110)
    figures = fleet(given.orders, console, given.timeout)
    console.print(figures.table())
    console.print(
        f"Wall time {figures.wall_seconds:.0f} s for {figures.provider_days:.1f} days of the providers' time, on "
        f"{os.cpu_count()} cores; the watcher ran {figures.watches} times."
    )
    cpu = ", ".join(f"{what} {used:.0f} s" for what, used in figures.cpu_seconds.items())
    orders = figures.cpu_seconds["runs of orders"]
    console.print(
        f"CPU: {cpu}; {orders / given.orders:.1f} s of runs for each order, {sum(figures.starts.values())} starts."
    )
    for problem in figures.problems:
        console.print(problem, style="red", markup=False)
    return 0 if figures.fine else 1


if __name__ == "__main__":
    sys.exit(main())
