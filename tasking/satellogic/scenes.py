"""From the scenes of a capture to STAC items: one for each scene, its delivery zip as an asset that is taken apart.

Of a scene only its id and its attachments are documented, so an item says what there is: when and by which satellite,
and where when the scene tells. The zip's own files become assets when it is home (`tasking.delivery.unzip`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import httpx

from tasking.delivery.unzip import UNZIP
from tasking.http.api import Api, Operation
from tasking.lenient import Json, positions
from tasking.satellogic.models import Capture, Scene
from tasking.window import iso

logger = logging.getLogger(__name__)

DELIVERY = "delivery_zip"
"""Name of the attachment that is the delivery."""
KEY = "delivery"
CAPTURE_ID, SCENE_ID = "satellogic:capture_id", "satellogic:scene_id"


def items_of(api: Api, capture: Capture, scenes: Iterable[Scene], otherwise: datetime) -> list[Json]:
    """STAC items (JSON) of those scenes that have a delivery; empty while there is none.

    Args:
        api: The account's calls; links are relative to its base.
        capture: The capture; its time and satellite stand in where a scene tells none.
        scenes: Its scenes.
        otherwise: The time to give when neither tells one.
    """
    items: dict[str, Json] = {}
    operation = Operation("list scenes", provider_id=capture.capture_id)
    for scene in scenes:
        urls = [each.url for each in scene.attachments if each.name == DELIVERY and each.url]
        if not urls:
            logger.warning("satellogic: scene %s of capture %s has no delivery", scene.scene_id, capture.capture_id)
            continue
        item = _item(scene, capture, otherwise)
        for number, url in enumerate(urls, start=1):
            key = KEY if number == 1 else f"{KEY}-{number}"
            item["assets"][key] = _zip(api.base, url, api, operation)
        items[item["id"]] = item
    return list(items.values())


def _zip(base: httpx.URL, url: str, api: Api, operation: Operation) -> Json:
    # any scheme is kept here: whether an address may be followed is decided when it is opened
    href = url if "://" in url else str(api.resolve_link(base, url, operation))
    return {"href": href, "type": "application/zip", "title": "Delivery", "roles": ["archive"], UNZIP: True}


def _item(scene: Scene, capture: Capture, otherwise: datetime) -> Json:
    name = scene.scene_id
    places = positions(scene.footprint)
    box: Json = {}
    if len(places) >= 4:
        lons, lats = zip(*places, strict=True)
        box = {"bbox": [min(lons), min(lats), max(lons), max(lats)]}
    properties: dict[str, Any] = {
        "datetime": iso(scene.captured or capture.start or otherwise),
        CAPTURE_ID: capture.capture_id,
        SCENE_ID: name,
    }
    if platform := scene.platform or capture.satellite_name:
        properties |= {"platform": platform}
    if scene.cloud_cover is not None:
        properties |= {"satellogic:cloud_cover": scene.cloud_cover}  # in the provider's own unit, which is not said
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": name if capture.capture_id in name else f"{capture.capture_id}_{name}",
        "geometry": scene.footprint if box else None,
        **box,
        "properties": properties,
        "assets": {},
        "links": [],
    }
