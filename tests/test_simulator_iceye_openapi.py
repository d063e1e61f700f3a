"""ICEYE's published OpenAPI text, put to the simulator by schemathesis: every answer is one the text describes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.simulator_story_iceye import Caller, iceye_story

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

published = schemathesis.openapi.from_path(Path(__file__).parent / "fixtures" / "iceye-openapi" / "tasking.yml")


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
        if case.path == "/price":
            case.query = PRICED
        if isinstance(case.query, dict) and (case.path == "/price" or "contractID" in case.query):
            case.query = {**case.query, "contractID": self.contract}
        if isinstance(case.body, dict) and case.method == "POST":
            case.body = {**case.body, **self.caller.wish()}
        self.check(case)

    def check(self, case: Any) -> None:
        headers = {"Authorization": self.caller.http.headers["Authorization"], "Accept": "application/json"}
        base = f"{self.simulator.iceye_api_url}/tasking/v2"
        case.call_and_validate(base_url=base, headers=headers, checks=CHECKS)


@pytest.fixture(scope="module")
def account() -> Iterator[Account]:
    with iceye_story(iceye={"token_life_seconds": 86400 * 60}) as (_, caller):
        yield Account(caller)


@published.parametrize()
@settings(
    max_examples=12,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_no_call_gets_a_server_error_or_an_answer_that_is_not_described(case: Any, account: Account) -> None:
    account.send(case)


def test_the_calls_met_yes_and_no_on_every_operation(account: Account) -> None:
    """Runs last: calls that were all refused would have shown little."""
    met: dict[str, set[int]] = {}
    for one in account.simulator.journal(path="/iceye/api/tasking/v2/*"):
        path = re.sub(r"/tasks/[^/]+", "/tasks/ID", one["path"].partition("/v2")[2])
        call = re.sub(r"/products/.*", "/products/TYPE", f"{one['method']} {path}")
        met.setdefault(call, set()).add(one["status"])
    for call, yes in {
        "GET /price": 200,
        "GET /tasks": 200,
        "POST /tasks": 201,
        "GET /tasks/ID": 200,
        "PATCH /tasks/ID": 200,
        "GET /tasks/ID/scene": 200,
        "GET /tasks/ID/products": 200,
        "GET /tasks/ID/products/TYPE": 200,
    }.items():
        assert {yes, 401} <= met[call], call
        assert met[call] & {400, 404}, call
