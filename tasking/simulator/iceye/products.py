"""ICEYE's products: what is there of a task, and its files behind signed addresses that end after an hour."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import Request, Response

from tasking.simulator.files import file_answer
from tasking.simulator.iceye.calls import Call, Json, Refusal, answer, page
from tasking.simulator.iceye.contracts import TASK
from tasking.simulator.iceye.items import File, files_of, flat_item, looks, metadata, product_name, stac_item
from tasking.simulator.iceye.modes import PRODUCT_TYPES
from tasking.simulator.iceye.sar_rasters import radar_file
from tasking.simulator.iceye.switches import IceyeSwitches
from tasking.simulator.iceye.tasking import Tasking
from tasking.simulator.iceye.tasks import Tasks
from tasking.simulator.iceye.timeline import Standing
from tasking.simulator.manifest import listed
from tasking.simulator.rasters import PNG, TIFF
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
FILES = "/files/{task_id}/{product}/{name}"


class Products:
    """Lists of products, and their files."""

    def __init__(self, world: World, switches: SwitchBoard[IceyeSwitches], tasks: Tasks, tasking: Tasking) -> None:
        self._world, self._switches, self._tasks, self._tasking = world, switches, tasks, tasking
        self._key = world.chance("iceye file key").randbytes(32)

    def list(self, call: Call, task_id: str) -> Response:
        """``GET /tasks/{taskID}/products``; raises `Refusal` 404 before the first is there."""
        return self._answer(call, task_id, PRODUCT_TYPES)

    def by_type(self, call: Call, task_id: str, product: str) -> Response:
        """``GET /tasks/{taskID}/products/{productType}``; raises `Refusal` 400 for an unknown type, 404 as `list`."""
        if product not in PRODUCT_TYPES:
            raise Refusal(400, f"productType: must be one of {', '.join(PRODUCT_TYPES)}")
        return self._answer(call, task_id, (product,))

    def _answer(self, call: Call, task_id: str, wanted: tuple[str, ...]) -> Response:
        switches = self._switches.now
        params = call.params(("cursor",), switches.unknown_parameters)
        task = self._tasking.asked(call, task_id)
        stands = self._tasks.standing(task)
        there = [product for product in stands.products if product in wanted]
        if not there:
            said = f"no products yet: the task is {stands.status}"
            raise Refusal(404, said, "ERR_PRODUCTS_UNAVAILABLE", "Products Not Found")
        if not switches.product_type_told:
            return answer({"data": [self._in_one(call, task, stands, there)]})
        shown, onward = page(there, params, switches.products_page_size, str, switches.last_cursor)
        return answer({"data": [self._shown(call, task, stands, product) for product in shown], **onward})

    def _in_one(self, call: Call, task: Fact, stands: Standing, there: Sequence[str]) -> Json:
        """All products in one item: their types are told by the keys of the assets only."""
        parts = [self._shown(call, task, stands, product) for product in there]
        whole = {**parts[0], "id": str(task["id"]), "properties": {**parts[0]["properties"], "sar:product_type": None}}
        return {**whole, "assets": {key: file for part in parts for key, file in part["assets"].items()}}

    def _shown(self, call: Call, task: Fact, stands: Standing, product: str) -> Json:
        capture = stands.capture
        assert capture is not None
        expires = self._world.clock.seconds() + self._switches.now.url_life_seconds
        files = files_of(task, capture, product)
        hrefs = {file.key: self._signed(call.request, task, product, file, int(expires)) for file in files}
        if self._switches.now.product_shape == "flat":
            size = len(self._data(task, capture, product, files[0]))
            return flat_item(task, product, hrefs[files[0].key], expires, size)
        ready = stands.fulfilled if product in task["sla_products"] else stands.complete
        return stac_item(task, capture, product, ready or self._world.clock.seconds(), hrefs)

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._key, f"{path}?{expires}".encode(), hashlib.sha256).hexdigest()

    def _signed(self, request: Request, task: Fact, product: str, file: File, expires: int) -> str:
        path = f"{task['id']}/{product}/{file.name}"
        query = urlencode({"expires": expires, "sig": self._signature(path, str(expires))})
        return f"{request.url.scheme}://{request.headers['host']}/iceye/files/{quote(path)}?{query}"

    def file(self, request: Request) -> Response:
        """One file, for whoever holds its address: no token is asked for. Refusals are XML, as of an object store."""
        task_id, product, name = (request.path_params[part] for part in ("task_id", "product", "name"))
        expires = request.query_params.get("expires", "")
        signed = self._signature(f"{task_id}/{product}/{name}", expires)
        if not hmac.compare_digest(signed.encode(), request.query_params.get("sig", "").encode()):
            return _denied(403, "SignatureDoesNotMatch", "The signature does not match the address")
        if self._world.clock.seconds() >= int(expires):
            return _denied(403, "AccessDenied", "Request has expired")
        if "authorization" in request.headers and self._switches.now.files_with_bearer == "refuse":
            return _denied(400, "InvalidArgument", "Only one auth mechanism allowed")
        task = self._world.store.get(TASK, task_id)
        capture = self._tasks.standing(task).capture if task else None
        for file in files_of(task, capture, product) if task and capture else ():
            if file.name == name and task and capture:
                return file_answer(request, self._data(task, capture, product, file), file.media_type)
        return _denied(404, "NoSuchKey", "The specified key does not exist")

    def published(self, reference: str) -> Iterator[Json]:
        """The files that are there of the tasks with a reference, each with size and hash."""
        for task in self._tasks.all():
            stands = self._tasks.standing(task)
            if task["asked"].get("reference") != reference or stands.capture is None:
                continue
            for product in stands.products:
                item = product_name(task, stands.capture, product)
                for file in files_of(task, stands.capture, product):
                    yield listed(file.name, self._data(task, stands.capture, product, file), item, file.key)

    @staticmethod
    def _data(task: Fact, capture: Fact, product: str, file: File) -> bytes:
        if file.media_type not in (TIFF, PNG):
            return metadata(task, capture, product)
        tags = {"PRODUCT_TYPE": product, "SATELLITE": capture["platform"], "LOOK_SIDE": capture["side"]}
        kind = "thumbnail" if file.media_type == PNG else product
        return radar_file(task["id"], kind, capture["footprint"], looks(product), tags)


def _denied(status: int, code: str, said: str) -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{said}</Message></Error>'
    return Response(text, status, media_type="application/xml")
