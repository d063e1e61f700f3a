"""The STAC files of an order's folder, each there whole or not at all.

For pystac the folder is ``/``: where it lies stands in no link, so the links hold in a folder of any name. (Libraries
take an archive's path for an address, in which ``#`` and ``?`` mean something.) The network is never asked.

Catalog and collections are pystac's. An item stays the JSON that was made of what the provider wrote: pystac would cut
its times to microseconds, and know extensions better than who uses them. What is read leniently stays lenient: of a
catalog that was damaged, what can be read is not lost to the one that is written next.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pystac
from pystac.utils import HREF

from tasking.delivery.file_names import COLLECTIONS
from tasking.delivery.stac.item import ORDER_EXTENSION
from tasking.delivery.storage import atomic_write, is_inside, make_folder, read_plain, translate_os_errors

Json = dict[str, Any]
CATALOG = "/catalog.json"


class FolderIO(pystac.StacIO):
    """How pystac reads and writes in one folder: plain files only, never through a link, and nothing outside of it.

    Args:
        home: The folder; ``/catalog.json`` is the catalog in it.

    Example:
        ```python
        catalog = pystac.Catalog.from_file("/catalog.json", stac_io=FolderIO(folder))
        ```
    """

    def __init__(self, home: Path) -> None:
        super().__init__()
        self.home = home

    def path(self, href: HREF) -> Path:
        """The file of an address; raises `OSError` when it leads out of the folder."""
        path = self.home / os.fspath(href).lstrip("/")
        if not is_inside(self.home, path.parent):  # a link in its own place is refused when it is opened
            raise OSError(errno.EXDEV, "it leads out of the folder, perhaps by a link", str(path))
        return path

    def read_text(self, source: HREF, *_args: Any, **_more: Any) -> str:
        """The text of a file.

        Raises:
            OSError: There is none, it is no plain file, or the disk does not hand it out.
            ValueError: It is no text.
        """
        path = self.path(source)
        if (found := read_plain(path)) is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        return found.decode()

    def write_text(self, dest: HREF, txt: str, *_args: Any, **_more: Any) -> None:
        """Write a file at once; raises `DeliveryFailed` when the disk does not take it."""
        path = self.path(dest)
        make_folder(path.parent)
        atomic_write(path, txt)

    def json_loads(self, txt: str, *_args: Any, **_more: Any) -> Json:
        """A JSON object; raises `ValueError` when it is none, and `RecursionError` when it is too deep."""
        found = json.loads(txt)
        if not isinstance(found, dict):
            raise ValueError("it is not a JSON object")
        return found

    def json_dumps(self, json_dict: Json, *_args: Any, **_more: Any) -> str:
        """Strict JSON in UTF-8."""
        return json.dumps(json_dict, indent=2, ensure_ascii=False, allow_nan=False)

    def read_if_whole(self, href: str) -> Json | None:
        """A JSON object; ``None`` when there is none, or it is damaged; raises `DeliveryFailed` for a disk's error."""
        with translate_os_errors(self.home / href.lstrip("/")):
            try:
                return self.read_json(href)
            except (FileNotFoundError, ValueError, RecursionError):
                return None


def read_item(place: Path) -> Json | None:
    """The item in a folder, or ``None`` when there is none, or one that was damaged.

    Raises:
        DeliveryFailed: The disk does not hand it out: whether there is one is not known.
    """
    item = FolderIO(place).read_if_whole(f"{place.name}.json")
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
    if (catalog := FolderIO(home).read_if_whole(CATALOG)) is None:
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
    FolderIO(home).save_json(f"/{name}/{name}.json", item)
    return item


def write_catalog(home: Path, reference: str, title: str, description: str, items: Mapping[str, Json]) -> None:
    """Write the collections, then ``catalog.json`` with one relative link for each of them and each item."""
    collections = _write_collections(home, reference, items.values())
    catalog = pystac.Catalog(reference, description or title or reference, title or None)
    catalog.clear_links()
    catalog.add_link(_link("root", "./catalog.json", title or reference))
    for file, id in collections.items():
        catalog.add_link(_link("child", f"./{COLLECTIONS}/{file}", id))
    for name, item in items.items():
        catalog.add_link(_link("item", f"./{name}/{name}.json", item["id"]))
    FolderIO(home).save_json(CATALOG, _json(catalog))


def _write_collections(home: Path, reference: str, items: Iterable[Json]) -> dict[str, str]:
    """Write the collections that items are in; their ids by file name."""
    held: dict[str, list[Json]] = {}
    ids: dict[str, str] = {}
    for item in items:
        if (found := collection_of(item)) is not None:
            ids.setdefault(*found)
            held.setdefault(found[0], []).append(item)
    folder = FolderIO(home)
    for file, members in held.items():
        href, made = f"/{COLLECTIONS}/{file}", _json(_collection(reference, ids[file], members))
        if folder.read_if_whole(href) != made:
            folder.save_json(href, made)
    return ids


def _collection(reference: str, id: str, items: list[Json]) -> pystac.Collection:
    orders, states, licenses = (
        {item["properties"].get(key, other) for item in items}
        for key, other in (("order:id", None), ("order:status", "shipping"), ("license", "other"))
    )
    collection = pystac.Collection(
        id,
        f"What is home of the order {reference} from the provider's collection {id}",
        pystac.Extent(pystac.SpatialExtent([_whole_box(items)]), pystac.TemporalExtent([_whole_time(items)])),
        license=licenses.pop() if len(licenses) == 1 else "other",
        stac_extensions=[ORDER_EXTENSION],
        extra_fields={
            "order:status": states.pop() if len(states) == 1 else "shipping",
            **({"order:id": orders.pop()} if len(orders) == 1 and None not in orders else {}),
        },
    )
    collection.clear_links()
    collection.add_links([_link("root", f"..{CATALOG}"), _link("parent", f"..{CATALOG}")])
    theirs = (link["href"] for item in items for link in item["links"] if link.get("rel") == "via" and link.get("href"))
    if (via := next(theirs, None)) is not None:
        collection.add_link(pystac.Link("via", via))
    return collection


def _whole_box(items: list[Json]) -> list[float]:
    boxes = [item["bbox"] for item in items if isinstance(item.get("bbox"), list)]
    flat = [(box[0], box[1], box[len(box) // 2], box[len(box) // 2 + 1]) for box in boxes if len(box) in (4, 6)]
    if not flat or any(west > east for west, _, east, _ in flat):
        return [-180, -90, 180, 90]
    wests, souths, easts, norths = zip(*flat, strict=True)
    return [min(wests), min(souths), max(easts), max(norths)]


def _whole_time(items: list[Json]) -> list[datetime | None]:
    told = [
        item["properties"][key]
        for item in items
        for key in ("datetime", "start_datetime", "end_datetime")
        if isinstance(item["properties"].get(key), str)
    ]
    try:
        times = sorted(map(datetime.fromisoformat, told))
    except (ValueError, TypeError):
        times = []
    return [times[0], times[-1]] if times else [None, None]


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
    if (catalog := FolderIO(home).read_if_whole(CATALOG)) is not None:
        _write_collections(home, str(catalog.get("id")), items.values())


def _link(rel: str, href: str, title: str | None = None) -> pystac.Link:
    return pystac.Link(rel, href, pystac.MediaType.JSON, title)


def _json(made: pystac.Catalog) -> Json:
    return made.to_dict(include_self_link=False, transform_hrefs=False)
