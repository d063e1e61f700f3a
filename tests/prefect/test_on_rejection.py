"""With ``on_rejection: next-candidate``, what was rejected first may be accepted later, and is paid then."""

from __future__ import annotations

from datetime import timedelta

import pytest
from prefect.client.schemas.objects import FlowRun

from tasking.clock import utc_now
from tests.support.approval import answer
from tests.support.installation import Installation
from tests.support.next_candidate import at_the_windows_end, decide, go_on, refused, requested


def declined(installation: Installation) -> FlowRun:
    """The first request is rejected, and a person declines the next candidate."""
    return answer(installation, asked_about_the_next(installation), "decline")


def asked_about_the_next(installation: Installation) -> FlowRun:
    """The first request is rejected, and a person is asked about the next candidate."""
    run = requested(installation, require_approval=True)
    decide(installation, 1, "REJECTED")
    run = go_on(installation, run)
    assert run.state is not None
    assert run.state.name == "Suspended", run.state
    return run


def test_a_rejected_request_is_delivered_when_it_is_accepted_after_the_next_candidate_was_not_to_be_had(
    installation: Installation,
) -> None:
    run = declined(installation)
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
    run = declined(installation)
    request = installation.ledger.read("bay").requests[0].last.id
    run = go_on(installation, run)
    assert run.state is not None
    assert run.state.name == "AwaitingRetry", run.state
    at_the_windows_end(installation)
    state = installation.to_the_end(run)
    assert state.is_cancelled()
    assert "Declined by a person. by phone" in str(state.message)
    assert request in str(state.message)
    assert installation.created == (1, 1)


def test_a_request_accepted_while_a_person_is_asked_about_the_next_is_followed_and_nothing_else_bought(
    installation: Installation,
) -> None:
    run = asked_about_the_next(installation)
    decide(installation, 1, "ACCEPTED")
    run = answer(installation, run, "approve")
    assert installation.to_the_end(run).is_completed()
    assert installation.ledger.read("bay").delivered
    assert installation.created == (1, 1)


@pytest.mark.parametrize(("word", "requests"), [("ACCEPTED", 1), ("REJECTED", 2)])
def test_retry_on_an_order_closed_meanwhile_takes_what_was_accepted_or_else_the_next_candidate(
    installation: Installation, word: str, requests: int
) -> None:
    run = refused(installation)
    installation.cancel_by_hand(run)
    installation.watch()
    assert installation.ledger.read("bay").ended is not None
    decide(installation, 1, word)
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.ledger.read("bay").delivered
    assert installation.created == (1, requests)


def test_an_order_that_only_waits_for_what_was_rejected_is_woken_once_there_is_imagery(
    installation: Installation,
) -> None:
    refused(installation)

    def watched() -> str:
        installation.ledger.record("bay", next_poll_at=utc_now() - timedelta(seconds=1))
        return installation.watch()

    assert "1 asked about, 0 woken" in watched()
    decide(installation, 1, "ACCEPTED")
    installation.simulator.advance(timedelta(days=9).total_seconds())
    assert "1 asked about, 1 woken" in watched()
