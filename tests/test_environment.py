"""An account block that is edited while orders wait moves none of them to another environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from flows.cancel_order import cancel_order
from tasking import lifecycle
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.clock import utc_now
from tasking.errors import OtherEnvironment
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tasking.ledger import Ledger, OrderRecord, open_ledger
from tasking.provider import Provider
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings
from tasking.simulator import Simulator, serve
from tests.installation import Installation, save_account, save_blocks
from tests.test_each_provider import KINDS
from tests.test_uncertain import in_doubt, until_requested

SANDBOX, PRODUCTION = "https://sandbox-api.example.com/", "https://api.example.com/"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    book = open_ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    yield book
    book.close()


@pytest.fixture
def other() -> Iterator[Simulator]:
    """Another environment of the same providers, with the same credentials."""
    with serve(seed=7) as running:
        yield running


def accepted(ledger: Ledger, environment: str) -> OrderRecord:
    """A start of the order's run with an account that leads there."""
    provider: Any = SimpleNamespace(name="far", environment=environment, check=lambda _order: None)
    order: Any = SimpleNamespace(model_dump=lambda **_how: {"name": "Bay", "account": "far/default"})
    return lifecycle.accept(ledger, provider, order, "bay", "run", lambda _run: False)


def noted(ledger: Ledger) -> list[str]:
    return [one.detail["environment"] for one in ledger.journal("bay") if "environment" in one.detail]


def intend(ledger: Ledger, verb: str) -> None:
    assert ledger.intend("bay", verb, "bay", utc_now(), utc_now()) is not None


BEGUN: dict[str, Callable[[Ledger], object]] = {
    "plan": lambda ledger: ledger.record("bay", plan_id="1"),
    "plan in doubt": lambda ledger: intend(ledger, "plan"),
    "request in doubt": lambda ledger: intend(ledger, "request"),
}


@pytest.mark.parametrize("what", BEGUN)
def test_what_was_begun_in_one_environment_does_not_go_on_in_another(ledger: Ledger, what: str) -> None:
    accepted(ledger, SANDBOX)
    BEGUN[what](ledger)
    with pytest.raises(OtherEnvironment) as refused:
        accepted(ledger, PRODUCTION)
    for named in ("far/default", SANDBOX, PRODUCTION, "put the block back"):
        assert named in str(refused.value)
    # what may be bought is not to be ordered again
    assert ("order again" in str(refused.value)) == (what != "request in doubt")
    assert lifecycle.passes(ledger, ledger.read("bay"), refused.value)
    assert accepted(ledger, SANDBOX).ended is None


def test_an_order_of_which_nothing_stands_follows_its_account(ledger: Ledger) -> None:
    accepted(ledger, "https://typing-error.example.com/")
    accepted(ledger, SANDBOX)
    accepted(ledger, SANDBOX)
    assert noted(ledger) == ["https://typing-error.example.com/", SANDBOX]


def test_an_order_begun_before_environments_were_noted_goes_on_and_is_tied_to_none(ledger: Ledger) -> None:
    order = {"name": "Bay", "account": "far/default"}
    ledger.claim("bay", order, provider="far", flow_run_id="run", owner_is_gone=lambda _run: False)
    ledger.record("bay", plan_id="1")
    accepted(ledger, PRODUCTION)
    accepted(ledger, SANDBOX)
    assert noted(ledger) == []


def test_an_environment_is_told_by_host_and_contract_and_shows_no_credentials() -> None:
    given: dict[str, Any] = {"client_id": "the-id", "client_secret": "the-secret"}
    tokens = "https://auth.example.com/token"
    one: list[Provider] = [
        AxelGlobe(AxelGlobeSettings(api_url=f"{PRODUCTION}wfs/v2", token_url=tokens, **given)),
        Iceye(IceyeSettings(api_url=f"{PRODUCTION}api", auth_url="https://us.example.com", **given)),
        Satellogic(SatellogicSettings(api_url=PRODUCTION, token_url=tokens, contract_id="c-1", **given)),
    ]
    assert [each.environment for each in one] == [
        PRODUCTION,
        f"{PRODUCTION} by https://us.example.com",
        f"{PRODUCTION} under contract c-1",
    ]


@pytest.mark.server
@pytest.mark.parametrize("name", KINDS)
def test_an_account_that_leads_elsewhere_buys_nothing_there_and_loses_nothing_here(
    installation: Installation, other: Simulator, name: str
) -> None:
    kind = KINDS[name]
    run = installation.start(kind.flow, order=kind.order(installation))
    save_blocks(other, installation.folder)
    for _ in range(2):
        installation.pass_time(run)
        run = installation.go_on(run.id)
        assert "put the block back" in str(run.state and run.state.message)
    before = installation.ledger.read("bay")
    installation.watch()  # it reads with the account too: what it does not find there says nothing
    after = installation.ledger.read("bay")
    assert (after.status, after.requests, after.plan_id) == (before.status, before.requests, before.plan_id)
    assert other.journal(method="POST", path=kind.create) == []
    installation.save_blocks()
    until_requested(installation, run)
    assert kind.made(installation.simulator) == ["bay"]
    assert kind.made(other) == []


@pytest.mark.server
def test_a_request_in_doubt_is_not_looked_for_at_the_wrong_account(
    installation: Installation, other: Simulator
) -> None:
    kind = KINDS["axelglobe"]
    run = in_doubt(installation, kind)
    save_blocks(other, installation.folder)
    for _ in range(2):
        installation.pass_time(run)
        run = installation.go_on(run.id)
    assert other.journal() == []
    installation.save_blocks()
    until_requested(installation, run)
    assert (installation.created, kind.made(other)) == ((1, 1), [])


@pytest.mark.server
def test_a_cancel_is_not_sent_to_another_environment(installation: Installation, other: Simulator) -> None:
    kind = KINDS["satellogic"]
    run = installation.start(kind.flow, order=kind.order(installation))
    while not installation.ledger.read("bay").requests:
        installation.pass_time(run)
        run = installation.go_on(run.id)
    save_blocks(other, installation.folder)
    state = installation.start(cancel_order, reference="bay", dry_run=False).state
    assert state is not None
    assert (state.is_failed(), other.journal()) == (True, [])
    assert "put it back as it was" in str(state.message)
    installation.save_blocks()
    assert installation.to_the_end(installation.start(cancel_order, reference="bay", dry_run=False)).is_completed()


@pytest.mark.server
def test_another_contract_of_the_same_host_is_another_environment(installation: Installation) -> None:
    kind = KINDS["satellogic"]
    run = installation.start(kind.flow, order=kind.order(installation))
    second = installation.simulator.satellogic.contracts()[1]["contract_id"]
    save_account(installation.simulator, "satellogic", contract_id=second)
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert f"contract {second} now" in str(run.state and run.state.message)
    assert kind.made(installation.simulator) == []
