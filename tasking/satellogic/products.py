"""What a task brings home: items of its published captures, and their files.

A capture's products are the delivery zips of its scenes, or, when the settings say so, its tiles in the STAC archive.
One does not stand in for the other: tiles enter the archive one by one, and nothing says when the last one is in, so a
capture delivered from there because its zip came late could be half a capture. The zip is the delivery.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from tasking.http.api import Operation
from tasking.http.downloads import asset_address, item_identity
from tasking.lenient import Json
from tasking.provider import Items, TaskingRequest
from tasking.satellogic import scenes
from tasking.satellogic.client import SatellogicClient
from tasking.satellogic.models import Capture

logger = logging.getLogger(__name__)

SEARCH = "archive/stac/search"
OUTCOME = "satl:outcome_id"
"""What an item of the archive names its capture by."""


def items(client: SatellogicClient, request: TaskingRequest) -> Items:
    """STAC items (JSON) of captures, with absolute and fresh addresses; none of a capture that is not listed yet.

    Args:
        client: The account.
        request: Which of its captures are published; the task's tell time and satellite of scenes that do not.
    """
    if client.settings.products_from == "archive":
        return Items(item for each in request.capture_ids for item in _tiles_of(client, each))
    known = {each.capture_id: each for each in client.captures(request.id)} if request.capture_ids else {}
    found = Items()
    for capture_id in request.capture_ids:
        capture = known.get(capture_id) or Capture(capture_id=capture_id)
        delivered = _delivered(client, capture, _patience_ends(client, request, capture))
        found += delivered
        found.left_out += delivered.left_out
    return found


def _patience_ends(client: SatellogicClient, request: TaskingRequest, capture: Capture) -> datetime:
    """Until when all scenes of a capture are waited for.

    It counts from when the capture was seen published: processing may take its time, and we may have been away. Where
    nobody noted that, it counts from the capture.
    """
    seen = request.available_since.get(capture.capture_id) or capture.end or capture.start
    if seen is None:
        return request.give_up_at
    return min(seen + timedelta(seconds=client.settings.scene_patience_seconds), request.give_up_at)


def _delivered(client: SatellogicClient, capture: Capture, until: datetime) -> Items:
    """The items of a capture's scenes; none while a scene still misses its zip, and that is waited for."""
    listed, now = client.scenes(capture.capture_id), client.clock.now()  # known by the answer
    found = Items(scenes.items_of(client.api, capture, listed, now))
    there = {item["properties"][scenes.SCENE_ID] for item in found}
    missing = sorted({each.scene_id for each in listed} - there)
    if missing and now < until:
        return Items()
    found.left_out = tuple(f"scene {each} of capture {capture.capture_id}" for each in missing)
    return found


def fresh_address(client: SatellogicClient, item: Json, key: str) -> str | None:
    """The asset's address as the provider gives it now."""
    said = item.get("properties") or {}
    of_scene, of_tile = said.get(scenes.CAPTURE_ID), said.get(OUTCOME)
    if isinstance(of_scene, str):
        capture = Capture(capture_id=of_scene)
        now = scenes.items_of(client.api, capture, client.scenes(of_scene), client.clock.now())
    elif isinstance(of_tile, str):
        now = _tiles_of(client, of_tile)
    else:
        return None
    return asset_address(next((each for each in now if item_identity(each) == item_identity(item)), {}), key)


def _tiles_of(client: SatellogicClient, capture_id: str) -> list[Json]:
    """The items of one capture in the archive; an item of another capture is left out.

    A search by POST with a CQL2-JSON filter, as the archive takes it: the ``query`` extension is refused with 403.
    """
    from tasking.stac_search import search  # few accounts search there, and what does it takes long to import

    api, operation = client.api, Operation("search archive", provider_id=capture_id)
    only = {"op": "=", "args": [{"property": OUTCOME}, capture_id]}
    items: dict[tuple[str, str], Json] = {}
    for item in search(api, api.url(SEARCH), operation, method="POST", filter=only, filter_lang="cql2-json"):
        if item["properties"].get(OUTCOME, capture_id) == capture_id:
            items[str(item.get("collection")), item["id"]] = item
        else:
            logger.warning("satellogic %s: an item of another capture was answered and is left out", operation.verb)
    return list(items.values())
