"""Simulator, Prefect server, workers and deployments: real processes on loopback ports, for the demo and for tests."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import httpx

from demo.programs import RUN_MARK, Program, ProgramEnded, kill_all, with_mark

PROJECT = Path(__file__).resolve().parents[1]
POOLS = ("orders", "ops")
HOME_MARK = "TASKING_FLOWS_HOME"
BUSY_TRIES = 10

T = TypeVar("T")


class TookTooLong(RuntimeError):
    """What was waited for did not happen in time."""


class Stack:
    """Everything an order needs, in a folder that is thrown away, while the ``with`` block lasts.

    Args:
        provider: Whose simulator and deployment; a module of this package.
        rate: Seconds of the provider's time per second of ours.
        start: The provider's time at the start, RFC 3339.
        credits: Task credits of each account.
        watch_seconds: How often watch-orders runs, instead of each five minutes.
        inline_wait_seconds: See `flows.parking.inline_seconds`.
        order_slots: Concurrency limit of the pool ``orders``.
        archive: Where images go; in the throw-away folder when absent.
        account: Further fields of the account's block.
        say: Told what is being started, one line each.
    """

    def __init__(
        self,
        provider: str = "axelglobe",
        *,
        rate: float = 90.0,
        start: str = "2026-12-01T00:00:00Z",
        credits: int = 5,
        watch_seconds: float = 10.0,
        inline_wait_seconds: float = 10.0,
        order_slots: int | None = None,
        archive: Path | None = None,
        account: dict[str, Any] | None = None,
        say: Callable[[str], object] = str,
    ) -> None:
        self.provider = import_module(f"demo.{provider}")
        self._rate, self._start, self._credits = rate, start, credits
        self._watch_seconds, self._slots, self._say = watch_seconds, order_slots, say
        self._account = account or {}
        self.inline_wait_seconds = inline_wait_seconds
        self.folder = Path(tempfile.mkdtemp(prefix="tasking-flows-"))
        self.archive = archive or self.folder / "archive"
        self.ledger_url = f"sqlite:///{self.folder / 'ledger.sqlite'}"
        self.url = f"http://127.0.0.1:{_free_port()}"
        self.simulator_url = f"http://127.0.0.1:{_free_port()}"
        self._environment = self._made_environment(inline_wait_seconds)
        # proxies are for the world outside; everything here is on this machine
        self.api = httpx.Client(base_url=f"{self.url}/api", timeout=30, trust_env=False)
        self.sim = httpx.Client(base_url=self.simulator_url, timeout=30, trust_env=False)
        self.simulator = self._program("simulator", ["-m", "tasking.simulator", *self._simulator_options()])
        port = self.url.rpartition(":")[2]
        self.server = self._program(
            "server", ["-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
        )
        self.workers = {
            pool: self._program(f"worker-{pool}", ["-m", "prefect", "worker", "start", "--pool", pool, "--name", pool])
            for pool in POOLS
        }
        self.deployments: dict[str, str] = {}

    def _made_environment(self, inline_wait_seconds: float) -> dict[str, str]:
        """This process's environment without any Prefect settings of the user, and with the stack's own."""
        mine = {key: value for key, value in os.environ.items() if not key.startswith(("PREFECT_", "TASKING_"))}
        mine |= {
            HOME_MARK: str(self.folder / "home"),  # tells our processes from all others, too
            "TASKING_INLINE_WAIT_SECONDS": f"{inline_wait_seconds:g}",
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_API_URL": f"{self.url}/api",
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
            "PREFECT_SERVER_SERVICES_PAUSE_EXPIRATIONS_LOOP_SECONDS": "60",
            "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT2M",  # the watch runs often: no hour ahead
            "PREFECT_WORKER_QUERY_SECONDS": "1",
            "PREFECT_WORKER_PREFETCH_SECONDS": "0",  # a process is started when due, not 10 s ahead
            "PREFECT_CLI_COLORS": "false",
            "PREFECT_CLI_PROMPT": "false",
            "PYTHONUNBUFFERED": "1",
        }
        for name in ("NO_PROXY", "no_proxy"):
            mine[name] = ",".join(filter(None, [mine.get(name), "127.0.0.1", "localhost"]))
        return mine

    def _simulator_options(self) -> list[str]:
        return [
            *("--port", self.simulator_url.rpartition(":")[2]),
            *("--rate", f"{self._rate:g}"),
            *("--start", self._start),
            *("--credits", str(self._credits)),
            *("--state", str(self.folder / "simulator.sqlite")),  # it can be restarted like the real one
        ]

    def _program(self, name: str, arguments: list[str], folder: Path | None = None) -> Program:
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
        prepare = self._program("prepare", ["-m", "demo.prepare"], PROJECT)
        self._say("Starting the simulator, the Prefect server and two workers")
        prepare.start(json.dumps(self._prepared()).encode())
        self.start(self.simulator, self.server)
        self.wait_for(self._pools_are_there, 60, "the work pools", also=prepare)
        deploy = self._program("deploy", ["-m", "prefect", "--no-prompt", "deploy", "--all"], PROJECT)
        deploy.start()
        self.workers["orders"].start()
        deploy.finish(120)
        prepare.finish(120)
        self.workers["ops"].start()
        self.deployments = self._read_deployments()
        self.watch_every(self._watch_seconds)

    def start(self, *programs: Program) -> None:
        """Start some of the stack's programs (again) and wait until those that are servers answer."""
        for program in programs:
            program.start()
        if self.server in programs:
            self.wait_for(lambda: _answers(self.api, "/health"), 120, "the Prefect server to answer")
        if self.simulator in programs:
            self.wait_for(lambda: _answers(self.sim, "/_sim/health"), 120, "the simulator to answer")

    def _prepared(self) -> dict[str, Any]:
        account = self.provider.blocks(self.simulator_url)
        for fields in account.values():
            fields |= self._account
        return {
            "command": shlex.join([sys.executable, "-m", "prefect.engine"]),
            "pools": {"orders": self._slots, "ops": None},
            "blocks": {
                **account,
                "image-archive/default": {"url": str(self.archive.resolve())},
                "order-ledger/default": {"url": self.ledger_url},
            },
        }

    def _pools_are_there(self) -> bool:
        return all(self.api.get(f"/work_pools/{pool}").is_success for pool in POOLS)

    def _read_deployments(self) -> dict[str, str]:
        flows = {one["id"]: one["name"] for one in self.post("/flows/filter")}
        return {f"{flows[one['flow_id']]}/{one['name']}": one["id"] for one in self.post("/deployments/filter")}

    def watch_every(self, seconds: float, **parameters: Any) -> None:
        """Change the schedule of watch-orders, and what it runs with; prefect.yaml keeps the one for production."""
        deployment = self.deployments["watch-orders/watch"]
        schedule = {"interval": seconds, "anchor_date": datetime.now(UTC).isoformat()}
        for one in self.get(f"/deployments/{deployment}")["schedules"]:
            change = {"schedule": schedule, "slug": one["slug"], "active": True, "parameters": parameters}
            self._ask("PATCH", f"/deployments/{deployment}/schedules/{one['id']}", json=change)

    # Ending

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop everything and throw the folder away. Nothing that was started is left, however often Ctrl-C is hit."""
        with _undisturbed():
            self._stop_all()

    def _stop_all(self) -> None:
        programs = [*self.workers.values(), self.server, self.simulator]
        for program in programs:
            program.ask_to_end()
        for program in programs:
            program.stop()
        # flow runs' processes, and what a program interrupted while starting has left
        deadline = time.monotonic() + 10
        while (left := self.left_running()) and time.monotonic() < deadline:
            kill_all(left)
            time.sleep(0.05)
        self.api.close()
        self.sim.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def left_running(self) -> list[int]:
        """Ids of all processes of this stack, found by their environment."""
        return sorted(with_mark(HOME_MARK, self._environment[HOME_MARK]))

    # Using

    def order(self, order: dict[str, Any], **more: Any) -> str:
        """Start an order by HTTP, as anybody would; the id of its run. Safe to repeat: the reference is the key."""
        body = {"parameters": {"order": order}, "idempotency_key": order.get("reference"), **more}
        deployment = self.deployments[self.provider.DEPLOYMENT]
        return str(self.post(f"/deployments/{deployment}/create_flow_run", body)["id"])

    def run(self, run_id: str) -> dict[str, Any]:
        """A flow run as the server has it."""
        read: dict[str, Any] = self.get(f"/flow_runs/{run_id}")
        return read

    def states(self, run_id: str) -> list[dict[str, Any]]:
        """All states of a run, oldest first: ``name``, ``type``, ``message``, ``timestamp``."""
        read = self.get("/flow_run_states/", flow_run_id=run_id)
        return sorted(read, key=lambda state: str(state["timestamp"]))

    def processes(self, run_id: str) -> list[int]:
        """Ids of the processes that carry out a run now."""
        return sorted(with_mark(RUN_MARK, run_id))

    def slots_held(self, pool: str) -> int:
        """How many slots of a work pool are taken, by Prefect's own count."""
        return int(self.post(f"/work_pools/{pool}/concurrency_status")["active_slots"])

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
        for program in (self.simulator, self.server, *self.workers.values()):
            program.check()

    def get(self, path: str, **params: str) -> Any:
        """Read from the Prefect API; see `post`."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the Prefect API, again while its database is busy (503: SQLite takes one writer at a time)."""
        return self._ask("POST", path, json=body or {})

    def _ask(self, method: str, path: str, **how: Any) -> Any:
        for left in reversed(range(BUSY_TRIES)):
            answer = self.api.request(method, path, **how)
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or not left:
                break
            time.sleep(0.3)
        if answer.is_error:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None


def _answers(client: httpx.Client, path: str) -> bool:
    try:
        return client.get(path).is_success
    except httpx.TransportError:
        return False


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Let no signal interrupt the tidying up."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {one: signal.signal(one, signal.SIG_IGN) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


__all__ = ["Program", "ProgramEnded", "Stack", "TookTooLong"]
