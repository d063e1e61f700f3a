"""Oriole, served: orders, their states by the clock, and the files of what was taken."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from shapely.geometry import box, mapping

from tasking.simulator.clock import read_time, utc_text
from tasking.simulator.features import json_answer
from tasking.simulator.files import file_answer
from tasking.simulator.manifest import listed
from tasking.simulator.provider import SimulatedProvider
from tasking.simulator.rasters import TIFF, asset_file
from tests.support.oriole.simulator.switches import OrioleSwitches

KIND = "oriole order"
ASSET = "visual"
LIFE_SECONDS = 86400
Fact = dict[str, Any]


class Oriole(SimulatedProvider[OrioleSwitches]):
    """The provider."""

    name = "oriole"
    switches_model = OrioleSwitches

    def join(self, app: FastAPI) -> None:
        """Add the provider under ``/oriole``."""
        own = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, redirect_slashes=False)
        own.add_api_route("/token", self._token, methods=["POST"], response_model=None)
        own.add_api_route("/orders", self._create, methods=["POST"], response_model=None)
        own.add_api_route("/orders", self._list, methods=["GET"], response_model=None)
        own.add_api_route("/orders/{order_id}", self._one, methods=["GET"], response_model=None)
        own.add_api_route("/orders/{order_id}", self._cancel, methods=["PATCH"], response_model=None)
        own.add_api_route("/orders/{order_id}/item", self._item, methods=["GET"], response_model=None)
        own.add_api_route("/files/{order_id}.tif", self._file, methods=["GET", "HEAD"], response_model=None)
        app.mount("/oriole", own)

    def summary(self) -> Fact:
        """All orders, also by label."""
        orders = [{**one, "status": self._state(one)} for one in self._all()]
        by_label: dict[str, list[str]] = {}
        for one in orders:
            by_label.setdefault(one["label"], []).append(one["id"])
        return {"tokens_issued": self.tokens.issued, "orders": orders, "orders_by_label": by_label}

    def files(self, reference: str) -> list[Fact]:
        """What is published for an order."""
        done = [one for one in self._all() if one["label"] == reference and self._state(one) == "delivered"]
        return [listed(f"{one['id']}.tif", self._data(one), one["id"], ASSET) for one in done]

    def _all(self) -> list[Fact]:
        return self._world.store.all(KIND)

    def _state(self, order: Fact) -> str:
        now = self._world.clock.seconds()
        if order["cancelled"]:
            return "cancelled"
        steps = (("delivered", order["delivered_at"]), ("taken", order["taken_at"]), ("planned", order["planned_at"]))
        return next((word for word, at in steps if now >= at), "queued")

    def _shown(self, order: Fact) -> Fact:
        times = {name: utc_text(order[name]) for name in ("start", "end")}
        more = {"new": 1} if self._world.switches.now.extra_fields else {}
        return {
            **{name: order[name] for name in ("id", "label", "point")},
            **times,
            "state": self._state(order),
            **more,
        }

    def _enter(self, request: Request) -> str:
        client_id = self.tokens.holder(request.headers.get("authorization", "").removeprefix("Bearer "))
        if client_id is None:
            raise HTTPException(401, "the token is unknown or has expired")
        request.state.client_id = client_id
        if wait := self.tokens.too_many(client_id):
            raise HTTPException(429, "too many calls", {"Retry-After": str(wait)})
        return client_id

    def _token(self, request: Request) -> Response:
        asked = json.loads(request.state.body)
        if self._world.clients.get(asked["client_id"]) != asked["client_secret"]:
            raise HTTPException(401, "the client is unknown or its secret is wrong")
        token = self.tokens.issue(request, asked["client_id"], LIFE_SECONDS)
        return json_answer({"access_token": token, "expires_in": LIFE_SECONDS})

    def _found(self, request: Request, order_id: str) -> Fact:
        client_id, found = self._enter(request), self._world.store.get(KIND, order_id)
        if found is None or found["client_id"] != client_id:
            raise HTTPException(404, "no such order")
        return found

    def _create(self, request: Request) -> Response:
        client_id, now = self._enter(request), self._world.clock.seconds()
        try:
            body = json.loads(request.state.body)
            start, end = read_time(body["start"]), read_time(body["end"])
            lon, lat = map(float, body["point"])
            label = str(body["label"])
        except (ValueError, KeyError, TypeError) as error:
            raise HTTPException(400, f"not an order: {error}") from error
        if not now < end > start:
            raise HTTPException(400, "the window is over")
        with self._world.store.together():
            taken_at = max(start, now) + self.switches.now.taken_seconds
            order: Fact = {
                "id": self._world.new_uuid(KIND),
                "client_id": client_id,
                "label": label,
                "point": [lon, lat],
                "start": start,
                "end": end,
                "created": now,
                "planned_at": now + self.switches.now.planned_seconds,
                "taken_at": taken_at,
                "delivered_at": taken_at + self.switches.now.delivered_seconds,
                "cancelled": False,
            }
            self._world.store.put(KIND, order["id"], order)
        request.state.created_ids = [order["id"]]
        return json_answer(self._shown(order), 201)

    def _list(self, request: Request, label: str | None = None, ids: str | None = None) -> Response:
        client_id, switches = self._enter(request), self._world.switches.now
        shown = [
            one
            for one in self._all()
            if one["client_id"] == client_id
            and label in (None, one["label"])
            and (ids is None or one["id"] in ids.split(","))
            and one["created"] + switches.lag("orders") <= self._world.clock.seconds()
        ]
        if switches.list_order == "newest":
            shown.reverse()
        return json_answer({"orders": [self._shown(one) for one in shown]})

    def _one(self, request: Request, order_id: str) -> Response:
        return json_answer(self._shown(self._found(request, order_id)))

    def _cancel(self, request: Request, order_id: str) -> Response:
        order = self._found(request, order_id)
        if self._state(order) not in ("queued", "planned"):
            raise HTTPException(409, f"the order is {self._state(order)}")
        order = {**order, "cancelled": True}
        self._world.store.put(KIND, order_id, order)
        return json_answer(self._shown(order))

    def _ground(self, order: Fact) -> Fact:
        lon, lat = order["point"]
        return dict(mapping(box(lon - 0.02, lat - 0.02, lon + 0.02, lat + 0.02)))

    def _data(self, order: Fact) -> bytes:
        return asset_file(order["id"], "tci", self._ground(order))

    def _item(self, request: Request, order_id: str) -> Response:
        order = self._found(request, order_id)
        if self._state(order) != "delivered":
            raise HTTPException(404, "nothing is delivered yet")
        lon, lat = order["point"]
        href = f"{self.url}/oriole/files/{order_id}.tif"
        return json_answer(
            {
                "type": "Feature",
                "stac_version": "1.0.0",
                "id": order_id,
                "geometry": self._ground(order),
                "bbox": [lon - 0.02, lat - 0.02, lon + 0.02, lat + 0.02],
                "properties": {"datetime": utc_text(order["taken_at"])},
                "links": [],
                "assets": {ASSET: {"href": href, "type": TIFF}},
            }
        )

    def _file(self, request: Request, order_id: str) -> Response:
        return file_answer(request, self._data(self._found(request, order_id)), TIFF)
