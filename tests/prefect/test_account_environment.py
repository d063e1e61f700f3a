"""An account block that is edited while orders wait moves none of them to another environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from flows.cancel_order import cancel_order
from tasking.simulator import Simulator, serve
from tests.support.create_in_doubt import until_requested
from tests.support.installation import Installation, save_blocks
from tests.support.order_kinds import KINDS


@pytest.fixture
def other() -> Iterator[Simulator]:
    """Another environment of the same providers, with the same credentials."""
    with serve(seed=7) as running:
        yield running


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
