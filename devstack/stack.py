"""Simulator, Prefect server, workers and deployments: real processes on loopback ports, one folder, thrown away."""

from __future__ import annotations

import json
import secrets
import shlex
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx

from devstack.deploy_file import write_deploy_file
from devstack.environment import STACK_MARK, environment
from devstack.kit import Kit
from devstack.kits import KITS
from devstack.prefect_api import PrefectApi
from devstack.programs import RUN_MARK, Program, ProgramEnded, kill_all, undisturbed, with_mark

PROJECT = Path(__file__).resolve().parents[1]
POOLS = {"orders": 4, "ops": None}
"""Work pools, and how many runs each lets be at work at once.

For orders the limit is the pool's: a worker with a limit of its own ends when a run is woken while its last process
still ends. For the watcher it is the worker's: in the pool a watch that was killed would keep its slot for ever.
"""
WORKER_LIMITS = {"ops": 2}

SETTLE_SECONDS = 30.0
"""Settle time of the accounts: longer than `CALLS` let a create take, and the simulator's lists do not lag.

Where a commit takes longer than a third of it, as on a slow disk, an order would be announced for ever and never sent.
"""

CALLS = {"connect_seconds": 2, "write_seconds": 3, "read_seconds": 10, "create_start_seconds": 10, "own_clock": True}
"""How patient the accounts are with a provider on this machine, whose clock is its own."""

ACCOUNT = {"settle_seconds": SETTLE_SECONDS, "http": CALLS}

T = TypeVar("T")


class TookTooLong(RuntimeError):
    """What was waited for did not happen in time."""


class Stack:
    """Everything an order needs, in a folder that is thrown away, while the ``with`` block lasts.

    Args:
        provider: Whose deployment and account, by its kit's name; the first there is when absent.
        others: Further providers whose accounts get their blocks.
        webhooks: Whether those that can notify us do so, to a receiver of the stack's own.
        rate: Seconds of the provider's time per second of ours.
        start: The provider's time at the start, RFC 3339.
        room: Whether no other customer takes a pass and accounts pay for as many orders as there may be.
        watch_seconds: How often watch-orders runs, instead of each five minutes.
        watch_parameters: What it runs with, instead of its defaults.
        inline_wait_seconds: See `flows.parking.inline_seconds`.
        order_slots: Concurrency limit of the pool ``orders``.
        archive: Where images go; in the throw-away folder when absent.
        account: Further fields of each account's block.
        engine: What Python runs for a flow run, instead of Prefect's engine; ``{folder}`` becomes the stack's folder.
        database_url: Where the Prefect server keeps everything, instead of a SQLite file; what is there is wiped.
        say: Told what is being started, one line each.
    """

    def __init__(
        self,
        provider: str = next(iter(KITS)),
        *,
        others: Sequence[str] = (),
        webhooks: bool = True,
        rate: float = 90.0,
        start: str = "2026-12-01T00:00:00Z",
        room: bool = False,
        watch_seconds: float = 10.0,
        watch_parameters: dict[str, Any] | None = None,
        inline_wait_seconds: float = 10.0,
        order_slots: int | None = None,
        archive: Path | None = None,
        account: dict[str, Any] | None = None,
        engine: Sequence[str] = ("-m", "prefect.engine"),
        database_url: str | None = None,
        say: Callable[[str], object] = str,
    ) -> None:
        self.kits = {name: KITS[name] for name in (provider, *others)}
        self.kit = self.kits[provider]
        self._webhooks = webhooks
        self._rate, self._start, self._room = rate, start, room
        self._watch_seconds, self._slots, self._say = watch_seconds, order_slots, say
        self._watch_parameters = watch_parameters or {}
        self._account, self._engine = account or {}, engine
        self.inline_wait_seconds = inline_wait_seconds
        self.folder = Path(tempfile.mkdtemp(prefix="tasking-flows-"))
        self.archive = archive or self.folder / "archive"
        self.ledger_url = f"sqlite:///{self.folder / 'ledger.sqlite'}"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.simulator_url = f"http://127.0.0.1:{_free_port()}"
        self.password = f"admin:{secrets.token_urlsafe(18)}"
        self._environment = environment(self.folder, self.url, self.password, inline_wait_seconds)
        if database_url is not None:
            self._environment["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = database_url
        self._wipe = database_url is not None
        self.api = PrefectApi(f"{self.url}/api", self.password)
        self.sim = httpx.Client(base_url=self.simulator_url, timeout=30, trust_env=False)
        self.simulator = self.program("simulator", ["-m", "tasking.simulator", *self._simulator_options()])
        port = self.url.rpartition(":")[2]
        self.server = self.program(
            "server", ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        )
        self.workers = {pool: self.program(f"worker-{pool}", _worker(pool)) for pool in POOLS}
        self.secret_path = secrets.token_urlsafe(24)
        self.receiver_url = f"http://127.0.0.1:{_free_port()}"
        self.receiver = self.program("receiver", ["-m", "flows.receiver", "--port", self.receiver_url.split(":")[2]])
        self._order_extras: dict[str, dict[str, Any]] = {}
        self.deployments: dict[str, str] = {}

    def _simulator_options(self) -> list[str]:
        return [
            *("--port", self.simulator_url.rpartition(":")[2]),
            *("--rate", f"{self._rate:g}"),
            *("--start", self._start),
            *("--state", str(self.folder / "simulator.sqlite")),  # it can be restarted like the real one
        ]

    def program(self, name: str, arguments: list[str], folder: Path | None = None) -> Program:
        """A further Python program in the stack's environment, not started yet; `close` ends it, too."""
        log = self.folder / "logs" / f"{name}.log"
        log.parent.mkdir(exist_ok=True)
        return Program(name, [sys.executable, *arguments], self._environment, folder or self.folder, log)

    # Starting

    def __enter__(self) -> Stack:
        try:
            self._start_all()
        except BaseException:
            self.close()
            raise
        return self

    def _start_all(self) -> None:
        prepare = self.program("prepare", ["-m", "devstack.prepare"], PROJECT)
        self._say("Starting the simulator, the Prefect server and two workers")
        if self._wipe:
            reset = self.program("reset", ["-m", "prefect", "server", "database", "reset", "-y"])
            reset.start()
            reset.finish(120)
        self.server.start()
        self.start(self.simulator)
        prepare.start(json.dumps(self._prepared()).encode())  # a provider may be asked, for its contracts say
        self.wait_for(self.api.answers, 120, "the Prefect server to answer", also=prepare)
        self.wait_for(lambda: all(map(self.api.has_pool, POOLS)), 60, "the work pools", also=prepare)
        file = self.folder / "prefect.yaml"
        write_deploy_file(PROJECT / "prefect.yaml", file, self._watch_seconds, self._watch_parameters)
        how = ["-m", "prefect", "--no-prompt", "deploy", "--all", "--prefect-file", str(file)]
        deploy = self.program("deploy", how, PROJECT)
        deploy.start()
        self.workers["orders"].start()
        deploy.finish(120)
        prepare.finish(120)
        self.workers["ops"].start()
        self._take_notifications()
        self.deployments = self.api.deployments()

    def _take_notifications(self) -> None:
        """Let the providers that have webhooks know where the receiver is, and start it."""
        for name, kit in self.kits.items() if self._webhooks else ():
            if extras := kit.register_webhook(self.sim, self.webhook_url(name)):
                self._order_extras[name] = extras
        if self.takes_notifications:
            self.start(self.receiver)

    @property
    def takes_notifications(self) -> bool:
        """Whether a provider notifies this stack."""
        return bool(self._order_extras)

    def webhook_url(self, provider: str) -> str:
        """Where the receiver takes notifications of a provider."""
        return f"{self.receiver_url}/{provider}/{self.secret_path}"

    def start(self, *programs: Program) -> None:
        """Start some of the stack's programs (again) and wait until those that are servers answer."""
        for program in programs:
            program.start()
        if self.server in programs:
            self.wait_for(self.api.answers, 120, "the Prefect server to answer")
        if self.simulator in programs:
            self.wait_for(self._simulator_answers, 120, "the simulator to answer")
        if self.receiver in programs:
            self.wait_for(self._receiver_answers, 120, "the webhook receiver to answer")

    def _prepared(self) -> dict[str, Any]:
        for kit in self.kits.values():
            kit.set_up(self.sim)
            if self._room:
                kit.make_room(self.sim)
        accounts = {address: fields for kit in self.kits.values() for address, fields in self._blocks(kit).items()}
        return {
            "command": shlex.join([sys.executable, *(part.format(folder=self.folder) for part in self._engine)]),
            "pools": {**POOLS, **({} if self._slots is None else {"orders": self._slots})},
            "blocks": {
                **accounts,
                "image-archive/default": {"url": str(self.archive.resolve())},
                "order-ledger/default": {"url": self.ledger_url},
                "webhook-receiver/default": {"secret_path": self.secret_path},
            },
        }

    def _blocks(self, kit: Kit) -> dict[str, dict[str, Any]]:
        """The blocks of an account, ready to be saved, by address."""
        return {f"{kit.block}/default": {**kit.account(self.sim), **kit.fast, **ACCOUNT, **self._account}}

    def _simulator_answers(self) -> bool:
        try:
            return self.sim.get("/_sim/health").is_success
        except httpx.TransportError:
            return False

    def _receiver_answers(self) -> bool:
        try:
            return httpx.get(f"{self.receiver_url}/health", trust_env=False).is_success
        except httpx.TransportError:
            return False

    # Ending

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything and throw the folder away. Nothing that was started is left, however often Ctrl-C is hit."""
        with undisturbed():
            self._stop_all()

    def _stop_all(self) -> None:
        programs = [*self.workers.values(), self.receiver, self.server, self.simulator]
        for program in programs:
            program.ask_to_end()
        for program in programs:
            program.stop()
        # flow runs' processes, and what a program interrupted while starting has left
        deadline = time.monotonic() + 10
        while (left := self.left_running()) and time.monotonic() < deadline:
            kill_all(left)
            time.sleep(0.05)
        self.api.client.close()
        self.sim.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def left_running(self) -> list[int]:
        """Ids of all processes of this stack, found by their environment."""
        return sorted(with_mark(STACK_MARK, str(self.folder)))

    # Using

    def order(
        self,
        order: dict[str, Any],
        provider: str | None = None,
        *,
        key: str | None = None,
        env: dict[str, str] | None = None,
    ) -> str:
        """Start an order by HTTP, as anybody would; the id of its run. Safe to repeat.

        Args:
            order: The order.
            provider: Whose; the stack's first when absent.
            key: The same key gives the same run; the order's reference when absent.
            env: Added to the environment of the run's processes.
        """
        kit = self.kit if provider is None else self.kits[provider]
        more = {"job_variables": {"env": env}} if env else {}
        deployment = self.deployments[kit.deployment]
        return self.api.start(deployment, {"order": self.told(order, kit)}, key or order.get("reference"), **more)

    def told(self, order: dict[str, Any], kit: Kit) -> dict[str, Any]:
        """An order that says whatever its provider needs to notify us."""
        return {**order, **self._order_extras.get(kit.name, {})}

    def processes(self, run_id: str) -> list[int]:
        """Ids of the processes that carry out a run now."""
        return sorted(with_mark(RUN_MARK, run_id))

    def provider_now(self) -> datetime:
        """The provider's time."""
        return datetime.fromisoformat(self.sim.get("/_sim/clock").raise_for_status().json()["now"])

    def turn_clock(self, rate: float) -> None:
        """Let the provider's time run at another rate."""
        self.sim.post("/_sim/clock", json={"rate": rate}).raise_for_status()

    def wait_for(
        self,
        happened: Callable[[], T | None],
        timeout_seconds: float,
        what: str,
        *,
        every_seconds: float = 0.2,
        also: Program | None = None,
    ) -> T:
        """Look again and again until there is an answer that is true.

        Raises:
            TookTooLong: With what was waited for.
            ProgramEnded: A program of the stack ended by itself meanwhile.
        """
        give_up = time.monotonic() + timeout_seconds
        while True:
            if answer := happened():
                return answer
            self.check()
            if also is not None and also.pid is None:
                also.finish(0)
            if time.monotonic() > give_up:
                raise TookTooLong(f"Waited {timeout_seconds:g} s for {what}")
            time.sleep(every_seconds)

    def check(self) -> None:
        """Raise `ProgramEnded` if a program that should run has ended by itself."""
        for program in (self.simulator, self.server, self.receiver, *self.workers.values()):
            program.check()


def _worker(pool: str) -> list[str]:
    start = ["-m", "prefect", "worker", "start", "--pool", pool, "--name", pool]
    if pool in WORKER_LIMITS:
        start += ["--limit", str(WORKER_LIMITS[pool])]
    return [*start, "--type", "process"]  # with its type named, a worker waits for a server that is not there yet


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


__all__ = ["Program", "ProgramEnded", "Stack", "TookTooLong"]
