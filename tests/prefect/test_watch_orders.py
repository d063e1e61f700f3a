"""The watcher: few calls, the right runs woken, and one broken order stops nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tests.support.installation import Installation


def forget_pauses(installation: Installation) -> None:
    """Our clock does not move in tests: as if every order's next look were due."""
    for one in installation.ledger.orders():
        installation.ledger.record(one.reference, next_poll_at=utc_now() - timedelta(seconds=1))


def order_until_imagery(installation: Installation, reference: str = "bay", **changes: object) -> object:
    run = installation.start(order_axelglobe, order=installation.order(reference=reference, **changes))
    installation.pass_time(run)
    return installation.go_on(run.id)


def test_the_watcher_wakes_a_run_whose_imagery_is_there(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.simulator.advance(timedelta(days=14).total_seconds())
    forget_pauses(installation)
    assert "1 woken" in installation.watch()
    woken = installation.read(run.id)
    assert woken.state is not None
    due = woken.state.state_details.scheduled_time
    assert due is not None
    assert due <= utc_now()
    assert installation.go_on(run.id).state.is_completed()  # type: ignore[union-attr]


def test_a_run_that_could_do_nothing_new_is_left_asleep(installation: Installation) -> None:
    order_until_imagery(installation)
    installation.simulator.advance(3600)
    forget_pauses(installation)
    assert "1 asked about, 0 woken" in installation.watch()
    assert installation.ledger.read("bay").provider_status in ("ACCEPTED", "PROCESSING")


def test_many_open_orders_are_read_in_pages_and_not_asked_twice(installation: Installation) -> None:
    for number in range(5):
        order_until_imagery(installation, f"bay-{number}")
    forget_pauses(installation)
    before = len(installation.simulator.journal(path="*/requests/*", method="GET"))
    assert "5 asked about" in installation.watch()
    assert len(installation.simulator.journal(path="*/requests/*", method="GET")) - before == 1
    assert "0 asked about" in installation.watch()


def test_the_watcher_wakes_a_run_whose_plan_is_ready_early(installation: Installation) -> None:
    installation.simulator.axelglobe.switch(candidates_ready_seconds=600, candidates_ready_jitter_seconds=0)
    installation.start(order_axelglobe, order=installation.order())
    installation.simulator.advance(700)
    forget_pauses(installation)
    assert "1 woken" in installation.watch()


def test_one_broken_account_does_not_keep_the_others_from_being_looked_at(installation: Installation) -> None:
    order_until_imagery(installation)
    installation.ledger.claim(
        "broken",
        {"name": "x", "account": "axelglobe-tasking/nobody"},
        provider="axelglobe",
        flow_run_id="00000000-0000-0000-0000-000000000001",
        owner_is_gone=lambda _run: False,
    )
    installation.simulator.advance(timedelta(days=14).total_seconds())
    forget_pauses(installation)
    said = installation.watch()
    assert "1 woken" in said
    assert "Account axelglobe-tasking/nobody cannot be asked since" in said
    assert "there is no such block" in said
    run = installation.start(watch_orders, unasked_minutes=0.0)
    assert run.name.startswith("watch all open orders, ")
    assert run.state is not None
    assert run.state.is_failed()
    assert "axelglobe-tasking/nobody" in str(run.state.message)


@pytest.mark.parametrize("wait", ["candidates", "imagery"])
def test_an_account_whose_credentials_stopped_working_is_told(installation: Installation, wait: str) -> None:
    if wait == "imagery":
        order_until_imagery(installation)
    else:
        installation.start(order_axelglobe, order=installation.order())
    assert "cannot be asked" not in installation.watch()
    installation.save_blocks(client_secret="wrong-secret-value")
    forget_pauses(installation)
    said = installation.watch()
    assert "Account axelglobe-tasking/default cannot be asked since" in said
    assert "wrong-secret-value" not in said
    installation.save_blocks()
    assert "cannot be asked" not in installation.watch()
