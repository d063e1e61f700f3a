"""The shapes of AxelGlobe's tasking answers, as its document shows them."""

from __future__ import annotations

from typing import Any

from tasking.simulator.axelglobe.plans import Plans, candidate_properties, plan_properties
from tasking.simulator.axelglobe.requests import Requests, request_properties
from tasking.simulator.axelglobe.stac import ROOT as STAC_ROOT
from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.features import GEOJSON, Call, Json
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

BASE = "/wfs/tasking/v2/"
COLLECTIONS = {
    "satellites": ("AxelGlobe Satellites", "List of satellites that can be Tasked with the AxelGlobe Tasking API"),
    "satellite_ground_tracks": (
        "AxelGlobe Satellite Future Ground Tracks",
        "Ground track showing the approximate future path of an AxelGlobe satellite for 1 orbit.",
    ),
    "plans": ("Registered AOIs for planning captures", "Manage AOIs for planning captures"),
    "candidates": ("Candidate Captures", "Candidate Captures"),
    "requests": ("Request Captures", "Request Captures"),
}
Fact = dict[str, Any]


class Shapes:
    """Makes GeoJSON of what is stored."""

    def __init__(
        self, world: World, switches: SwitchBoard[AxelGlobeSwitches], plans: Plans, requests: Requests
    ) -> None:
        self._world, self._switches, self._plans, self._requests = world, switches, plans, requests

    def href(self, call: Call, path: str) -> str:
        """An address on this server, absolute or relative as switched."""
        relative = self._switches.now.hrefs == "relative"
        return path if relative else str(call.request.base_url).rstrip("/") + path

    def item_link(self, call: Call, rel: str, collection: str, item_id: str) -> Json:
        """A link to one item, with the flaws that are switched on."""
        switches = self._switches.now
        if switches.self_links_without_href:
            return {"rel": rel, "type": GEOJSON}
        path = f"{BASE}collections/{collection}/items/" + ("" if switches.ids_missing_in_links else item_id)
        return {"rel": rel, "href": self.href(call, path), "type": GEOJSON}

    def _feature(self, item_id: str, shape: Json, properties: Json, links: list[Json]) -> Json:
        word = self._switches.now.unknown_status_word
        if word and properties.get("status") == "PROCESSING":
            properties["status"] = word
        feature = {"type": "Feature", "geometry": shape, "id": item_id, "properties": properties, "links": links}
        if self._world.switches.now.extra_fields:
            properties["ag:new_field"] = {"nested": [1, None]}
            feature["newMember"] = "unknown to the document"
        return feature

    def plan(self, call: Call, plan: Fact) -> Json:
        """A plan as it stands now."""
        status = "ACTIVE" if self._plans.ready(plan) else "PROCESSING"
        path = f"{BASE}collections/candidates/items?filter=task_plan_id = '{plan['id']}'"
        links = [
            self.item_link(call, "self", "plans", plan["id"]),
            {"rel": "candidates", "href": self.href(call, path), "type": GEOJSON},
        ]
        return self._feature(plan["id"], plan["geometry"], plan_properties(plan, status), links)

    def candidate(self, call: Call, candidate: Fact) -> Json:
        """A candidate."""
        links = [
            self.item_link(call, "self", "candidates", candidate["id"]),
            self.item_link(call, "parent", "plans", candidate["plan"]["id"]),
        ]
        shape = candidate["capture"].geometry
        return self._feature(candidate["id"], shape, candidate_properties(candidate), links)

    def request(self, call: Call, request: Fact) -> Json:
        """A request as it stands now; its geometry is empty, as documented."""
        switches = self._switches.now
        stands = self._requests.standing(request)
        plan = self._plans.get(request["plan_id"]) or {}
        published = stands.captured and stands.data_at <= self._world.clock.seconds()
        known = {"captured": stands.captured, "data": published, "never": False}[switches.capture_id_known]
        links = [
            self.item_link(call, "self", "requests", request["id"]),
            self.item_link(call, "parent", "plans", request["plan_id"]),
        ]
        if published or switches.assets_link_before_capture:
            path = f"{STAC_ROOT}/search?filter=ag:capture_id = '{request['capture_id']}'"
            links.append({"rel": "assets", "href": self.href(call, path), "type": GEOJSON})
        name = request["name"] if switches.name_echo == "sent" else "My Task"
        properties = request_properties(request, plan, stands, name, switches.request_window, known)
        return self._feature(request["id"], {"type": "Polygon", "coordinates": []}, properties, links)

    def collection(self, call: Call, collection: str) -> Json:
        """A collection's description."""
        title, description = COLLECTIONS[collection]
        path = self.href(call, f"{BASE}collections/{collection}/items")
        return {
            "id": collection,
            "title": title,
            "description": description,
            "itemType": "feature",
            "extent": {"temporal": {"interval": [["2011-11-11T12:22:11Z", None]]}},
            "links": [{"rel": "items", "href": path, "type": GEOJSON}],
        }
