"""By what a person finds an order in the UI: its tags, one timeline, its reference; and by which deployment it runs."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect import get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import Artifact, FlowRun

from flows.order_axelglobe import order_axelglobe
from tasks.came_by import CameBy
from tasks.start import NotDeployed, start
from tests.support.installation import Installation


def artifacts(run: FlowRun) -> list[Artifact]:
    """What is shown on a run's page."""
    with get_client(sync_client=True) as client:
        which = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
        return client.read_artifacts(artifact_filter=which)


def test_a_run_is_found_by_its_order_provider_and_site_and_keeps_its_other_tags(installation: Installation) -> None:
    run = installation.create(order_axelglobe, order=installation.order(site="Seto Inland Sea"))
    with get_client(sync_client=True) as client:
        client.update_flow_run(run.id, tags=["mine"])
    run = installation.go_on(run.id)
    assert {"mine", "reference:bay", "provider:axelglobe"} < set(run.tags)
    assert [tag for tag in run.tags if tag.startswith("site:seto-inland-sea")]
    with get_client(sync_client=True) as client:
        which = FlowRunFilter(tags=FlowRunFilterTags(all_=["reference:bay", "mine"]))
        assert run.id in [one.id for one in client.read_flow_runs(flow_run_filter=which)]
    installation.pass_time(run)
    assert installation.go_on(run.id).tags == run.tags


def test_an_order_that_cannot_be_tagged_or_shown_is_carried_out_all_the_same(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = SyncPrefectClient.request

    def request(self: SyncPrefectClient, method: Any, path: Any, *args: Any, **rest: Any) -> Any:
        if str(path).startswith("/artifacts") or (rest.get("json") or {}).get("tags"):
            raise RuntimeError("refused")
        return original(self, method, path, *args, **rest)

    monkeypatch.setattr(SyncPrefectClient, "request", request)
    run = installation.start(order_axelglobe, order=installation.order())
    assert installation.to_the_end(run).is_completed()
    assert "reference:bay" not in installation.read(run.id).tags


def test_an_order_has_one_timeline_as_a_list_and_it_is_kept_up_to_date(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    (first,) = [one for one in artifacts(run) if one.key == "order-bay-timeline"]
    assert "requested" not in str(first.data)
    assert installation.to_the_end(run).is_completed()
    (last,) = [one for one in artifacts(run) if one.key == "order-bay-timeline"]
    assert last.id == first.id
    assert "**completed**" in str(last.data)
    assert "|" not in str(last.data)
    with get_client(sync_client=True) as client:
        client.delete_artifact(last.id)
    installation.retry(run)
    installation.go_on(run.id)
    assert [one.key for one in artifacts(run)].count("order-bay-timeline") == 1


def test_an_order_keeps_the_reference_that_older_code_made_for_it(installation: Installation) -> None:
    run = installation.create(order_axelglobe, order=installation.order(reference=None))
    given = installation.order(reference=None).model_dump(mode="json")
    gone = {"provider": "axelglobe", "flow_run_id": str(run.id), "owner_is_gone": lambda _run: False}
    installation.ledger.claim("axelglobe-0123456789abcdef", given, **gone)  # type: ignore[arg-type]
    installation.runs[run.id] = (order_axelglobe, {"order": given})
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert [one.reference for one in installation.ledger.orders()] == ["axelglobe-0123456789abcdef"]
    assert installation.created == (1, 1)


def deployed(name: str, *, paused: bool = False) -> UUID:
    """A deployment of the flow for orders."""
    where = "flows.order_axelglobe.order_axelglobe"
    with get_client(sync_client=True) as client:
        made = client.create_deployment(client.create_flow(order_axelglobe), name, entrypoint=where)
        client.request("PATCH", "/deployments/{id}", path_params={"id": made}, json={"paused": paused})
    return made


def started_by(installation: Installation, came_by: CameBy | None = None) -> UUID | None:
    """The deployment of a run that is started for an order."""
    given = installation.order().model_dump(mode="json")
    key = str(uuid4())  # the same key gives the same run, whatever its deployment
    with get_client(sync_client=True) as client:
        return client.read_flow_run(start.fn("axelglobe", given, key, [], came_by)).deployment_id


@pytest.fixture
def a_staging(installation: Installation) -> Any:
    """Deployments whose names come before the usual one's: one is paused."""
    there = [deployed("a-staging"), deployed("a-paused", paused=True)]
    usual = deployed("order")
    yield there
    with get_client(sync_client=True) as client:
        client.request("PATCH", "/deployments/{id}", path_params={"id": usual}, json={"paused": False})
        for one in there:
            client.delete_deployment(one)


def test_an_order_is_started_by_the_usual_deployment_or_the_one_it_came_by(
    installation: Installation, a_staging: list[UUID]
) -> None:
    staging, paused = a_staging
    usual = deployed("order")
    assert started_by(installation) == usual
    assert started_by(installation, CameBy(str(staging), "a-staging")) == staging
    assert started_by(installation, CameBy(str(UUID(int=7)), "a-staging")) == staging  # made anew
    assert started_by(installation, CameBy(str(paused), "a-paused")) == usual
    assert started_by(installation, CameBy(str(UUID(int=7)), None)) == usual
    deployed("order", paused=True)
    with pytest.raises(NotDeployed, match="no deployment named order that is not paused"):
        started_by(installation)


def test_a_deleted_run_is_replaced_by_one_of_the_deployment_that_its_order_came_by(
    installation: Installation, a_staging: list[UUID]
) -> None:
    staging, _ = a_staging
    given: dict[str, Any] = {"order": installation.order()}
    with get_client(sync_client=True) as client:
        run = client.create_flow_run_from_deployment(staging, parameters=order_axelglobe.serialize_parameters(given))
    installation.runs[run.id] = (order_axelglobe, given)
    installation.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)
    assert "1 tended" in installation.watch()
    which = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"in place of {run.id}"]))
    with get_client(sync_client=True) as client:
        (new,) = client.read_flow_runs(flow_run_filter=which)
    assert new.deployment_id == staging
