"""One ICEYE order from contract to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from flows.order_iceye import order_iceye
from tasking.delivery.catalog import verify
from tasking.ledger import OrderRecord
from tests.support.iceye_order_runs import TASKS, contract, made, order, said, until
from tests.support.installation import Installation


def test_each_wait_says_what_for_and_ends_with_the_orders_next_event(installation: Installation) -> None:
    now = installation.simulator.clock.now()
    run = installation.start(order_iceye, order=order(installation))
    waits: list[tuple[str, float]] = []

    def note(record: OrderRecord) -> None:
        assert record.wake_at is not None
        waits.append((record.waits_message or "", (installation.simulator.clock.now() - now) / timedelta(minutes=1)))

    state = installation.to_the_end(run, seen=note)

    assert state.is_completed(), state
    (received, decided), (planned, imaged), (again, sla), *_ = waits
    assert "capture between" in received
    assert abs(decided - 20) < 2, "ICEYE decides within 20 minutes"
    assert "ACTIVE; planned at" in planned
    assert "° incidence" in planned
    capture = installation.simulator.iceye.tasks()[0]["capture"]
    assert abs(imaged - (capture["end"] - now.timestamp()) / 60) < 2, "then the imaging"
    assert abs(sla - imaged - 8 * 60) < 2, "then the products of the SLA"
    assert "imaged at" in waits[-1][0] or "imaged at" in str(state.message)
    assert installation.read(run.id).run_count <= 6
    assert again


@pytest.mark.parametrize(
    ("prepare", "wish", "says"),
    [
        (lambda it: None, {"imaging_mode": "SPOTLIGHT_PRECISE_1L"}, ["imaging_mode", "SPOTLIGHT_FINE, "]),
        (lambda it: None, {"sla": "SLA_3H"}, ["sla: SLA_3H", "SLA_8H, SLA_12H"]),
        (lambda it: contract(it, spend_limit=100), {}, ["Not within the budget", "are left", "cheaper mode"]),
        (
            lambda it: it.simulator.fault(
                "status",
                code=403,
                method="POST",
                path="/iceye/api/tasking/v2/feasibility",
                body=json.dumps({"code": "ERR_INSUFFICIENT_FUNDS", "message": "insufficient funds"}),
            ),
            {},
            ["budget does not cover", "nothing was ordered", "cheaper mode"],
        ),
        (
            lambda it: None,
            {"look_side": "LEFT", "pass_direction": "ASCENDING", "incidence_deg": [44, 45], "imaging_mode": "SCAN"},
            ["Not feasible", "wider incidence range than 44 to 45", "both look sides"],
        ),
        (lambda it: None, {"window": "2 hours"}, ["2.0 hours long", "24 at least", "end it at"]),
        (lambda it: None, {"window": "too far"}, ["window.end", "within 14 days", "end it by"]),
    ],
    ids=["mode", "sla", "budget", "funds", "infeasible", "narrow", "far"],
)
def test_what_cannot_work_stops_before_money_is_spent_and_says_what_would(
    installation: Installation, prepare: Callable[[Installation], object], wish: dict[str, Any], says: list[str]
) -> None:
    prepare(installation)
    start = installation.simulator.clock.now() + timedelta(days=2)
    spans = {"2 hours": timedelta(hours=2), "too far": timedelta(days=13)}
    if "window" in wish:
        wish = {**wish, "window": {"start": start, "end": start + spans[wish["window"]]}}
    run = installation.start(order_iceye, order=order(installation, **wish))
    assert run.state is not None
    assert run.state.is_failed(), run.state
    for part in says:
        assert part in said(run)
    assert installation.simulator.journal(method="POST", path=TASKS) == []
    assert made(installation) == 0


def test_an_exhausted_budget_at_the_last_moment_orders_nothing(installation: Installation) -> None:
    words = {"code": "ERR_INSUFFICIENT_FUNDS", "message": "could not create task: insufficient funds"}
    # a refusal by 403 is asked once more with a fresh token
    installation.simulator.fault("status", code=403, method="POST", path=TASKS, body=json.dumps(words), times=2)
    run = installation.start(order_iceye, order=order(installation))
    assert run.state is not None
    assert run.state.is_failed()
    assert "budget does not cover this task" in said(run)
    assert made(installation) == 0


def test_an_incidence_of_sixty_degrees_is_refused_before_anything_is_sent(installation: Installation) -> None:
    wish: Any = {**order(installation).model_dump(mode="json"), "incidence_deg": [20, 60]}
    run = installation.start(order_iceye, order=wish)
    assert run.state is not None
    assert run.state.is_failed()
    assert "incidence_deg: [20, 60]" in said(run)
    assert "within 10 to 45" in said(run)
    assert installation.simulator.journal() == []


@pytest.mark.parametrize(
    ("word", "status", "says"),
    [
        ("REJECTED", "rejected", "another window"),
        ("FAILED", "failed", "The provider ended request"),
        ("CANCELED", "user_cancelled", "The provider ended request"),
    ],
)
def test_an_end_that_is_no_delivery_is_said(installation: Installation, word: str, status: str, says: str) -> None:
    run = installation.start(order_iceye, order=order(installation, on_failure="end"))
    (task,) = installation.simulator.iceye.tasks()
    installation.simulator.iceye.decide(task["id"], word)
    state = installation.to_the_end(run)
    assert state.is_cancelled() if word == "CANCELED" else state.is_failed()
    assert says in str(state.message)
    assert task["id"] in str(state.message)
    assert installation.ledger.read("bay").status == status


def test_an_address_that_expires_in_the_middle_of_a_file_is_asked_for_anew(installation: Installation) -> None:
    run = until(installation, installation.start(order_iceye, order=order(installation)), "ACTIVE")
    installation.simulator.fault("cut_body", path="/iceye/files/*.tif", keep=0.5)
    expired = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
    # asked once more with a fresh token, since its host gets one; then the address itself is asked for anew
    installation.simulator.fault("status", code=403, path="/iceye/files/*.tif", body=expired, times=2)
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []
    assert len(installation.simulator.journal(path=f"{TASKS}/*/products/GRD")) == 1
    assert made(installation) == 1
