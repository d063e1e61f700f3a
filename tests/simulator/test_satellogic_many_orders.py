"""What a look over many tasks costs, and what it must not miss."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from tasking.candidate import WHOLE_WINDOW, Candidate
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings
from tasking.simulator import Simulator, serve
from tasking.status import StatusCode
from tests.support.satellogic_answers import QUICK, order

START = datetime(2026, 12, 1, tzinfo=UTC)
MANY = 300


@pytest.fixture(autouse=True)
def home_of_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKING_FLOWS_HOME", str(tmp_path / "home"))


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    lasting = {"satellogic.demand": 0.0, "satellogic.page_size_max": 100, "satellogic.token_life_seconds": 90 * 86400}
    with serve(start=START, switches=lasting) as running:
        yield running


def opened(simulator: Simulator) -> Satellogic:
    client_id, secret = simulator.credentials
    settings = SatellogicSettings(
        api_url=simulator.satellogic.api_url,
        token_url=simulator.satellogic.token_url,
        client_id=SecretStr(client_id),
        client_secret=SecretStr(secret),
        contract_id=simulator.satellogic.contracts()[0]["contract_id"],
        http=QUICK,
    )
    return Satellogic(settings, transport=httpx.HTTPTransport(verify=False))


def calls_of(simulator: Simulator, since: int) -> list[str]:
    return [str(each["path"]) for each in simulator.journal(path="/satellogic/tasking/*", method="GET", since=since)]


def last_call(simulator: Simulator) -> int:
    return int(simulator.journal()[-1]["index"])


def test_a_sweep_over_300_orders_takes_the_pages_of_their_list_and_the_captures_of_those_with_news(
    simulator: Simulator,
) -> None:
    """300 tasks are three pages of the list, which is the fewest; the simulator counts."""
    wanted = order(days=14)
    whole = Candidate(id=WHOLE_WINDOW, start=wanted.window.start, end=wanted.window.end, quoted={"captures": "1"})
    with opened(simulator) as satellogic:
        known = {made.id: made for made in (satellogic.request(wanted, None, whole, f"bay-{n}") for n in range(MANY))}
        candidates = dict.fromkeys(known, whole)
        for hours, news in ((0.01, False), (4, True), (0.5, False), (0.5, False), (11 * 24, True), (0.5, False)):
            simulator.advance(hours * 3600)
            since, before = last_call(simulator), known
            known = dict(satellogic.read(list(known), candidates, known))
            changed = sum(each.provider_status != before[key].provider_status for key, each in known.items())
            made = calls_of(simulator, since)
            captures = sum(path.endswith("/captures/") for path in made)
            assert captures == changed == (MANY if news else 0), "captures are asked for when a word has changed"
            assert len(made) - captures <= 3 * 1.1
        assert {each.status for each in known.values()} == {StatusCode.COMPLETED}
        assert all(len(each.capture_ids) == 1 for each in known.values())
