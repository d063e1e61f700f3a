"""Satellogic's archive: STAC items of 2 by 2 km, searched by POST or GET.

Filters are CQL2 on ``satl:outcome_id``, which is taken to be the capture id. The STAC ``query`` extension is refused
with 403, as the provider does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import shapely
from fastapi import Request, Response

from tasking.simulator.area import geometry
from tasking.simulator.clock import utc_text
from tasking.simulator.features import GEOJSON, Json, json_answer, raw_query
from tasking.simulator.files import file_answer
from tasking.simulator.passes import bounding_box
from tasking.simulator.rasters import PNG, TIFF, asset_file
from tasking.simulator.satellogic.answers import PREFIX, Asked, Refusal
from tasking.simulator.satellogic.captures import Capture
from tasking.simulator.satellogic.delivery import scene_id
from tasking.simulator.satellogic.files import Files
from tasking.simulator.satellogic.search import from_query, grid, interval, outcome
from tasking.simulator.satellogic.switches import SatellogicSwitches
from tasking.simulator.satellogic.tasks import Tasks
from tasking.simulator.switches import SwitchBoard
from tasking.simulator.world import World

Fact = dict[str, Any]
ROOT = PREFIX + "/archive/stac"
COLLECTION = "l1d"
_CONFORMS = [
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/item-search",
    "https://api.stacspec.org/v1.0.0/item-search#filter",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-json",
    "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
    "http://www.opengis.net/spec/cql2/1.0/conf/basic-cql2",
]
# asset: (key of the raster, file ending, role)
_ASSETS = {
    "visual": ("tci", "tif", "visual"),
    "analytic": ("analytic", "tif", "data"),
    "cloud": ("msi_udm", "tif", "data-mask"),
    "preview": ("thumbnail", "png", "overview"),
    "thumbnail": ("thumbnail", "png", "thumbnail"),
}
_KNOWN = {"collections", "ids", "bbox", "intersects", "datetime", "limit", "sortby", "filter", "filter-lang", "token"}
Tile = tuple[str, Fact, Capture, Json]


class Archive:
    """The catalog of what was published."""

    def __init__(self, world: World, switches: SwitchBoard[SatellogicSwitches], tasks: Tasks, files: Files) -> None:
        self._world, self._switches, self._tasks, self._files = world, switches, tasks, files

    def _tiles(self, client_id: str | None, contract_id: str | None = None) -> Iterator[Tile]:
        late = self._world.switches.now.lag("stac")
        for task, capture in self._tasks.published(client_id, contract_id):
            if capture.settled + late > self._world.clock.seconds():
                continue
            ground = geometry(self._tasks.ground(task, capture))
            for number, tile in enumerate(grid(ground, self._switches.now.tiles_max)):
                yield f"{scene_id(capture)}_{number}", task, capture, tile

    def _item(self, asked: Asked, tile: Tile) -> Json:
        item_id, _, capture, ground = tile
        root, sky = asked.root + "/archive/stac", self._world.chance("satellogic sky", item_id)
        collection = f"{root}/collections/{COLLECTION}"
        clouds = round(sky.triangular(0, 60, 3), 1)
        return {
            "type": "Feature",
            "stac_version": "1.0.0",
            "stac_extensions": [
                "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
                "https://stac-extensions.github.io/view/v1.0.0/schema.json",
            ],
            "id": item_id,
            "collection": COLLECTION,
            "geometry": ground,
            "bbox": bounding_box(ground),
            "properties": {
                "datetime": utc_text(capture.look.start),
                "platform": capture.look.platform,
                "gsd": 0.7,
                "eo:cloud_cover": clouds,
                "view:off_nadir": capture.look.off_nadir,
                "satl:outcome_id": capture.capture_id,
                "satl:product_name": "L1D",
                "satl:product_version": "1.0",
                "satl:cloud_cover": clouds,
                "satl:valid_pixel": 100.0,
            },
            "assets": {
                key: {
                    "href": self._files.address(asked.root, f"/archive/files/{item_id}/{key}.{ending}"),
                    "type": PNG if ending == "png" else TIFF,
                    "roles": [role],
                }
                for key, (_, ending, role) in _ASSETS.items()
            },
            "links": [
                {"rel": "self", "href": f"{collection}/items/{item_id}", "type": GEOJSON},
                {"rel": "collection", "href": collection, "type": "application/json"},
                {"rel": "root", "href": f"{root}/", "type": "application/json"},
            ],
        }

    def landing(self, asked: Asked) -> Response:
        """The landing page."""
        root = asked.root + "/archive/stac"
        search = {"rel": "search", "href": f"{root}/search", "type": GEOJSON}
        return json_answer(
            {
                "type": "Catalog",
                "stac_version": "1.0.0",
                "id": "satellogic-archive",
                "description": "Published captures",
                "conformsTo": _CONFORMS,
                "links": [
                    {"rel": "self", "href": f"{root}/", "type": "application/json"},
                    {"rel": "root", "href": f"{root}/", "type": "application/json"},
                    {"rel": "data", "href": f"{root}/collections", "type": "application/json"},
                    {**search, "method": "GET"},
                    {**search, "method": "POST"},
                ],
            }
        )

    def collections(self, asked: Asked) -> Response:
        """All collections served here."""
        return json_answer({"collections": [_collection(asked)], "links": []})

    def collection(self, asked: Asked, collection: str) -> Response:
        """One collection; raises `Refusal` 404."""
        if collection != COLLECTION:
            raise Refusal(404, "Not found.")
        return json_answer(_collection(asked))

    def item(self, asked: Asked, collection: str, item_id: str) -> Response:
        """One item; raises `Refusal` 404."""
        for tile in self._tiles(asked.client_id, asked.contract["contract_id"]):
            if tile[0] == item_id and collection == COLLECTION:
                return json_answer(self._item(asked, tile), media_type=GEOJSON)
        raise Refusal(404, "Not found.")

    def search(self, asked: Asked) -> Response:
        """Search by GET or POST; raises `Refusal` 400, and 403 for the ``query`` extension."""
        posted = asked.request.method == "POST"
        sent: Json = asked.body() if posted else dict(asked.query())
        if "query" in sent:
            raise Refusal(403, "The query extension is not available; use filter.")
        if unknown := sent.keys() - _KNOWN:
            raise Refusal(400, f"unknown parameters: {', '.join(sorted(unknown))}")
        if not posted:
            sent = from_query(sent)
        found = self._matching(asked, sent)
        try:
            limit, offset = int(sent.get("limit", 10)), int(sent.get("token", 0))
        except (TypeError, ValueError) as error:
            raise Refusal(400, "limit: a whole number is required") from error
        if not 1 <= limit <= 500 or offset < 0:
            raise Refusal(400, "limit: must be in 1..500")
        href = f"{asked.root}/archive/stac/search"
        links: list[Json] = [{"rel": "self", "href": href, "type": GEOJSON}]
        if offset + limit < len(found):
            link: Json = {"rel": "next", "type": GEOJSON, "method": "POST" if posted else "GET"}
            after = {"token": str(offset + limit)}
            if posted:
                links.append({**link, "href": href, "body": {**sent, **after}})
            else:
                links.append({**link, "href": f"{href}?{raw_query({**asked.query(), **after})}"})
        page = [self._item(asked, tile) for tile in found[offset : offset + limit]]
        shape = {"type": "FeatureCollection", "features": page, "links": links}
        return json_answer({**shape, "numberMatched": len(found), "numberReturned": len(page)}, media_type=GEOJSON)

    def _matching(self, asked: Asked, sent: Json) -> list[Tile]:
        wanted = outcome(sent.get("filter"))
        start, end = interval(sent.get("datetime"))
        try:
            area = geometry(sent["intersects"]) if sent.get("intersects") else None
            box = shapely.box(*(float(one) for one in sent["bbox"])) if sent.get("bbox") else None
        except (TypeError, ValueError, KeyError, AttributeError, shapely.errors.ShapelyError) as error:
            raise Refusal(400, f"intersects, bbox: {error}") from error
        collections = sent.get("collections") or [COLLECTION]
        found = [
            tile
            for tile in self._tiles(asked.client_id, asked.contract["contract_id"])
            if COLLECTION in collections
            and (not sent.get("ids") or tile[0] in sent["ids"])
            and wanted in (None, tile[2].capture_id)
            and start <= tile[2].look.start <= end
            and all(one is None or one.intersects(geometry(tile[3])) for one in (area, box))
        ]
        return sorted(found, key=lambda tile: (-tile[2].look.start, tile[0]))

    def file(self, request: Request, item_id: str, name: str) -> Response:
        """One asset file; raises `Refusal`."""
        client_id = self._files.open(request)
        key, _, ending = name.partition(".")
        if key in _ASSETS and _ASSETS[key][1] == ending:
            for found, _, _, ground in self._tiles(client_id):
                if found == item_id:
                    data = asset_file(item_id, _ASSETS[key][0], ground)
                    return file_answer(request, data, PNG if ending == "png" else TIFF)
        raise Refusal(404, "Not found.")


def _collection(asked: Asked) -> Json:
    root = asked.root + "/archive/stac"
    return {
        "type": "Collection",
        "stac_version": "1.0.0",
        "id": COLLECTION,
        "title": "L1D",
        "description": "Orthorectified multispectral imagery",
        "license": "proprietary",
        "extent": {
            "spatial": {"bbox": [[-180, -90, 180, 90]]},
            "temporal": {"interval": [["2020-01-01T00:00:00Z", None]]},
        },
        "links": [{"rel": "self", "href": f"{root}/collections/{COLLECTION}", "type": "application/json"}],
    }
