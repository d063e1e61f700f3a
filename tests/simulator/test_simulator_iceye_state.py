"""What of the simulated ICEYE survives a killed process, what goes wrong on order, and that its orbits are real."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from pyproj import Geod

from tasking.simulator import Simulator
from tasking.simulator.area import geometry, middle
from tasking.simulator.iceye.sar_passes import iceyes, radar_passes, scene_of
from tasking.simulator.orbits import below, ecef, off_nadir_deg
from tests.support.simulator_story_iceye import START, Caller, iceye_story

WGS84 = Geod(ellps="WGS84")
EPOCH = START.timestamp()
DAY = 86400.0


@contextmanager
def process(state: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "tasking.simulator", "--port", "0", "--state", str(state)]
    start = ["--start", "2026-12-01T00:00:00Z", "--switch", "iceye.decision_jitter_seconds=0"]
    running = subprocess.Popen([*command, *start], stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout is not None
        yield running.stdout.readline().split()[-1], running
    finally:
        if running.poll() is None:
            running.kill()
        running.wait()
        assert running.stdout is not None
        running.stdout.close()


def _ask(url: str, path: str) -> Any:
    return httpx.get(url + path).raise_for_status().json()


def test_tasks_budgets_and_switches_survive_a_killed_process(tmp_path: Path) -> None:
    state = tmp_path / "state.db"
    with process(state) as (url, running):
        contract = _ask(url, "/_sim/iceye/contracts")[0]
        token = httpx.post(
            f"{url}/iceye/auth/v1/token",
            auth=("demo-client", "demo-secret"),
            data={"grant_type": "client_credentials"},
        ).json()["access_token"]
        window = {"start": "2026-12-02T00:00:00Z", "end": "2026-12-04T00:00:00+00:00"}
        wish = {"contractID": contract["id"], "imagingMode": "STRIPMAP", "acquisitionWindow": window}
        made = httpx.post(
            f"{url}/iceye/api/tasking/v2/tasks",
            json={**wish, "pointOfInterest": {"lat": 35.6, "lon": 139.7}, "reference": "kept"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert made.status_code == 201
        running.send_signal(signal.SIGKILL)
        running.wait()
    with process(state) as (url, running):
        found = httpx.get(f"{url}/iceye/api/tasking/v2/tasks", headers={"Authorization": f"Bearer {token}"}).json()[
            "data"
        ]
        assert [(task["id"], task["reference"]) for task in found] == [(made.json()["id"], "kept")]
        assert _ask(url, "/_sim/iceye")["budgets"][contract["id"]]["onHold"] == 125_000
        assert _ask(url, "/_sim/iceye/switches")["decision_jitter_seconds"] == 0
        httpx.post(f"{url}/_sim/clock", json={"advance_seconds": 601}).raise_for_status()
        assert _ask(url, "/_sim/iceye")["tasks"][0]["status"] == "ACTIVE"
        os.kill(running.pid, signal.SIGTERM)
        assert running.wait(10) in (0, -signal.SIGTERM)


def test_the_answer_to_a_create_may_be_lost_while_the_task_is_made() -> None:
    with iceye_story() as (simulator, caller):
        simulator.fault("reset_after", method="POST", path="*/tasking/v2/tasks")
        with pytest.raises(httpx.TransportError):
            caller.post()
        assert simulator.iceye.summary()["tasks_by_reference"].keys() == {"bay"}
        simulator.fault("reset_before", method="POST", path="*/tasking/v2/tasks")
        with pytest.raises(httpx.TransportError):
            caller.post()
        assert len(simulator.iceye.tasks()) == 1
        entries = simulator.journal(method="POST", path="/iceye/api/tasking/v2/tasks")
        assert [(entry["status"], entry["acted"]) for entry in entries] == [("reset", True), ("reset", False)]
        assert entries[0]["created_ids"] == [simulator.iceye.tasks()[0]["id"]]
        assert entries[0]["client_id"] == "demo-client"


def test_faults_reach_tokens_and_files_too() -> None:
    with iceye_story() as (simulator, caller):
        simulator.fault("status", path="/iceye/auth/*", code=503)
        assert caller.token().status_code == 503
        task_id = caller.create(productTypes=["GRD"])
        caller.until(task_id, "DONE")
        href = caller.products(task_id).json()["data"][0]["assets"]["grd-tif"]["href"]
        whole = caller.fetch(href).content
        simulator.fault("flip_bytes", path="/iceye/files/*", count=3)
        flipped = caller.fetch(href).content
        assert (len(flipped), flipped != whole) == (len(whole), True)
        simulator.fault("cut_body", path="/iceye/files/*")
        with pytest.raises(httpx.RemoteProtocolError):
            caller.fetch(href)
        assert caller.fetch(href).content == whole


def test_a_cursor_that_leads_to_itself_can_be_ordered() -> None:
    with iceye_story() as (simulator, caller):
        for _ in range(3):
            caller.create()
        first = caller.get("/tasking/v2/tasks", limit="1")
        simulator.fault("next_to_self", path="*/tasks", times=-1)
        for _ in range(2):
            page = caller.get("/tasking/v2/tasks", limit="1", cursor=first["cursor"])
            assert page["cursor"] == first["cursor"]


def test_feasibility_takes_its_time_by_switch() -> None:
    with iceye_story(iceye={"feasibility_seconds": 5}) as (_, caller):
        caller.http.timeout = httpx.Timeout(0.2)
        with pytest.raises(httpx.ReadTimeout):
            caller.feasible(caller.wish())


@pytest.mark.parametrize(("lon", "lat"), [(139.7, 35.6), (0, 0), (-70, -33), (25, 60.2), (179.95, -17)], ids=str)
def test_a_pass_is_where_when_and_how_it_says(lon: float, lat: float) -> None:
    satellites = {one.name: one for one in iceyes(EPOCH - DAY)}
    found = radar_passes(list(satellites.values()), lon, lat, (EPOCH, EPOCH + 5 * DAY), (15, 40))
    assert {one.side for one in found} == {"LEFT", "RIGHT"}
    assert {one.direction for one in found} == {"ASCENDING", "DESCENDING"}
    for one in found:
        track = satellites[one.platform].positions(one.at + np.array([-5.0, 0.0, 5.0]))
        longitudes, latitudes, heights = below(track)
        assert 540 < heights[1] < 610
        assert (latitudes[2] > latitudes[0]) == (one.direction == "ASCENDING")
        # Broadside: the line of sight stands upright on the flight.
        flight, sight = track[2] - track[0], ecef(lon, lat) - track[1]
        cosine = float(flight @ sight / np.linalg.norm(flight) / np.linalg.norm(sight))
        assert abs(cosine) < 0.002
        # Seen from above, the point lies on the side that was said.
        heading, _, _ = WGS84.inv(longitudes[0], latitudes[0], longitudes[2], latitudes[2])
        bearing, _, away = WGS84.inv(longitudes[1], latitudes[1], lon, lat)
        assert ((bearing - heading) % 360 < 180) == (one.side == "RIGHT")
        # On a round Earth, sin(incidence) = (R + h) / R sin(look): the ellipsoid changes little.
        look = float(off_nadir_deg(track[1], ecef(lon, lat)))
        assert one.look == pytest.approx(look, abs=0.01)
        round_earth = math.degrees(math.asin((6371 + heights[1]) / 6371 * math.sin(math.radians(look))))
        assert one.incidence == pytest.approx(round_earth, abs=0.4)
        assert 15 <= one.incidence <= 40
        assert 120 < away / 1000 < 480


def test_a_scene_lies_around_its_point_with_its_near_edge_towards_the_satellite() -> None:
    satellites = {one.name: one for one in iceyes(EPOCH - DAY)}
    found = radar_passes(list(satellites.values()), 10.0, 45.0, (EPOCH, EPOCH + 3 * DAY), (15, 35))
    for one in found:
        scene = scene_of(one, satellites[one.platform], 10.0, 45.0, 30, 50)
        area = geometry(scene.footprint)
        assert middle(area) == pytest.approx((10, 45), abs=0.02)
        assert abs(WGS84.geometry_area_perimeter(area)[0]) / 1e6 == pytest.approx(1500, rel=0.01)
        assert 1 < one.incidence - scene.near < 2
        assert 1 < scene.far - one.incidence < 2


def test_a_task_on_the_antimeridian_has_one_ring_that_goes_on_beyond_180() -> None:
    with iceye_story() as (simulator, caller):
        task_id = caller.create(pointOfInterest={"lat": -17.0, "lon": 179.99}, imagingMode="SCAN", hours=300)
        caller.until(task_id, "DONE")
        item = caller.products(task_id).json()["data"][0]
        ring = item["geometry"]["coordinates"][0]
        longitudes = [lon for lon, _ in ring]
        assert min(longitudes) < 180 < max(longitudes)
        assert max(longitudes) - min(longitudes) < 3
        assert caller.fetch(item["assets"]["grd-tif"]["href"]).content[:2] == b"II"
        assert simulator.iceye.tasks()[0]["products"] == ["GRD"]  # a scan gives no complex product


def test_the_same_seed_makes_the_same_story() -> None:
    def told(simulator: Simulator, caller: Caller) -> Any:
        window = {"start": "2026-12-02T00:00:00Z", "end": "2026-12-05T00:00:00Z"}
        task_id = caller.create(acquisitionWindow=window)
        simulator.clock.move(now=EPOCH + 1500)
        return task_id, caller.scene(task_id).json()

    with iceye_story(seed=3) as first, iceye_story(seed=3) as second:
        assert told(*first) == told(*second)
