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
from tasking.http.api import Call
from tasking.satellogic import archive, scenes
from tasking.satellogic.client import SatellogicClient
from tasking.satellogic.models import Capture


def items(client: SatellogicClient, task_id: str, capture_ids: tuple[str, ...], now: datetime) -> list[dict[str, Any]]:
    """STAC items (JSON) of captures, with absolute and fresh addresses; none of a capture that is not listed yet.

    Args:
        client: The account.
        task_id: Whose captures; they tell time and satellite of scenes that do not.
        capture_ids: Published captures.
        now: The provider's time.
    """
    if client.settings.products_from == "archive":
        return [item for each in capture_ids for item in archive.search(client.api, each)]
    known = {each.capture_id: each for each in client.captures(task_id)} if capture_ids else {}
    found: list[dict[str, Any]] = []
    for capture_id in capture_ids:
        found += _delivered(client, known.get(capture_id) or Capture(capture_id=capture_id), now)
    return found


def _delivered(client: SatellogicClient, capture: Capture, now: datetime) -> list[dict[str, Any]]:
    """The items of a capture's scenes; none while a scene of a young capture still misses its zip."""
    listed = client.scenes(capture.capture_id)
    found = scenes.items_of(client.api, capture, listed, now)
    grace = timedelta(seconds=client.settings.scene_patience_seconds)
    young = capture.start is None or now < capture.start + grace
    return [] if len(found) < len({each.scene_id for each in listed}) and young else found


@contextmanager
def open_asset(client: SatellogicClient, item: dict[str, Any], key: str) -> Iterator[httpx.Response]:
    """Open one asset of an item from `items` as a stream; an address that has expired is asked for anew.

    Raises:
        UnexpectedAnswer: The item has no such asset.
        ProviderError, UnsafeAsset: As `tasking.http.api.Api.stream`.
    """
    call = Call("download", provider_id=f"{item.get('id')}/{key}")
    href = _href(item, key)
    if href is None:
        raise client.api.unexpected("the item has no such asset", call)
    with ExitStack() as opened:
        try:
            response = opened.enter_context(client.api.stream(href, call))
        except Refused:
            fresh = _fresh(client, item, key)
            if fresh is None or fresh == href:
                raise
            response = opened.enter_context(client.api.stream(fresh, call))
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
