"""``python -m chaos.fork_server SOCKET``: a process that has everything imported, and forks one for each flow run.

A flow run of Prefect spends most of its processor time on imports. With thousands of them to start, that is left out:
what `chaos.fork_client` asks for is forked from here. Everything else is as the worker would have it: a process of its
own for each run, its environment, its folder, its standard streams. It is killed when its `chaos.fork_client` is, and
the other way round.
"""

from __future__ import annotations

import gc
import json
import os
import random
import selectors
import signal
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from chaos import engine
from devstack.kits import KITS

IMPORTED = (
    *("prefect.engine", "prefect.flow_engine", "prefect.task_engine", "prefect.artifacts", "prefect.runtime"),
    *("prefect.client.orchestration", "prefect._internal.metrics", "prefect.events.utilities", "prefect.flow_runs"),
    *("blocks", "flows.watch_orders", "flows.cancel_order"),
    *(kit.entrypoint.rpartition(".")[0] for kit in KITS.values()),
    *("sqlalchemy.dialects.sqlite", "pystac_client", "stamina"),
    *("cryptography.fernet", "cryptography.hazmat.primitives.kdf.hkdf", "tasking.footprint_map"),
    *("chaos.inject_http", "chaos.inject_ledger", "chaos.inject_disk", "chaos.inject_process"),
)


class _Asked(NamedTuple):
    env: dict[str, str]
    cwd: str
    streams: list[int]


class ForkServer:
    """Listens, forks, and tells each asker how its process ended."""

    def __init__(self, address: Path) -> None:
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(address))
        self._listening.listen(128)
        self._events = selectors.DefaultSelector()
        self._events.register(self._listening, selectors.EVENT_READ)
        self._pids: dict[socket.socket, int] = {}
        self._askers: dict[int, tuple[socket.socket, int]] = {}

    def serve(self) -> Callable[[], None]:
        """Serve for ever; in a forked process, hand back what it has to do."""
        while True:
            for key, _ in self._events.select():
                source = key.fileobj
                if source is self._listening:
                    job = self._fork(self._listening.accept()[0])
                    if job is not None:
                        return job
                elif isinstance(source, socket.socket):
                    self._from_asker(source)
                else:
                    assert isinstance(source, int)
                    self._ended(source)

    def _fork(self, asker: socket.socket) -> Callable[[], None] | None:
        asked = _read(asker)
        if asked is None:
            asker.close()
            return None
        pid = os.fork()
        if not pid:
            return lambda: self._become(asked, asker)
        for one in asked.streams:
            os.close(one)
        process = os.pidfd_open(pid)
        self._pids[asker], self._askers[process] = pid, (asker, pid)
        self._events.register(asker, selectors.EVENT_READ)
        self._events.register(process, selectors.EVENT_READ)
        return None

    def _become(self, asked: _Asked, asker: socket.socket) -> None:
        self._events.close()
        for one in (self._listening, asker, *self._pids):
            one.close()
        for process in self._askers:
            os.close(process)
        for number, stream in enumerate(asked.streams):
            os.dup2(stream, number)
            os.close(stream)
        os.environ.clear()
        os.environ.update(asked.env)
        os.chdir(asked.cwd)
        random.seed()
        engine.run()

    def _from_asker(self, asker: socket.socket) -> None:
        """A signal to hand on; or it is gone, and its process with it."""
        try:
            said = asker.recv(1)
        except OSError:
            said = b""
        pid = self._pids.get(asker)
        if pid is None:  # its process ended just now, and `_ended` has told it so
            return
        os.kill(pid, said[0] if said else signal.SIGKILL)
        if not said:
            self._events.unregister(asker)

    def _ended(self, process: int) -> None:
        asker, pid = self._askers.pop(process)
        self._events.unregister(process)
        os.close(process)
        _, status = os.waitpid(pid, 0)
        with suppress(OSError):  # it is gone
            asker.sendall(struct.pack("!i", os.waitstatus_to_exitcode(status)))
        if asker in {key.fileobj for key in self._events.get_map().values()}:
            self._events.unregister(asker)
        del self._pids[asker]
        asker.close()


def _read(asker: socket.socket) -> _Asked | None:
    asker.settimeout(10)
    try:
        head, streams, _, _ = socket.recv_fds(asker, 4, 3)
        (length,) = struct.unpack("!I", head)
        body = bytearray()
        while len(body) < length:
            piece = asker.recv(length - len(body))
            if not piece:
                return None
            body += piece
    except (OSError, struct.error):
        return None
    asker.settimeout(None)
    asked = json.loads(body)
    return _Asked(asked["env"], asked["cwd"], list(streams))


def main() -> None:
    """Import everything, then serve."""
    for name in IMPORTED:
        import_module(name)
    gc.freeze()
    ForkServer(Path(sys.argv[1])).serve()()


if __name__ == "__main__":
    main()
