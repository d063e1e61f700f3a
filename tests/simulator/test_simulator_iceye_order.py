"""The simulated ICEYE, from token to the last product, held against its published OpenAPI text at each call."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import numpy as np
import pytest
from pyproj import Geod, Transformer
from rasterio.io import MemoryFile

from tests.support.openapi_contract import assert_answer_valid, assert_request_valid
from tests.support.simulator_story_iceye import BOTH, HELSINKI, iceye_story

QUICK = {"decision_seconds": 600, "decision_jitter_seconds": 0}


def test_an_order_goes_from_received_to_done_with_its_sla_products_first() -> None:
    with iceye_story() as (simulator, caller):
        assert caller.feasible(caller.wish()) == ["FEASIBLE"]
        task_id = caller.create()
        assert caller.scene(task_id).status_code == caller.products(task_id).status_code == 404
        simulator.advance(1201)  # the decision takes 20 minutes at most
        assert caller.status(task_id) == "ACTIVE"
        planned = caller.scene(task_id).json()
        assert caller.products(task_id).json()["code"] == "ERR_PRODUCTS_UNAVAILABLE"
        assert caller.until(task_id, "FULFILLED") == ["ACTIVE", "FULFILLED"]
        imaged, fulfilled = (
            datetime.fromisoformat(text)
            for text in (planned["imagingTime"]["end"], caller.task(task_id)["fulfilledAt"])
        )
        assert timedelta(0) < fulfilled - imaged <= timedelta(hours=8)  # SLA_8H
        first = [item["properties"]["sar:product_type"] for item in caller.products(task_id).json()["data"]]
        assert first == ["GRD"]
        assert caller.products(task_id, "SLC").status_code == 404
        assert caller.until(task_id, "DONE") == ["FULFILLED", "DONE"]
        items = caller.products(task_id).json()["data"]
        assert [item["properties"]["sar:product_type"] for item in items] == ["GRD", "SLC"]
        assert caller.products(task_id, "SLC").json()["data"][0]["id"] == items[1]["id"]
        assert caller.scene(task_id).json() == planned
        simulator.advance(30 * 86400)
        caller.renew()
        assert caller.status(task_id) == "DONE"


def test_a_task_without_other_products_goes_straight_to_done() -> None:
    with iceye_story() as (_, caller):
        for types in (["GRD", "QLK"], ["SLC"]):
            task_id = caller.create(productTypes=types)
            assert caller.until(task_id, "DONE", "FULFILLED") == ["RECEIVED", "ACTIVE", "DONE"]
            assert len(caller.products(task_id).json()["data"]) == len(types)


def test_an_infeasible_task_is_told_before_and_rejected_after() -> None:
    with iceye_story() as (simulator, caller):
        narrow = {"incidenceAngle": {"min": 10, "max": 10}}
        scan = {"imagingMode": "SCAN", "incidenceAngle": {"min": 35, "max": 45}}  # out of the mode's reach
        assert caller.feasible(caller.wish(), caller.wish(**narrow), caller.wish(**scan)) == [
            "FEASIBLE",
            "INFEASIBLE",
            "INFEASIBLE",
        ]
        task_id = caller.create(**narrow)
        assert caller.until(task_id, "REJECTED") == ["RECEIVED", "REJECTED"]
        assert caller.scene(task_id).status_code == 404
        assert caller.budget()["onHold"] == 0
        simulator.iceye.infeasible_for_next()
        assert caller.until(caller.create(), "ACTIVE", "REJECTED")[-1] == "REJECTED"
        assert caller.until(caller.create(), "ACTIVE", "REJECTED")[-1] == "ACTIVE"


def test_decisions_by_hand_are_kept_and_impossible_ones_refused() -> None:
    with iceye_story(iceye=QUICK) as (simulator, caller):
        task_id = caller.create()
        http = httpx.Client(base_url=simulator.url, verify=False)
        with http:
            path = f"/_sim/iceye/tasks/{task_id}"
            assert http.post(path, json={"status": "DONE"}).status_code == 409
            assert http.post(path, json={"status": "REJECTED", "in_seconds": 60}).json()["status"] == "RECEIVED"
            simulator.advance(3000)
            assert caller.status(task_id) == "REJECTED"
            assert http.post(path, json={"status": "ACTIVE"}).json()["status"] == "ACTIVE"
            capture = simulator.iceye.tasks()[0]["capture"]
            simulator.clock.move(now=capture["end"] + 1)
            caller.renew()
            assert http.post(path, json={"status": "FULFILLED"}).json()["ready"] == ["GRD"]
            assert caller.status(task_id) == "FULFILLED"
            assert http.post(path, json={"status": "PAUSED"}).json()["status"] == "PAUSED"
            simulator.advance(10 * 86400)
            assert simulator.iceye.tasks()[0]["status"] == "PAUSED"
            assert http.post("/_sim/iceye/tasks/x", json={"status": "DONE"}).status_code == 404


def test_a_failed_imaging_leaves_no_products_and_costs_nothing() -> None:
    with iceye_story(iceye={"failure_probability": 1}) as (_, caller):
        task_id = caller.create()
        assert caller.until(task_id, "FAILED") == ["RECEIVED", "ACTIVE", "FAILED"]
        assert caller.products(task_id).status_code == 404
        assert (caller.budget()["consolidatedSpent"], caller.budget()["onHold"]) == (0, 0)


def test_the_plan_may_move_before_imaging_and_the_scene_says_what_was_imaged() -> None:
    with iceye_story(iceye={"scene_moves": True, **QUICK}) as (simulator, caller):
        task_id = caller.create(lead_hours=48)
        simulator.advance(700)
        first = caller.scene(task_id).json()
        caller.until(task_id, "DONE", "FULFILLED")
        moved = caller.scene(task_id).json()
        assert moved["imagingTime"]["start"] > first["imagingTime"]["start"]
        item = caller.products(task_id).json()["data"][0]
        assert item["properties"]["start_datetime"] == moved["imagingTime"]["start"]


@pytest.mark.parametrize("side", ["LEFT", "RIGHT"])
@pytest.mark.parametrize("direction", ["ASCENDING", "DESCENDING"])
def test_the_scene_keeps_to_what_was_asked(side: str, direction: str) -> None:
    asked = {"lookSide": side, "passDirection": direction, "incidenceAngle": {"min": 15, "max": 40}}
    with iceye_story(iceye=QUICK) as (simulator, caller):
        wish = caller.wish(**asked, hours=200)
        task_id = caller.post(wish).json()["id"]
        simulator.advance(700)
        scene = caller.scene(task_id).json()
        assert (scene["lookSide"], scene["passDirection"]) == (side, direction)
        assert isinstance(scene["incidenceAngle"], str)
        assert 15 <= float(scene["incidenceAngle"]) <= 40
        window = [datetime.fromisoformat(wish["acquisitionWindow"][name]) for name in ("start", "end")]
        imaging = [datetime.fromisoformat(scene["imagingTime"][name]) for name in ("start", "end")]
        assert window[0] - timedelta(seconds=1) <= imaging[0] < imaging[1] <= window[1] + timedelta(seconds=1)
        assert (imaging[1] - imaging[0]).total_seconds() == scene["duration"] == 10


def test_the_images_are_speckled_georeferenced_and_named_by_their_item() -> None:
    with iceye_story() as (_, caller):
        task_id = caller.create(productTypes=["GRD", "SLC-COG"])
        caller.until(task_id, "DONE")
        grd, slc = caller.products(task_id).json()["data"]
        assert set(grd["assets"]) == {"grd-tif", "grd-xml", "thumbnail-png"}
        data = caller.fetch(grd["assets"]["grd-tif"]["href"]).content
        with MemoryFile(data) as memory, memory.open() as picture:
            assert picture.tags()["PRODUCT_TYPE"] == "GRD"
            to_utm = Transformer.from_crs("EPSG:4326", picture.crs, always_xy=True)
            row, column = picture.index(*to_utm.transform(HELSINKI["lon"], HELSINKI["lat"]))
            amplitude = picture.read(1).astype(float)
            assert abs(row / picture.height - 0.5) < 0.05
            assert abs(column / picture.width - 0.5) < 0.05
            assert amplitude[row, column] > 0
            inside = amplitude[row - 20 : row + 20, column - 20 : column + 20]
            # Speckle: neighbours differ far more than a smooth picture's would.
            assert np.abs(np.diff(inside)).mean() > 0.1 * inside.mean()
        west, south, east, north = grd["bbox"]
        wide, high = (
            Geod(ellps="WGS84").inv(*pair)[2] / 1000 for pair in ((west, 60, east, 60), (24, south, 24, north))
        )
        assert 30 < wide < 60
        assert 45 < high < 70
        with MemoryFile(caller.fetch(slc["assets"]["slc-cog"]["href"]).content) as memory, memory.open() as picture:
            assert picture.count == 2  # amplitude and phase
            assert np.abs(picture.read(2)).max() <= np.pi + 1e-6


def test_a_signed_address_needs_no_token_and_ends_after_an_hour() -> None:
    with iceye_story(iceye={"url_life_seconds": 3600}) as (simulator, caller):
        task_id = caller.create()
        caller.until(task_id, "FULFILLED")
        href = caller.products(task_id).json()["data"][0]["assets"]["grd-tif"]["href"]
        whole = caller.fetch(href)
        assert int(whole.headers["content-length"]) == len(whole.content)
        part = caller.fetch(href, Range="bytes=100-199")
        assert (part.status_code, part.content) == (206, whole.content[100:200])
        assert caller.fetch(href[:-1] + ("0" if href[-1] != "0" else "1")).status_code == 403
        assert caller.fetch(href.replace("expires=", "expires=9")).status_code == 403
        simulator.iceye.switch(files_with_bearer="refuse")
        assert caller.fetch(href, Authorization="Bearer x").status_code == 400
        simulator.advance(3590)
        assert caller.fetch(href).status_code == 200
        simulator.advance(20)
        assert caller.fetch(href).status_code == 403
        caller.renew()
        fresh = caller.products(task_id).json()["data"][0]["assets"]["grd-tif"]["href"]
        assert caller.fetch(fresh).content == whole.content
        assert "sig=(redacted)" in simulator.journal(path="*/files/*")[0]["query"]
        assert href.rpartition("=")[2] not in json.dumps(simulator.journal())


def test_products_are_flat_objects_by_switch_with_ids_that_stay() -> None:
    with iceye_story(iceye={"product_shape": "flat", "products_page_size": 1}) as (_, caller):
        task_id = caller.create()
        caller.until(task_id, "DONE")
        path = f"/tasking/v2/tasks/{task_id}/products"
        first = caller.call("GET", path, check=False).json()
        second = caller.call("GET", path, check=False, query={"cursor": first["cursor"]}).json()
        assert "cursor" not in second
        product = first["data"][0]
        assert set(product) == {"id", "productType", "status", "url", "expiresAt", "size"}
        assert (product["productType"], second["data"][0]["productType"]) == ("GRD", "SLC")
        assert len(caller.fetch(product["url"]).content) == product["size"]
        assert caller.call("GET", path, check=False).json()["data"][0]["id"] == product["id"]


def test_an_error_has_the_form_that_accept_asks_for() -> None:
    with iceye_story() as (simulator, caller):
        path = "/tasking/v2/tasks/6f7d8a52-3c54-4c1b-8f6e-0d6a3a0b1c2d"
        assert set(caller.call("GET", path).json()) == {"code", "message"}
        both = caller.call("GET", path, headers={"Accept": BOTH})
        assert both.headers["content-type"] == "application/problem+json"
        assert set(both.json()) == {"title", "code", "details", "reference"}
        simulator.iceye.switch(error_form="plain")
        assert set(caller.call("GET", path, headers={"Accept": BOTH}).json()) == {"code", "message"}
        assert caller.call("GET", "/tasking/v2/nothing", check=False).json()["code"] == "ERR_NOT_FOUND"


def test_the_contract_of_the_published_text_has_teeth() -> None:
    wish = {"contractID": "x", "imagingMode": "SCAN", "pointOfInterest": {"lat": 1, "lon": 2}}
    with pytest.raises(AssertionError, match="acquisitionWindow"):
        assert_request_valid("POST", "/tasking/v2/tasks", wish)
    with pytest.raises(AssertionError, match="is not described"):
        assert_request_valid("DELETE", "/tasking/v2/tasks")
    with pytest.raises(AssertionError, match="status"):
        assert_request_valid("GET", "/tasking/v2/tasks", None, {"status": "DONE"})
    with pytest.raises(AssertionError, match="lat"):
        assert_request_valid("GET", "/api/tasking/v2/price?x", None, {"pointOfInterest[lat]": "north"})
    with pytest.raises(AssertionError, match="this status"):
        assert_answer_valid("POST", "/tasking/v2/tasks", 409, {"code": "x", "message": "y"})
    with pytest.raises(AssertionError, match="required property"):
        assert_answer_valid("GET", "/tasking/v2/price", 200, {"amount": 5})


class _Receiver(BaseHTTPRequestHandler):
    heard: list[tuple[str, Any]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = b"{}"
        if self.path == "/token":
            answer = b'{"access_token": "receiver-token"}'
        else:
            self.heard.append((self.headers["Authorization"], json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    heard: list[tuple[str, Any]] = []
    server = HTTPServer(("127.0.0.1", 0), type("Heard", (_Receiver,), {"heard": heard}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _wait(heard: list[tuple[str, Any]], count: int) -> None:
    for _ in range(500):  # ten seconds at most
        if len(heard) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"only {heard}")


def test_a_registered_webhook_hears_of_each_change_with_a_token_of_its_own() -> None:
    with receiver() as (url, heard), iceye_story() as (simulator, caller):
        oauth = {"token_url": f"{url}/token", "client_id": "iceye", "client_secret": "ours"}
        with httpx.Client(base_url=simulator.url, verify=False) as http:
            webhook_id = http.post("/_sim/iceye/webhooks", json={"url": f"{url}/hook", "oauth": oauth}).json()["id"]
            assert http.post("/_sim/iceye/webhooks", json={"url": "https://example.com/"}).status_code == 400
        task_id = caller.create(notifications={"webhook": {"id": webhook_id}})
        caller.create()  # names no webhook
        simulator.advance(1201)
        _wait(heard, 1)
        simulator.iceye.decide(task_id, "FAILED")
        _wait(heard, 2)
        assert [body["status"] for _, body in heard] == ["ACTIVE", "FAILED"]
        assert {body["taskID"] for _, body in heard} == {task_id}
        assert {authorization for authorization, _ in heard} == {"Bearer receiver-token"}
