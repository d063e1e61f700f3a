"""ICEYE's published OpenAPI text, put to the simulator by schemathesis: every answer is one the text describes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.simulator_story_iceye import Caller, iceye_story

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

PRICED = {
    "imagingMode": "SCAN",
    "pointOfInterest[lat]": 60.2,
    "pointOfInterest[lon]": 24.9,
    "exclusivity": "PUBLIC",
    "priority": "BACKGROUND",
    "sla": "SLA_24H",
    "eula": "MULTI",
}

published = schemathesis.openapi.from_path(Path(__file__).parents[1] / "fixtures" / "iceye-openapi" / "tasking.yml")


class Account:
    """A caller whose tasks stand in every state, and the values that lead to them in turn."""

    def __init__(self, caller: Caller) -> None:
        self.caller, self.simulator = caller, caller.simulator
        self.contract = caller.simulator.iceye.contract_id()
        self.simulator.iceye.contracts.change(self.contract, {"spend_limit": None})  # the calls here order a lot
        done, active, canceled, rejected = (caller.create(reference=str(one)) for one in range(4))
        caller.cancel(canceled)
        self.simulator.iceye.decide(rejected, "REJECTED")
        caller.until(done, "DONE")
        later = caller.create(lead_hours=200)
        caller.until(later, "ACTIVE")
        received = caller.create()
        self.tasks = cycle((done, active, canceled, rejected, later, received))

    def send(self, case: Any) -> None:
        """Send a generated call, once as it is and once about things that exist; check both answers."""
        self.check(case)
        if case.path_parameters:
            case.path_parameters = {**case.path_parameters, "taskID": next(self.tasks)}
        if "productType" in (case.path_parameters or {}):
            case.path_parameters = {**case.path_parameters, "productType": "GRD"}
        if case.path == "/price":
            case.query = PRICED
        if isinstance(case.query, dict) and (case.path == "/price" or "contractID" in case.query):
            case.query = {**case.query, "contractID": self.contract}
        if isinstance(case.body, dict) and case.method == "POST":
            case.body = {**case.body, **self.caller.wish()}
        self.check(case)

    def check(self, case: Any) -> None:
        headers = {"Authorization": self.caller.http.headers["Authorization"], "Accept": "application/json"}
        base = f"{self.simulator.iceye.api_url}/tasking/v2"
        case.call_and_validate(base_url=base, headers=headers, checks=CHECKS)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with iceye_story(iceye={"token_life_seconds": 86400 * 60}) as (_, caller):
        yield Account(caller)


YES = {
    "GET /price": 200,
    "GET /tasks": 200,
    "POST /tasks": 201,
    "GET /tasks/{taskID}": 200,
    "PATCH /tasks/{taskID}": 200,
    "GET /tasks/{taskID}/scene": 200,
    "GET /tasks/{taskID}/products": 200,
    "GET /tasks/{taskID}/products/{productType}": 200,
}
"""Every operation of the text, with its yes."""

OPERATIONS = {
    f"{one.method.upper()} {one.path}": one
    for one in (each.ok() for each in published.get_all_operations() if isinstance(each, Ok))
}


def test_every_operation_of_the_text_is_put_to_the_simulator() -> None:
    assert OPERATIONS.keys() == YES.keys()


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_call_gets_a_server_error_or_an_answer_that_is_not_described(name: str, account: Account) -> None:
    """Each operation is called as the text allows and as it forbids, and meets a yes, a no, and the door."""
    operation = OPERATIONS[name]
    begin = len(account.simulator.journal())
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=12,
            derandomize=True,
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def send(case: Any) -> None:
            account.send(case)

        send()
    met = {one["status"] for one in account.simulator.journal()[begin:]}
    assert YES[name] in met
    assert met & {400, 404}
    url = f"{account.simulator.iceye.api_url}/tasking/v2{operation.path}"
    assert httpx.request(operation.method.upper(), url.replace("{", "").replace("}", "")).status_code == 401
