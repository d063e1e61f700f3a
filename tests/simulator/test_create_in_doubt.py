"""An order that may be bought already: nothing that keeps us from looking ends it, or buys it again."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest

from blocks.account import load_account
from flows.order_axelglobe import order_axelglobe
from tasking import lifecycle
from tasking.clock import utc_now
from tasking.errors import Unavailable
from tasking.ledger import Ledger, OrderRecord
from tasking.lifecycle.actions import Amend, Request, Settle
from tests.support.create_in_doubt import in_doubt, until_requested
from tests.support.installation import Installation
from tests.support.order_kinds import KINDS
from tests.support.sessions import session_of

PLANS = "/wfs/tasking/v2/collections/plans/items"
REQUESTS = "/wfs/tasking/v2/collections/requests/items"
OUTAGE = Unavailable("no answer")


def doubted(ledger: Ledger) -> bool:
    return ledger.read("bay").in_doubt


def undoubted(record: OrderRecord) -> OrderRecord:
    return record.model_copy(update={"open_creates": []})


@pytest.mark.parametrize(("name", "code"), [("axelglobe", 403), ("iceye", 404), ("satellogic", 401)])
def test_an_order_that_may_be_bought_is_not_closed_because_looking_is_refused(
    installation: Installation, name: str, code: int
) -> None:
    kind = KINDS[name]
    run = in_doubt(installation, kind)
    fault = installation.simulator.fault("status", code=code, times=-1, method="GET", path=kind.calls)
    for _ in range(2):
        installation.pass_time(run)
        run = installation.go_on(run.id)
        assert run.state is not None
        assert run.state.name == "AwaitingRetry", run.state
        assert "whether the request bay arrived" in str(run.state.message)
    assert doubted(installation.ledger)
    installation.simulator.world.faults.clear(fault.id)
    until_requested(installation, run)
    assert kind.made(installation.simulator) == ["bay"]


@pytest.mark.parametrize("refusals", [3, 6])
def test_a_gateway_that_knows_nothing_for_a_moment_buys_no_second_capture(
    installation: Installation, refusals: int
) -> None:
    run = in_doubt(installation, KINDS["axelglobe"])
    plan = installation.ledger.read("bay").plan_id
    installation.simulator.fault("status", code=404, times=refusals, method="GET", path="/wfs/*")
    until_requested(installation, run)
    assert installation.created == (1, 1)
    assert installation.ledger.read("bay").plan_id == plan


def test_a_plan_that_may_have_been_made_is_looked_for_until_looking_is_allowed(installation: Installation) -> None:
    installation.simulator.fault("reset_after", method="POST", path=PLANS)
    run = installation.start(order_axelglobe, order=installation.order())
    installation.simulator.fault("status", code=403, times=2, method="GET", path=PLANS)
    until_requested(installation, run)
    assert installation.created == (1, 1)


def test_an_outage_beyond_the_window_ends_no_order_that_may_be_bought(installation: Installation) -> None:
    in_doubt(installation, KINDS["axelglobe"])
    past = {"start": utc_now() - timedelta(days=40), "end": utc_now() - timedelta(days=30)}
    order = installation.order(window=past)
    wait = lifecycle.wait_after_error(
        installation.ledger, order, installation.ledger.read("bay"), "request", OUTAGE, 30.0
    )
    assert wait.waits_for == "provider"
    assert doubted(installation.ledger)


def test_what_may_be_requested_keeps_its_candidate_and_its_plan(installation: Installation) -> None:
    in_doubt(installation, KINDS["axelglobe"])
    before = installation.ledger.read("bay")
    assert before.candidate is not None
    ledger, account = installation.ledger, load_account(before.account)
    with closing(account.open()) as provider:
        session = session_of(ledger, provider, installation.order(), run_id=before.flow_run_id)
        state = session.state(before)
        late = replace(state, clock=state.clock._replace(now=before.candidate.end + timedelta(days=1)))
        assert isinstance(lifecycle.next_action(late), Request), "it is settled, and not given up because it expired"
        # another process had decided so before the request was announced
        session.amend(Amend("candidate dropped", "it expired", {"candidate": None}), undoubted(before))
        # where it had none any more, nothing would be listed or chosen before that is known
        assert isinstance(lifecycle.next_action(session.state(before.model_copy(update={"candidate": None}))), Settle)
    after = installation.ledger.read("bay")
    assert (after.candidate, after.plan_id) == (before.candidate, before.plan_id)


def test_another_run_cannot_have_the_reference_of_an_order_in_doubt(installation: Installation) -> None:
    in_doubt(installation, KINDS["axelglobe"])
    second = installation.start(order_axelglobe, order=installation.order())
    assert second.state is not None
    assert second.state.is_failed()
    assert "owned by flow run" in str(second.state.message)
    assert doubted(installation.ledger)
    assert installation.created == (1, 1)
