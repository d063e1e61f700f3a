"""AxelGlobe's STAC API: landing page, the collection ``grus-1``, search (GET only) and the asset files."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import shapely
from fastapi import Response

from tasking.simulator.area import geometry
from tasking.simulator.axelglobe.requests import Requests
from tasking.simulator.axelglobe.satellites import bands
from tasking.simulator.axelglobe.switches import AxelGlobeSwitches
from tasking.simulator.clock import utc_text
from tasking.simulator.features import (
    GEOJSON,
    Call,
    Json,
    box_param,
    filter_param,
    json_answer,
    raw_query,
    time_param,
    whole_number,
)
from tasking.simulator.files import file_answer
from tasking.simulator.manifest import listed
from tasking.simulator.passes import bounding_box
from tasking.simulator.problem import Problem
from tasking.simulator.rasters import PNG, TIFF, asset_file
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
ROOT = "/stac/v1/catalogs/axelglobe"
COLLECTION = "grus-1"
_CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#filter",
    "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
]
# key: (file name part, title, role)
ASSETS = {
    "thumbnail": ("THUMBNAIL", "Thumbnail", "thumbnail"),
    "tci": ("PSM", "True colour, pansharpened, 2.5 m", "visual"),
    "band0": ("PAN", "PAN, 2.5 m", "data"),
    "band1": ("MSI_B1", "Blue, 5 m", "data"),
    "band2": ("MSI_B2", "Green, 5 m", "data"),
    "band3": ("MSI_B3", "Red, 5 m", "data"),
    "band4": ("MSI_B4", "RedEdge, 5 m", "data"),
    "band5": ("MSI_B5", "NIR, 5 m", "data"),
    "msi_udm": ("MSI_UDM", "Unusable data mask, 5 m", "data-mask"),
}


class Stac:
    """The catalog of what was captured."""

    def __init__(self, world: World, switches: SwitchBoard[AxelGlobeSwitches], requests: Requests) -> None:
        self._world, self._switches, self._requests = world, switches, requests

    def _scenes(self, client_id: str | None) -> Iterator[tuple[str, Fact, Fact, float]]:
        """Item id, request, capture and time of publication of all that is published."""
        now = self._world.clock.seconds()
        for request in self._requests.all() if client_id is None else self._requests.of(client_id):
            stands = self._requests.standing(request)
            if stands.captured and stands.data_at <= now:
                chance = self._world.chance("scene", request["capture_id"])
                when = utc_text(stands.capture["start"]).translate({ord(sign): None for sign in "-T:Z"})
                platform = stands.capture["platform"].replace("-", "")
                yield f"{platform}_{when}_L3A_N{chance.randrange(10**8):08}", request, stands.capture, stands.data_at

    def _root(self, call: Call) -> str:
        return str(call.request.base_url).rstrip("/") + ROOT

    def _item(self, call: Call, scene: tuple[str, Fact, Fact, float]) -> Json:
        item_id, request, capture, _ = scene
        root = self._root(call)
        chance = self._world.chance("sky", request["capture_id"])
        collection = f"{root}/collections/{COLLECTION}"
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "stac_extensions": [
                "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
                "https://stac-extensions.github.io/view/v1.0.0/schema.json",
                "https://stac-extensions.github.io/sat/v1.0.0/schema.json",
            ],
            "id": item_id,
            "collection": COLLECTION,
            "geometry": capture["geometry"],
            "bbox": bounding_box(capture["geometry"]),
            "properties": {
                "datetime": utc_text(capture["start"]),
                "ag:capture_id": request["capture_id"],
                "eo:cloud_cover": round(chance.triangular(0, 100, 5), 1),
                "view:off_nadir": capture["off_nadir"],
                "sat:orbit_state": "descending",
                "eo:bands": bands("center_wave_length"),
                **({"ag:new_field": {"nested": [1]}} if self._world.switches.now.extra_fields else {}),
            },
            "assets": {key: self._asset(root, key, item_id, request, capture) for key in ASSETS},
            "links": [
                {"rel": "self", "href": f"{collection}/items/{item_id}", "type": GEOJSON},
                {"rel": "collection", "href": collection, "type": "application/json"},
                {"rel": "parent", "href": collection, "type": "application/json"},
                {"rel": "root", "href": root, "type": "application/json"},
            ],
        }

    def _asset(self, root: str, key: str, item_id: str, request: Fact, capture: Fact) -> Json:
        _, title, role = ASSETS[key]
        asset: Json = {
            "href": f"{root}/assets/{item_id}/{_file_name(item_id, key)}{self._signed(_file_name(item_id, key))}",
            "type": PNG if key == "thumbnail" else TIFF,
            "title": title,
            "roles": [role],
        }
        if self._switches.now.asset_file_info:
            data = asset_file(request["capture_id"], key, capture["geometry"])
            asset["file:size"] = len(data)
            asset["file:checksum"] = "1220" + hashlib.sha256(data).hexdigest()
        return asset

    def _signed(self, name: str) -> str:
        """The query of a signed address, when these are switched on."""
        life = self._switches.now.asset_life_seconds
        expires = str(int(self._world.clock.seconds()) + life)
        return f"?expires={expires}&sig={self._signature(name, expires)}" if life else ""

    def _signature(self, name: str, expires: str) -> str:
        key = self._world.chance("axelglobe file key").randbytes(32)
        return hmac.new(key, f"{name}?{expires}".encode(), hashlib.sha256).hexdigest()

    def _check_signature(self, call: Call, name: str) -> None:
        given = call.request.query_params
        expires = given.get("expires", "")
        if not hmac.compare_digest(self._signature(name, expires).encode(), given.get("sig", "").encode()):
            raise Problem(403, "the signature does not match the address")
        if self._world.clock.seconds() >= int(expires):
            raise Problem(403, "the address has expired")

    def files(self, name: str) -> list[Json]:
        """The files published for the requests of a name, each with size and hash."""
        return [
            listed(_file_name(item_id, key), asset_file(request["capture_id"], key, capture["geometry"]), item_id, key)
            for item_id, request, capture, _ in self._scenes(None)
            for key in ASSETS
            if request["name"] == name
        ]

    def landing(self, call: Call) -> Response:
        """The landing page."""
        root = self._root(call)
        return json_answer(
            {
                "type": "Catalog",
                "stac_version": "1.0.0",
                "id": "axelglobe",
                "title": "AxelGlobe",
                "description": "Captures of the GRUS constellation",
                "conformsTo": _CONFORMS,
                "links": [
                    {"rel": "self", "href": root, "type": "application/json"},
                    {"rel": "root", "href": root, "type": "application/json"},
                    {"rel": "data", "href": f"{root}/collections", "type": "application/json"},
                    {"rel": "child", "href": f"{root}/collections/{COLLECTION}", "type": "application/json"},
                    {"rel": "search", "href": f"{root}/search", "type": GEOJSON, "method": "GET"},
                ],
            }
        )

    def _collection(self, call: Call) -> Json:
        root = self._root(call)
        return {
            "type": "Collection",
            "stac_version": "1.0.0",
            "id": COLLECTION,
            "title": "GRUS-1",
            "description": "GRUS-1 level 3A",
            "license": "proprietary",
            "extent": {
                "spatial": {"bbox": [[-180, -90, 180, 90]]},
                "temporal": {"interval": [["2018-12-27T00:00:00Z", None]]},
            },
            "links": [
                {"rel": "self", "href": f"{root}/collections/{COLLECTION}", "type": "application/json"},
                {"rel": "root", "href": root, "type": "application/json"},
                {"rel": "parent", "href": root, "type": "application/json"},
            ],
        }

    def collections(self, call: Call) -> Response:
        """All collections."""
        link = {"rel": "self", "href": f"{self._root(call)}/collections", "type": "application/json"}
        return json_answer({"collections": [self._collection(call)], "links": [link]})

    def collection(self, call: Call, collection: str) -> Response:
        """One collection; raises `Problem` 404."""
        if collection != COLLECTION:
            raise Problem(404, f"no collection {collection!r}")
        return json_answer(self._collection(call))

    def item(self, call: Call, collection: str, item_id: str) -> Response:
        """One item; raises `Problem` 404."""
        for scene in self._scenes(call.client_id):
            if scene[0] == item_id and collection == COLLECTION:
                return json_answer(self._item(call, scene), media_type=GEOJSON)
        raise Problem(404, f"no item {item_id!r}")

    def search(self, call: Call) -> Response:
        """``GET /search``; raises `Problem` 400."""
        known = ("filter", "filter-lang", "bbox", "datetime", "collections", "limit", "token")
        params = call.params(known, self._switches.now.unknown_parameters)
        if params.get("filter-lang", "cql2-text") != "cql2-text":
            raise Problem(400, "filter-lang: only cql2-text")
        wanted = filter_param(params, ("ag:capture_id",)).equals.get("ag:capture_id")
        area, times = box_param(params, (4, 6)), time_param(params)
        size = whole_number(params, "limit", 1, 10_000, 10)
        offset = whole_number(params, "token", 0, None, 0)
        collections = params["collections"].split(",") if "collections" in params else [COLLECTION]
        lag = self._world.switches.now.lag("stac")
        found = [
            scene
            for scene in self._scenes(call.client_id)
            if COLLECTION in collections
            and (wanted is None or scene[1]["capture_id"] == wanted)
            and (area is None or shapely.intersects(area, geometry(scene[2]["geometry"])))
            and (times is None or times[0] <= scene[2]["start"] <= times[1])
            and scene[3] + lag <= self._world.clock.seconds()
        ]
        found.sort(key=lambda scene: (-scene[2]["start"], scene[0]))  # newest first
        href = f"{self._root(call)}/search"
        links = [{"rel": "self", "href": f"{href}?{raw_query(params)}".rstrip("?"), "type": GEOJSON}]
        if offset + size < len(found):
            query = raw_query({**params, "limit": str(size), "token": str(offset + size)})
            links.append({"rel": "next", "href": f"{href}?{query}", "type": GEOJSON, "method": "GET"})
        page = found[offset : offset + size]
        return json_answer(
            {
                "type": "FeatureCollection",
                "features": [self._item(call, scene) for scene in page],
                "links": links,
                "numberMatched": len(found),
                "numberReturned": len(page),
            },
            media_type=GEOJSON,
        )

    def file(self, call: Call, item_id: str, name: str) -> Response:
        """One asset file; raises `Problem` 403 or 404. Without an account every published scene is served."""
        if self._switches.now.asset_life_seconds:
            self._check_signature(call, name)
        for found, request, capture, _ in self._scenes(call.client_id or None):
            for key in ASSETS if found == item_id else ():
                if _file_name(item_id, key) == name:
                    data = asset_file(request["capture_id"], key, capture["geometry"])
                    return file_answer(call.request, data, PNG if key == "thumbnail" else TIFF)
        raise Problem(404, f"no file {name!r}")


def _file_name(item_id: str, key: str) -> str:
    scene, number = item_id.rsplit("_", 1)
    return f"{scene}_{ASSETS[key][0]}_{number}.{'png' if key == 'thumbnail' else 'tif'}"
