"""One ICEYE order from contract to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun

from flows.cancel_order import cancel_order
from flows.order_iceye import order_iceye
from tasking.delivery.verify import verify
from tasking.iceye.order import IceyeOrder
from tasking.ledger import OrderRecord
from tests.installation import Installation

TASKS = "/iceye/api/tasking/v2/tasks"
FILES = "/iceye/files/*"


def order(installation: Installation, **changes: Any) -> IceyeOrder:
    """A harbour, in the week that begins two days from the provider's now."""
    now = installation.simulator.clock.now()
    wish = {
        "name": "Tokyo Bay",
        "reference": "bay",
        "point": {"type": "Point", "coordinates": [139.8, 35.6]},
        "window": {"start": now + timedelta(days=2), "end": now + timedelta(days=9)},
    }
    return IceyeOrder.model_validate({**wish, **changes})


def made(installation: Installation) -> int:
    """How often a task was ordered, by the provider's count and by its journal."""
    tasks = len(installation.simulator.iceye.tasks())
    assert tasks <= len(installation.simulator.journal(method="POST", path=TASKS))
    return tasks


def contract(installation: Installation, **changes: Any) -> None:
    """Change the account's contract."""
    installation.simulator.iceye.contracts.change(installation.simulator.iceye.contract_id(), changes)


def said(run: FlowRun) -> str:
    return str(run.state and run.state.message)


def approve(installation: Installation, run: FlowRun) -> FlowRun:
    """Fill in the form of a run that stands before a person, and press Resume."""
    with get_client(sync_client=True) as client:
        answer = {"run_input": {"decision": "approve", "note": ""}}
        client.request("POST", "/flow_runs/{id}/resume", path_params={"id": run.id}, json=answer)
    return installation.go_on(run.id)


def until(installation: Installation, run: FlowRun, *words: str) -> FlowRun:
    """Go on until the run has seen the task in one of the states."""
    for _ in range(20):
        if installation.ledger.read("bay").provider_status in words:
            return run
        installation.pass_time(run)
        run = installation.go_on(run.id)
    raise AssertionError(f"never one of {words}: {said(run)}")


@pytest.mark.server
def test_the_products_of_the_sla_come_home_first_and_the_rest_into_the_same_catalog(
    installation: Installation, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    run = installation.start(order_iceye, order=order(installation, product_types=["GRD", "SLC"]))
    run = until(installation, run, "FULFILLED")
    home = installation.archive / "bay"
    first = sorted(home.glob("*/*.tif"))
    assert [one.name.split("_")[1] for one in first] == ["GRD"]
    assert verify(home) == []
    assert run.state is not None
    assert run.state.name == "AwaitingRetry", "it goes on waiting"

    state = installation.to_the_end(run)

    assert state.is_completed(), state
    assert [one.name.split("_")[1] for one in sorted(home.glob("*/*.tif"))] == ["GRD", "SLC"]
    assert verify(home) == []
    fetched = [one["path"] for one in installation.simulator.journal(method="GET", path=FILES)]
    assert len(fetched) == len(set(fetched)) >= 4, "nothing is fetched twice"
    assert made(installation) == 1

    with get_client(sync_client=True) as client:
        runs = ArtifactFilterFlowRunId(any_=[run.id])
        shown = client.read_artifacts(artifact_filter=ArtifactFilter(flow_run_id=runs))
    kept = [one.read_bytes() for one in installation.folder.rglob("*") if one.is_file()]
    told = [caplog.text, *(str(one.data) for one in shown), installation.read(run.id).model_dump_json()]
    assert shown
    for secret in ("sig=", "expires="):
        assert not any(secret.encode() in one for one in kept), "no signed address is stored"
        assert not any(secret in one for one in told), "nor shown"


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


@pytest.mark.server
def test_a_cancel_shows_its_fee_first_and_is_refused_once_imaged(installation: Installation) -> None:
    run = until(installation, installation.start(order_iceye, order=order(installation)), "ACTIVE")
    dry = installation.start(cancel_order, reference="bay")  # it asks first
    (task,) = installation.simulator.iceye.tasks()
    assert task["status"] == "ACTIVE"
    fee, currency = task["price"] // 100 * 20 / 100, installation.ledger.read("bay").currency
    for told in (
        "costs 20 % of the price",
        f"That is {fee:,.2f} {currency} of",
        "Nothing was cancelled",
        "dry_run=false",
    ):
        assert told in said(dry)
    until(installation, run, "FULFILLED")
    late = installation.start(cancel_order, reference="bay", dry_run=False)
    assert late.state is not None
    assert late.state.is_failed()
    assert "FULFILLED; ICEYE cancels tasks that are RECEIVED or ACTIVE" in said(late)
    assert installation.to_the_end(run).is_completed()


@pytest.mark.server
@pytest.mark.parametrize("dies_before", ["lifecycle.note_answers", "_release"])
def test_a_cancel_that_died_half_way_is_finished_by_the_next(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, dies_before: str
) -> None:
    run = until(installation, installation.start(order_iceye, order=order(installation)), "ACTIVE")

    def die(*_args: object) -> None:
        raise RuntimeError("the process is gone")

    with monkeypatch.context() as patch:
        patch.setattr(f"flows.cancel_order.{dies_before}", die)
        installation.start(cancel_order, reference="bay", dry_run=False)
    (task,) = installation.simulator.iceye.tasks()
    assert task["status"] == "CANCELED"
    done = installation.start(cancel_order, reference="bay", dry_run=False)
    assert done.state is not None
    assert done.state.is_completed()
    assert f"was cancelled at iceye: request {task['id']}" in said(done)
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()


@pytest.mark.server
def test_a_cancel_of_an_active_task_reaches_the_provider_and_ends_the_run(installation: Installation) -> None:
    run = until(installation, installation.start(order_iceye, order=order(installation)), "ACTIVE")
    done = installation.start(cancel_order, reference="bay", dry_run=False)
    assert done.state is not None
    assert done.state.is_completed(), done.state
    (task,) = installation.simulator.iceye.tasks()
    assert task["status"] == "CANCELED"
    assert task["fee"] == task["price"] * 20 // 100
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert installation.ledger.read("bay").status == "user_cancelled"


@pytest.mark.server
def test_a_person_who_approves_sees_the_price_and_nothing_is_ordered_before(installation: Installation) -> None:
    run = installation.start(order_iceye, deployed=True, order=order(installation, require_approval=True))
    assert run.state is not None
    assert run.state.name == "Suspended"
    record = installation.ledger.read("bay")
    assert record.price is not None
    assert f"{record.price:,.2f} USD" in (record.waits_message or "")
    assert made(installation) == 0
    approve(installation, run)
    assert made(installation) == 1


@pytest.mark.server
def test_what_a_person_approved_is_ordered_also_when_the_contracts_defaults_changed_meanwhile(
    installation: Installation,
) -> None:
    run = installation.start(order_iceye, deployed=True, order=order(installation, require_approval=True))
    modes = {"allowed": ["STRIPMAP", "SPOTLIGHT_FINE"], "default": "SPOTLIGHT_FINE"}
    contract(installation, imagingModes=modes, sla={"allowed": ["SLA_8H", "SLA_72H"], "default": "SLA_72H"})
    approve(installation, run)
    (task,) = installation.simulator.iceye.tasks()
    assert (task["mode"], task["sla"]) == ("STRIPMAP", "SLA_8H")
    assert task["price"] == (installation.ledger.read("bay").price or 0) * 100


@pytest.mark.server
def test_what_a_person_approved_and_the_contract_no_longer_has_is_not_replaced_by_what_it_has_now(
    installation: Installation,
) -> None:
    run = installation.start(order_iceye, deployed=True, order=order(installation, require_approval=True))
    contract(installation, imagingModes={"allowed": ["SPOTLIGHT_FINE"], "default": "SPOTLIGHT_FINE"})
    run = approve(installation, run)
    assert made(installation) == 0
    assert run.state is not None
    assert run.state.is_failed(), run.state
    for part in ("imaging_mode: STRIPMAP", "so it was quoted", "allows SPOTLIGHT_FINE now", "Nothing was ordered"):
        assert part in said(run)
    assert installation.ledger.read("bay").status == "rejected"


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
