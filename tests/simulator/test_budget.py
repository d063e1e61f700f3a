"""Orders within and over budget, against the served simulator: its counts and its contracts are the judge."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from typing import Any

from prefect.client.schemas.objects import FlowRun

from blocks.account import load_account
from flows.order_axelglobe import order_axelglobe
from flows.order_iceye import order_iceye
from tasking.ledger import ChargeRecord, ChargeState
from tasking.lifecycle import record_statuses
from tasking.provider import Accounts, Cancels
from tasking.spending import differences
from tests.support import iceye_order_runs as iceye
from tests.support.installation import Installation, save_account

CREDITS: dict[str, Any] = {"price_list": {"per_capture": 1, "currency": "credits"}}


def requested(installation: Installation, reference: str, **changes: Any) -> FlowRun:
    """An AxelGlobe order at its request, or at its end."""
    run = installation.start(order_axelglobe, order=installation.order(reference=reference, **changes))
    for _ in range(10):
        record = installation.ledger.read(reference)
        if record.requests or record.ended is not None:
            return run
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(run.state)


def outcome(installation: Installation, reference: str = "bay") -> str:
    record = installation.ledger.read(reference)
    assert record.ended is not None
    return str(record.outcome)


def compared(installation: Installation, account: str) -> list[str]:
    """Where the provider says otherwise than the ledger."""
    with closing(load_account(account).open()) as provider:
        assert isinstance(provider, Accounts)
        mine = installation.ledger.charges(account=account)
        return [one for each in provider.statements() for one in differences(each, mine)]


def test_credits_are_reserved_up_to_the_months_limit_and_a_raised_one_lets_retry_go_on(
    installation: Installation,
) -> None:
    installation.save_blocks(**CREDITS, budget={"per_month": 2, "currency": "credits"})
    for reference in ("bay-1", "bay-2"):
        requested(installation, reference)
    third = requested(installation, "bay-3")
    assert installation.created[1] == 2
    assert "over budget by 1 credits" in outcome(installation, "bay-3")
    assert "0 credits are spent and 2 credits reserved" in outcome(installation, "bay-3")
    assert [(one.price, one.currency) for one in installation.ledger.charges()] == [(Decimal(1), "credits")] * 2
    assert compared(installation, "axelglobe-tasking/default") == []

    installation.save_blocks(**CREDITS, budget={"per_month": 3, "currency": "credits"})
    installation.retry(third)
    run = installation.go_on(third.id)
    for _ in range(10):
        if installation.ledger.read("bay-3").requests:
            break
        installation.pass_time(run)
        run = installation.go_on(run.id)
    assert installation.created[1] == 3


def test_a_limit_without_a_price_list_orders_nothing_and_says_where_to_write_the_price(
    installation: Installation,
) -> None:
    requested(installation, "bay", budget="3 credits")
    assert installation.created[1] == 0
    assert "fill in price_list" in outcome(installation)


def test_an_iceye_order_over_its_own_budget_makes_no_task(installation: Installation) -> None:
    installation.start(order_iceye, order=iceye.order(installation, budget="1 USD"))
    assert iceye.made(installation) == 0
    assert "over budget by" in outcome(installation)
    assert "order bay may cost 1 USD at most" in outcome(installation)


def test_the_ledger_and_iceyes_contract_agree_on_what_is_held_charged_and_cancelled(
    installation: Installation,
) -> None:
    save_account(installation.simulator, "iceye", budget={"per_month": 100_000, "currency": "USD"})
    run = installation.start(order_iceye, order=iceye.order(installation))
    assert compared(installation, "iceye-tasking/default") == []
    (held,) = installation.ledger.charges()
    assert held.state is ChargeState.RESERVED
    run = iceye.until(installation, run, "ACTIVE")
    soon = installation.simulator.clock.now() + timedelta(hours=60)
    other = iceye.order(installation, reference="bay-2", window={"start": soon, "end": soon + timedelta(days=5)})
    installation.start(order_iceye, order=other)
    _cancel(installation, "bay-2")
    charges = _by_reference(installation)
    assert charges["bay-2"].price is not None
    assert charges["bay-2"].spent == charges["bay-2"].price * Decimal("0.1"), "ICEYE's fee from 72 to 48 hours before"
    assert compared(installation, "iceye-tasking/default") == []

    assert installation.to_the_end(run).is_completed()
    charges = _by_reference(installation)
    assert charges["bay"].spent == charges["bay"].price
    assert charges["bay"].delivered
    assert compared(installation, "iceye-tasking/default") == []


def _cancel(installation: Installation, reference: str) -> None:
    """Cancel it at the provider, as `cancel-order` does."""
    (request,) = installation.ledger.read(reference).requests
    with closing(load_account("iceye-tasking/default").open()) as provider:
        assert isinstance(provider, Cancels)
        answer = provider.cancel(request.last.id)
        record_statuses(installation.ledger, provider, reference, {answer.id: answer})


def _by_reference(installation: Installation) -> dict[str, ChargeRecord]:
    return {one.reference: one for one in installation.ledger.charges()}
