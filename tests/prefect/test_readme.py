"""What the README shows works as it stands."""

from __future__ import annotations

from typing import Any

from prefect import get_client

from flows.order_axelglobe import order_axelglobe
from flows.survey_site import survey_site
from tests.support.readme import bodies


def test_the_call_that_places_an_order_is_taken_and_its_key_starts_one_run(prefect_server: None) -> None:
    (body,) = bodies("/create_flow_run")
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(order_axelglobe)
        deployment = client.create_deployment(
            flow_id,
            "readme",
            entrypoint="flows.order_axelglobe.order_axelglobe",
            parameter_openapi_schema=_schema(order_axelglobe),
            enforce_parameter_schema=True,
        )
        answers = [
            client.request("POST", "/deployments/{id}/create_flow_run", path_params={"id": deployment}, json=body)
            for _ in range(2)
        ]
    assert {answer.json()["id"] for answer in answers} == {answers[0].json()["id"]}
    order_axelglobe.validate_parameters(body["parameters"])


def test_the_call_that_makes_a_schedule_is_taken(prefect_server: None) -> None:
    (body,) = bodies("/schedules")
    with get_client(sync_client=True) as client:
        flow_id = client.create_flow(survey_site)
        deployment = client.create_deployment(
            flow_id,
            "readme",
            entrypoint="flows.survey_site.survey_site",
            parameter_openapi_schema=_schema(survey_site),
            enforce_parameter_schema=True,
        )
        client.request("POST", "/deployments/{id}/schedules", path_params={"id": deployment}, json=body)
        kept = client.read_deployment(deployment).schedules
    assert [one.parameters for one in kept] == [body[0]["parameters"]]
    survey_site.validate_parameters(body[0]["parameters"])


def _schema(flow: Any) -> dict[str, Any]:
    from prefect.utilities.callables import parameter_schema

    return parameter_schema(flow).model_dump_for_openapi()
