"""One order of several captures, delivered in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pystac
import pytest

from tasking import lifecycle
from tasking.axelglobe.order import AxelGlobeOrder
from tasking.candidate import Candidate
from tasking.clock import ProviderClock
from tasking.ledger import Deliverable, Ledger, OrderRecord, RequestRecord
from tasking.lifecycle import OrderSession
from tasking.provider import Items, TaskingRequest
from tasking.status import StatusCode
from tasking.waiting import Wait
from tests.support.asset_server import FileServer, file_server, opener
from tests.support.delivery import scene
from tests.support.ledgers import new_ledger
from tests.support.sessions import session_of, until

NOW = datetime.now(UTC)
ORDER = AxelGlobeOrder.model_validate(
    {
        "name": "Tokyo Bay",
        "area": "POLYGON ((139.7 35.5, 139.9 35.5, 139.9 35.7, 139.7 35.7, 139.7 35.5))",
        "window": {"start": NOW + timedelta(days=1), "end": NOW + timedelta(days=8)},
    }
)


PASS = Candidate(id="c", start=NOW + timedelta(days=2), end=NOW + timedelta(days=2, minutes=1))
"""What was ordered."""


class Listing:
    """A provider as far as a delivery sees it: what it lists of each capture, and how its files are opened."""

    name, order_type = "axelglobe", AxelGlobeOrder
    poll_interval_seconds = settle_seconds = 60.0

    def __init__(self, open_asset: Callable[..., AbstractContextManager[httpx.Response]]) -> None:
        self.clock, self.open_asset = ProviderClock(), open_asset
        self.listed: dict[str, list[dict[str, Any]]] = {}
        self.left_out: dict[str, list[str]] = {}
        self.says: dict[str, TaskingRequest] = {}

    def products(self, request: TaskingRequest) -> Items:
        found = Items(item for one in request.capture_ids for item in self.listed.get(one, []))
        found.left_out = tuple(name for one in request.capture_ids for name in self.left_out.get(one, []))
        return found

    def read(self, request_ids: Sequence[str], _: Any = None, __: Any = None) -> dict[str, TaskingRequest]:
        return {one: self.says[one] for one in request_ids if one in self.says}


class Series:
    """One order of several captures, and the hands of its run."""

    def __init__(self, ledger: Ledger, provider: Listing, server: FileServer, root: Path) -> None:
        self.ledger, self.provider, self.server, self.root = ledger, provider, server, root
        self.request_id, self.give_up_at = "r", NOW + timedelta(days=30)
        claim = ORDER.model_dump(mode="json")
        ledger.claim("bay", claim, provider="axelglobe", flow_run_id="run", owner_is_gone=lambda _: False)
        ledger.record("bay", candidate=PASS)

    def publish(self, *captures: str) -> None:
        """The provider lists two scenes of each capture."""
        for one in captures:
            self.provider.listed[one] = [scene(self.server, f"{one}-{side}") for side in "ab"]

    def bring_home(self, *captures: str) -> None:
        """Note these as delivered without their folders, as an older version did."""
        if self.request_id not in {one.last.id for one in self.ledger.read("bay").requests}:
            self.ledger.record("bay", requests=[self.request(StatusCode.PROCESSING)])
        what = [Deliverable(name=one) for one in captures]
        self.ledger.delivered("bay", self.request_id, str(self.home), what, "Delivered before", [])

    def request(self, status: StatusCode, *captures: str) -> RequestRecord:
        """The order's request, when the provider says so of it."""
        last = TaskingRequest(
            id=self.request_id,
            status=status,
            provider_status="x",
            capture_ids=captures,
            next_look_at=NOW,
            give_up_at=self.give_up_at,
        )
        return RequestRecord(attempt=1, label="bay", candidate=PASS, last=last)

    def deliver(self, *captures: str, status: StatusCode = StatusCode.PROCESSING) -> None:
        """The step of the run, at the time when these captures can be fetched."""
        record = self.request(status, *captures)
        self.ledger.record("bay", requests=[record])
        lifecycle.deliver(self.session, record.last.id)

    @property
    def session(self) -> OrderSession:
        """As at the start of the order's run."""
        return session_of(self.ledger, self.provider, ORDER, "bay", self.root)

    def go_on(self, **says: TaskingRequest) -> Wait | None:
        """The run's next steps, until it waits or the order has ended; ``says`` is what the provider answers now."""
        self.provider.says |= says
        answer = until(self.session)
        return answer if isinstance(answer, Wait) else None

    def end(self, *captures: str) -> None:
        """The last steps, as the run takes them once the provider says that nothing more comes."""
        record = self.request(StatusCode.COMPLETED, *captures)
        self.ledger.record("bay", requests=[record])
        self.provider.says[record.last.id] = record.last
        assert isinstance(until(self.session), OrderRecord), "it does not end"

    @property
    def home(self) -> Path:
        return self.root / "bay"

    def in_the_catalog(self) -> set[str]:
        """What a person finds who opens the catalog."""
        return {item.id for item in pystac.Catalog.from_file(str(self.home / "catalog.json")).get_items()}


@pytest.fixture
def series(tmp_path: Path) -> Iterator[Series]:
    with (
        file_server() as server,
        httpx.Client(timeout=10) as client,
        closing(new_ledger(tmp_path)) as ledger,
    ):
        made = Series(ledger, Listing(opener(client)), server, tmp_path / "archive")
        made.publish("one", "two")
        made.deliver("one", "two")
        yield made
