"""The faults of the chaos harness: each of them bites, and none of them takes the harness along."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from socket import socketpair
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from chaos import drawing
from chaos.forks import Forks
from chaos.order import Moment, Subject
from chaos.people import People
from chaos.plan import IN_DOUBT, Plan, Strike
from chaos.point import Kind, Point
from chaos.trace import Trace
from chaos.wishes import ACTS, INTENT, with_people


def ran(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


# struck from inside


@pytest.fixture
def arrived() -> Iterator[tuple[str, Queue[tuple[str, str, bytes]]]]:
    """The address of a server, and the calls that came to it."""
    calls: Queue[tuple[str, str, bytes]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            calls.put((self.path, self.headers["Authorization"], body))
            self.send_response(201)
            self.end_headers()
            if self.path.endswith("/set_state"):
                self.wfile.write(b'{"status": "ACCEPT"}')

        def do_GET(self) -> None:
            calls.put((self.path, "", b""))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", calls
    server.shutdown()
    thread.join()
    server.server_close()


POST_LATE = """
import os, signal, sys, httpx
from pathlib import Path
from chaos import struck_http
from chaos.trace import Trace
struck_http.LATE_SECONDS = 0.5
struck_http.strike_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api')
try:
    httpx.post(sys.argv[2] + '/tasks?a=b%20c', json={'n': 1}, headers={'Authorization': 'Bearer t'}, trust_env=False)
except httpx.ReadTimeout:
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.server
def test_a_late_create_arrives_after_its_caller_was_killed(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]]
) -> None:
    address, calls = arrived
    strike = Strike(at=Point(kind="provider", what="POST /tasks"), way="late")
    Trace(tmp_path, "bay").prepare(Plan(strikes=(strike,)))
    ended = ran(POST_LATE, tmp_path, address)
    assert ended.returncode == -9, ended.stderr
    assert calls.get(timeout=30) == ("/tasks?a=b%20c", "Bearer t", b'{"n":1}')
    assert calls.empty()


CREATE_AND_LOOK = """
import sys, httpx
from pathlib import Path
from chaos.struck_http import strike_http
from chaos.trace import Trace
strike_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api')
with httpx.Client(base_url=sys.argv[2], trust_env=False) as provider:
    try:
        provider.post('/tasks', json={}, headers={'Authorization': 'Bearer t'})
    except httpx.ReadError:
        print('lost')
    print(*(provider.get(path).status_code for path in ('/', '/tasks', '/tasks')))
"""


@pytest.mark.server
@pytest.mark.parametrize(
    ("way", "status", "made"),
    [("answer lost, looks 403", 403, 1), ("answer lost, looks 404", 404, 1), ("reset before, looks 404", 404, 0)],
)
def test_the_next_looks_for_a_create_in_doubt_are_refused_whichever_process_they_come_from(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]], way: Any, status: int, made: int
) -> None:
    address, calls = arrived
    Trace(tmp_path, "bay").prepare(Plan(strikes=(Strike(at=Point(kind="provider", what="POST /tasks"), way=way),)))
    first = ran(CREATE_AND_LOOK, tmp_path, address)
    assert first.stdout.split() == ["lost", "200", str(status), str(status)], first.stderr
    assert [calls.get_nowait()[0] for _ in range(made + 1)] == ["/tasks"] * made + ["/"]
    assert Trace(tmp_path, "bay").hits() == [], "not all looks were refused that were to be"
    then = ran(CREATE_AND_LOOK, tmp_path, address)
    assert then.stdout.split() == ["200", str(status), "200"], then.stderr
    assert [calls.get_nowait()[0] for _ in range(3)] == ["/tasks", "/", "/tasks"]
    assert Trace(tmp_path, "bay").hits()[0].way == way


STANDS_STILL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from chaos import struck_process
from chaos.trace import Trace
from tasking.ledger import open_ledger
trace = Trace(Path(sys.argv[1]), 'bay')
struck_process.STILL_SECONDS = 0.1
struck_process.strike_process(trace, sys.argv[2] + '/api')
ledger = open_ledger(f'sqlite:///{sys.argv[1]}/ledger.sqlite')
order = {'name': 'Bay', 'account': 'axelglobe-tasking/default', 'archive': 'image-archive/default'}
ledger.claim('bay', order, provider='axelglobe', flow_run_id='run', owner_is_gone=lambda _run: False)
intent = ledger.intend('bay', 'request', 'bay', datetime.now(UTC))
print(ledger.settle('bay', intent, 'made', 'The request was made'), len(trace.hits()))
"""


@pytest.mark.server
@pytest.mark.parametrize("what", ["request announced", "request made"])
def test_a_run_is_called_crashed_while_its_process_stands_still_and_goes_on(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, calls = arrived
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "run-1")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:secret")
    strike = Strike(at=Point(kind="process", what=what), way="called crashed")
    Trace(tmp_path, "bay").prepare(Plan(strikes=(strike,)))
    ended = ran(STANDS_STILL, tmp_path, address)
    assert ended.stdout.split() == ["True", "1"], ended.stderr
    path, credentials, body = calls.get_nowait()
    assert (path, credentials) == ("/api/flow_runs/run-1/set_state", "Basic YWRtaW46c2VjcmV0")
    assert b'"type": "CRASHED"' in body
    assert calls.empty()


HELD_CREATE = """
import sys
from pathlib import Path
from pydantic import BaseModel
from chaos import held
from chaos.struck_http import strike_http
from chaos.trace import Trace
from tasking.errors import ProviderError
from tasking.http.api import Api, Operation, HttpSettings
class Thing(BaseModel): pass
held.HELD_SECONDS = 20
strike_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api')
times = dict(connect_seconds=1, write_seconds=0.5, read_seconds=0.5, requests_per_second=1000)
api = Api('x', sys.argv[2], settings=HttpSettings(**times), headers={'Authorization': 'Bearer t'})
try:
    api.create(api.url('tasks'), {}, Thing, Operation('create'))
except ProviderError as error:
    print(type(error).__name__)
api.close()
"""


@pytest.mark.server
@pytest.mark.parametrize(
    ("way", "said", "made"),
    [("1xx", "Uncertain", 0), ("slow head", "Uncertain", 1), ("many addresses", "Uncertain", 1)],
)
def test_a_create_that_the_network_holds_ends_by_its_deadline(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]], way: Any, said: str, made: int
) -> None:
    address, calls = arrived
    Trace(tmp_path, "bay").prepare(Plan(strikes=(Strike(at=Point(kind="provider", what="POST /tasks"), way=way),)))
    ended = ran(HELD_CREATE, tmp_path, address)
    assert ended.stdout.split() == [said], ended.stderr
    assert calls.qsize() == made
    assert Trace(tmp_path, "bay").hits()[0].way == way


@pytest.mark.server
def test_a_strike_at_a_server_that_is_away_counts_as_none(tmp_path: Path) -> None:
    strike = Strike(at=Point(kind="provider", what="POST /tasks"), way="killed after")
    Trace(tmp_path, "bay").prepare(Plan(strikes=(strike,)))
    ended = ran(CREATE_AND_LOOK, tmp_path, "http://127.0.0.1:1")
    assert "ConnectError" in ended.stderr
    assert Trace(tmp_path, "bay").hits() == []


WRITE_THREE = """
import sys
from pathlib import Path
from chaos.struck_disk import strike_disk
from chaos.trace import Trace
archive = Path(sys.argv[1]) / 'archive'
strike_disk(Trace(Path(sys.argv[1]), 'bay'), archive)
for name in ('a.tif', 'b.png', 'c.png'):
    try:
        (archive / name).write_text(name)
    except OSError as error:
        print(name, error.strerror)
(archive.parent / 'elsewhere').write_text('fine')
"""


@pytest.mark.server
@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("read-only", ["b.png Read-only file system"]),
        ("full for a while", ["b.png No space left on device", "c.png No space left on device"]),
        ("read-only for a while", ["b.png Read-only file system", "c.png Read-only file system"]),
    ],
)
def test_a_disk_that_is_full_for_a_while_takes_nothing_more_from_this_process(
    tmp_path: Path, way: Any, said: list[str]
) -> None:
    (tmp_path / "archive").mkdir()
    strike = Strike(at=Point(kind="disk", what="write *.png"), way=way)
    Trace(tmp_path, "bay").prepare(Plan(strikes=(strike,)))
    assert ran(WRITE_THREE, tmp_path).stdout.splitlines() == said
    assert ran(WRITE_THREE, tmp_path).stdout == "", "the next process finds the disk as it was"


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
