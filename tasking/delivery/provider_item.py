"""A provider's item, read as leniently as it was written: only what has no file at all cannot be delivered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tasking.delivery.file_names import checked_href
from tasking.delivery.redaction import redacted
from tasking.errors import DeliveryFailed, TaskingError, UnsafeAsset

_BESIDE_ROLES = {"thumbnail", "overview", "metadata", "iso-19115", "preview", "legend", "license", "documentation"}
_BESIDE_TYPES = ("text/", "application/json", "application/geo+json", "application/xml", "application/pdf")


@dataclass(frozen=True)
class ProviderAsset:
    """One file of an item.

    Attributes:
        key: Its key, without secrets.
        key_given: Its key as the provider wrote it.
        said: What the provider says of it (JSON), without secrets but for ``href``.
        hrefs: Addresses that may be followed, its own first, then its alternates.
        refused: Why no address may be followed; ``None`` when there is one.
    """

    key: str
    key_given: str
    said: dict[str, Any]
    hrefs: tuple[str, ...]
    refused: str | None

    @property
    def is_data(self) -> bool:
        """Whether it is what was ordered, and not a picture or a text beside it."""
        roles = self.said.get("roles")
        if isinstance(roles, list) and roles:
            return "data" in roles or not all(isinstance(one, str) and one in _BESIDE_ROLES for one in roles)
        kind = self.said.get("type")
        return not (isinstance(kind, str) and kind.startswith(_BESIDE_TYPES)) and self.key not in _BESIDE_ROLES


@dataclass(frozen=True)
class ProviderItem:
    """One item.

    Attributes:
        id: Its id; made from its addresses where it has none.
        collection: Id of the provider's collection, if it names one.
        given: As the provider wrote it, for asking the provider again.
        assets: Its files.
    """

    id: str
    collection: str | None
    given: dict[str, Any]
    assets: tuple[ProviderAsset, ...]

    @property
    def identity(self) -> str:
        """What makes it one of its own."""
        return f"{self.collection or ''}/{self.id}"


def listed_item(item: dict[str, Any], absolute: Callable[[str], str]) -> dict[str, Any]:
    """An item out of a provider's list, fit to be handled: with text as its id, with properties, with assets by key.

    What is odd in it otherwise stays as it is: `read_item` reads it.

    Args:
        item: As listed.
        absolute: Makes an address absolute; one that it refuses (by any of our errors) stays as it is.
    """
    assets = {key: _with_addresses(said, absolute) for key, said in _assets_of(item.get("assets"))}
    properties = item.get("properties")
    return {
        **item,
        "id": _id_of(item, assets),
        "properties": properties if isinstance(properties, dict) else {},
        "assets": assets,
    }


def _with_addresses(said: dict[str, Any], absolute: Callable[[str], str]) -> dict[str, Any]:
    made = dict(said)
    if isinstance(made.get("href"), str):
        made["href"] = _absolute(made["href"], absolute)
    others = made.get("alternate")
    if isinstance(others, dict):
        made["alternate"] = {
            key: {**one, "href": _absolute(one["href"], absolute)}
            if isinstance(one, dict) and isinstance(one.get("href"), str)
            else one
            for key, one in others.items()
        }
    return made


def _absolute(href: str, absolute: Callable[[str], str]) -> str:
    # any scheme is kept here: whether an address may be followed is decided when it is opened
    if "://" in href:
        return href
    try:
        return absolute(href)
    except TaskingError:
        return href


def read_item(item: object) -> ProviderItem:
    """Read an item from a provider.

    Raises:
        DeliveryFailed: It is none, or has no file to deliver (yet).
    """
    if not isinstance(item, dict):
        raise DeliveryFailed(f"the provider listed something that is no STAC item: {str(item)[:80]!r}")
    given = dict(_assets_of(item.get("assets")))
    name = _id_of(item, given)
    if not given:
        raise DeliveryFailed(f"item {name[:80]}: it has no assets, so there is nothing to deliver yet")
    collection = item.get("collection")
    if isinstance(collection, bool) or not isinstance(collection, str | int):
        collection = None
    made: dict[str, ProviderAsset] = {}
    for key, said in given.items():
        one = _asset(name, key, said)
        made.setdefault(one.key, one)
    return ProviderItem(
        id=name,
        collection=redacted(str(collection)) if collection not in (None, "") else None,
        given=item,
        assets=tuple(made.values()),
    )


def _assets_of(assets: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """The assets by key, also where a list stands for an object, or an address for an asset."""
    if isinstance(assets, list):
        assets = {_name_in_list(one, number): one for number, one in enumerate(assets, start=1)}
    if not isinstance(assets, dict):
        return
    for key, asset in assets.items():
        if isinstance(asset, str):
            yield str(key), {"href": asset}
        elif isinstance(asset, dict):
            yield str(key), asset


def _name_in_list(asset: object, number: int) -> str:
    for field in ("key", "name", "id", "title"):
        if isinstance(asset, dict) and isinstance(asset.get(field), str) and asset[field]:
            return f"{asset[field]}"
    return f"asset-{number}"


def _id_of(item: dict[str, Any], assets: dict[str, dict[str, Any]]) -> str:
    given = item.get("id")
    if isinstance(given, str | int | float) and not isinstance(given, bool) and str(given).strip():
        return str(redacted(str(given)))
    paths = sorted(_path(asset.get("href")) for asset in assets.values())
    return f"item-{hashlib.sha256(json.dumps(paths).encode()).hexdigest()[:12]}"


def _path(href: object) -> str:
    """An address without its signature, which is another one each time."""
    return str(href).partition("?")[0].partition("#")[0]


def _asset(item: str, key: str, said: dict[str, Any]) -> ProviderAsset:
    shown = str(redacted(key))
    about = f"item {item[:80]}, asset {shown[:80]}"
    good: list[str] = []
    refused: str | None = None
    for href in _hrefs(said):
        try:
            good.append(checked_href(href, about))
        except UnsafeAsset as error:
            refused = refused or str(error)
    if not good and refused is None:
        refused = f"{about}: it has no address (href)"
    return ProviderAsset(shown, key, said, tuple(dict.fromkeys(good)), None if good else refused)


def _hrefs(said: dict[str, Any]) -> Iterator[object]:
    """Its own address, then those of its alternates (alternate-assets extension): the same file at other places."""
    if said.get("href") is not None:
        yield said["href"]
    others = said.get("alternate")
    if isinstance(others, dict):
        others = list(others.values())
    for other in others if isinstance(others, list) else ():
        href = other.get("href") if isinstance(other, dict) else other
        if isinstance(href, str):
            yield href
