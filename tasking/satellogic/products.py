"""What a task brings home: items of its published captures, and their files.

A capture's products are the delivery zips of its scenes, or, when the settings say so, its tiles in the STAC archive.
One does not stand in for the other: tiles enter the archive one by one, and nothing says when the last one is in, so a
capture delivered from there because its zip came late could be half a capture. The zip is the delivery.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from typing import Any

import httpx

from tasking.errors import Refused
from tasking.http.api import Operation
from tasking.provider import Items, Request
from tasking.satellogic import archive, scenes
from tasking.satellogic.client import SatellogicClient
from tasking.satellogic.models import Capture


def items(client: SatellogicClient, request: Request) -> Items:
    """STAC items (JSON) of captures, with absolute and fresh addresses; none of a capture that is not listed yet.

    Args:
        client: The account.
        request: Which of its captures are published; the task's tell time and satellite of scenes that do not.
    """
    if client.settings.products_from == "archive":
        return Items(item for each in request.capture_ids for item in archive.search(client.api, each))
    known = {each.capture_id: each for each in client.captures(request.id)} if request.capture_ids else {}
    found = Items()
    for capture_id in request.capture_ids:
        capture = known.get(capture_id) or Capture(capture_id=capture_id)
        delivered = _delivered(client, capture, _patience_ends(client, request, capture))
        found += delivered
        found.left_out += delivered.left_out
    return found


def _patience_ends(client: SatellogicClient, request: Request, capture: Capture) -> datetime:
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


@contextmanager
def open_asset(client: SatellogicClient, item: dict[str, Any], key: str) -> Iterator[httpx.Response]:
    """Open one asset of an item from `items` as a stream; an address that has expired is asked for anew.

    Raises:
        UnexpectedAnswer: The item has no such asset.
        ProviderError, UnsafeAsset: As `tasking.http.api.Api.stream`.
    """
    operation = Operation("download", provider_id=f"{item.get('id')}/{key}")
    href = _href(item, key)
    if href is None:
        raise client.api.unexpected("the item has no such asset", operation)
    with ExitStack() as opened:
        try:
            response = opened.enter_context(client.api.stream(href, operation))
        except Refused:
            fresh = _fresh(client, item, key)
            if fresh is None or fresh == href:
                raise
            response = opened.enter_context(client.api.stream(fresh, operation))
        yield response


def _fresh(client: SatellogicClient, item: dict[str, Any], key: str) -> str | None:
    """The asset's address as the provider gives it now."""
    said = item.get("properties") or {}
    of_scene, of_tile = said.get(scenes.CAPTURE_ID), said.get(archive.OUTCOME)
    if isinstance(of_scene, str):
        capture = Capture(capture_id=of_scene)
        now = scenes.items_of(client.api, capture, client.scenes(of_scene), client.clock.now())
    elif isinstance(of_tile, str):
        now = archive.search(client.api, of_tile)
    else:
        return None
    return next((_href(each, key) for each in now if each["id"] == item.get("id")), None)


def _href(item: dict[str, Any], key: str) -> str | None:
    asset = (item.get("assets") or {}).get(key)
    href = asset.get("href") if isinstance(asset, dict) else None
    return href if isinstance(href, str) else None
