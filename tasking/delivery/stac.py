"""Reading and writing the catalog's JSON with pystac, each file there whole or not at all."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tasking.delivery.folder import disk_trouble, write_at_once
from tasking.errors import DeliveryFailed

if TYPE_CHECKING:
    import pystac

FILE_EXTENSION = "https://stac-extensions.github.io/file/v2.1.0/schema.json"

_ANY_FILE_EXTENSION = re.compile(r"https://stac-extensions\.github\.io/file/v[\d.]+/schema\.json")
_OURS = ("self", "root", "parent", "item", "items", "child", "next", "prev", "previous")


def valid_item(item: object) -> dict[str, Any]:
    """A STAC item that can be delivered, as a copy.

    Raises:
        DeliveryFailed: It is not valid STAC, or has no assets; says what is wrong.
    """
    import pystac

    if not isinstance(item, dict):
        raise DeliveryFailed(f"the provider listed something that is no STAC item: {str(item)[:80]!r}")
    shown = str(item.get("id"))[:80]
    for field, kind, called in (
        ("id", str, "text"),
        ("properties", dict, "an object"),
        ("assets", dict, "an object"),
    ):
        if not isinstance(item.get(field), kind) or item[field] == "":
            raise DeliveryFailed(f"item {shown}: it is not a STAC item to deliver: '{field}' should be {called}")
    if not item["assets"]:
        raise DeliveryFailed(f"item {shown}: it has no assets, so there is nothing to deliver yet")
    for key, asset in item["assets"].items():
        if not isinstance(asset, dict):
            raise DeliveryFailed(f"item {shown}: it is not a STAC item to deliver: asset {key!r} should be an object")
        if not isinstance(asset.get("href"), str):
            raise DeliveryFailed(f"item {shown}: it is not a STAC item to deliver: asset {key!r} has no address (href)")
    if not isinstance(item.get("links", []), list) or not all(isinstance(link, dict) for link in item.get("links", [])):
        raise DeliveryFailed(f"item {shown}: it is not a STAC item to deliver: 'links' should be a list of objects")
    extensions = item.get("stac_extensions") or []
    if not isinstance(extensions, list) or not all(isinstance(each, str) for each in extensions):
        raise DeliveryFailed(
            f"item {shown}: it is not a STAC item to deliver: 'stac_extensions' should be a list of texts"
        )
    try:
        pystac.Item.from_dict({**item, "links": []}, migrate=False)
    except Exception as error:  # pystac lets through whatever its parsing meets
        raise DeliveryFailed(f"item {shown}: it is not a STAC item ({type(error).__name__}: {error})") from error
    return copy.deepcopy(item)


def sorted_out_links(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The item's links that mean something at home: not its place in the provider's catalog, and no signed queries."""
    kept = []
    for link in item.get("links", []):
        if not isinstance(link.get("rel"), str) or not isinstance(link.get("href"), str):
            continue
        try:
            url = urlsplit(link["href"])
        except ValueError:
            continue
        if link["rel"] == "collection" and url.scheme in ("http", "https"):
            kept.append({**link, "href": url._replace(query="", fragment="").geturl()})
        elif link["rel"] not in _OURS and url.scheme in ("http", "https") and not url.query and "@" not in url.netloc:
            kept.append(link)
    return kept


def read_item(place: Path) -> pystac.Item | None:
    """The item in a folder, or ``None`` when there is none, or one that was damaged.

    Raises:
        DeliveryFailed: The disk does not hand it out: whether there is one is not known.
    """
    import pystac

    path = place / f"{place.name}.json"
    if (text := _read(path)) is None:
        return None
    try:
        return pystac.Item.from_dict(json.loads(text), href=str(path), migrate=False)
    except Exception:  # damaged is as good as absent: its files are checked or fetched again
        return None


def read_catalog(home: Path) -> dict[str, pystac.Item]:
    """The items the catalog in ``home`` links to, by folder name; those that are gone or damaged are left out.

    Raises:
        DeliveryFailed: The disk does not hand the catalog or an item out. Taken for absent, they would be lost to the
            catalog that is written next.
    """
    if (text := _read(home / "catalog.json")) is None:
        return {}
    try:
        names = [Path(link["href"]).parent.name for link in json.loads(text)["links"] if link["rel"] == "item"]
    except (ValueError, LookupError, TypeError, RecursionError):  # damaged: what it held is delivered again
        return {}
    found = {name: read_item(home / name) for name in names if name}
    return {name: item for name, item in found.items() if item is not None}


def _read(path: Path) -> bytes | None:
    """A file's bytes; ``None`` only when there is no such file."""
    with disk_trouble(path):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def write_item(home: Path, name: str, item: dict[str, Any]) -> pystac.Item:
    """Write one item into its folder, with the way back to its catalog."""
    import pystac

    extensions = [each for each in item["stac_extensions"] if not _ANY_FILE_EXTENSION.fullmatch(each)]
    path = home / name / f"{name}.json"
    made = pystac.Item.from_dict(
        {**item, "stac_extensions": [*extensions, FILE_EXTENSION]}, href=str(path), migrate=False
    )
    said = made.to_dict(include_self_link=False)
    said["properties"] = item["properties"]
    said["stac_version"] = item.get("stac_version", said["stac_version"])
    for rel in ("root", "parent"):
        said["links"].insert(0, {"rel": rel, "href": "../catalog.json", "type": "application/json"})
    write_at_once(path, json.dumps(said, indent=2, ensure_ascii=False))
    return made


def write_catalog(
    home: Path, reference: str, title: str, description: str, facts: dict[str, Any], items: Iterable[pystac.Item]
) -> None:
    """Write ``catalog.json`` with one relative link for each item."""
    import pystac

    catalog = pystac.Catalog(
        id=reference,
        title=title,
        description=description or title,
        extra_fields=facts,
        href=str(home / "catalog.json"),
        catalog_type=pystac.CatalogType.SELF_CONTAINED,
    )
    for item in items:
        catalog.add_link(pystac.Link.item(item, title=item.id))
    write_at_once(
        home / "catalog.json", json.dumps(catalog.to_dict(include_self_link=False), indent=2, ensure_ascii=False)
    )
