"""Reading and writing the archive's JSON, each file there whole or not at all.

The archive's links are relative and its names are plain ASCII, so they hold in a folder of any name. They are written
as they are: libraries take an archive's path for an address, in which ``#`` and ``?`` mean something.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tasking.delivery.file_names import COLLECTIONS
from tasking.delivery.stac.item import ORDER_EXTENSION, STAC_VERSION
from tasking.delivery.storage import atomic_write, make_folder, read_plain, translate_os_errors

Json = dict[str, Any]
_TYPE = "application/json"
NOTE = "tasking:note"
"""Field of an asset: it is of another format than was said, or could not be judged."""


def read_item(place: Path) -> Json | None:
    """The item in a folder, or ``None`` when there is none, or one that was damaged.

    Raises:
        DeliveryFailed: The disk does not hand it out: whether there is one is not known.
    """
    item = _read(place / f"{place.name}.json")
    if item is None or not isinstance(item.get("id"), str) or not isinstance(item.get("assets"), dict):
        return None  # damaged is as good as absent: its files are checked or fetched again
    if not all(isinstance(asset, dict) for asset in item["assets"].values()):
        return None
    return item if isinstance(item.get("properties"), dict) and isinstance(item.get("links"), list) else None


def read_catalog(home: Path) -> dict[str, Json]:
    """The items the catalog in ``home`` links to, by folder name; those that are gone or damaged are left out.

    Raises:
        DeliveryFailed: The disk does not hand the catalog or an item out. Taken for absent, they would be lost to the
            catalog that is written next.
    """
    if (catalog := _read(home / "catalog.json")) is None:
        return {}
    try:
        names = [Path(link["href"]).parent.name for link in catalog["links"] if link["rel"] == "item"]
    except (LookupError, TypeError):  # damaged: what it held is delivered again
        return {}
    found = {name: read_item(home / name) for name in names if name}
    return {name: item for name, item in found.items() if item is not None}


def collection_of(item: Json) -> tuple[str, str] | None:
    """File name and id of the archive's collection that an item is in; ``None`` when it is in none."""
    for link in item["links"]:
        if isinstance(link, dict) and link.get("rel") == "collection" and isinstance(link.get("href"), str):
            before, _, name = link["href"].rpartition("/")
            if before == f"../{COLLECTIONS}" and isinstance(item.get("collection"), str):
                return name, item["collection"]
    return None


def write_item(home: Path, name: str, item: Json) -> Json:
    """Write one item into its folder."""
    _write(home / name / f"{name}.json", item)
    return item


def write_catalog(home: Path, reference: str, title: str, description: str, items: Mapping[str, Json]) -> None:
    """Write the collections, then ``catalog.json`` with one relative link for each of them and each item."""
    collections = _write_collections(home, reference, items.values())
    links = [
        _link("root", "./catalog.json", title or reference),
        *(_link("child", f"./{COLLECTIONS}/{name}", title=one) for name, one in collections.items()),
        *(_link("item", f"./{name}/{name}.json", title=item["id"]) for name, item in items.items()),
    ]
    catalog = {
        "type": "Catalog",
        "id": reference,
        "stac_version": STAC_VERSION,
        **({"title": title} if title else {}),
        "description": description or title or reference,
        "links": links,
    }
    _write(home / "catalog.json", catalog)


def _write_collections(home: Path, reference: str, items: Iterable[Json]) -> dict[str, str]:
    """Write the collections that items are in; their ids by file name."""
    held: dict[str, list[Json]] = {}
    names: dict[str, str] = {}
    for item in items:
        if (found := collection_of(item)) is not None:
            names.setdefault(*found)
            held.setdefault(found[0], []).append(item)
    if held:
        make_folder(home / COLLECTIONS)
    for name, members in held.items():
        path, made = home / COLLECTIONS / name, _collection(reference, names[name], members)
        if _read(path) != made:
            _write(path, made)
    return names


def _collection(reference: str, name: str, items: list[Json]) -> Json:
    orders = {item["properties"].get("order:id") for item in items}
    states = {item["properties"].get("order:status") for item in items}
    licenses = {item["properties"].get("license", "other") for item in items}
    theirs = dict.fromkeys(
        link["href"] for item in items for link in item["links"] if link.get("rel") == "via" and link.get("href")
    )
    return {
        "type": "Collection",
        "id": name,
        "stac_version": STAC_VERSION,
        "stac_extensions": [ORDER_EXTENSION],
        "description": f"What is home of the order {reference} from the provider's collection {name}",
        "license": licenses.pop() if len(licenses) == 1 else "other",
        "extent": {"spatial": {"bbox": [_whole_box(items)]}, "temporal": {"interval": [_whole_time(items)]}},
        "order:status": states.pop() if len(states) == 1 else "shipping",
        **({"order:id": orders.pop()} if len(orders) == 1 and None not in orders else {}),
        "links": [
            _link("root", "../catalog.json"),
            _link("parent", "../catalog.json"),
            *({"rel": "via", "href": href} for href in list(theirs)[:1]),
        ],
    }


def _whole_box(items: list[Json]) -> list[float]:
    boxes = [item["bbox"] for item in items if isinstance(item.get("bbox"), list)]
    flat = [(box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1]) for box in boxes if len(box) in (4, 6)]
    if not flat or any(west > east for west, _, east, _ in flat):
        return [-180, -90, 180, 90]
    wests, souths, easts, norths = zip(*flat, strict=True)
    return [min(wests), min(souths), max(easts), max(norths)]


def _whole_time(items: list[Json]) -> list[str | None]:
    told = [
        item["properties"][key]
        for item in items
        for key in ("datetime", "start_datetime", "end_datetime")
        if isinstance(item["properties"].get(key), str)
    ]
    try:
        told.sort(key=datetime.fromisoformat)
    except (ValueError, TypeError):
        return [None, None]
    return [told[0], told[-1]] if told else [None, None]


def write_status(home: Path, status: str) -> None:
    """Write ``order:status`` of an order into all its items and collections.

    Raises:
        DeliveryFailed: The disk does not take it.
    """
    items = read_catalog(home)
    for name, item in items.items():
        if ORDER_EXTENSION in (item.get("stac_extensions") or ()) and item["properties"].get("order:status") != status:
            item["properties"]["order:status"] = status
            write_item(home, name, item)
    catalog = _read(home / "catalog.json")
    if catalog is not None:
        _write_collections(home, str(catalog.get("id")), items.values())


def _link(rel: str, href: str, title: str = "") -> Json:
    return {"rel": rel, "href": href, "type": _TYPE, **({"title": title} if title else {})}


def _write(path: Path, made: Json) -> None:
    atomic_write(path, json.dumps(made, indent=2, ensure_ascii=False, allow_nan=False))


def _read(path: Path) -> Json | None:
    """A JSON object; ``None`` when there is none, or it is damaged."""
    with translate_os_errors(path):
        text = read_plain(path)
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
