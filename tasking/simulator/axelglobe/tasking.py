"""AxelGlobe's tasking API v2 call by call: which parameters each takes, what it lists, what it makes."""

from __future__ import annotations

from typing import Any

import shapely
from fastapi import Response

from tasking.simulator.area import geometry
from tasking.simulator.axelglobe import satellites as reference
from tasking.simulator.axelglobe.plans import Plans
from tasking.simulator.axelglobe.requests import Requests
from tasking.simulator.axelglobe.shapes import BASE, COLLECTIONS, Shapes
from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.features import GEOJSON, Call, Json, box_param, filter_param, json_answer, page, time_param
from tasking.simulator.orbits import Satellite
from tasking.simulator.problem import Problem
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

_CONFORMS = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]
Fact = dict[str, Any]


class Tasking:
    """The calls of the tasking API."""

    def __init__(
        self,
        world: World,
        switches: SwitchBoard[AxelGlobeSwitches],
        satellites: list[Satellite],
        plans: Plans,
        requests: Requests,
    ) -> None:
        self._world, self._switches = world, switches
        self._satellites, self._plans, self._requests = satellites, plans, requests
        self._shapes = Shapes(world, switches, plans, requests)

    def landing(self, _: Call) -> Response:
        """The landing page."""

        def link(path: str, rel: str, title: str) -> Json:
            return {"href": BASE + path, "rel": rel, "type": "application/json", "title": title}

        conformance = "OGC API - Features (WFS 3) conformance classes implemented by this server"
        return json_answer(
            {
                "title": "The AxelGlobe Tasking API",
                "description": "Access to the tasking capabilities on the AxelGlobe via a REST API",
                "links": [
                    link("", "self", "Landing page"),
                    link("conformance", "conformance", conformance),
                    link("collections", "data", "Metadata about the feature collections"),
                ],
            }
        )

    def conformance(self, _: Call) -> Response:
        """Conformance classes; the document shows no body."""
        return json_answer({"conformsTo": _CONFORMS})

    def collections(self, call: Call) -> Response:
        """All five collections."""
        link = {"rel": "self", "href": self._shapes.href(call, f"{BASE}collections"), "type": "application/json"}
        return json_answer(
            {"links": [link], "collections": [self._shapes.collection(call, one) for one in COLLECTIONS]}
        )

    def one_collection(self, call: Call, collection: str) -> Response:
        """One collection; raises `Problem` 404."""
        if collection not in COLLECTIONS:
            raise Problem(404, f"no collection {collection!r}")
        return json_answer(self._shapes.collection(call, collection))

    def items(self, call: Call, collection: str) -> Response:
        """A page of items; raises `Problem` 400 or 404."""
        switches = self._switches.now
        known = {
            "satellites": ("limit", "offset"),
            "satellite_ground_tracks": ("limit", "offset", "filter"),
            "plans": ("limit", "offset", "bbox", "datetime", "filter"),
            "candidates": ("filter", "limit", "offset", "datetime", "bbox"),
            "requests": ("limit", "offset", "filter"),
        }
        if collection not in known:
            raise Problem(404, f"no collection {collection!r}")
        params = call.params(known[collection], switches.unknown_parameters)
        matched, show = getattr(self, f"_list_{collection}")(call, params)
        href = self._shapes.href(call, f"{BASE}collections/{collection}/items")
        body = page(href, params, matched, show, 100 if collection == "candidates" else 20)
        if self._world.switches.now.extra_fields:
            body["timeStamp"] = self._world.clock.now().isoformat()
        return json_answer(body, media_type=GEOJSON)

    def _list_satellites(self, _call: Call, _params: dict[str, str]) -> Any:
        now = self._world.clock.seconds()
        return self._satellites, lambda one: reference.satellite_feature(one, now)

    def _list_satellite_ground_tracks(self, _call: Call, params: dict[str, str]) -> Any:
        wanted = filter_param(params, ("satellite_id",)).equals.get("satellite_id")
        now = self._world.clock.seconds()
        chosen = [one for one in self._satellites if wanted is None or wanted.upper() == one.name]
        return [track for one in chosen for track in reference.next_tracks(one, now)], reference.track_feature

    def _listed(self, facts: list[Fact], collection: str) -> list[Fact]:
        switches, now = self._world.switches.now, self._world.clock.seconds()
        shown = [fact for fact in facts if fact["created"] + switches.lag(collection) <= now]
        return shown[::-1] if switches.list_order == "newest" else shown

    def _list_plans(self, call: Call, params: dict[str, str]) -> Any:
        wanted = filter_param(params, ("status",), geometry=True)
        area, times = box_param(params), time_param(params)
        matched = [
            plan
            for plan in self._listed(self._plans.of(call.client_id), "plans")
            if wanted.equals.get("status") in (None, "ACTIVE" if self._plans.ready(plan) else "PROCESSING")
            and (times is None or (plan["start"] <= times[1] and times[0] <= plan["end"]))
            and all(shapely.intersects(one, geometry(plan["geometry"])) for one in (*wanted.intersects, area) if one)
        ]
        return matched, lambda plan: self._shapes.plan(call, plan)

    def _list_candidates(self, call: Call, params: dict[str, str]) -> Any:
        plan_id = filter_param(params, ("task_plan_id",)).equals.get("task_plan_id")
        if plan_id is None:
            raise Problem(400, "filter: a filter to a task plan is required, task_plan_id = '...'")
        area, times = box_param(params), time_param(params)
        plan = self._plans.get(plan_id)
        matched = [
            candidate
            for candidate in (self._plans.candidates(plan) if plan and plan["client_id"] == call.client_id else [])
            if (times is None or (candidate["capture"].start <= times[1] and times[0] <= candidate["capture"].end))
            and (area is None or shapely.intersects(area, geometry(candidate["capture"].geometry)))
        ]
        return matched, lambda candidate: self._shapes.candidate(call, candidate)

    def _list_requests(self, call: Call, params: dict[str, str]) -> Any:
        wanted = filter_param(params, ("priority", "task_plan_id")).equals
        matched = [
            request
            for request in self._listed(self._requests.of(call.client_id), "requests")
            if wanted.get("priority") in (None, request["priority"])
            and wanted.get("task_plan_id") in (None, request["plan_id"])
        ]
        return matched, lambda request: self._shapes.request(call, request)

    def one_item(self, call: Call, collection: str, item_id: str) -> Response:
        """One item; raises `Problem` 404."""
        call.params((), self._switches.now.unknown_parameters)
        feature = self._read_item(call, collection, item_id)
        if feature is None:
            raise Problem(404, f"no item {item_id!r} in {collection!r}")
        return json_answer(feature, media_type=GEOJSON)

    def _read_item(self, call: Call, collection: str, item_id: str) -> Json | None:
        now = self._world.clock.seconds()
        if collection == "satellites":
            for satellite in self._satellites:
                if satellite.name == item_id.upper():
                    return reference.satellite_feature(satellite, now)
        if collection == "satellite_ground_tracks":
            track = reference.read_track_id(self._satellites, item_id, now)
            return reference.track_feature(track) if track else None
        if collection == "plans":
            plan = self._plans.get(item_id)
            return self._shapes.plan(call, plan) if plan and plan["client_id"] == call.client_id else None
        if collection == "candidates":
            found = self._plans.read_candidate(call.client_id, item_id)
            readable = found and (found[1] or self._switches.now.expired_candidate_readable)
            return self._shapes.candidate(call, found[0]) if found and readable else None
        if collection == "requests":
            request = self._requests.get(item_id)
            return self._shapes.request(call, request) if request and request["client_id"] == call.client_id else None
        return None

    def create(self, call: Call, collection: str) -> Response:
        """A new plan or request; raises `Problem`."""
        if collection not in ("plans", "requests"):
            allowed = {"Allow": "GET"} if collection in COLLECTIONS else {}
            raise Problem(405 if allowed else 404, f"nothing can be created in {collection!r}", allowed)
        if collection == "plans":
            made = self._plans.create(call.client_id, call.feature())
            body = self._shapes.plan(call, made)
        else:
            made = self._requests.create(call.client_id, call.feature())
            body = self._shapes.request(call, made)
        call.request.state.created_ids = [made["id"]]
        return json_answer(body, self._switches.now.create_status, GEOJSON)

    def delete(self, call: Call, collection: str, item_id: str) -> Response:
        """Cancel a request, when switched on; raises `Problem`."""
        if collection != "requests" or not self._switches.now.cancel_endpoint:
            raise Problem(405, "DELETE is not possible here", {"Allow": "GET"})
        request = self._requests.get(item_id)
        if request is None or request["client_id"] != call.client_id:
            raise Problem(404, f"no item {item_id!r} in {collection!r}")
        self._requests.cancel(request)
        return Response(status_code=204)
