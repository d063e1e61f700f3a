"""The watcher: few calls, the right runs woken, dead runs brought back, and one broken order stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing, suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from prefect import flow, get_client
from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import State
from prefect.exceptions import PrefectHTTPStatusError
from prefect.states import Cancelled, Crashed, Failed, Running

from flows.cancel_order import cancel_order
from flows.order_axelglobe import order_axelglobe
from flows.watch_orders import watch_orders
from tasking.clock import utc_now
from tasking.errors import LedgerUnavailable, OrderEnded
from tasking.ledger import Intent, Ledger, open_ledger, opening
from tasks import bring_back, stranded
from tests.installation import Installation, ledger_url

pytestmark = pytest.mark.server

REQUESTS = "/wfs/tasking/v2/collections/requests/items"


def watch(installation: Installation, lost_after_seconds: float = 90.0) -> str:
    """A run of the watcher; its message."""
    run = installation.start(watch_orders, lost_after_seconds=lost_after_seconds)
    assert run.state is not None
    assert run.state.is_completed(), run.state
    return str(run.state.message)


def forget_pauses(installation: Installation) -> None:
    """Our clock does not move in tests: as if every order's next look were due."""
    for one in installation.ledger.orders():
        installation.ledger.record(one.reference, look_after=utc_now() - timedelta(seconds=1))


def set_state(run_id: UUID, state: State) -> None:
    """What a person, or a worker, does to a run."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run_id, state, force=True)


def delete(run_id: UUID) -> None:
    """A person deletes a run."""
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run_id)


def in_place_of(run_id: UUID) -> set[UUID]:
    """The runs that were started because this one was deleted."""
    which = FlowRunFilter(tags=FlowRunFilterTags(all_=[f"in place of {run_id}"]))
    with get_client(sync_client=True) as client:
        return {run.id for run in client.read_flow_runs(flow_run_filter=which)}


def order_until_imagery(installation: Installation, reference: str = "bay", **changes: object) -> object:
    run = installation.start(order_axelglobe, order=installation.order(reference=reference, **changes))
    installation.pass_time(run)
    return installation.go_on(run.id)


def test_the_watcher_wakes_a_run_whose_imagery_is_there(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.simulator.advance(timedelta(days=14).total_seconds())
    forget_pauses(installation)
    assert "1 woken" in watch(installation)
    woken = installation.read(run.id)
    assert woken.state is not None
    due = woken.state.state_details.scheduled_time
    assert due is not None
    assert due <= utc_now()
    assert installation.go_on(run.id).state.is_completed()  # type: ignore[union-attr]


def test_a_run_that_could_do_nothing_new_is_left_asleep(installation: Installation) -> None:
    order_until_imagery(installation)
    installation.simulator.advance(3600)
    forget_pauses(installation)
    assert "1 asked about, 0 woken" in watch(installation)
    assert installation.ledger.read("bay").provider_status in ("ACCEPTED", "PROCESSING")


def test_many_open_orders_are_read_in_pages_and_not_asked_twice(installation: Installation) -> None:
    for number in range(5):
        order_until_imagery(installation, f"bay-{number}")
    forget_pauses(installation)
    before = len(installation.simulator.journal(path="*/requests/*", method="GET"))
    assert "5 asked about" in watch(installation)
    assert len(installation.simulator.journal(path="*/requests/*", method="GET")) - before == 1
    assert "0 asked about" in watch(installation)


def test_the_watcher_wakes_a_run_whose_plan_is_ready_early(installation: Installation) -> None:
    installation.simulator.switch(candidates_ready_seconds=600, candidates_ready_jitter_seconds=0)
    installation.start(order_axelglobe, order=installation.order())
    installation.simulator.advance(700)
    forget_pauses(installation)
    assert "1 woken" in watch(installation)


def test_one_broken_account_does_not_keep_the_others_from_being_looked_at(installation: Installation) -> None:
    order_until_imagery(installation)
    installation.ledger.claim(
        "broken",
        {"name": "x", "account": "axelglobe-tasking/nobody"},
        provider="axelglobe",
        flow_run_id="00000000-0000-0000-0000-000000000001",
        owner_is_gone=lambda _run: False,
    )
    installation.simulator.advance(timedelta(days=14).total_seconds())
    forget_pauses(installation)
    assert "1 woken" in watch(installation)


def test_a_crashed_run_goes_on_and_orders_nothing_twice(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message="the machine died"), force=True)
    assert "1 brought back" in watch(installation)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_delivered_order_whose_end_prefect_did_not_take_is_shown_as_completed(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, broken = SyncPrefectClient.set_flow_run_state, [500]

    def set_flow_run_state(self: SyncPrefectClient, run_id: UUID, state: State[Any], **rest: Any) -> Any:
        if state.is_completed() and broken:
            request = httpx.Request("POST", "http://prefect/set_state")
            raise PrefectHTTPStatusError(
                "Server error", request=request, response=httpx.Response(broken.pop(), request=request)
            )
        return original(self, run_id, state, **rest)

    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    with monkeypatch.context() as patch:
        patch.setattr(SyncPrefectClient, "set_flow_run_state", set_flow_run_state)
        state = installation.to_the_end(run)
    assert state.is_failed()
    assert installation.ledger.read("bay").status == "completed"
    assert "1 brought back" in watch(installation)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_run_that_failed_for_a_reason_is_not_started_again(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Failed(message="Not feasible: HTTPError: of the provider"), force=True)
    assert "0 brought back" in watch(installation)


def test_a_run_that_always_crashes_rests_for_an_hour_and_is_tried_again(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    for _ in range(5):
        with get_client(sync_client=True) as client:
            client.set_flow_run_state(run.id, Crashed(message="again"), force=True)
        said = watch(installation)
    assert "0 brought back" in said
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_crashed()
    monkeypatch.setattr(bring_back, "utc_now", lambda: utc_now() + timedelta(minutes=61))
    assert "1 brought back" in watch(installation)


@pytest.mark.parametrize(
    ("state", "moment"), [(Crashed, "_crashes_in_a_row"), (Running, "_crashes_in_a_row"), (Running, "Crashed")]
)
def test_a_lost_run_that_a_person_cancels_meanwhile_is_not_brought_back(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, state: Callable[[], State], moment: str
) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order())
    set_state(run.id, state())
    then = getattr(bring_back, moment)

    def cancelled_first(*args: object, **given: object) -> object:
        set_state(run.id, Cancelled(message="by hand"))
        return then(*args, **given)

    monkeypatch.setattr(bring_back, moment, cancelled_first)
    assert "0 brought back" in watch(installation, lost_after_seconds=0.0)
    after = installation.read(run.id).state
    assert after is not None
    assert (after.is_cancelled(), after.message) == (True, "by hand")


def test_a_lost_run_that_is_deleted_meanwhile_does_not_stop_the_watcher(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.create(order_axelglobe, deployed=True, order=installation.order())
    set_state(run.id, Crashed())
    crashes_in_a_row = bring_back._crashes_in_a_row

    def deleted_first(states: list[State]) -> int:
        delete(run.id)
        return crashes_in_a_row(states)

    monkeypatch.setattr(bring_back, "_crashes_in_a_row", deleted_first)
    assert "0 brought back" in watch(installation)


def test_a_cancel_whose_process_was_lost_is_carried_out_and_a_lost_watch_is_left_alone(
    installation: Installation,
) -> None:
    order = installation.start(order_axelglobe, deployed=True, order=installation.order())
    cancel = installation.create(cancel_order, deployed=True, reference="bay")
    lost_watch = installation.create(watch_orders, deployed=True)
    set_state(cancel.id, Running())
    set_state(lost_watch.id, Crashed())
    assert "1 brought back" in watch(installation, lost_after_seconds=0.0)
    left = installation.read(lost_watch.id).state
    assert left is not None
    assert left.is_crashed()
    done = installation.go_on(cancel.id).state
    assert done is not None
    assert done.is_completed()
    ended = installation.read(order.id).state
    assert ended is not None
    assert ended.is_cancelled()
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert installation.created == (1, 0)


def test_a_run_that_failed_before_it_took_an_order_over_is_replaced_five_times_and_then_each_hour(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    delete(run.id)
    seen: set[UUID] = set()
    for _ in range(5):
        assert "1 tended" in watch(installation)
        assert "0 tended" in watch(installation)  # the new run has yet to start
        (new,) = in_place_of(run.id) - seen
        set_state(new, Failed(message="before it owned the order"))
        seen.add(new)
    assert "0 tended" in watch(installation)
    assert in_place_of(run.id) == seen
    monkeypatch.setattr(stranded, "utc_now", lambda: utc_now() + timedelta(minutes=61))
    assert "1 tended" in watch(installation)
    (new,) = in_place_of(run.id) - seen
    installation.runs[new] = installation.runs[run.id]
    assert installation.to_the_end(installation.go_on(new)).is_completed()
    assert installation.created == (1, 1)


def test_a_run_cancelled_before_it_took_an_order_over_ends_the_order_and_retry_goes_on(
    installation: Installation,
) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    delete(run.id)
    watch(installation)
    (new,) = in_place_of(run.id)
    set_state(new, Cancelled(message="by hand"))
    assert "1 tended" in watch(installation)
    assert installation.ledger.read("bay").status == "user_cancelled"
    assert in_place_of(run.id) == {new}
    installation.runs[new] = installation.runs[run.id]
    installation.retry(installation.read(new))
    assert installation.to_the_end(installation.go_on(new)).is_completed()
    assert installation.created == (1, 1)


def test_no_request_is_announced_between_the_last_look_at_an_order_and_its_end(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    set_state(run.id, Cancelled(message="by hand"))
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0)
    announced: list[Intent | None] = []
    open_intent = Ledger.open_intent

    def announced_after_the_look(self: Ledger, reference: str, verb: str, label: str) -> Intent | None:
        found = open_intent(self, reference, verb, label)
        with closing(open_ledger(ledger_url(installation.folder))) as other, suppress(LedgerUnavailable):
            announced.append(None)
            announced[-1] = other.intend(reference, verb, label, utc_now())
        return found

    monkeypatch.setattr(Ledger, "open_intent", announced_after_the_look)
    assert "1 tended" in watch(installation)
    assert announced == [None]
    assert "before anything was ordered" in str(installation.ledger.read("bay").outcome)
    with pytest.raises(OrderEnded):
        installation.ledger.intend("bay", "request", "bay", utc_now())


def test_an_order_whose_run_was_deleted_is_taken_over_by_another(installation: Installation) -> None:
    run = installation.start(order_axelglobe, deployed=True, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    with get_client(sync_client=True) as client:
        client.delete_flow_run(run.id)
        known = {one.id for one in client.read_flow_runs()}
        assert "1 tended" in watch(installation)
        (new,) = (one for one in client.read_flow_runs() if one.id not in known and one.deployment_id is not None)
    installation.runs[new.id] = (order_axelglobe, new.parameters)
    assert installation.to_the_end(installation.go_on(new.id)).is_completed()
    assert installation.created == (1, 1)


def test_a_crashed_run_of_somebody_elses_flow_is_left_alone(installation: Installation) -> None:
    @flow(name="reorder-lines")
    def reorder_lines() -> None:
        """Not ours."""

    run = installation.create(reorder_lines, deployed=True)
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Crashed(message="theirs"), force=True)
    assert "0 brought back" in watch(installation)


def test_a_request_made_in_the_moment_of_a_cancel_is_not_called_cancelled(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    open_intent = Ledger.open_intent

    def made_meanwhile(self: Ledger, reference: str, verb: str, label: str) -> object:
        monkeypatch.setattr(Ledger, "open_intent", open_intent)
        self.record(reference, cancel_asked=False)
        installation.pass_time(run)
        installation.go_on(run.id)
        return self.open_intent(reference, verb, label)

    monkeypatch.setattr(Ledger, "open_intent", made_meanwhile)
    cancel = installation.start(cancel_order, reference="bay")
    assert "goes on" in str(cancel.state and cancel.state.message)
    assert installation.ledger.read("bay").ended is None
    assert installation.created == (1, 1)


def test_an_order_whose_run_was_cancelled_by_hand_is_closed_and_retry_goes_on(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(run.id, Cancelled(message="by hand"), force=True)
    assert "1 tended" in watch(installation)
    assert installation.ledger.read("bay").ended is not None
    installation.retry(run)
    assert installation.to_the_end(installation.go_on(run.id)).is_completed()
    assert installation.created == (1, 1)


def test_an_order_is_cancelled_before_its_request_and_nothing_is_ordered(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    cancel = installation.start(cancel_order, reference="bay")
    assert cancel.state is not None
    assert cancel.state.is_completed()
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()
    assert installation.created == (1, 0)
    assert installation.ledger.read("bay").status == "user_cancelled"


def test_a_request_that_cannot_be_cancelled_is_said_plainly_and_goes_on(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    cancel = installation.start(cancel_order, reference="bay")
    assert cancel.state is not None
    assert cancel.state.is_failed()
    assert "documents no way to cancel" in str(cancel.state.message)
    assert "takes cancellations until" in str(cancel.state.message)
    assert installation.to_the_end(run).is_completed()


def test_a_request_that_cannot_be_cancelled_can_be_given_up_on_our_side(installation: Installation) -> None:
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    installation.start(cancel_order, reference="bay", stop_waiting=True)
    state = installation.read(run.id).state
    assert state is not None
    assert state.is_cancelled()


def test_cancelling_while_a_create_is_uncertain_never_makes_a_second_one(installation: Installation) -> None:
    installation.simulator.fault("reset_before", method="POST", path=REQUESTS)
    run = installation.start(order_axelglobe, order=installation.order())
    installation.pass_time(run)
    run = installation.go_on(run.id)
    assert installation.ledger.read("bay").waits_for == "settling"
    cancel = installation.start(cancel_order, reference="bay")
    assert "not known yet" in str(cancel.state and cancel.state.message)
    assert installation.to_the_end(run).is_cancelled()
    assert installation.created == (1, 0)


def test_an_unknown_reference_is_said(installation: Installation) -> None:
    cancel = installation.start(cancel_order, reference="nowhere")
    assert cancel.state is not None
    assert "nowhere" in str(cancel.state.message)
