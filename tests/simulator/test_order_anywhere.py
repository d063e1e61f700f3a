"""One order for several accounts: one is tried after the other, and what is paid is never two at once."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.order_anywhere import order_anywhere
from flows.order_listing import facts
from tasking.clock import utc_now
from tasking.ledger import Filter, OrderRecord
from tasking.order import Order
from tasking.status import OrderStatus, StatusCode
from tests.support.killed import killed_after
from tests.support.local_installation import LocalInstallation
from tests.support.order_kinds import KINDS
from tests.support.paid_requests import PaidRequests, paid_requests

INFEASIBLE = json.dumps({"feasibility": [{"id": "0", "result": "INFEASIBLE"}]})


@pytest.fixture
def judge(installation: LocalInstallation) -> Iterator[PaidRequests]:
    with paid_requests(installation.simulator, "need") as watching:
        yield watching


def wish(installation: LocalInstallation, *given: str | Order, **fields: Any) -> dict[str, Any]:
    orders = [KINDS[one].order(installation) if isinstance(one, str) else one for one in given]
    said = [one.model_dump(mode="json", exclude={"reference"}) for one in orders]
    return {"name": "Bay", "reference": "need", "orders": said, "mix_sensors": True, **fields}


def start(installation: LocalInstallation, *given: str | Order, **fields: Any) -> FlowRun:
    return installation.start(order_anywhere, order=wish(installation, *given, **fields))


def parts(installation: LocalInstallation) -> list[OrderRecord]:
    return [one for one in installation.ledger.parts("need") if not one.is_study]


def accounts(records: Sequence[OrderRecord]) -> list[str]:
    return [one.account.partition("-")[0] for one in records]


def until_ordered(installation: LocalInstallation, run: FlowRun, count: int = 1) -> FlowRun:
    """Through its waits, until so many parts have requested."""
    for _ in range(20):
        if sum(bool(one.requests) for one in parts(installation)) >= count:
            return run
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(run.state)


def test_the_preferred_account_is_ordered_at_and_no_other(installation: LocalInstallation, judge: PaidRequests) -> None:
    run = start(installation, "iceye", "satellogic")
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert judge.all() == {"need.1": "DONE"}
    whole, (part,) = installation.ledger.read("need"), parts(installation)
    assert (whole.order_status, part.order_status) == (OrderStatus.COMPLETED, OrderStatus.COMPLETED)
    assert (part.part_of, part.flow_run_id) == ("need", whole.flow_run_id)
    assert "need.1 at iceye-tasking/default: Delivered" in str(state.message)
    assert installation.ledger.orders(Filter(open_only=True)) == []
    told = dict(facts(whole, utc_now(), installation.ledger.parts("need")))
    assert told["parts"] == "need.1 (iceye-tasking/default): completed"
    assert dict(facts(part, utc_now()))["part of"] == "need"
    assert (installation.archive / "need.1" / "catalog.json").exists()


def test_a_rejected_one_leads_to_the_next_account_and_never_back(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    run = until_ordered(installation, start(installation, "iceye", "satellogic"))
    (first,) = parts(installation)
    installation.simulator.iceye.decide(first.requests[0].last.id, "REJECTED")
    installation.pass_time(run)
    state = installation.to_the_end(installation.go_on(run.id))
    assert state.is_completed(), state
    assert accounts(parts(installation)) == ["iceye", "satellogic"]
    assert judge.all() == {"need.1": "REJECTED", "need.2": "completed"}
    assert judge.most_at_once == 1
    journal = [one.event for one in installation.ledger.journal("need")]
    assert journal.count("part started") == journal.count("part ended") == 2


def test_the_best_of_all_accounts_is_ordered_with_the_plan_it_was_found_in(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    run = until_ordered(installation, start(installation, "axelglobe", "satellogic", choose_by="best"))
    exploration = installation.exploration
    assert exploration is not None
    assert exploration.best is not None
    (part,) = parts(installation)
    assert (part.account, part.candidate and part.candidate.id) == (
        exploration.best.account,
        exploration.best.candidate.id,
    )
    plans = len(installation.simulator.axelglobe.summary()["plans"])
    assert plans == 1, "the study's plan is the part's"
    installation.pass_time(run)


def test_where_nothing_can_be_ordered_it_says_for_each_account_why(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    installation.simulator.fault("status", code=200, method="POST", path="*/feasibility", body=INFEASIBLE, times=-1)
    gone = KINDS["satellogic"].order(installation).model_copy(update={"account": "satellogic-tasking/nowhere"})
    state = installation.to_the_end(start(installation, "iceye", gone))
    assert state.is_failed()
    message = str(state.message)
    assert "iceye-tasking/default: Not feasible" in message
    assert "satellogic-tasking/nowhere" in message
    assert "there is no such block" in message
    assert judge.all() == {}
    assert installation.ledger.read("need").order_status is OrderStatus.REJECTED
    assert installation.ledger.orders(Filter(open_only=True)) == []


def test_an_infeasible_one_is_passed_over_at_once(installation: LocalInstallation, judge: PaidRequests) -> None:
    installation.simulator.fault("status", code=200, method="POST", path="*/feasibility", body=INFEASIBLE, times=-1)
    until_ordered(installation, start(installation, "iceye", "satellogic"))
    assert accounts(parts(installation)) == ["satellogic"]
    assert judge.open() == ["need.1"]


def test_of_two_at_once_the_loser_is_cancelled_while_that_is_free(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    now = installation.simulator.clock.now()
    far = {"start": now + timedelta(days=9), "end": now + timedelta(days=13)}
    radar = KINDS["iceye"].order(installation)
    later = type(radar).model_validate({**radar.model_dump(), "window": far})
    state = installation.to_the_end(start(installation, "satellogic", later, hedge=True))
    assert state.is_completed(), state
    assert judge.all() == {"need.1": "completed", "need.2": "CANCELED"}
    assert judge.most_at_once == 2
    (task,) = installation.simulator.iceye.tasks()
    assert task["fee"] == 0
    loser = parts(installation)[1]
    assert loser.order_status is OrderStatus.CANCELLED
    assert "need.1 at satellogic-tasking/default" in str(loser.called_off)


def test_a_dry_run_tells_what_would_be_ordered_and_orders_nothing(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    run = installation.start(order_anywhere, order=wish(installation, "satellogic", "iceye"), dry_run=True)
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert "It would order at satellogic-tasking/default" in str(state.message)
    assert judge.all() == {}
    assert installation.ledger.find("need") is None
    assert installation.ledger.orders(Filter(open_only=True)) == []


def test_a_run_that_dies_after_each_of_its_writes_orders_each_try_once(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    run = installation.create(order_anywhere, order=wish(installation, "iceye", "satellogic"))
    rejected = False
    for turn in range(1, 200):
        with killed_after(turn % 23 + 1):
            run = installation.go_on(run.id)
            assert run.state is not None
            if run.state.is_final():
                break
            installation.pass_time(run)
        made = installation.simulator.iceye.tasks()
        if made and not rejected:
            rejected = True
            installation.simulator.iceye.decide(made[0]["id"], "REJECTED")
    assert run.state is not None
    assert run.state.is_completed(), run.state
    assert judge.all() == {"need.1": "REJECTED", "need.2": "completed"}
    assert judge.most_at_once == 1


def test_a_run_in_place_of_a_lost_one_goes_on_with_the_whole_order(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    """The watcher starts it with the order as the ledger has it."""
    lost = until_ordered(installation, start(installation, "iceye", "satellogic"))
    whole = installation.ledger.read("need")
    assert whole.provider == "anywhere", "its flow is order-anywhere"
    again = installation.create(order_anywhere, order={**whole.order, "reference": "need"})
    installation.cancel_by_hand(lost)
    state = installation.to_the_end(installation.go_on(again.id))
    assert state.is_completed(), state
    assert judge.all() == {"need.1": "DONE"}
    assert {one.flow_run_id for one in installation.ledger.parts("need") if not one.is_study} == {str(again.id)}


def test_once_a_person_has_cancelled_no_other_one_is_started(
    installation: LocalInstallation, judge: PaidRequests
) -> None:
    now = installation.simulator.clock.now()
    radar = KINDS["iceye"].order(installation)
    far = {"start": now + timedelta(days=9), "end": now + timedelta(days=13)}
    later = type(radar).model_validate({**radar.model_dump(), "window": far})
    run = until_ordered(installation, start(installation, later, "satellogic"))
    installation.ledger.record("need", cancel_asked=True)
    refused = installation.ledger.start_part(
        "need", "need.2", parts(installation)[0].order, provider="iceye", flow_run_id=str(run.id), fields={},
        still_wished=lambda _whole, _parts: True,
    )  # fmt: skip
    assert refused is None, "also where a run was about to"
    installation.pass_time(run)
    state = installation.to_the_end(installation.go_on(run.id))
    assert state.is_cancelled(), state
    assert judge.all() == {"need.1": "CANCELED"}
    assert installation.ledger.read("need").status == StatusCode.USER_CANCELLED


def test_two_processes_that_choose_in_one_moment_start_one_part(installation: LocalInstallation) -> None:
    run = until_ordered(installation, start(installation, "iceye", "satellogic"))
    first = parts(installation)[0]
    for reference in ("need.1", "need.2"):
        again = installation.ledger.start_part(
            "need", reference, first.order, provider="iceye", flow_run_id=str(run.id), fields={},
            still_wished=lambda _whole, all_of_it: not [one for one in all_of_it if not one.is_study],
        )  # fmt: skip
        assert again is None
    assert len(parts(installation)) == 1


def test_optical_and_radar_are_mixed_only_where_that_is_said(installation: LocalInstallation) -> None:
    run = start(installation, "iceye", "satellogic", mix_sensors=False)
    assert run.state is not None
    assert run.state.is_failed()
    assert str(run.state.message).startswith(
        "mix_sensors: False: orders[1] (satellogic-tasking/default) is for optical"
    )
    assert installation.ledger.find("need") is None
    assert installation.simulator.journal() == []
