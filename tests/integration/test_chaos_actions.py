"""What is drawn for orders and what people do to them: each act has its moment, and comes to its end."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from chaos import generators
from chaos.action_plan import ACTS, INTENT, with_people
from chaos.fail_point import FailPoint, Kind
from chaos.fault_plan import IN_DOUBT
from chaos.orders import Moment, TestOrder
from chaos.trace import Trace
from chaos.user_actions import UserActions

# drawn


def points() -> list[FailPoint]:
    """Points of which nearly all are files."""
    many: dict[Kind, int] = {"disk": 200, "provider": 20, "ledger": 20, "prefect": 10}
    return [FailPoint(kind=kind, what=f"{kind} {number}") for kind, count in many.items() for number in range(count)]


def test_most_faults_hit_calls_of_the_provider_however_many_files_there_are() -> None:
    found = generators.at_random({"iceye": points()}, 100, random.Random(1), (3, 5))
    kinds = Counter(fault.at.kind for subject in found for fault in subject.plan.faults)
    assert kinds.most_common(1)[0][0] == "provider"
    assert kinds["provider"] > 2 * kinds["disk"] > 0
    assert kinds["ledger"] > kinds["prefect"] > 0


def test_an_order_is_struck_at_points_that_differ_and_the_same_seed_draws_the_same() -> None:
    few = [FailPoint(kind="prefect", what="set state Running"), *points()[-2:]]
    first, again = (generators.at_random({"iceye": few}, 20, random.Random(7), (3, 3)) for _ in range(2))
    assert first == again
    assert all(len({fault.at for fault in subject.plan.faults}) == 3 for subject in first)


def test_only_creates_are_left_in_doubt_with_their_looks_refused() -> None:
    calls = (
        *("provider POST /token", "provider GET /tasks", "ledger plan intended", "provider POST /analysis"),
        *("ledger request intended", "provider GET /contracts", "provider POST /tasks", "provider POST /token-again"),
    )
    life = [FailPoint(kind=cast(Kind, one.partition(" ")[0]), what=one.partition(" ")[2]) for one in calls]
    found = generators.at_random({"iceye": life}, 100, random.Random(1), (8, 8))
    struck = [fault for subject in found for fault in subject.plan.faults if fault.kind in IN_DOUBT]
    assert {fault.at.what for fault in struck} == {"POST /tasks"}
    assert {fault.kind for fault in struck} == set(IN_DOUBT)


def test_each_act_has_its_moment_and_some_come_after_the_end() -> None:
    chance = random.Random(3)
    found = [with_people(TestOrder(reference=str(one), provider="iceye"), chance, 1.0) for one in range(400)]
    done = Counter(pair for one in found for pair in zip(one.acts, one.moments, strict=True))
    assert {act for act, _ in done} == set(ACTS)
    for act in ("sent twice", "rescheduled"):
        assert done[act, "after the end"] > 0
    assert done["twin", "in the same second"] > 0
    killed = [one for one in found if any(fault.at == INTENT for fault in one.plan.faults)]
    assert killed
    assert all("at the announcement" in one.moments for one in killed)


# by people


class Api:
    """Prefect as people see it: one run, and whether the server answers."""

    def __init__(self) -> None:
        self.state, self.message = "RUNNING", ""
        self.problem: Exception | None = None
        self.asked: list[str] = []
        self.started: list[str] = []
        self.struck = 0

    def run(self, _run_id: str) -> dict[str, Any]:
        """The run."""
        return {"state_type": self.state, "state": {"message": self.message}}

    def ask(self, method: str, path: str, **_: Any) -> None:
        """A call."""
        if self.problem is not None:
            raise self.problem
        self.asked.append(f"{method} {path}")

    def start(self, _deployment: str, _parameters: Any, key: str, **more: Any) -> str:
        """A run of cancel-order."""
        self.started.append(key)
        self.struck += bool(more)
        return key


class World:
    """UserActions, a campaign that does nothing, and every tick a look."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, moment: Moment) -> None:
        monkeypatch.setattr("chaos.user_actions.LOOK_SECONDS", 0.0)
        self.api, self.count, self.reached = Api(), Counter[str](), list[FailPoint]()
        stack = SimpleNamespace(api=self.api, deployments={"cancel-order/cancel": "d"})
        self.campaign = SimpleNamespace(
            stack=stack, runs={"bay": ["r"]}, cancels={}, folder=tmp_path, points=lambda _: self.reached
        )
        self.user_actions = UserActions(cast(Any, self.campaign), random.Random(1), self.count)
        self.user_actions.want([TestOrder(reference="bay", provider="iceye", acts=(act,), moments=(moment,))], 60)


def test_an_act_after_the_end_waits_for_the_runs_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, "rescheduled", "after the end")
    world.user_actions.tick(calm=False)
    assert world.api.asked == []
    world.api.state = "COMPLETED"
    world.user_actions.tick(calm=False)
    assert world.api.asked == ["POST /flow_runs/r/set_state"]
    assert not world.user_actions.busy()


def test_a_cancel_comes_when_the_request_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, "cancelled", "at the announcement")
    world.user_actions.tick(calm=False)
    assert world.api.started == []
    world.reached.append(INTENT)
    world.user_actions.tick(calm=False)
    assert world.campaign.cancels == {"bay": ["cancel 1 of bay"]}


def test_the_first_cancel_of_some_orders_is_struck_from_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaos.user_actions._STRUCK_CANCELS", 1.0)
    world = World(tmp_path, monkeypatch, "cancelled", "at the announcement")
    world.reached.append(INTENT)
    world.user_actions.tick(calm=False)
    assert world.api.struck == 1
    trace = Trace(tmp_path, "bay.cancel")
    for fault in trace.plan().faults:
        assert trace.reach(fault.at.kind, fault.at.what) == fault
    assert world.user_actions.cancels_struck().total() == 2
    world.api.state = "CRASHED"
    world.user_actions.tick(calm=True)
    assert (len(world.api.started), world.api.struck) == (2, 1)


def test_an_act_without_an_answer_is_done_again_and_one_that_is_refused_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, monkeypatch, "pressed", "after the jump")
    world.user_actions.hurry()
    world.api.problem = httpx.ConnectError("away")
    world.user_actions.tick(calm=False)
    assert world.user_actions.busy()
    world.api.problem = RuntimeError("/flow_runs: 409")
    world.user_actions.tick(calm=False)
    assert not world.user_actions.busy()
    assert world.count == {"refused by Prefect: pressed": 1}


@pytest.mark.parametrize(
    ("state", "message", "runs"),
    [
        ("CRASHED", "", 3),
        ("FAILED", "not known whether it was cancelled; run this again: away", 3),
        ("FAILED", "Order bay was not cancelled and goes on: too late", 1),
        ("COMPLETED", "Order bay was cancelled", 1),
    ],
)
def test_a_cancel_whose_run_died_is_run_again_once_all_is_calm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str, message: str, runs: int
) -> None:
    world = World(tmp_path, monkeypatch, "cancelled", "at the announcement")
    world.reached.append(INTENT)
    world.user_actions.tick(calm=False)
    world.api.state, world.api.message = state, message
    world.user_actions.tick(calm=False)
    assert len(world.api.started) == 1
    for _ in range(5):
        world.user_actions.tick(calm=True)
    assert world.user_actions.busy() == (state == "CRASHED")
    assert world.campaign.cancels["bay"] == [f"cancel {number} of bay" for number in range(1, runs + 1)]


def test_people_wait_until_every_cancel_has_come_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, "cancelled", "at the announcement")
    world.user_actions.hurry()
    world.user_actions.tick(calm=False)
    assert world.user_actions.busy()
    world.api.state = "COMPLETED"
    assert not world.user_actions.busy()
