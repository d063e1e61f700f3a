"""With ``on_rejection: next-candidate``, what was rejected first may be accepted later, and is paid then."""

from __future__ import annotations

import pytest

from tasking.axelglobe.provider import AxelGlobe
from tasking.candidate import Candidate
from tasking.errors import NotFound
from tasking.provider import Plan
from tests.support.installation import Installation
from tests.support.next_candidate import REQUESTS, at_the_windows_end, decide, go_on, refused, requested


def test_the_first_of_two_rejected_requests_is_delivered_when_it_alone_is_accepted(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = requested(installation)
    decide(installation, 1, "REJECTED")
    run = go_on(installation, run)
    decide(installation, 2, "REJECTED")

    def none(_self: AxelGlobe, _plan_id: str) -> list[Candidate]:
        return []

    monkeypatch.setattr(AxelGlobe, "candidates", none)
    run = go_on(installation, run)
    decide(installation, 1, "ACCEPTED")
    at_the_windows_end(installation)
    assert installation.to_the_end(run).is_completed()
    assert installation.ledger.read("bay").delivered
    assert installation.created == (1, 2)


def test_a_second_request_without_an_answer_is_found_on_a_new_plan_though_names_do_not_come_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = requested(installation)
    first_plan, read_plan = installation.ledger.read("bay").plan_id, AxelGlobe.read_plan

    def forgotten(self: AxelGlobe, plan_id: str) -> Plan:
        if plan_id == first_plan:
            raise NotFound("no such plan")
        return read_plan(self, plan_id)

    monkeypatch.setattr(AxelGlobe, "read_plan", forgotten)
    installation.simulator.axelglobe.switch(name_echo="other")
    decide(installation, 1, "REJECTED")
    run = go_on(installation, run)
    assert installation.created == (2, 1)
    installation.simulator.fault("reset_after", method="POST", path=REQUESTS)
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (2, 2)


def test_a_rejected_request_is_delivered_when_it_is_accepted_after_the_next_candidate_was_not_to_be_had(
    installation: Installation,
) -> None:
    run = refused(installation)
    assert run.state is not None
    assert run.state.name == "AwaitingRetry", run.state
    assert "may still be accepted until" in str(run.state.message)
    decide(installation, 1, "ACCEPTED")
    assert installation.to_the_end(run).is_completed()
    assert installation.ledger.read("bay").delivered
    assert installation.created == (1, 1)


def test_without_a_late_yes_the_order_ends_with_its_window_and_says_why(
    installation: Installation,
) -> None:
    run = refused(installation)
    request = installation.ledger.read("bay").requests[0].last.id
    run = go_on(installation, run)
    assert run.state is not None
    assert run.state.name == "AwaitingRetry", run.state
    at_the_windows_end(installation)
    state = installation.to_the_end(run)
    assert state.is_failed()
    assert "none left" in str(state.message)
    assert request in str(state.message)
    assert installation.created == (1, 1)
