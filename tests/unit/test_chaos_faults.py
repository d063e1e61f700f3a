"""The faults of the chaos harness: each of them bites, and none of them takes the harness along."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from pathlib import Path
from socket import socketpair
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from chaos import drawing
from chaos.forks import Forks
from chaos.order import Moment, Subject
from chaos.people import People
from chaos.plan import IN_DOUBT
from chaos.point import Kind, Point
from chaos.trace import Trace
from chaos.wishes import ACTS, INTENT, with_people

# drawn


def points() -> list[Point]:
    """Points of which nearly all are files."""
    many: dict[Kind, int] = {"disk": 200, "provider": 20, "ledger": 20, "prefect": 10}
    return [Point(kind=kind, what=f"{kind} {number}") for kind, count in many.items() for number in range(count)]


def test_most_faults_hit_calls_of_the_provider_however_many_files_there_are() -> None:
    found = drawing.at_random({"iceye": points()}, 100, random.Random(1), (3, 5))
    kinds = Counter(strike.at.kind for subject in found for strike in subject.plan.strikes)
    assert kinds.most_common(1)[0][0] == "provider"
    assert kinds["provider"] > 2 * kinds["disk"] > 0
    assert kinds["ledger"] > kinds["prefect"] > 0


def test_an_order_is_struck_at_points_that_differ_and_the_same_seed_draws_the_same() -> None:
    few = [Point(kind="prefect", what="set state Running"), *points()[-2:]]
    first, again = (drawing.at_random({"iceye": few}, 20, random.Random(7), (3, 3)) for _ in range(2))
    assert first == again
    assert all(len({strike.at for strike in subject.plan.strikes}) == 3 for subject in first)


def test_only_creates_are_left_in_doubt_with_their_looks_refused() -> None:
    calls = (
        *("provider POST /token", "provider GET /tasks", "ledger plan intended", "provider POST /analysis"),
        *("ledger request intended", "provider GET /contracts", "provider POST /tasks", "provider POST /token-again"),
    )
    life = [Point(kind=cast(Kind, one.partition(" ")[0]), what=one.partition(" ")[2]) for one in calls]
    found = drawing.at_random({"iceye": life}, 100, random.Random(1), (8, 8))
    struck = [strike for subject in found for strike in subject.plan.strikes if strike.way in IN_DOUBT]
    assert {strike.at.what for strike in struck} == {"POST /tasks"}
    assert {strike.way for strike in struck} == set(IN_DOUBT)


def test_each_act_has_its_moment_and_some_come_after_the_end() -> None:
    chance = random.Random(3)
    found = [with_people(Subject(reference=str(one), provider="iceye"), chance, 1.0) for one in range(400)]
    done = Counter(pair for one in found for pair in zip(one.acts, one.moments, strict=True))
    assert {act for act, _ in done} == set(ACTS)
    for act in ("sent twice", "rescheduled"):
        assert done[act, "after the end"] > 0
    assert done["twin", "in the same second"] > 0
    killed = [one for one in found if any(strike.at == INTENT for strike in one.plan.strikes)]
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
    """People, a campaign that does nothing, and every tick a look."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: str, moment: Moment) -> None:
        monkeypatch.setattr("chaos.people.LOOK_SECONDS", 0.0)
        self.api, self.count, self.reached = Api(), Counter[str](), list[Point]()
        stack = SimpleNamespace(api=self.api, deployments={"cancel-order/cancel": "d"})
        self.campaign = SimpleNamespace(
            stack=stack, runs={"bay": ["r"]}, cancels={}, folder=tmp_path, points=lambda _: self.reached
        )
        self.people = People(cast(Any, self.campaign), random.Random(1), self.count)
        self.people.want([Subject(reference="bay", provider="iceye", acts=(act,), moments=(moment,))], 60)


def test_an_act_after_the_end_waits_for_the_runs_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, "rescheduled", "after the end")
    world.people.tick(calm=False)
    assert world.api.asked == []
    world.api.state = "COMPLETED"
    world.people.tick(calm=False)
    assert world.api.asked == ["POST /flow_runs/r/set_state"]
    assert not world.people.busy()


def test_a_cancel_comes_when_the_request_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, "cancelled", "at the announcement")
    world.people.tick(calm=False)
    assert world.api.started == []
    world.reached.append(INTENT)
    world.people.tick(calm=False)
    assert world.campaign.cancels == {"bay": ["cancel 1 of bay"]}


def test_the_first_cancel_of_some_orders_is_struck_from_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chaos.people._STRUCK_CANCELS", 1.0)
    world = World(tmp_path, monkeypatch, "cancelled", "at the announcement")
    world.reached.append(INTENT)
    world.people.tick(calm=False)
    assert world.api.struck == 1
    trace = Trace(tmp_path, "bay.cancel")
    for strike in trace.plan().strikes:
        assert trace.reach(strike.at.kind, strike.at.what) == strike
    assert world.people.cancels_struck().total() == 2
    world.api.state = "CRASHED"
    world.people.tick(calm=True)
    assert (len(world.api.started), world.api.struck) == (2, 1)


def test_an_act_without_an_answer_is_done_again_and_one_that_is_refused_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path, monkeypatch, "pressed", "after the jump")
    world.people.hurry()
    world.api.problem = httpx.ConnectError("away")
    world.people.tick(calm=False)
    assert world.people.busy()
    world.api.problem = RuntimeError("/flow_runs: 409")
    world.people.tick(calm=False)
    assert not world.people.busy()
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
    world.people.tick(calm=False)
    world.api.state, world.api.message = state, message
    world.people.tick(calm=False)
    assert len(world.api.started) == 1
    for _ in range(5):
        world.people.tick(calm=True)
    assert world.people.busy() == (state == "CRASHED")
    assert world.campaign.cancels["bay"] == [f"cancel {number} of bay" for number in range(1, runs + 1)]


def test_people_wait_until_every_cancel_has_come_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path, monkeypatch, "cancelled", "at the announcement")
    world.people.hurry()
    world.people.tick(calm=False)
    assert world.people.busy()
    world.api.state = "COMPLETED"
    assert not world.people.busy()


# the harness itself


def test_the_fork_server_survives_an_asker_that_goes_when_its_process_has_ended(tmp_path: Path) -> None:
    forks = Forks(tmp_path / "forks.socket")
    asker, ours = socketpair()
    with ours:
        asker.close()
        forks._from_asker(asker)  # the select that told of its end told of the process' end first
    with suppress(AttributeError):
        forks._events.close()
        forks._listening.close()
