"""Recurring orders: each schedule orders once, and never over an open order of the same site."""

from __future__ import annotations

import json

import pytest
from prefect import get_client

from flows.order_axelglobe import order_axelglobe
from flows.survey_site import site_slug, survey_site
from tests.installation import Installation

pytestmark = pytest.mark.server


@pytest.fixture
def deployed(installation: Installation) -> Installation:
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(order_axelglobe)
        client.create_deployment(flow_id, "order", entrypoint="flows.order_axelglobe.order_axelglobe")
    return installation


def started() -> list[dict[str, object]]:
    """Orders that were started and have not run yet, by their parameters."""
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs()
    return [run.parameters["order"] for run in runs if run.deployment_id is not None and run.run_count == 0]


def test_a_survey_starts_an_order_with_a_window_that_rolls(deployed: Installation) -> None:
    before = len(started())
    template = deployed.order(reference=None)
    run = deployed.start(survey_site, site="Tokyo Bay", order=template, starts_in_hours=48)
    assert run.state is not None
    assert run.state.is_completed(), run.state
    orders = started()
    assert len(orders) == before + 1
    order = next(one for one in orders if str(one["reference"]) in str(run.state.message))
    assert (order["site"], order["name"]) == ("Tokyo Bay", template.name)
    assert str(order["reference"]).startswith("tokyo-bay-")
    window = type(template.window).model_validate(order["window"])
    assert window.length == template.window.length
    assert run.expected_start_time is not None
    assert abs((window.start - run.expected_start_time).total_seconds() - 48 * 3600) < 2


def test_a_schedule_made_in_the_ui_gives_the_order_that_was_typed(installation: Installation) -> None:
    order = installation.order()
    typed = order.model_dump(mode="json")
    typed["area"] = {"__prefect_kind": "json", "value": json.dumps(typed["area"])}  # as the UI stores a schedule
    assert survey_site.validate_parameters({"site": "bay", "order": typed})["order"] == order


def test_a_survey_run_again_starts_no_second_order(deployed: Installation) -> None:
    run = deployed.start(survey_site, site="Rice", order=deployed.order(reference=None))
    before = len(started())
    deployed.retry(run)
    deployed.go_on(run.id)
    assert len(started()) == before


def test_a_survey_that_comes_before_the_last_order_has_begun_orders_nothing(deployed: Installation) -> None:
    deployed.start(survey_site, site="Harbour", order=deployed.order(reference=None))
    before = len(started())
    run = deployed.start(survey_site, site="Harbour", order=deployed.order(reference=None))
    assert "still under way" in str(run.state and run.state.message)
    assert len(started()) == before


def test_a_site_with_an_open_order_is_not_ordered_again(deployed: Installation) -> None:
    deployed.start(order_axelglobe, order=deployed.order(site="Tokyo Bay"))
    before = len(started())
    run = deployed.start(survey_site, site="Tokyo Bay", order=deployed.order(reference=None))
    assert run.state is not None
    assert run.state.is_completed()
    assert "bay" in str(run.state.message)
    assert "still open" in str(run.state.message)
    assert len(started()) == before


@pytest.mark.parametrize(("one", "other"), [("東京", "大阪"), ("São 1", "S o 1"), ("Bay", "bay"), ("a" * 60, "a" * 61)])
def test_two_sites_never_share_their_orders_references(one: str, other: str) -> None:
    assert site_slug(one) != site_slug(other)
