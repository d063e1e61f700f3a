"""An account block that is edited while orders wait moves none of them to another environment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tasking import lifecycle
from tasking.axelglobe.provider import AxelGlobe
from tasking.axelglobe.settings import AxelGlobeSettings
from tasking.clock import utc_now
from tasking.errors import OtherEnvironment
from tasking.iceye.provider import Iceye
from tasking.iceye.settings import IceyeSettings
from tasking.ledger import Ledger, OrderRecord
from tasking.provider import Provider
from tasking.satellogic.provider import Satellogic
from tasking.satellogic.settings import SatellogicSettings
from tests.support.ledgers import new_ledger
from tests.support.sessions import AloneHere, session_of

SANDBOX, PRODUCTION = "https://sandbox-api.example.com/", "https://api.example.com/"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    book = new_ledger(tmp_path)
    yield book
    book.close()


def accepted(ledger: Ledger, environment: str) -> OrderRecord:
    """A start of the order's run with an account that leads there."""
    provider: Any = SimpleNamespace(
        name="far", environment=environment, check=lambda _order: None, clock=SimpleNamespace(now=utc_now)
    )
    order: Any = SimpleNamespace(
        dry_run=False,
        needed_by=None,
        account="far/default",
        archive="a/b",
        model_dump=lambda **_how: {"name": "Bay", "account": "far/default"},
    )
    return lifecycle.accept(session_of(ledger, provider, order, folder=Path("/nowhere")), AloneHere())


def noted(ledger: Ledger) -> list[str]:
    return [one.message.split(" leads to ")[1] for one in ledger.journal("bay") if one.event == "account"]


def intend(ledger: Ledger, verb: str) -> None:
    assert ledger.record_intent("bay", verb, "bay", utc_now(), utc_now()) is not None


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
    assert lifecycle.is_transient(ledger.read("bay"), refused.value)
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
