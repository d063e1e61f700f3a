"""The simulator's clock, and what survives a killed process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tasking.simulator import serve
from tasking.simulator.__main__ import main
from tasking.simulator.clock import SimulatedClock, read_time, utc_text
from tasking.simulator.store import Store
from tests.support.simulator_story import START, Caller, first_candidate, story


class RealTime:
    """A real clock under the test's hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_time_runs_at_its_rate_also_across_a_restart(tmp_path: Path) -> None:
    real, path = RealTime(), tmp_path / "state.db"
    store = Store(path)
    clock = SimulatedClock(store, START.timestamp(), 60, real)
    real.now += 10
    assert clock.now() == START + timedelta(seconds=600)
    store.close()
    real.now += 5  # down
    store = Store(path)
    again = SimulatedClock(store, 0, 1, real)
    assert (again.now(), again.rate) == (START + timedelta(seconds=900), 60)
    store.close()


def test_a_change_of_rate_makes_no_jump_and_time_never_goes_back() -> None:
    real = RealTime()
    clock = SimulatedClock(Store(), START.timestamp(), 10, real)
    real.now += 6
    assert clock.move(rate=2) == START + timedelta(seconds=60)
    real.now += 5
    assert clock.now() == START + timedelta(seconds=70)
    real.now -= 100  # the machine's clock is set back
    assert clock.now() >= START + timedelta(seconds=60)
    for wrong in ({"now": START}, {"advance_seconds": -1}, {"rate": 0}, {"rate": -5}):
        with pytest.raises(ValueError, match=r"backwards|rate"):
            clock.move(**wrong)


@pytest.mark.parametrize(
    "text", ["2026-12-01", "2026-12-01T00:00:00", "2026-13-01T00:00:00Z", "soon", "1796083200", ""]
)
def test_only_date_times_with_an_offset_are_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"RFC 3339|month"):
        read_time(text)


def test_times_are_written_in_utc_to_the_second() -> None:
    assert utc_text(read_time("2026-12-01T09:00:00.9+09:00")) == "2026-12-01T00:00:00Z"


def test_every_answer_says_the_simulated_time_and_its_rate() -> None:
    with serve(start=START, rate=50) as simulator:
        for path in ("/_sim/health", "/wfs/tasking/v2/", "/nowhere"):
            answer = httpx.get(simulator.url + path)
            assert answer.headers["X-Clock-Rate"] == "50"
            assert len(answer.headers.get_list("Date")) == 1
            said = parsedate_to_datetime(answer.headers["Date"])
            assert START <= said <= simulator.clock.now()
        simulator.clock.move(rate=1)
        assert "X-Clock-Rate" not in httpx.get(simulator.url + "/_sim/health").headers
        simulator.switch(date_header_skew_seconds=-3600)
        said = parsedate_to_datetime(httpx.get(simulator.url + "/_sim/health").headers["Date"])
        assert said < START


def test_the_clock_is_moved_over_http_and_never_backwards() -> None:
    with serve(start=START) as simulator, httpx.Client(base_url=simulator.url) as http:
        now = http.post("/_sim/clock", json={"advance_seconds": 3600, "rate": 5}).json()
        assert (now["now"][:13], now["rate"]) == ("2026-12-01T01", 5)
        for wrong in (
            {"now": "2026-11-30T00:00:00Z"},
            {"advance_seconds": -1},
            {"rate": 0},
            {"speed": 1},
            {"now": "x"},
        ):
            assert http.post("/_sim/clock", json=wrong).status_code == 400
        assert http.get("/_sim/clock").json()["rate"] == 5


def test_switches_are_read_changed_and_checked_over_http() -> None:
    with serve(start=START, switches={"axelglobe.create_status": 200}) as simulator:
        with httpx.Client(base_url=simulator.url) as http:
            own = "/_sim/axelglobe/switches"
            assert http.get(own).json()["create_status"] == 200
            assert http.patch("/_sim/switches", json={"list_lag_seconds": {"plans": 5}}).status_code == 200
            for wrong in ({"nonsense": 1}, {"create_status": 418, "hrefs": "relative"}, {"rejection_probability": 2}):
                assert http.patch(own, json=wrong).status_code == 400
            assert http.patch("/_sim/switches", json={"nonsense": 1}).status_code == 400
        assert simulator.axelglobe.switches.now.hrefs == "absolute"
        assert simulator.world.switches.now.lag("plans") == 5


def test_a_decision_is_made_over_http() -> None:
    with story() as (simulator, caller):
        request_id = caller.request(first_candidate(simulator, caller)["id"])
        path = f"/_sim/axelglobe/requests/{request_id}"
        assert caller.http.post(path, json={"status": "REJECTED", "in_seconds": 60}).json()["status"] == "PLANNED"
        simulator.advance(61)
        assert caller.standing(request_id)["status"] == "REJECTED"
        assert caller.http.post(path, json={"status": "DATA_AVAILABLE"}).status_code == 409
        assert caller.http.post("/_sim/axelglobe/requests/none", json={"status": "REJECTED"}).status_code == 404
        plan = f"/_sim/axelglobe/plans/{simulator.axelglobe.plans()[0]['id']}"
        assert caller.http.post(plan, json={"no_candidates": True}).json()["barren"]
        assert caller.http.patch("/_sim/axelglobe/switches", json={"credits": 5}).json()["credits"] == 5
        assert simulator.axelglobe.summary()["credits_left"]["demo-client"] == 4
        assert caller.http.delete("/_sim/axelglobe/tokens").json() == {"tokens_revoked": 1}
        assert caller.http.get("/_sim/axelglobe").json()["requests_by_name"] == {"one": [request_id]}


@contextmanager
def process(state: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "tasking.simulator", "--port", "0", "--state", str(state), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as started:
        assert started.stdout is not None
        try:
            line = started.stdout.readline().strip()
            assert line.startswith("listening on http://127.0.0.1:"), line
            yield started, line.removeprefix("listening on ")
        finally:
            started.kill()


def test_a_killed_simulator_goes_on_where_it_stood(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    switches = ("--switch", "axelglobe.credits=3", "--switch", "axelglobe.create_status=200")
    first = ("--start", "2026-12-01T00:00:00Z", "--rate", "100", *switches)

    def look(caller: Caller) -> dict[str, Any]:
        return {
            "plans": caller.items("plans")["features"][0]["properties"],
            "candidates": [one["properties"] for one in caller.candidates(plan_id)],
            "request": caller.standing(request_id),
            "held": {
                name: value
                for name, value in caller.http.get("/_sim/axelglobe").json().items()
                if name.startswith("credits")
            },
            "faults": caller.http.get("/_sim/faults").json(),
            "switches": caller.http.get("/_sim/switches").json(),
            "own switches": caller.http.get("/_sim/axelglobe/switches").json(),
        }

    with process(state, *first) as (started, url), Caller(url) as caller:
        plan_id = caller.post_plan().json()["id"]
        caller.http.post("/_sim/clock", json={"advance_seconds": 1200})
        candidate_id = caller.candidates(plan_id)[-1]["id"]
        request_id = caller.post_request(candidate_id).json()["id"]
        caller.http.post("/_sim/faults", json={"kind": "delay", "path": "/never"})
        caller.http.patch("/_sim/switches", json={"list_order": "oldest"})
        before, token = look(caller), caller.http.headers["Authorization"]
        calls = len(caller.http.get("/_sim/journal").json()["calls"])
        clock = caller.http.get("/_sim/clock").json()["now"]
        os.kill(started.pid, signal.SIGKILL)
        started.wait()
    with process(state) as (_, url), Caller(url) as caller:
        caller.http.headers["Authorization"] = token
        assert look(caller) == before
        assert len(caller.http.get("/_sim/journal").json()["calls"]) >= calls
        later = caller.http.get("/_sim/clock").json()
        assert later["rate"] == 100
        assert later["now"] > clock
        assert caller.post_request(candidate_id).json()["id"] != request_id


@pytest.mark.parametrize(
    "options",
    [
        ["--switch", "nonsense=1"],
        ["--switch", "novalue"],
        ["--start", "2026-12-01"],
        ["--rate", "0"],
        ["--switch", "axelglobe.credits=-1"],
        ["--client", "nosecret"],
    ],
    ids=str,
)
def test_a_wrong_option_is_said_before_anything_listens(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--port", "0", *options])
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "listening" not in said.out
    assert said.err


def test_what_happens_does_not_depend_on_how_often_one_looks() -> None:
    def walk(steps: int) -> dict[str, Any]:
        with story() as (simulator, caller):
            request_id = caller.request(first_candidate(simulator, caller)["id"])
            end = datetime(2026, 12, 6, tzinfo=UTC)
            first = simulator.clock.now()
            for step in range(1, steps + 1):
                simulator.clock.move(now=first + (end - first) * step / steps)
                caller.standing(request_id)
            held = simulator.axelglobe.requests()[0]
            return {name: held[name] for name in ("id", "status", "data_seconds", "capture", "capture_id")}

    assert walk(1) == walk(7)


@pytest.mark.parametrize("missing", ["fastapi", "uvicorn", "sgp4", "rasterio"])
@pytest.mark.parametrize("how", [["-m", "tasking.simulator"], ["-c", "import tasking.simulator"]])
def test_without_its_extra_the_simulator_says_what_to_install(tmp_path: Path, missing: str, how: list[str]) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\n"
        "class Absent:\n"
        "    @staticmethod\n"
        "    def find_spec(name, *_):\n"
        f"        if name == {missing!r}:\n"
        "            raise ModuleNotFoundError(name=name)\n"
        "sys.meta_path.insert(0, Absent)\n"
    )
    answer = subprocess.run(
        [sys.executable, *how], env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True
    )
    assert answer.returncode == 1
    *before, last = answer.stderr.strip().splitlines()
    assert f"The simulator needs {missing}, which is not installed here" in last
    assert "pip install 'tasking-flows[simulator]'" in last
    assert before == [] or how[0] == "-c"
