"""The faults of the chaos harness: each of them bites, and none of them takes the harness along."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from socket import socketpair
from typing import Any

import pytest

from chaos.fail_point import FailPoint
from chaos.fault_plan import Fault, FaultPlan
from chaos.fork_server import ForkServer
from chaos.trace import Trace


def ran(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


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
from chaos import inject_http
from chaos.trace import Trace
inject_http.LATE_SECONDS = 0.5
inject_http.inject_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api')
try:
    httpx.post(sys.argv[2] + '/tasks?a=b%20c', json={'n': 1}, headers={'Authorization': 'Bearer t'}, trust_env=False)
except httpx.ReadTimeout:
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_late_create_arrives_after_its_caller_was_killed(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]]
) -> None:
    address, calls = arrived
    fault = Fault(at=FailPoint(kind="provider", what="POST /tasks"), kind="late")
    Trace(tmp_path, "bay").prepare(FaultPlan(faults=(fault,)))
    ended = ran(POST_LATE, tmp_path, address)
    assert ended.returncode == -9, ended.stderr
    assert calls.get(timeout=30) == ("/tasks?a=b%20c", "Bearer t", b'{"n":1}')
    assert calls.empty()


CREATE_AND_LOOK = """
import sys, httpx
from pathlib import Path
from chaos.inject_http import inject_http
from chaos.trace import Trace
inject_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api')
with httpx.Client(base_url=sys.argv[2], trust_env=False) as provider:
    try:
        provider.post('/tasks', json={}, headers={'Authorization': 'Bearer t'})
    except httpx.ReadError:
        print('lost')
    print(*(provider.get(path).status_code for path in ('/', '/tasks', '/tasks')))
"""


@pytest.mark.parametrize(
    ("kind", "status", "made"),
    [("answer lost, looks 403", 403, 1), ("answer lost, looks 404", 404, 1), ("reset before, looks 404", 404, 0)],
)
def test_the_next_looks_for_a_create_in_doubt_are_refused_whichever_process_they_come_from(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]], kind: Any, status: int, made: int
) -> None:
    address, calls = arrived
    Trace(tmp_path, "bay").prepare(
        FaultPlan(faults=(Fault(at=FailPoint(kind="provider", what="POST /tasks"), kind=kind),))
    )
    first = ran(CREATE_AND_LOOK, tmp_path, address)
    assert first.stdout.split() == ["lost", "200", str(status), str(status)], first.stderr
    assert [calls.get_nowait()[0] for _ in range(made + 1)] == ["/tasks"] * made + ["/"]
    assert Trace(tmp_path, "bay").hits() == [], "not all looks were refused that were to be"
    then = ran(CREATE_AND_LOOK, tmp_path, address)
    assert then.stdout.split() == ["200", str(status), "200"], then.stderr
    assert [calls.get_nowait()[0] for _ in range(3)] == ["/tasks", "/", "/tasks"]
    assert Trace(tmp_path, "bay").hits()[0].kind == kind


STANDS_STILL = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from chaos import inject_process
from chaos.trace import Trace
from tasking.ledger import open_ledger
trace = Trace(Path(sys.argv[1]), 'bay')
inject_process.STILL_SECONDS = 0.1
inject_process.inject_process(trace, sys.argv[2] + '/api')
ledger = open_ledger(f'sqlite:///{sys.argv[1]}/ledger.sqlite')
order = {'name': 'Bay', 'account': 'axelglobe-tasking/default', 'archive': 'image-archive/default'}
ledger.claim('bay', order, provider='axelglobe', flow_run_id='run', owner_is_gone=lambda _run: False)
intent = ledger.record_intent('bay', 'request', 'bay', datetime.now(UTC))
print(ledger.close_intent('bay', intent, 'made', 'The request was made'), len(trace.hits()))
"""


@pytest.mark.parametrize("what", ["request announced", "request made"])
def test_a_run_is_called_crashed_while_its_process_stands_still_and_goes_on(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, calls = arrived
    monkeypatch.setenv("PREFECT__FLOW_RUN_ID", "run-1")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "admin:secret")
    fault = Fault(at=FailPoint(kind="process", what=what), kind="called crashed")
    Trace(tmp_path, "bay").prepare(FaultPlan(faults=(fault,)))
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
from chaos import held_calls
from chaos.inject_http import inject_http
from chaos.trace import Trace
from tasking.errors import ProviderError
from tasking.http.api import Api, Operation, HttpSettings
class Thing(BaseModel): pass
held_calls.HELD_SECONDS = 20
inject_http(Trace(Path(sys.argv[1]), 'bay'), 'http://127.0.0.1:1/api')
times = dict(connect_seconds=1, write_seconds=0.5, read_seconds=0.5, requests_per_second=1000)
api = Api('x', sys.argv[2], settings=HttpSettings(**times), headers={'Authorization': 'Bearer t'})
try:
    api.create(api.url('tasks'), {}, Thing, Operation('create'))
except ProviderError as error:
    print(type(error).__name__)
api.close()
"""


@pytest.mark.parametrize(
    ("kind", "said", "made"),
    [("1xx", "Uncertain", 0), ("slow head", "Uncertain", 1), ("many addresses", "Uncertain", 1)],
)
def test_a_create_that_the_network_holds_ends_by_its_deadline(
    tmp_path: Path, arrived: tuple[str, Queue[tuple[str, str, bytes]]], kind: Any, said: str, made: int
) -> None:
    address, calls = arrived
    Trace(tmp_path, "bay").prepare(
        FaultPlan(faults=(Fault(at=FailPoint(kind="provider", what="POST /tasks"), kind=kind),))
    )
    ended = ran(HELD_CREATE, tmp_path, address)
    assert ended.stdout.split() == [said], ended.stderr
    assert calls.qsize() == made
    assert Trace(tmp_path, "bay").hits()[0].kind == kind


def test_a_strike_at_a_server_that_is_away_counts_as_none(tmp_path: Path) -> None:
    fault = Fault(at=FailPoint(kind="provider", what="POST /tasks"), kind="killed after")
    Trace(tmp_path, "bay").prepare(FaultPlan(faults=(fault,)))
    ended = ran(CREATE_AND_LOOK, tmp_path, "http://127.0.0.1:1")
    assert "ConnectError" in ended.stderr
    assert Trace(tmp_path, "bay").hits() == []


WRITE_THREE = """
import sys
from pathlib import Path
from chaos.inject_disk import inject_disk
from chaos.trace import Trace
archive = Path(sys.argv[1]) / 'archive'
inject_disk(Trace(Path(sys.argv[1]), 'bay'), archive)
for name in ('a.tif', 'b.png', 'c.png'):
    try:
        (archive / name).write_text(name)
    except OSError as error:
        print(name, error.strerror)
(archive.parent / 'elsewhere').write_text('fine')
"""


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("read-only", ["b.png Read-only file system"]),
        ("full for a while", ["b.png No space left on device", "c.png No space left on device"]),
        ("read-only for a while", ["b.png Read-only file system", "c.png Read-only file system"]),
    ],
)
def test_a_disk_that_is_full_for_a_while_takes_nothing_more_from_this_process(
    tmp_path: Path, kind: Any, said: list[str]
) -> None:
    (tmp_path / "archive").mkdir()
    fault = Fault(at=FailPoint(kind="disk", what="write *.png"), kind=kind)
    Trace(tmp_path, "bay").prepare(FaultPlan(faults=(fault,)))
    assert ran(WRITE_THREE, tmp_path).stdout.splitlines() == said
    assert ran(WRITE_THREE, tmp_path).stdout == "", "the next process finds the disk as it was"


def test_the_fork_server_survives_an_asker_that_goes_when_its_process_has_ended(tmp_path: Path) -> None:
    forks = ForkServer(tmp_path / "forks.socket")
    asker, ours = socketpair()
    with ours:
        asker.close()
        forks._from_asker(asker)  # the select that told of its end told of the process' end first
    with suppress(AttributeError):
        forks._events.close()
        forks._listening.close()
