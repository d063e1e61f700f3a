"""An order on its way against the simulator, without Prefect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from devstack.kit import Kit
from devstack.kits import KITS
from tasking import lifecycle
from tasking.clock import utc_now
from tasking.http.settings import HttpSettings
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle import OrderSession
from tasking.order import Order
from tasking.provider import Provider
from tasking.simulator import Simulator
from tasking.waiting import Wait
from tests.support.ledgers import new_ledger
from tests.support.sessions import AloneHere, session_of, until
from tests.support.simulator_control import control

POINT = {"lat": 35.6, "lon": 139.8}
BAY = "POLYGON ((139.7 35.5, 139.9 35.5, 139.9 35.7, 139.7 35.7, 139.7 35.5))"


@dataclass
class Way:
    """One order and what it needs."""

    simulator: Simulator
    ledger: Ledger
    provider: Provider
    order: Order
    archive: Path

    @property
    def record(self) -> OrderRecord:
        """The order as the ledger has it."""
        return self.ledger.read("bay")

    @property
    def session(self) -> OrderSession:
        """As at the start of its run."""
        return session_of(self.ledger, self.provider, self.order, "bay", self.archive, "a-run")

    def go(self) -> Wait | OrderRecord:
        """From the top, as a run that is started: until the order waits, or has ended."""
        answer = until(self.session)
        assert isinstance(answer, Wait | OrderRecord)
        return answer

    def to_the_end(self, most: int = 60) -> OrderRecord:
        """Let time pass at the provider until each wait is due."""
        for _ in range(most):
            answer = self.go()
            if not isinstance(answer, Wait):
                return answer
            self.pass_time(answer)
        raise AssertionError(f"not at its end after {most} waits: {answer}")

    def pass_time(self, wait: Wait) -> None:
        """Move the provider's clock to the end of a wait."""
        self.advance(timedelta(seconds=max((wait.until - utc_now()).total_seconds(), 0.0) + 2))

    def advance(self, time: timedelta) -> None:
        """Let time pass at the provider; who comes then asks it for the time first."""
        now = self.simulator.advance(time.total_seconds())
        self.provider.clock.observe({"Date": f"{now:%a, %d %b %Y %H:%M:%S} GMT"})


@contextmanager
def on_its_way(simulator: Simulator, folder: Path, provider: str = "axelglobe", **wishes: Any) -> Iterator[Way]:
    """An order accepted and claimed.

    ``http``: how the provider is called; ``settings``: of the account; ``days``: the length of the window.
    """
    http = HttpSettings(
        **{
            "attempts": 2,
            "wait_initial_seconds": 0.01,
            "wait_jitter_seconds": 0.01,
            "requests_per_second": 10_000,
            "own_clock": True,
            **wishes.pop("http", {}),
        }
    )
    kit, settings = KITS[provider], wishes.pop("settings", {})
    now, days = simulator.clock.now(), wishes.pop("days", 7)
    window = {"start": now + timedelta(days=1), "end": now + timedelta(days=1 + days)}
    given = {"name": "Tokyo Bay", "reference": "bay", "window": window, **wishes}
    with ExitStack() as stack:
        ledger = stack.enter_context(closing(new_ledger(folder)))
        opened = stack.enter_context(closing(_opened(simulator, kit, settings | {"http": http})))
        order = _order(kit, given)
        way = Way(simulator, ledger, opened, order, folder / "archive")
        lifecycle.accept(way.session, AloneHere())
        yield way


def _order(kit: Kit, given: dict[str, Any]) -> Order:
    here: dict[str, Any] = {"area": BAY} if kit.order_kind.target_field == "area" else {"point": POINT}
    return kit.order_kind.model_validate({**({} if "area" in given else here), **given})


def _opened(simulator: Simulator, kit: Kit, settings: dict[str, Any]) -> Provider:
    with control(simulator) as client:
        account = kit.account(client)
    return kit.open({**account, **settings}, httpx.HTTPTransport(verify=False))
