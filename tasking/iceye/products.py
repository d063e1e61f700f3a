"""From ICEYE's products to STAC items that can be delivered.

ICEYE lists a task's products as STAC-like items, and in one of its guides as flat objects with one address. Both become
STAC items here:

* ``id``: ICEYE's id followed by ``_`` and the product type, unless the type is a part of it already: several products
  of one frame may share an id. It depends on the product alone, so it is the same whenever products are listed.
* ``datetime``: missing in ICEYE's items, which say begin and end; where they say neither, the scene's time stands in.
* ``order:id``: the task, so that a fresh address can be asked for.
* ``collection`` becomes the property ``iceye:collection``: STAC allows the field only beside a link to the collection.
"""

from __future__ import annotations

import copy
import hashlib
import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from tasking.lenient import Json
from tasking.window import iso

logger = logging.getLogger(__name__)

TASK_ID, COLLECTION, TYPE = "order:id", "iceye:collection", "sar:product_type"
_FLAT = ("url", "productType")
_TYPES = tuple(
    tuple(kind.lower().split("-"))
    for kind in ("GRD-COG", "SLC-COG", "CSI-COG", "VID-COG", "GRD", "SLC", "QLK", "SICD", "SIDD", "CSI", "VID")
)
"""The documented product types, in words."""
_PREVIEWS = {"thumbnail", "overview", "preview"}
_READY = ("available", "ready", "")


def is_flat(product: Json) -> bool:
    """Whether it is one of the flat objects, with one address and no assets."""
    return "assets" not in product and "properties" not in product and any(key in product for key in _FLAT)


def type_of(product: Json) -> str | None:
    """The product's type, e.g. ``GRD``, as far as it says."""
    properties = product.get("properties")
    said = properties.get(TYPE) if isinstance(properties, dict) else product.get("productType")
    return said if isinstance(said, str) and said else None


def items_of(
    products: Iterable[Json],
    task_id: str,
    times: tuple[datetime | None, datetime | None],
    place: tuple[float, float] | None,
) -> tuple[list[Json], list[str]]:
    """The STAC items of a task's products.

    Args:
        products: As listed, all pages.
        task_id: The task.
        times: Begin and end of its scene (else of its window), for products that do not say.
        place: Its point (lon, lat), for products without a geometry.

    Returns:
        The items with the files that have an address, and what has none yet: ids of products, and ``id/key`` of single
        files.
    """
    items: dict[str, Json] = {}
    waiting: list[str] = []
    without_address: dict[tuple[str, str], None] = {}
    for product in products:
        item = _flat_item(product) if is_flat(product) else _item(product)
        if not item["assets"]:
            waiting.append(item["id"])
            continue
        without_address |= {(item["id"], key): None for key in _keys(product) if key not in item["assets"]}
        _complete(item, task_id, times, place)
        _take_in(items, item)
    waiting += [f"{name}/{key}" for name, key in without_address if key not in items[name]["assets"]]
    return list(items.values()), waiting


def not_listed(product_types: Iterable[str], products: Iterable[Json]) -> list[str]:
    """Those of the ordered types of which no product is listed.

    Where ICEYE says a product's type is not documented: its ``sar:product_type`` may be null, one item may hold the
    files of several types, and the public keys are ``grd-tif`` and ``slc-h5``. So each word of a type, an id, a key and
    a file's name counts, the longest type that fits: ``grd-cog`` is a GRD-COG and no GRD.

    Args:
        product_types: As ordered, e.g. ``GRD``.
        products: As listed, all pages.
    """
    ordered = list(product_types)
    known = sorted({*_TYPES, *(tuple(_words(kind)) for kind in ordered)}, key=len, reverse=True)
    there: set[tuple[str, ...]] = set()
    for product in products:
        for text in (type_of(product) or "", str(product.get("id") or ""), *_names_of_files(product)):
            there |= _types_in(_words(text), known)
    return [kind for kind in ordered if tuple(_words(kind)) not in there]


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", text.lower()[:2000]) if word]


def _types_in(words: list[str], known: list[tuple[str, ...]]) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    at = 0
    while at < len(words):
        fits = next((kind for kind in known if kind and tuple(words[at : at + len(kind)]) == kind), None)
        found |= {fits} if fits else set()
        at += len(fits) if fits else 1
    return found


def _names_of_files(product: Json) -> list[str]:
    """Keys and file names of a product's files; a preview of an image speaks for no product."""
    assets = product.get("assets")
    names = [str(product["url"])] if is_flat(product) and isinstance(product.get("url"), str) else []
    for key, asset in assets.items() if isinstance(assets, dict) else ():
        roles = asset.get("roles") if isinstance(asset, dict) else None
        preview = {*_words(str(key)), *(roles if isinstance(roles, list) else ())} & _PREVIEWS
        if preview:
            continue
        names.append(str(key))
        href = asset.get("href") if isinstance(asset, dict) else None
        names.append(_path(href).rpartition("/")[2] if isinstance(href, str) else "")
    return names


def _keys(product: Json) -> list[str]:
    assets = product.get("assets")
    return [str(key) for key in assets] if isinstance(assets, dict) else []


def _item_id(product: Json) -> str:
    given, kind = str(product.get("id") or "product"), type_of(product)
    if kind is None or _is_part(kind, given):
        return given
    return f"{given}_{kind}"


def _is_part(kind: str, given: str) -> bool:
    """Whether an id holds the type as a word of its own (``..._GRD_...``)."""
    given = given.replace("_", " ")
    at = given.find(kind)
    while at >= 0:
        around = given[at - 1 : at] if at else "", given[at + len(kind) : at + len(kind) + 1]
        if not any(each == "-" or (each.isascii() and each.isalnum()) for each in around):
            return True
        at = given.find(kind, at + 1)
    return False


def _item(product: Json) -> Json:
    item = copy.deepcopy(product)
    given = item.get("properties")
    properties = {key: value for key, value in given.items() if value is not None} if isinstance(given, dict) else {}
    assets = item.get("assets")
    files = {
        str(key): {name: value for name, value in asset.items() if value is not None}
        for key, asset in (assets.items() if isinstance(assets, dict) else ())
        if isinstance(asset, dict) and isinstance(asset.get("href"), str) and asset["href"]
    }
    links = item.get("links")
    item |= {"id": _item_id(product), "properties": properties, "assets": files}
    item["links"] = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    collection = item.pop("collection", None)
    if isinstance(collection, str):
        if any(link.get("rel") == "collection" for link in item["links"]):
            item["collection"] = collection
        else:
            properties.setdefault(COLLECTION, collection)
    return item


def _flat_item(product: Json) -> Json:
    kind, url = type_of(product), product.get("url")
    properties: Json = {TYPE: kind} if kind else {}
    assets: Json = {}
    if isinstance(url, str) and url and str(product.get("status") or "").lower() in _READY:
        assets[(kind or "product").lower()] = {"href": url, "roles": ["data"], **({"title": kind} if kind else {})}
        size = product.get("size")
        if isinstance(size, int) and not isinstance(size, bool) and size > 0:
            assets[(kind or "product").lower()]["file:size"] = size
    return {"id": _item_id(product), "properties": properties, "assets": assets, "links": []}


def _complete(
    item: Json,
    task_id: str,
    times: tuple[datetime | None, datetime | None],
    place: tuple[float, float] | None,
) -> None:
    """What STAC requires and ICEYE left out."""
    properties: Json = item["properties"]
    properties[TASK_ID] = task_id
    start, end = properties.get("start_datetime"), properties.get("end_datetime")
    if properties.get("datetime") is None:
        if start and end:
            properties["datetime"] = None
        elif start or end:
            properties["datetime"] = start or end
        elif times[0] is not None and times[1] is not None:
            properties |= {"datetime": None, "start_datetime": iso(times[0]), "end_datetime": iso(times[1])}
        else:
            properties["datetime"] = properties.get("created") or properties.get("updated")
    item["type"] = "Feature"
    item["stac_version"] = item.get("stac_version") or "1.0.0"
    geometry: Any = item.get("geometry")
    if not isinstance(geometry, dict) or not geometry.get("coordinates"):
        item.pop("bbox", None)
        item["geometry"] = None
        if place is not None:
            item["geometry"] = {"type": "Point", "coordinates": list(place)}
            item["bbox"] = [*place, *place]


def _take_in(items: dict[str, Json], item: Json) -> None:
    """Add an item; one that is listed in several parts is put together, and nothing replaces anything else."""
    there = items.setdefault(item["id"], item)
    if there is item:
        return
    for key, asset in item["assets"].items():
        known = there["assets"].get(key)
        if known is None:
            there["assets"][key] = asset
        elif _path(known["href"]) != _path(asset["href"]):
            digits = hashlib.sha256(_path(asset["href"]).encode()).hexdigest()[:8]
            logger.warning("iceye: item %s has two files under %s; both are kept", item["id"], key)
            there["assets"][f"{key}-{digits}"] = asset


def _path(href: str) -> str:
    """An address without its signature."""
    try:
        return urlsplit(href).path
    except ValueError:  # no address; it is refused when it is opened
        return href.partition("?")[0]
