"""The scenes of a capture and their attachment, the delivery zip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from fastapi import Request, Response

from tasking.simulator.clock import utc_text
from tasking.simulator.features import Json
from tasking.simulator.files import file_answer
from tasking.simulator.manifest import listed
from tasking.simulator.rasters import asset_file
from tasking.simulator.satellogic.answers import Asked, Refusal, listing
from tasking.simulator.satellogic.captures import Capture
from tasking.simulator.satellogic.files import Files
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.satellogic.tasks import Tasks
from tasking.simulator.satellogic.zips import trapped, zip_of
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
# name in the zip, key of the raster
_FILES = {"analytic.tif": "analytic", "visual.tif": "tci", "preview.png": "thumbnail"}


def scene_id(capture: Capture) -> str:
    """The id of a capture's only scene."""
    when = utc_text(capture.look.start).translate({ord(sign): None for sign in "-:Z"}).replace("T", "_")
    return f"{when}_{capture.look.platform.replace('-', '')}_L1D_{capture.capture_id[:8]}"


class Delivery:
    """What is delivered."""

    def __init__(self, world: World, switches: SwitchBoard[SatellogicSwitches], tasks: Tasks, files: Files) -> None:
        self._world, self._switches, self._tasks, self._files = world, switches, tasks, files

    def scenes(self, asked: Asked) -> Response:
        """``GET /telluric/scenes/``: the scenes of ``sceneset_id``, or all of the contract."""
        wanted = asked.query().get("sceneset_id")
        settled = self._world.clock.seconds() - self._world.switches.now.lag("scenes")
        found = [
            capture
            for _, capture in self._tasks.published(asked.client_id, asked.contract["contract_id"])
            if wanted in (None, capture.capture_id) and capture.settled <= settled
        ]
        switches = self._switches.now
        return listing(
            asked,
            "/telluric/scenes/",
            found,
            lambda capture: self._scene(asked, capture),
            switches.page_size,
            switches.page_size_max,
        )

    def _scene(self, asked: Asked, capture: Capture) -> Json:
        name = scene_id(capture)
        url = self._files.address(asked.root, f"/telluric/scenes/{name}/attachments/{name}.zip")
        return {
            "scene_id": name,
            "sceneset_id": capture.capture_id,
            "satellite_name": capture.look.platform,
            "timestamp": utc_text(capture.look.start),
            "attachments": [{"name": "delivery_zip", "url": url, "file_name": f"{name}.zip"}],
        }

    def trap_next(self, kind: str, times: int) -> None:
        """The next zips fetched from their beginning are traps of a kind (-1: always, 0: none)."""
        self._world.store.put("satellogic", "zip trap", {"kind": kind, "times": times})

    def _trap(self, request: Request) -> str:
        kind: str = self._switches.now.zip_trap
        ordered = self._world.store.get("satellogic", "zip trap")
        if not ordered or not ordered["times"]:
            return kind
        whole = request.headers.get("range", "bytes=0-").replace(" ", "").startswith("bytes=0-")
        if ordered["times"] > 0 and whole and request.method == "GET":
            self._world.store.put("satellogic", "zip trap", {**ordered, "times": ordered["times"] - 1})
        return str(ordered["kind"])

    def zip_file(self, request: Request, scene: str, file_name: str) -> Response:
        """A delivery zip; raises `Refusal`."""
        client_id = self._files.open(request)
        for task, capture in self._tasks.published(client_id):
            if scene_id(capture) == scene and file_name == f"{scene}.zip":
                with self._world.store.together():
                    trap = self._trap(request)
                return file_answer(request, trapped(trap, self._contents(task, capture)), "application/zip")
        raise Refusal(404, "Not found.")

    def published(self, task_name: str) -> Iterator[Json]:
        """The zips published for the tasks of a name, and the files in them, each with size and hash."""
        for task, capture in self._tasks.published():
            if task["task_name"] == task_name:
                files, scene = self._contents(task, capture), scene_id(capture)
                yield listed(f"{scene}.zip", zip_of(files), scene)
                yield from (listed(name, data, scene) for name, data in files.items())

    def _contents(self, task: Fact, capture: Capture) -> dict[str, bytes]:
        ground = self._tasks.ground(task, capture)
        metadata = {
            "capture_id": capture.capture_id,
            "scene_id": scene_id(capture),
            "satellite_name": capture.look.platform,
            "datetime": utc_text(capture.look.start),
            "product": task["product"],
            "processing_level": "L1D",
            "off_nadir_deg": capture.look.off_nadir,
            "sun_elevation_deg": capture.look.sun_elevation,
            "footprint": ground,
        }
        rasters = {name: asset_file(capture.capture_id, key, ground) for name, key in _FILES.items()}
        return {"metadata.json": json.dumps(metadata, indent=2).encode(), **rasters}
