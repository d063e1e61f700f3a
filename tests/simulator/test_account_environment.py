"""An account block that is edited while orders wait moves none of them to another environment."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tasking.simulator import Simulator, serve
from tests.support.create_in_doubt import in_doubt, until_requested
from tests.support.installation import Installation, save_account, save_blocks
from tests.support.order_kinds import KINDS


@pytest.fixture
def other() -> Iterator[Simulator]:
    """Another environment of the same providers, with the same credentials."""
    with serve(seed=7) as running:
        yield running


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


def test_another_contract_of_the_same_host_is_another_environment(installation: Installation) -> None:
    kind = KINDS["satellogic"]
    run = installation.start(kind.flow, order=kind.order(installation))
    second = installation.simulator.satellogic.contracts()[1]["contract_id"]
    save_account(installation.simulator, "satellogic", contract_id=second)
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert f"contract {second} now" in str(run.state and run.state.message)
    assert kind.made(installation.simulator) == []
