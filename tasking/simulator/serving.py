"""The simulator on a loopback port of this process, for tests and notebooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from tasking.simulator.app import create_app
from tasking.simulator.clock import SimulatedClock
from tasking.simulator.faults import Fault
from tasking.simulator.switches import Switches
from tasking.simulator.wire import Server, listening_socket, server
from tasking.simulator.world import Config, World


class Simulator:
    """A running simulator. `stop` ends it; `serve` does so by itself.

    Attributes:
        url: Its address, ``http://127.0.0.1:PORT``.
        world: Everything it remembers.
        clock: Its clock (``clock.now()``, ``clock.move(...)``).
        providers: Its providers by name; each is an attribute, too: ``simulator.iceye.summary()``.
    """

    def __init__(self, config: Config, *, port: int = 0, host: str = "127.0.0.1") -> None:
        self._app = app = create_app(config)
        self.world: World = app.world
        self.clock: SimulatedClock = app.world.clock
        self.providers = app.providers
        sock = listening_socket(host, port)
        self.port: int = sock.getsockname()[1]
        self.url = self.world.url = f"http://{host}:{self.port}"
        started = threading.Event()
        self._server: Server = server(app, started.set)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [sock]}, daemon=True)
        self._thread.start()
        if not started.wait(20):
            raise RuntimeError("the simulator did not start")

    def __getattr__(self, name: str) -> Any:
        """The provider of that name; what each offers beyond `SimulatedProvider` is its own."""
        try:
            return self.__dict__["providers"][name]
        except KeyError:
            raise AttributeError(f"no provider is named {name}") from None

    @property
    def credentials(self) -> tuple[str, str]:
        """Client id and secret of the first account."""
        return next(iter(self.world.clients.items()))

    def journal(self, path: str = "*", method: str = "*", since: int = 0, query: str = "*") -> list[dict[str, Any]]:
        """Provider calls received, oldest first; globs over path, method and decoded query."""
        return self.world.journal.read(path=path, method=method, since=since, query=query)

    def advance(self, seconds: float) -> datetime:
        """Move the clock forward."""
        return self.clock.move(advance_seconds=seconds)

    def fault(self, kind: str, **options: Any) -> Fault:
        """Order a fault, see `tasking.simulator.faults`."""
        return self.world.faults.order(kind=kind, **options)

    def switch(self, **changes: Any) -> Switches:
        """Change switches, see `tasking.simulator.switches`."""
        return self.world.switches.change(**changes)

    def stop(self) -> None:
        """Stop listening and give the state file back. Stopping twice is harmless."""
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join(10)
            self._app.close()


@contextmanager
def serve(config: Config | None = None, *, port: int = 0, **settings: Any) -> Iterator[Simulator]:
    """Run a simulator on a loopback port while the ``with`` block lasts.

    Args:
        config: How it starts; or give its fields as keywords: ``serve(rate=1, start=..., switches={...})``.
        port: 0 takes a free one.
        settings: Fields of `Config`.
    """
    simulator = Simulator(config or Config.model_validate(settings), port=port)
    try:
        yield simulator
    finally:
        simulator.stop()
