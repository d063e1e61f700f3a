"""One AxelGlobe order from plan to catalog, against the served simulator; its counts are the judge."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from flows.order_axelglobe import order_axelglobe
from tasking import lifecycle
from tasking.clock import utc_now
from tasking.delivery.verify import verify
from tasking.errors import LedgerUnavailable
from tasking.ledger import Ledger, OrderRecord
from tests.support.installation import Installation

PLANS = "/wfs/tasking/v2/collections/plans/items"
REQUESTS = "/wfs/tasking/v2/collections/requests/items"
CANDIDATES = "/wfs/tasking/v2/collections/candidates/items"


def events(installation: Installation, reference: str = "bay") -> list[str]:
    return [one.event for one in installation.ledger.journal(reference)]


def test_an_order_without_an_archive_to_go_to_is_refused_before_anything_is_made(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order(archive="image-archive/nowhere"))
    assert run.state is not None
    assert (run.state.is_failed(), installation.created) == (True, (0, 0))
    assert "archive: image-archive/nowhere: there is no such block" in str(run.state.message)


def test_a_setting_that_is_no_number_fails_no_order(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TASKING_INLINE_WAIT_SECONDS", "a little")
    run = installation.start(order_axelglobe, order=installation.order())
    assert run.state is not None
    assert run.state.name == "AwaitingRetry"


def test_each_wait_says_what_it_waits_for(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    assert run.state is not None
    assert str(run.state.message).startswith("Waiting for candidates")
    record = installation.ledger.read("bay")
    assert (record.waits_for, record.wake_at) == ("candidates", run.state.state_details.scheduled_time)
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert run.state is not None
    assert "Waiting for imagery: capture by GRUS-1" in str(run.state.message)


def test_a_wait_that_the_ledger_could_not_note_is_noted_soon_after(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, away = Ledger.record, [LedgerUnavailable("the ledger did not answer: database is locked")]

    def record(self: Ledger, reference: str, *said: Any, **values: Any) -> OrderRecord:
        if values.get("wake_at") and away:
            raise away.pop()
        return original(self, reference, *said, **values)

    monkeypatch.setattr(Ledger, "record", record)
    run = installation.start(order_axelglobe, order=installation.order())
    assert run.state is not None
    assert "the ledger did not answer" in str(run.state.message)
    assert installation.ledger.read("bay").wake_at is None
    due = run.state.state_details.scheduled_time
    assert due is not None
    assert due < utc_now() + timedelta(minutes=2)
    installation.pass_time(run)
    installation.go_on(run.id)
    assert installation.ledger.read("bay").wake_at is not None


def test_waiting_for_days_takes_few_starts(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    assert installation.to_the_end(run).is_completed()
    # start, candidates, and then the capture plus 24 h and at most a look each half day till 48 h
    assert installation.read(run.id).run_count <= 6


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "reset_after"},
        {"kind": "status", "code": 502, "after_acting": True},
        {"kind": "malformed", "how": "html"},
    ],
    ids=lambda fault: str(fault["kind"]),
)
def test_a_plan_whose_answer_is_lost_is_made_once(installation: Installation, fault: dict[str, Any]) -> None:
    """That a request is made once is tested for every provider in test_each_provider.py."""
    installation.simulator.switch(list_lag_seconds=60)
    installation.simulator.fault(method="POST", path=PLANS, **fault)
    state = installation.to_the_end(installation.start(order_axelglobe, order=installation.order()))
    assert state.is_completed(), state
    assert installation.created == (1, 1)


def test_a_plan_that_never_arrived_is_made_again(installation: Installation) -> None:
    installation.simulator.switch(list_lag_seconds=60)
    installation.simulator.fault("status", method="POST", path=PLANS, code=502)
    state = installation.to_the_end(installation.start(order_axelglobe, order=installation.order()))
    assert state.is_completed(), state
    assert installation.created == (1, 1)
    assert len(installation.simulator.journal(path=PLANS, method="POST")) == 2
    assert any(event.endswith(" absent") for event in events(installation))


def test_a_lost_answer_is_found_also_when_the_provider_echoes_another_name(installation: Installation) -> None:
    installation.simulator.switch(list_lag_seconds=60)
    installation.simulator.axelglobe.switch(name_echo="other")
    installation.simulator.fault("reset_after", method="POST", path=REQUESTS)
    state = installation.to_the_end(installation.start(order_axelglobe, order=installation.order()))
    assert state.is_completed(), state
    assert installation.created == (1, 1)


def test_an_order_outlives_an_outage_of_the_provider_at_each_step(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    for _ in range(3):
        fault = installation.simulator.fault("status", code=503, times=-1, path="/wfs/*")
        installation.pass_time(run)
        run = installation.go_on(run.id)
        assert run.state is not None
        assert (run.state.name, "Trying again at" in str(run.state.message)) == ("AwaitingRetry", True)
        installation.simulator.world.faults.clear(fault.id)
        installation.pass_time(run)
        run = installation.go_on(run.id)
    assert installation.to_the_end(run).is_completed()
    assert installation.created == (1, 1)


def test_a_plan_that_yields_nothing_ends_as_not_feasible(installation: Installation) -> None:
    installation.simulator.axelglobe.no_candidates_for_next()
    state = installation.to_the_end(installation.start(order_axelglobe, order=installation.order()))
    assert state.is_failed()
    assert not state.is_crashed()
    assert "Not feasible" in str(state.message)
    assert "longer window" in str(state.message)
    assert installation.created == (1, 0)
    assert installation.ledger.read("bay").status == "rejected"


def test_a_candidate_that_expired_before_it_was_requested_is_fetched_anew(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.simulator.fault("status", code=503, times=-1, method="POST", path=REQUESTS)
    installation.pass_time(run)
    run = installation.go_on(run.id)
    first = installation.ledger.read("bay").candidate
    assert first is not None
    assert first.valid_until is not None
    installation.simulator.clock.move(now=first.valid_until + timedelta(minutes=1))
    installation.simulator.world.faults.clear()
    assert installation.to_the_end(run).is_completed()
    assert "candidate dropped" in events(installation)
    assert installation.created == (1, 1)


def test_a_rejected_request_is_waited_for_and_may_be_accepted_after_all(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    request = installation.ledger.read("bay").requests[0].last.id
    installation.simulator.axelglobe.decide(request, "REJECTED")
    messages = []

    def accept_later(record: OrderRecord) -> None:
        messages.append(record.waits_message)
        if len(messages) == 2:
            installation.simulator.axelglobe.decide(request, "ACCEPTED")

    installation.to_the_end(run, seen=accept_later)
    assert any("Rejected for now" in str(said) for said in messages)
    assert installation.created == (1, 1)


def test_an_order_rejected_until_its_window_ends_fails_with_the_reason(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    record = installation.ledger.read("bay")
    installation.simulator.axelglobe.decide(record.requests[0].last.id, "REJECTED")
    installation.simulator.clock.move(now=datetime.fromisoformat(record.order["window"]["end"]))
    state = installation.to_the_end(run)
    assert state.is_failed()
    assert "before the window ended" in str(state.message)
    assert installation.created == (1, 1)


def test_the_next_candidate_is_taken_only_where_the_order_allows_it(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order(on_rejection="next-candidate"))
    installation.pass_time(run)
    run = installation.go_on(run.id)
    first = installation.ledger.read("bay").requests[0]
    installation.simulator.axelglobe.decide(first.last.id, "REJECTED")
    assert installation.to_the_end(run).is_completed()
    record = installation.ledger.read("bay")
    assert [one.label for one in record.requests] == ["bay", "bay#2"]
    assert record.requests[0].candidate != record.requests[1].candidate
    assert installation.created == (1, 2)


def test_a_request_that_is_accepted_after_its_next_candidate_is_fetched_too(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order(on_rejection="next-candidate"))
    installation.pass_time(run)
    run = installation.go_on(run.id)
    first = installation.ledger.read("bay").requests[0].last.id
    installation.simulator.axelglobe.decide(first, "REJECTED")
    accepted: list[str] = []

    def accept_later(record: OrderRecord) -> None:
        if len(record.requests) == 2 and not accepted:
            installation.simulator.axelglobe.decide(first, "ACCEPTED")
            accepted.append(first)

    assert installation.to_the_end(run, seen=accept_later).is_completed()
    record = installation.ledger.read("bay")
    assert accepted
    assert set(record.delivered) == {one for each in record.requests for one in each.last.capture_ids}
    assert len(record.delivered) == 2


def test_no_credits_is_said_and_spends_nothing(installation: Installation) -> None:
    installation.simulator.fault(
        "status",
        code=403,
        method="POST",
        path=REQUESTS,
        times=2,  # it is asked once more with a fresh token
        body=json.dumps({"code": "NoCredits", "description": "none left"}),
    )
    state = installation.to_the_end(installation.start(order_axelglobe, order=installation.order()))
    assert state.is_failed()
    assert "none left" in str(state.message)
    assert installation.created == (1, 0)


def test_retry_on_a_failed_run_goes_on_with_what_was_made(installation: Installation) -> None:
    installation.simulator.fault("status", code=403, method="POST", path=REQUESTS, times=2)
    run = installation.start(order_axelglobe, order=installation.order())
    assert installation.to_the_end(run).is_failed()
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_wrong_credentials_fail_at_once_and_say_so(installation: Installation, tmp_path: Any) -> None:
    installation.save_blocks(client_secret="wrong-secret-value")
    run = installation.start(order_axelglobe, order=installation.order())
    assert run.state is not None
    assert run.state.is_failed()
    assert "token" in str(run.state.message)
    assert "wrong-secret-value" not in str(run.state)
    assert installation.created == (0, 0)


def test_credentials_that_stop_working_are_waited_out_once_something_was_made(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.save_blocks(client_secret="wrong-secret-value")
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert run.state is not None
    assert run.state.name == "AwaitingRetry"
    installation.save_blocks()
    installation.pass_time(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()


def test_a_second_run_with_the_same_reference_says_which_run_owns_it(installation: Installation) -> None:
    first = installation.start(order_axelglobe, order=installation.order())
    calls = len(installation.simulator.journal(method="POST"))
    second = installation.start(order_axelglobe, order=installation.order())
    assert second.state is not None
    assert second.state.is_failed()
    assert str(first.id) in str(second.state.message)
    assert len(installation.simulator.journal(method="POST")) == calls


def test_a_reference_is_made_from_the_run_when_none_is_given(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order(reference=None))
    assert installation.to_the_end(run).is_completed()
    assert [one.reference for one in installation.ledger.orders()] == [f"tokyo-bay-{run.id.hex[-16:]}"]


def test_a_window_that_is_over_is_refused_before_anything_is_sent(installation: Installation) -> None:
    order = installation.order(window={"start": "2024-01-01T00:00:00Z", "end": "2024-01-03T00:00:00Z"})
    run = installation.start(order_axelglobe, order=order)
    assert run.state is not None
    assert run.state.is_failed()
    assert "window.end" in str(run.state.message)
    assert installation.simulator.journal() == []


def test_an_account_block_that_does_not_exist_is_named(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order(account="axelglobe-tasking/nobody"))
    assert run.state is not None
    assert run.state.is_failed()
    assert "axelglobe-tasking/nobody" in str(run.state.message)
    assert "Blocks" in str(run.state.message)


def test_a_status_word_nobody_knows_is_shown_and_waited_on(installation: Installation) -> None:
    installation.simulator.axelglobe.switch(unknown_status_word="PONDERING")
    run = installation.start(order_axelglobe, order=installation.order())
    words = []
    state = installation.to_the_end(run, seen=lambda record: words.append(record.provider_status))
    assert state.is_completed()
    assert "PONDERING" in words


def test_a_download_that_breaks_is_begun_again_and_only_whole_files_count(installation: Installation) -> None:
    for kind, options in (("cut_body", {"keep": 0.5}), ("flip_bytes", {}), ("wrong_length", {"keep": 0.6})):
        installation.simulator.fault(kind, path="/*.tif", skip=1, **options)
    state = installation.to_the_end(installation.start(order_axelglobe, order=installation.order()))
    assert state.is_completed(), state
    assert verify(installation.archive / "bay") == []


def test_an_order_that_is_paid_outlives_a_stray_refusal(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.simulator.fault("status", code=400, method="GET", path=f"{REQUESTS}/*", times=2)
    installation.simulator.fault("status", code=404, path="/*.tif", times=6)
    state = installation.to_the_end(run)
    assert state.is_completed(), state
    assert "away" in events(installation)
    assert installation.created == (1, 1)


def test_pauses_grow_while_a_step_keeps_failing(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.simulator.fault("status", code=503, times=-1, path="/wfs/*")
    pauses = []
    for _ in range(4):
        installation.pass_time(run)
        run = installation.go_on(run.id)
        record = installation.ledger.read("bay")
        assert record.wake_at is not None
        pauses.append((record.wake_at - record.updated).total_seconds())
    assert [round(later / sooner) for sooner, later in pairwise(pauses)] == [2, 2, 2]


def test_what_cannot_be_shown_costs_no_order(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("the server is busy")

    monkeypatch.setattr("tasks.show.create_markdown_artifact", broken)
    assert installation.to_the_end(installation.start(order_axelglobe, order=installation.order())).is_completed()


def test_an_order_ended_by_hand_while_its_run_is_at_work_stays_ended(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.pass_time(run)
    poll, ledger = lifecycle.poll, installation.ledger

    def ended_meanwhile(session: lifecycle.OrderSession) -> None:
        poll(session)
        ledger.revise("bay", lambda _now: lifecycle.ending(ledger, "user_cancelled", "ended on our side"))

    monkeypatch.setattr("tasking.lifecycle.poll", ended_meanwhile)
    state = installation.go_on(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert installation.ledger.read("bay").ended is not None
