"""What several accounts could bring, in one table: nothing is ordered, and waits lose nothing that was found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from tasking.candidate import Candidate
from tasking.clock import utc_now
from tasking.exploring import Exploration, compared, explore, finish
from tasking.ledger import Filter
from tasking.local_host import LocalHost
from tasking.order import Order
from tasking.status import OrderStatus
from tasking.study import Option
from tasks.step import BLOCKS
from tests.support.local_installation import LocalInstallation
from tests.support.order_kinds import KINDS
from tests.support.sessions import AloneHere

RUN = UUID(int=11)
MADE_UP = next(name for name in KINDS if name not in ("axelglobe", "iceye", "satellogic"))
"""A provider that tells its price and is always feasible."""


def start(installation: LocalInstallation, orders: list[Order]) -> Exploration:
    """One start of the run: it is a new process each time."""
    return explore(LocalHost(BLOCKS, RUN, AloneHere()), orders)


def complete(installation: LocalInstallation, orders: list[Order]) -> Exploration:
    """Through all waits."""
    for _ in range(20):
        found = start(installation, orders)
        if found.wait is None:
            return found
        left = max((found.wait.until - utc_now()).total_seconds(), 0.0) + 2.0
        installation.simulator.advance(left)
    raise AssertionError(found.wait)


def test_all_accounts_are_in_one_table_and_nothing_is_ordered(installation: LocalInstallation) -> None:
    orders = [kind.order(installation) for kind in KINDS.values()]
    found = complete(installation, orders)
    assert [one.provider for one in found.studies] == list(KINDS)
    assert {one.provider for one in found.options} == set(KINDS)
    assert found.best is not None
    assert found.best == found.options[0]
    usable = [one.usable for one in found.options]
    assert usable == sorted(usable, reverse=True), "what cannot be ordered comes last"
    assert all(one.exclusion_reason for one in found.options if not one.usable)
    (window,) = (one for one in found.options if one.provider == "iceye")
    assert window.price is not None
    assert (window.sensor, window.currency) == ("radar", "USD")
    told = found.as_json()
    assert [one["account"] for one in told["options"]] == [one.account for one in found.options]
    for kind in KINDS.values():
        assert kind.made(installation.simulator) == []
        assert installation.simulator.journal(method="POST", path=kind.create) == []


def test_it_goes_on_where_it_was_and_plans_each_account_once(installation: LocalInstallation) -> None:
    orders = [KINDS[name].order(installation) for name in ("axelglobe", "satellogic")]
    first = start(installation, orders)
    assert first.wait is not None
    found = complete(installation, orders)
    assert found.wait is None
    assert len(installation.simulator.axelglobe.summary()["plans"]) == 1
    assert [one.reference for one in found.studies] == [one.reference for one in first.studies]
    finish(LocalHost(BLOCKS, RUN, AloneHere()), found)
    ended = installation.ledger.orders(Filter(flow_run_id=str(RUN)))
    assert {one.order_status for one in ended} == {OrderStatus.DRY_RUN}
    assert installation.ledger.orders(Filter(open_only=True)) == []


def test_what_one_account_refuses_keeps_no_other_from_being_studied(installation: LocalInstallation) -> None:
    wish: Callable[[str], Order] = lambda name: KINDS[name].order(installation)  # noqa: E731
    gone = wish("iceye").model_copy(update={"account": "iceye-tasking/nowhere"})
    now = installation.simulator.clock.now()
    late = type(wish("iceye")).model_validate(
        wish("iceye").model_dump(mode="json")
        | {"window": {"start": now + timedelta(days=2), "end": now + timedelta(days=13)}, "imaging_mode": "NO_SUCH"}
    )
    found = complete(installation, [gone, late, wish(MADE_UP)])
    assert [one.refused for one in found.studies] == [True, True, False]
    assert "there is no such block" in found.studies[0].outcome
    assert "imaging_mode" in found.studies[1].outcome
    assert found.best is not None
    assert found.best.provider == MADE_UP


def test_an_account_that_is_away_is_waited_for(installation: LocalInstallation) -> None:
    orders = [KINDS["iceye"].order(installation)]
    fault = installation.simulator.fault("status", code=503, times=-1, path=KINDS["iceye"].calls)
    found = start(installation, orders)
    assert found.wait is not None
    assert "Trying again at" in found.wait.message
    installation.simulator.world.faults.clear(fault.id)
    assert complete(installation, orders).best is not None


NOW = datetime.fromisoformat("2026-12-01T00:00:00+00:00")


def option(account: str, **facts: Any) -> Option:
    taken = NOW + timedelta(days=facts.pop("day", 1))
    given = {"provider": "p", "reference": account, "sensor": "optical", "score": 0.5, "coverage_percent": None}
    given |= {"price": None, "currency": None, "reason": "", "usable": True}
    return Option(account=account, candidate=Candidate(id=account, start=taken, end=taken), **{**given, **facts})


def test_the_table_does_not_depend_on_the_order_of_the_accounts() -> None:
    best = [
        option("a", score=0.9, day=5),
        option("b", day=1),
        option("c", day=2, price=Decimal(5), currency="USD"),
        option("d", day=2, price=Decimal(7), currency="USD"),
        option("e", score=0.0, day=0, usable=False),
    ]
    assert compared(best) == best
    assert compared(best[::-1]) == best
