"""Recurring orders: each schedule orders once, and never over an open order of the same site."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State
from prefect.states import Crashed, Failed, Scheduled

from flows.order_axelglobe import order_axelglobe
from flows.survey_site import survey_site
from tasking.clock import utc_now
from tasks.recovery import recover_runs
from tasks.site_runs import site_slug, site_tag
from tasks.start import start
from tests.support.installation import Installation
from tests.support.order_kinds import KINDS


@pytest.fixture
def deployed(installation: Installation) -> Installation:
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(order_axelglobe)
        client.create_deployment(flow_id, "order", entrypoint="flows.order_axelglobe.order_axelglobe")
    return installation


def of_site(site: str) -> list[FlowRun]:
    """The runs that were started for a site."""
    with get_client(sync_client=True) as client:
        tags = FlowRunFilterTags(all_=[site_tag(site)])
        return client.read_flow_runs(flow_run_filter=FlowRunFilter(tags=tags))


def test_a_survey_starts_an_order_with_a_window_that_rolls(deployed: Installation) -> None:
    template, begun = deployed.order(reference=None), utc_now()
    run = deployed.start(survey_site, site="Tokyo Bay", order=template, starts_in_hours=48)
    assert run.state is not None
    assert run.state.is_completed(), run.state
    (started,) = of_site("Tokyo Bay")
    assert started.deployment_id is not None
    order = started.parameters["order"]
    assert (order["site"], order["name"]) == ("Tokyo Bay", template.name)
    assert order["reference"] in str(run.state.message)
    assert order["reference"].startswith("tokyo-bay-")
    window = type(template.window).model_validate(order["window"])
    assert window.length == template.window.length
    assert begun.replace(microsecond=0) <= window.start - timedelta(hours=48) <= utc_now()


def test_a_schedule_made_in_the_ui_gives_the_order_that_was_typed(installation: Installation) -> None:
    order = installation.order()
    typed = order.model_dump(mode="json")
    typed["area"] = {"__prefect_kind": "json", "value": json.dumps(typed["area"])}  # as the UI stores a schedule
    assert survey_site.validate_parameters({"site": "bay", "order": typed})["order"] == order


def test_a_survey_run_again_starts_no_second_order(deployed: Installation) -> None:
    run = deployed.start(survey_site, site="Rice", order=deployed.order(reference=None))
    deployed.retry(run)
    deployed.go_on(run.id)
    assert len(of_site("Rice")) == 1


def test_a_survey_that_comes_before_the_last_order_has_begun_orders_nothing(deployed: Installation) -> None:
    deployed.start(survey_site, site="Harbour", order=deployed.order(reference=None))
    run = deployed.start(survey_site, site="Harbour", order=deployed.order(reference=None))
    assert "still under way" in str(run.state and run.state.message)
    assert len(of_site("Harbour")) == 1


def turn(installation: Installation, site: str, hours_late: int) -> FlowRun:
    """A turn of the survey that was due some hours ago, not begun yet."""
    given = {"site": site, "order": installation.order(reference=None)}
    due: State[Any] = Scheduled(scheduled_time=utc_now() - timedelta(hours=hours_late))
    with get_client(sync_client=True) as client:
        run = client.create_flow_run(survey_site, parameters=survey_site.serialize_parameters(given), state=due)
    installation.runs[run.id] = (survey_site, given)
    return run


def at_once(deployed: Installation, monkeypatch: pytest.MonkeyPatch, *turns: FlowRun) -> list[str]:
    """Turns on machines of their own: each has looked when the first one starts an order; what each of them said."""
    looked = threading.Barrier(len(turns), timeout=60)

    def start_after_all_looked(*args: Any) -> UUID:
        looked.wait()
        return start(*args)

    with monkeypatch.context() as machines:
        machines.setattr("flows.survey_site.locked", lambda *_: nullcontext())  # their disks differ
        machines.setattr("flows.survey_site.start", start_after_all_looked)
        with ThreadPoolExecutor(len(turns)) as threads:
            ended = list(threads.map(lambda one: deployed.go_on(one.id), turns))
    return [str(one.state and one.state.message) for one in ended]


def fails_at_once(run: FlowRun) -> None:
    """The order's run ends before its order is in the ledger."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Failed(message="no such account"), force=True)


def test_late_turns_on_two_machines_order_a_site_once(deployed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    said = at_once(deployed, monkeypatch, turn(deployed, "Dam", 12), turn(deployed, "Dam", 6))
    (run,) = of_site("Dam")
    assert all(str(run.id) in one for one in said)
    assert sorted("Nothing ordered: another turn" in one for one in said) == [False, True]
    fails_at_once(run)
    at_once(deployed, monkeypatch, turn(deployed, "Dam", 5), turn(deployed, "Dam", 4))
    assert len(of_site("Dam")) == 2


def test_a_site_whose_last_order_failed_before_it_began_is_ordered_at_its_next_turn(deployed: Installation) -> None:
    for hours_late in (3, 2, 1):
        run = deployed.go_on(turn(deployed, "Mine", hours_late).id)
        assert "started" in str(run.state and run.state.message)
        (new,) = (one for one in of_site("Mine") if one.state is not None and not one.state.is_final())
        fails_at_once(new)
    assert len(of_site("Mine")) == 3


def test_a_site_whose_order_died_before_it_began_is_left_to_the_watcher(deployed: Installation) -> None:
    deployed.go_on(turn(deployed, "Quarry", 2).id)
    (run,) = of_site("Quarry")
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message="the machine was lost"), force=True)
    late = deployed.go_on(turn(deployed, "Quarry", 1).id)
    assert f"run {run.id} for this site is still under way" in str(late.state and late.state.message)
    assert len(of_site("Quarry")) == 1


NOT_TOLD = "Flow run encountered an exception: ReadTimeout: no answer"


def test_a_site_whose_run_failed_only_because_prefect_was_away_is_left_to_the_watcher(deployed: Installation) -> None:
    deployed.go_on(turn(deployed, "Weir", 2).id)
    (run,) = of_site("Weir")
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Failed(message=NOT_TOLD), force=True)
    late = deployed.go_on(turn(deployed, "Weir", 1).id)
    assert f"run {run.id} for this site is still under way" in str(late.state and late.state.message)
    deployed.watch()
    (again,) = of_site("Weir")
    assert again.state is not None
    assert again.state.name == "AwaitingRetry"  # recovered


def test_a_site_whose_run_is_brought_back_no_more_is_ordered_again(
    deployed: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed.go_on(turn(deployed, "Lock", 2).id)
    (run,) = of_site("Lock")
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Failed(message=NOT_TOLD), force=True)
    monkeypatch.setattr(recover_runs, "RECENT", timedelta(0))  # as if nobody had watched for more than a day
    monkeypatch.setattr(recover_runs, "REST", timedelta(0))
    deployed.go_on(turn(deployed, "Lock", 1).id)
    assert len(of_site("Lock")) == 2


def test_a_site_with_a_blank_at_its_end_is_not_ordered_again_while_its_order_is_open(deployed: Installation) -> None:
    deployed.go_on(turn(deployed, "Mill ", 3).id)
    (run,) = of_site("Mill") or of_site("Mill ")
    deployed.runs[run.id] = (order_axelglobe, {"order": run.parameters["order"]})
    deployed.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)
    late = deployed.go_on(turn(deployed, "Mill ", 2).id)
    assert "is still open" in str(late.state and late.state.message)
    assert of_site("Mill") + of_site("Mill ") == []


def test_a_run_in_place_of_a_deleted_one_counts_for_its_site(deployed: Installation) -> None:
    deployed.go_on(turn(deployed, "Ford", 3).id)
    (run,) = of_site("Ford")
    deployed.runs[run.id] = (order_axelglobe, {"order": run.parameters["order"]})
    deployed.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)
    assert "1 reconciled" in deployed.watch()
    (new,) = of_site("Ford")
    assert new.parameters["order"]["reference"] == run.parameters["order"]["reference"]


def test_a_turn_run_again_after_its_order_ended_orders_nothing(deployed: Installation) -> None:
    mine = turn(deployed, "Port", 1)
    deployed.go_on(mine.id)
    fails_at_once(of_site("Port")[0])
    deployed.retry(mine)
    deployed.go_on(mine.id)
    assert len(of_site("Port")) == 1


def test_a_site_with_an_open_order_is_not_ordered_again(deployed: Installation) -> None:
    deployed.start(order_axelglobe, order=deployed.order(site="Salt Flat"))
    run = deployed.start(survey_site, site="Salt Flat", order=deployed.order(reference=None))
    assert run.state is not None
    assert run.state.is_completed()
    assert "bay" in str(run.state.message)
    assert "still open" in str(run.state.message)
    assert len(of_site("Salt Flat")) == 1  # the one that was started by hand


def runs_by_flow(site: str) -> dict[str, FlowRun]:
    """The runs of a site by the provider of their order."""
    return {str(one.parameters["order"]["account"]).partition("-")[0]: one for one in of_site(site)}


@pytest.fixture
def all_deployed(deployed: Installation) -> Installation:
    with get_client(sync_client=True) as client:
        for flow in (KINDS[name].flow for name in ("iceye", "satellogic")):
            client.create_deployment(
                client.create_flow(flow), "order", entrypoint=f"{flow.fn.__module__}.{flow.fn.__name__}"
            )
    return deployed


def test_a_turn_orders_from_each_provider_that_has_no_open_order_of_the_site(all_deployed: Installation) -> None:
    there = all_deployed
    window = {"window": {"starts_in": "P2D", "lasts": "P7D"}}
    wishes: list[Any] = [
        KINDS[name].order(there).model_dump(mode="json") | {"reference": None, **window}
        for name in ("axelglobe", "iceye", "satellogic")
    ]
    there.start(order_axelglobe, order=there.order(site="Reef"))
    run = there.start(survey_site, site="Reef", order=wishes[0], more_orders=wishes[1:])
    said = str(run.state and run.state.message)
    assert "bay of" in said
    assert "is still open" in said
    found = runs_by_flow("Reef")
    assert set(found) == {"axelglobe", "iceye", "satellogic"}
    assert len(of_site("Reef")) == 3, "the one that was started by hand, and two of this turn"
    for name in ("iceye", "satellogic"):
        order = found[name].parameters["order"]
        assert order["reference"] in said
        assert order["reference"].startswith("reef-")
        assert name in order["reference"]
        begin = datetime.fromisoformat(order["window"]["start"])
        assert abs(begin - utc_now() - timedelta(days=2)) < timedelta(minutes=10)
    late = there.start(survey_site, site="Reef", order=wishes[0], more_orders=wishes[1:])
    assert str(late.state and late.state.message).count("Nothing ordered") == 3
    assert len(of_site("Reef")) == 3


def test_a_turn_with_two_orders_of_one_provider_orders_nothing(deployed: Installation) -> None:
    order = deployed.order(reference=None)
    run = deployed.start(survey_site, site="Twin", order=order, more_orders=[order])
    assert run.state is not None
    assert run.state.is_failed()
    assert "one order of each provider" in str(run.state.message)
    assert of_site("Twin") == []


def test_a_turn_that_ordered_under_the_reference_of_before_orders_nothing(deployed: Installation) -> None:
    late = turn(deployed, "Cove", 1)
    planned = late.expected_start_time
    assert planned is not None
    before = f"{site_slug('Cove')}-{planned:%Y%m%dT%H%M%S}"
    deployed.to_the_end(deployed.start(order_axelglobe, order=deployed.order(reference=before, site="Cove")))
    run = deployed.go_on(late.id)
    assert "this turn ordered" in str(run.state and run.state.message)


@pytest.mark.parametrize(("one", "other"), [("東京", "大阪"), ("São 1", "S o 1"), ("Bay", "bay"), ("a" * 60, "a" * 61)])
def test_two_sites_never_share_their_orders_references(one: str, other: str) -> None:
    assert site_slug(one) != site_slug(other)
