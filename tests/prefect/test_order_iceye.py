"""One ICEYE order from contract to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

import logging

import pytest
from prefect import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun

from flows.cancel_order import cancel_order
from flows.order_iceye import order_iceye
from tasking.delivery.verify import verify
from tests.support.iceye_order_runs import contract, made, order, said, until
from tests.support.installation import Installation

FILES = "/iceye/files/*"


def approve(installation: Installation, run: FlowRun) -> FlowRun:
    """Fill in the form of a run that stands before a person, and press Resume."""
    with get_client(sync_client=True) as client:
        answer = {"run_input": {"decision": "approve", "note": ""}}
        client.request("POST", "/flow_runs/{id}/resume", path_params={"id": run.id}, json=answer)
    return installation.go_on(run.id)


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


@pytest.mark.parametrize("dies_before", ["lifecycle.record_statuses", "_release"])
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
