"""An item as the archive writes it: valid STAC 1.1, whatever the provider wrote.

Fields that STAC defines are read leniently (`fields`, `geometry`); what cannot be read is kept under
``tasking:as_given``. Addresses are without secrets. The links lead to the archive's own catalog and collection; the
provider's collection is ``via``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tasking.delivery.file_names import COLLECTIONS
from tasking.delivery.provider_item import ProviderItem
from tasking.delivery.redaction import redacted
from tasking.delivery.stac.fields import AS_GIVEN, ASSET, LINK, PROPERTIES, normalize_fields, read_time
from tasking.delivery.stac.geometry import read_bbox, read_geometry
from tasking.window import iso

STAC_VERSION = "1.1.0"
FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
ORDER_EXTENSION = "https://stac-extensions.github.io/order/v1.1.0/schema.json"
NOTE = "tasking:note"
"""Field of an asset: it is of another format than was said, or could not be judged."""
LEFT_OUT = "tasking:left_out"
"""Property of an item: why an asset of it is not there, by key."""

_OUR_EXTENSIONS = re.compile(r"https://stac-extensions\.github\.io/(?:file|order)/v[\w.-]+/schema\.json")
_OUR_LINKS = ("self", "root", "parent", "item", "items", "child", "next", "prev", "previous", "collection")
_NOT_KEPT = ("headers", "body", "method", "merge")
_ORDER_FIELDS = ("order:status", "order:id", "order:date", "order:expiration_date")
_ITEM_FIELDS = (
    *("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "properties", "links", "assets"),
    "collection",
)

Captured = tuple[datetime | None, datetime | None]


def to_stac_item(
    item: ProviderItem,
    assets: Mapping[str, dict[str, Any]],
    left_out: Mapping[str, str],
    order: Mapping[str, str],
    captured: Captured,
    collection_file: str | None,
) -> dict[str, Any]:
    """The item's JSON.

    Args:
        item: As read.
        assets: Those that are home, as they stand there.
        left_out: Why the others are not, by key.
        order: ``order:id`` and ``order:status``.
        captured: Begin and end of the capture as the order knows it, for an item that does not say.
        collection_file: Name of the file of its collection; ``None`` when it has none.
    """
    said = {key: value for key, value in item.given.items() if key != "assets"}
    plain = redacted(said)
    properties = _properties(plain.get("properties"), order, captured)
    if left_out:
        properties[LEFT_OUT] = dict(left_out)
    else:
        properties.pop(LEFT_OUT, None)
    if "bands" in properties and not any("bands" in asset for asset in assets.values()):
        _put_aside(properties, "bands")  # STAC 1.1 has them there only beside bands of assets
    geometry = read_geometry(plain.get("geometry"))
    for key in ("geometry", "bbox"):
        if geometry is None and plain.get(key) is not None:
            properties.setdefault(AS_GIVEN, {})[key] = plain[key]
    links = [_link("root", "../catalog.json"), _link("parent", "../catalog.json")]
    if collection_file is not None:
        links.append(_link("collection", f"../{COLLECTIONS}/{collection_file}"))
    made: dict[str, Any] = {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "stac_extensions": _extensions(plain.get("stac_extensions")),
        "id": item.id,
        "geometry": geometry,
        **({"bbox": read_bbox(plain.get("bbox"), geometry)} if geometry is not None else {}),
        "properties": properties,
        "links": [*links, *_kept_links(plain.get("links"))],
        "assets": dict(assets),
        **({"collection": item.collection} if collection_file is not None else {}),
    }
    return {**made, **{key: value for key, value in plain.items() if key not in _ITEM_FIELDS}}


def to_stac_asset(said: Mapping[str, Any], href: str, size: int, checksum: str) -> dict[str, Any]:
    """An asset as it stands at home."""
    made = redacted({key: value for key, value in said.items() if key != "href"})
    for key in [key for key in made if key.startswith("order:") and key not in _ORDER_FIELDS]:
        _put_aside(made, key)
    for start, end in (("start_datetime", "end_datetime"), ("end_datetime", "start_datetime")):
        if start in made and read_time(made.get(end)) is None:
            _put_aside(made, start)
    return {**normalize_fields(made, ASSET), "href": href, "file:size": size, "file:checksum": checksum}


def _properties(given: Any, order: Mapping[str, str], captured: Captured) -> dict[str, Any]:
    said: dict[str, Any] = {**given} if isinstance(given, dict) else {}
    if given is not None and not isinstance(given, dict):
        said[AS_GIVEN] = {"properties": given}
    for key in [key for key in said if key.startswith("order:") and key not in _ORDER_FIELDS]:
        _put_aside(said, key)
    for key in ("order:date", "order:expiration_date"):
        if key in said and read_time(said[key]) != said[key]:
            _put_aside(said, key)
    _settle_times(said, captured)
    return {**normalize_fields(said, PROPERTIES), **order}


def _settle_times(said: dict[str, Any], captured: Captured) -> None:
    """An item has a time, or a begin and an end. What it does not say itself, the order knows."""
    moment, start, end = (read_time(said.get(key)) for key in ("datetime", "start_datetime", "end_datetime"))
    for key, read in (("datetime", moment), ("start_datetime", start), ("end_datetime", end)):
        if key in said and (read is None or (key != "datetime" and not (start and end))):
            _put_aside(said, key)
    if moment is None and not (start and end):
        moment = start or end
    if moment is None and not (start and end):
        first, last = captured
        if first is not None and last is not None and first != last:
            start, end = iso(first), iso(last)
            said["tasking:datetime_from"] = "order"
        elif first is not None or last is not None:
            moment = iso(first or last or datetime.now(UTC))
            said["tasking:datetime_from"] = "order"
        elif moment := read_time(said.get("created")) or read_time(said.get("updated")):
            said["tasking:datetime_from"] = "created"
        else:
            moment = iso(datetime.now(UTC))
            said["tasking:datetime_from"] = "delivery"
    said["datetime"] = moment
    if start and end:
        said |= {"start_datetime": start, "end_datetime": end}


def _put_aside(said: dict[str, Any], key: str) -> None:
    given = said.pop(key)
    if given is not None:
        before = said.get(AS_GIVEN)
        said[AS_GIVEN] = {**(before if isinstance(before, dict) else {}), key: given}


def _extensions(given: Any) -> list[str]:
    listed = given if isinstance(given, list) else [given]
    theirs = [one for one in listed if isinstance(one, str) and one.startswith(("https://", "http://"))]
    return [
        *dict.fromkeys(one for one in theirs if not _OUR_EXTENSIONS.fullmatch(one)),
        ORDER_EXTENSION,
        FILE_EXTENSION,
    ]


def _link(rel: str, href: str) -> dict[str, Any]:
    return {"rel": rel, "href": href, "type": "application/json"}


def _kept_links(given: Any) -> list[dict[str, Any]]:
    """The links that mean something at home: not the item's place in the provider's catalog."""
    kept = []
    for link in given if isinstance(given, list) else ():
        if not isinstance(link, dict) or not isinstance(link.get("rel"), str) or not isinstance(link.get("href"), str):
            continue
        if not link["href"].startswith(("https://", "http://")) or not link["rel"]:
            continue
        rel = "via" if link["rel"] == "collection" else link["rel"]
        if rel not in _OUR_LINKS:
            said = {key: value for key, value in link.items() if key not in _NOT_KEPT}
            kept.append(normalize_fields({**said, "rel": rel}, LINK))
    return kept
